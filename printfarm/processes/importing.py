"""`printfarm import-folder`: a folder on this machine becomes models and variants. May be stopped and run again at any time."""

import logging
import time
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm import create_app
from printfarm.accounts.models import Shop
from printfarm.config import Settings
from printfarm.core.errors import DomainError
from printfarm.core.formats import grams
from printfarm.core.work import read_only, unit_of_work
from printfarm.library.importing import demand, queries, running, service
from printfarm.library.importing.models import Import
from printfarm.library.importing.names import clean_path
from printfarm.library.importing.plan import Plan, read_plan, written
from printfarm.library.importing.sources import FolderSource, quoted
from printfarm.processes.interrupting import Interrupting, between_steps

SLICE_S, WAIT_S, TOLD_EVERY_S = 20.0, 1.0, 0.5
WORDS = {
    "ready": "import",
    "done": "done",
    "duplicate": "left out",
    "skipped": "left out",
    "failed": "unreadable",
    "listed": "to be read",
    "working": "being imported",
}
SHOWN_FILAMENTS = 15
NEEDS_NO_REDIS = ("printfarm.core.bus", "printfarm.core.background")
STOPPING = "Stopping after the file at hand. Ctrl-C again stops at once."


@dataclass(frozen=True)
class Asked:
    """What stands on the command line."""

    folder: Path
    plan: Path | None = None
    shop: str | None = None
    dry_run: bool = False
    write_plan: Path | None = None
    report: Path | None = None


def import_folder(settings: Settings, asked: Asked, out: IO[str]) -> int:
    """Returns 0, or 1 when it was stopped or failed on the way. Raises DomainError with a sentence before anything happens."""
    folder = asked.folder.expanduser().resolve()
    app = create_app(settings)
    app.config["REDIS_TRIES"] = 0  # PrintFarm may be off meanwhile; what is owed is in the database
    for name in NEEDS_NO_REDIS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with app.app_context():
        shop_id = _shop(asked.shop)
        FolderSource(folder)
        plan = read_plan(_read(asked.plan)) if asked.plan else None
        with between_steps(STOPPING) as interrupting:
            import_id = _begin(shop_id, folder, plan, "plan" if asked.dry_run else "import")
            found = _follow(shop_id, import_id, interrupting, out)
        _tell(shop_id, found, asked, out)
        return 0 if found.state in {"planned", "done"} else 1


def every_name(out: IO[str]) -> IO[str]:
    """A stream that shows every name: what the terminal cannot write becomes a question mark."""
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")
    return out


def _shop(name: str | None) -> UUID:
    with read_only(None) as db:
        shops = list(db.scalars(select(Shop).order_by(Shop.name, Shop.id)))
    fitting = [shop for shop in shops if name is None or name in {shop.name, str(shop.id)}]
    if len(fitting) == 1:
        return fitting[0].id
    if not shops:
        raise DomainError("There is no shop yet. Start PrintFarm, open its address, and name your shop first.")
    known = ", ".join(f'"{shop.name}"' for shop in shops)
    raise DomainError(f"Say with --shop which shop it is for: {known}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise DomainError(f"The plan {path} cannot be read: {problem.strerror}.") from problem


def _begin(shop_id: UUID, folder: Path, plan: Plan | None, goal: str) -> UUID:
    """The import of this folder that is not through, with the new plan if there is one; else a new import."""
    place = quoted(str(folder))
    with unit_of_work(shop_id) as db:
        known = service.unfinished_of(db, place)
        if known is None:
            name = clean_path(folder.name) or clean_path(str(folder)) or "Folder"
            made = service.begin_import(
                db, source="folder", place=place, name=name, plan=plan or Plan(), user_id=None, goal=goal, hurry=False
            )
            return made.id
        if plan is not None:
            if known.state == "running":
                service.stop(db, known.id)
            service.change_plan(db, known.id, plan, hurry=False)
        service.start(db, known.id, goal=goal, hurry=False)
        return known.id


def _follow(shop_id: UUID, import_id: UUID, interrupting: Interrupting, out: IO[str]) -> Import:
    """Work on it, or watch whoever does, until it is through or stopped. Ctrl-C stops it after the file at hand."""
    line = _Line(shop_id, import_id, out)

    def each() -> None:
        interrupting.check()
        line.tell()

    try:
        while True:
            mine = running.run_import(shop_id, import_id, for_s=SLICE_S, each=each, keep=True)
            interrupting.check()
            with read_only(shop_id) as db:
                found = service.find_import(db, import_id)
            if found.state != "running":
                line.end()
                return found
            if not mine:
                line.tell()
                time.sleep(WAIT_S)
    except KeyboardInterrupt:
        with unit_of_work(shop_id) as db:
            found = service.stop(db, import_id)
        line.end()
        return found


class _Line:
    """The line that says how far it is: written over on a terminal, now and then a new one elsewhere."""

    def __init__(self, shop_id: UUID, import_id: UUID, out: IO[str]) -> None:
        self.shop_id, self.import_id, self.out = shop_id, import_id, out
        self.over = out.isatty()
        self.every_s = TOLD_EVERY_S if self.over else 20 * TOLD_EVERY_S
        self.told_at = 0.0

    def tell(self) -> None:
        if time.monotonic() - self.told_at < self.every_s:
            return
        self.told_at = time.monotonic()
        with read_only(self.shop_id) as db:
            progress = queries.progress_of(db, service.find_import(db, self.import_id))
        doing = "Looking into" if progress.found.goal == "plan" else "Importing"
        text = f"{doing} {progress.found.name}: {progress.through} of {progress.total}"
        self.out.write(f"\r\033[K{text}" if self.over else f"{text}\n")
        self.out.flush()

    def end(self) -> None:
        if self.over and self.told_at:
            self.out.write("\r\033[K")


def _tell(shop_id: UUID, found: Import, asked: Asked, out: IO[str]) -> None:
    with read_only(shop_id) as db:
        progress = queries.progress_of(db, found)
        if asked.dry_run:
            _tell_items(db, found, out)
        else:
            _tell_items(db, found, out, only=("duplicate", "skipped", "failed"))
        rows = demand.demand_of(db, found)
        text = written(queries.written_plan(db, found)) if asked.write_plan else ""
    states = progress.states
    left = states.get("duplicate", 0) + states.get("skipped", 0)
    out.write(
        f"{states.get('done', 0)} imported, {states.get('ready', 0)} to import, {left} left out,"
        f" {states.get('failed', 0)} unreadable, {found.others} other files left alone.\n"
    )
    _tell_demand(rows, out)
    if asked.write_plan:
        _write(asked.write_plan, text)
        out.write(f"The plan stands in {asked.write_plan}. Edit it, then give it with --plan.\n")
    if asked.report:
        _write(asked.report, demand.write_csv(rows))
        out.write(f"The filament demand stands in {asked.report}.\n")
    out.write(_next_words(found))


def _tell_items(db: Session, found: Import, out: IO[str], only: tuple[str, ...] = ()) -> None:
    for item, model in queries.all_items(db, found.id):
        if only and item.state not in only:
            continue
        becomes = f" → {model.name} / {item.name}" if model is not None and item.state in {"ready", "done"} else ""
        why = f": {item.sentence}" if item.sentence else ""
        out.write(f"{WORDS[item.state]:>14}  {item.path}{becomes}{why}\n")


def _tell_demand(rows: list[demand.Demand], out: IO[str]) -> None:
    needed = [row for row in rows if row.variants]
    if not needed:
        return
    out.write("\nFilament demand, each plate printed once:\n")
    for row in needed[:SHOWN_FILAMENTS]:
        name = " ".join(
            filter(None, (row.brand, row.material, row.colour_name, "" if row.filament else row.colour_hex))
        )
        count = "1 variant" if len(row.variants) == 1 else f"{len(row.variants)} variants"
        missing = f", {grams(row.missing_mg)} missing" if row.missing_mg else ""
        decided = "" if row.filament else " (not decided)"
        out.write(f"  {name or 'Unknown filament'}{decided}: {count}, {grams(row.needed_mg)}{missing}\n")
    if len(needed) > SHOWN_FILAMENTS:
        out.write(f"  and {len(needed) - SHOWN_FILAMENTS} more; --report FILE.csv lists them all.\n")
    out.write("\n")


def _next_words(found: Import) -> str:
    words = {
        "planned": "Nothing was imported. Run the same command without --dry-run to import it.",
        "done": "Done. Running it again imports only what is new.",
        "stopped": f"Stopped. {found.error or ''} Run the same command again to go on.",
        "failed": f"{found.error or 'It failed.'} Run the same command again to go on.",
    }
    return " ".join(words.get(found.state, "It goes on in the background.").split()) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as problem:
        raise DomainError(f"{path} cannot be written: {problem.strerror}.") from problem
