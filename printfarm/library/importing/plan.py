"""plan.yaml: what a person wants otherwise than the folders suggest. Read by a safe loader, bounded, checked by pydantic."""

import fnmatch
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from printfarm.core.errors import DomainError
from printfarm.filament.colours import normal_colours
from printfarm.library.guesses import NAME_LENGTH, WantedFilament
from printfarm.library.service import MOST_TAGS, tags_in
from printfarm.library.service.tags import LONGEST_TAG

LARGEST_BYTES = 2_000_000
MOST, MOST_FILAMENTS = 20_000, 2000
LATER: Literal["later"] = "later"


class BadPlan(DomainError):
    """The plan cannot be followed; the sentence names the place."""

    status = 422


def _one_line(value: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


Line = Annotated[str, StringConstraints(max_length=300)]
Name = Annotated[str, StringConstraints(max_length=NAME_LENGTH)]
Path = Annotated[str, StringConstraints(max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return _one_line(value) if isinstance(value, str) else value


class ModelPlan(_Part):
    """What is known of the model that a folder becomes. `each_file`: the files in it become a model each."""

    folder: Path
    name: Name | None = None
    category: Name | None = None
    tags: list[str] | str = Field(default_factory=list, max_length=1000)
    designer: Line | None = None
    licence: Line | None = None
    source: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$", max_length=300)] | None = None
    each_file: bool | None = None
    skip: bool = False

    @field_validator("tags")
    @classmethod
    def _few(cls, value: list[str] | str) -> list[str]:
        tags = tags_in(value if isinstance(value, str) else ",".join(value))
        if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
            raise ValueError(f"at most {MOST_TAGS} tags of {LONGEST_TAG} letters")
        return tags


class FilePlan(_Part):
    """One file that goes elsewhere, or under another name."""

    file: Path
    model: Name | None = None
    variant: Name | None = None
    skip: bool = False


class PlannedFilament(_Part):
    """A filament of the shop by its names, or one that is added. Cost per gram in the shop's currency."""

    brand: Line = Field(min_length=1)
    material: Line = Field(min_length=1)
    colour_name: Line = Field(min_length=1)
    colour_hex: Line
    finish: Line = ""
    density_g_cm3: Decimal | None = Field(default=None, gt=0, le=30)
    cost_per_gram: Decimal | None = Field(default=None, ge=0, lt=1000)
    purchase_url: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$", max_length=300)] = ""

    @field_validator("colour_hex")
    @classmethod
    def _colour(cls, value: str) -> str:
        try:
            return normal_colours(value)
        except DomainError as problem:
            raise ValueError(problem.sentence) from problem


class FilamentPlan(_Part):
    """Which filament a slot means that asks for this material, colour and vendor; what is left out fits any."""

    material: Line | None = None
    colour: Line | None = None
    vendor: Line | None = None
    filament: PlannedFilament | Literal["later"] = LATER

    def fits(self, wanted: WantedFilament) -> bool:
        pairs = ((self.material, wanted.material), (self.colour, wanted.colour_hex), (self.vendor, wanted.vendor))
        return all(mine is None or mine.casefold() == _one_line(theirs).casefold() for mine, theirs in pairs)

    def is_same_wish(self, other: "FilamentPlan") -> bool:
        return (self.material, self.colour, self.vendor) == (other.material, other.colour, other.vendor)


class Plan(_Part):
    """All of it. Globs in `ignore` speak of whole paths: "old/*", "*.bak.3mf"."""

    ignore: list[Path] = Field(default_factory=list, max_length=200)
    models: list[ModelPlan] = Field(default_factory=list, max_length=MOST)
    files: list[FilePlan] = Field(default_factory=list, max_length=MOST)
    filaments: list[FilamentPlan] = Field(default_factory=list, max_length=MOST_FILAMENTS)

    def ignores(self, path: str) -> bool:
        return any(fnmatch.fnmatch(path.casefold(), pattern.casefold()) for pattern in self.ignore)

    def filament_for(self, wanted: WantedFilament) -> FilamentPlan | None:
        """What is said of such a slot; the first that fits."""
        return next((one for one in self.filaments if one.fits(wanted)), None)

    def kept(self) -> dict[str, Any]:
        """As JSON, for the row."""
        return self.model_dump(mode="json", exclude_defaults=True)


def plan_of(kept: dict[str, Any]) -> Plan:
    """The plan of a row."""
    return Plan.model_validate(kept)


class _Loader(yaml.SafeLoader):
    """Without aliases, which multiply: a plan needs none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it uses an alias (*name); write it out instead")
        return super().compose_node(parent, index)


def read_plan(content: bytes) -> Plan:
    """The plan in a YAML text. Raises BadPlan with a sentence that names the line or the field."""
    if len(content) > LARGEST_BYTES:
        raise BadPlan(f"This plan is larger than {LARGEST_BYTES // 1_000_000} MB.")
    try:
        loaded = yaml.load(content.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506  # a SafeLoader, made stricter
    except UnicodeDecodeError as problem:
        raise BadPlan("This plan is no UTF-8 text. Save it as UTF-8.") from problem
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" Look at line {mark.line + 1}." if mark else ""
        what = getattr(problem, "problem", None) or (str(problem) if not isinstance(problem, RecursionError) else "")
        raise BadPlan(f"This plan is no YAML: {_one_line(str(what))[:200]}.{where}") from problem
    return _checked({} if loaded is None else loaded)


def _checked(loaded: Any) -> Plan:
    if not isinstance(loaded, dict):
        raise BadPlan("A plan begins with the words ignore, models, files or filaments, each followed by a list.")
    try:
        return Plan.model_validate(loaded)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = " → ".join(
            str(part + 1) if isinstance(part, int) else str(part) for part in first["loc"] if part != "str"
        )
        said = first["msg"].removeprefix("Value error, ")
        raise BadPlan(f"The plan cannot be followed at {where[:200]}: {said[:300]}.") from problem
    except RecursionError as problem:
        raise BadPlan("This plan is nested too deeply.") from problem


HEAD = """\
# What the import would do. Change what should be otherwise, then run it again with --plan, or give it back in the browser.
# ignore: paths to leave out, such as "old/*". each_file: true makes a model of each file of a folder; skip: true leaves it out.
# filaments: which filament a slot means. "later" leaves it for a person to decide; or write brand, material, colour_name and
# colour_hex (and cost_per_gram, purchase_url): the shop's filament of these names, or a new one.
"""


def written(plan: Plan) -> str:
    """A plan as YAML that can be edited and read again."""
    body = yaml.safe_dump(
        _plain(plan.model_dump(mode="json", exclude_none=True)), allow_unicode=True, sort_keys=False, width=4000
    )
    return f"{HEAD}{body}"


def _plain(value: Any) -> Any:
    """Without what says nothing: empty lists, and `skip: false`."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one not in ([], False, "")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def by_folder(models: Sequence[ModelPlan]) -> dict[str, ModelPlan]:
    """By the path as layout writes it: "Dragons/Red", "" for the top."""
    return {"" if one.folder.strip("./\\ ") == "" else one.folder.replace("\\", "/").strip("/"): one for one in models}
