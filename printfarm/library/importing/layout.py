"""What becomes what: models from folders, variants from files, pictures beside them. Pure: no database, no file is opened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from printfarm.library import guesses
from printfarm.library.guesses import NAME_LENGTH
from printfarm.library.importing.names import ending, is_file, is_picture, model_folder, spoken
from printfarm.library.importing.plan import FilePlan, ModelPlan, Plan, by_folder
from printfarm.library.importing.sources import Entry

LONELY = "No sliced file and no mesh lies beside this picture, so it belongs to no model."
LEFT_OUT = "The plan leaves it out."


@dataclass
class Group:
    """A model that is to be."""

    key: str
    path: str  # of its folder, or of its first file
    name: str
    facts: ModelPlan
    named: bool  # by the plan, so nothing else names it
    single: bool = False  # of files of their own, not of a folder


@dataclass
class Placed:
    """A file or picture and the model that it goes into; with a sentence it goes nowhere."""

    entry: Entry
    kind: str
    group: str | None = None
    name: str = ""
    sentence: str | None = None


@dataclass
class Layout:
    """All of it. `others` counts what is neither."""

    groups: dict[str, Group] = field(default_factory=dict)
    items: list[Placed] = field(default_factory=list)
    others: int = 0


def lay_out(entries: Iterable[Entry], plan: Plan) -> Layout:
    """The models, and what goes into each, in the order of the paths."""
    made = Layout()
    worth: list[Entry] = []
    for entry in entries:
        wanted = is_file(entry.path) or is_picture(entry.path)
        if wanted and entry.path and not plan.ignores(entry.path):
            worth.append(entry)
        else:
            made.others += 1
    worth.sort(key=lambda entry: (str(PurePosixPath(entry.path).parent).casefold(), entry.path.casefold(), entry.place))
    placer = _Placer(made, plan)
    for entry in worth:
        if is_file(entry.path):
            placer.place_file(entry)
    for entry in worth:
        if not is_file(entry.path):
            placer.place_picture(entry)
    _tell_apart(list(made.groups.values()))
    return made


class _Placer:
    def __init__(self, made: Layout, plan: Plan) -> None:
        self.made = made
        self.folders = by_folder(plan.models)
        self.files = {one.file.replace("\\", "/").strip("/"): one for one in plan.files}
        self.of_name = {one.name.casefold(): one for one in plan.models if one.name}
        # Of each group the names that are taken, and with which number the search for another of that name goes on.
        self.names: dict[str, dict[str, int]] = {}
        self.singles: dict[
            tuple[str, str], str
        ] = {}  # (folder, what the file is called) → group, where each file is a model

    def place_file(self, entry: Entry) -> None:
        said = self.files.get(entry.path)
        folder = model_folder(entry.path)
        facts = self._facts(entry.path, folder)
        placed = Placed(entry, "file", sentence=entry.problem)
        self.made.items.append(placed)
        if (said and said.skip) or (facts and facts.skip):
            placed.sentence = LEFT_OUT
        if placed.sentence is None:
            placed.group = self._group_of(entry.path, folder, facts, said)
            placed.name = self._variant_name(placed.group, entry.path, said)

    def place_picture(self, entry: Entry) -> None:
        folder = model_folder(entry.path)
        facts = self._facts(entry.path, folder)
        placed = Placed(entry, "picture", sentence=entry.problem, name=PurePosixPath(entry.path).name)
        self.made.items.append(placed)
        if facts and facts.skip:
            placed.sentence = LEFT_OUT
        if placed.sentence is None:
            said = self.files.get(entry.path)
            placed.group = self._picture_group(entry.path, folder, facts, said)
            placed.sentence = None if placed.group else LEFT_OUT if said and said.skip else LONELY

    def _facts(self, path: str, folder: str) -> ModelPlan | None:
        """What the plan says of the folder in which a file lies: of that very folder, else of the model's."""
        own = str(PurePosixPath(path).parent)
        return self.folders.get("" if own == "." else own) or self.folders.get(folder)

    def _group_of(self, path: str, folder: str, facts: ModelPlan | None, said: FilePlan | None) -> str:
        facts = facts or ModelPlan(folder=folder or ".")
        if said and said.model:
            return self._named(said.model, path, facts, single=True)
        each = facts.each_file if facts.each_file is not None else not folder
        if each:
            title = guesses.model_name({}, PurePosixPath(path).name)
            key = self.singles.setdefault((folder, title.casefold()), f"file:{folder}/{title.casefold()}")
            return self._open(key, path, title, facts, single=True)
        if facts.name:
            return self._named(facts.name, folder, facts)
        name = spoken(PurePosixPath(folder).name) if folder else "Imported"
        return self._open(f"folder:{folder}", folder, name, facts)

    def _picture_group(self, path: str, folder: str, facts: ModelPlan | None, said: FilePlan | None) -> str | None:
        if said and said.skip:
            return None
        wanted = said.model if said and said.model else facts.name if facts else None
        title = guesses.model_name({}, PurePosixPath(path).stem).casefold()
        keys = (
            f"name:{wanted.casefold()}" if wanted else "",
            f"folder:{folder}",
            self.singles.get((folder, title), ""),
        )
        return next((key for key in keys if key in self.made.groups), None)

    def _named(self, name: str, path: str, facts: ModelPlan, *, single: bool = False) -> str:
        """Whatever the plan gives the same name is one model."""
        own = self.of_name.get(name.casefold())
        if own is not None:
            path, facts, single = own.folder, own, False
        return self._open(f"name:{name.casefold()}", path, name, facts, single=single)

    def _open(self, key: str, path: str, name: str, facts: ModelPlan, *, single: bool = False) -> str:
        named = key.startswith("name:")
        self.made.groups.setdefault(key, Group(key, path, name, facts, named, single))
        return key

    def _variant_name(self, group: str, path: str, said: FilePlan | None) -> str:
        """The file's name; with its ending or a number when the model has that name already."""
        taken = self.names.setdefault(group, {})
        plain = said.variant if said and said.variant else spoken(PurePosixPath(path).name)
        name, number = plain, taken.get(plain.casefold(), 2)
        if name.casefold() in taken:
            name = _with(plain, ending(path))
        while name.casefold() in taken:
            name, number = _with(plain, str(number)), number + 1
        taken[plain.casefold()] = number
        taken.setdefault(name.casefold(), 2)
        return name


def _with(name: str, more: str) -> str:
    more = f" ({more})"
    return name[: NAME_LENGTH - len(more)] + more


def _tell_apart(groups: Sequence[Group]) -> None:
    """Two folders of one name become two models, so their names say where they lie."""
    same: dict[str, list[Group]] = {}
    for group in groups:
        same.setdefault(group.name.casefold(), []).append(group)
    for twins in same.values():
        unnamed = [group for group in twins if not group.named]
        if len(twins) > 1:
            for group in unnamed:
                above = PurePosixPath(group.path).parent.name
                group.name = _with(group.name, spoken(above)) if above else group.name
