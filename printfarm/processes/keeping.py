"""`printfarm quota` and `printfarm orphans`: what shops store, for the person who runs the machine."""

from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm import create_app
from printfarm.accounts.models import Shop
from printfarm.config import Settings
from printfarm.core.errors import DomainError
from printfarm.core.formats import file_size
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import orphans as files_orphans
from printfarm.files.quota import GB, NO_LIMIT_BYTES
from printfarm.files.quota import room as room_of


def quota(settings: Settings, name: str | None, gb: str | None, out: IO[str]) -> None:
    """Print a line for each shop; with a name and a figure, set that shop's limit first. Raises DomainError."""
    with create_app(settings).app_context():
        if name is not None and gb is not None:
            limit = _limit_bytes(gb)
            with unit_of_work(None) as db:
                _shop(db, name).quota_bytes = limit
        for shop in _shops():
            with read_only(shop.id) as db:
                room = room_of(db)
            of = "no limit" if room.limit_bytes is None else f"of {file_size(room.limit_bytes)}"
            out.write(f"{shop.name}: {file_size(room.used_bytes)} used, {of}\n")


def orphans(settings: Settings, named: int, out: IO[str], *, remove: bool) -> None:
    """Print how much of each shop's storage belongs to nothing, and the first few by name; remove it if wanted."""
    with create_app(settings).app_context():
        for shop in _shops():
            for orphan in islice(files_orphans.orphans(shop.id), named):
                out.write(f"  {orphan.key}  {file_size(orphan.size_bytes)}  {orphan.changed_at:%Y-%m-%d}\n")
            found = files_orphans.look(shop.id, remove=remove)
            done = "removed" if remove else "found"
            half = f", {found.half_sent} half-sent" if found.half_sent else ""
            out.write(f"{shop.name}: {found.files} files without a row ({file_size(found.size_bytes)}){half} {done}\n")


def _shops() -> list[Shop]:
    with read_only(None) as db:
        return list(db.scalars(select(Shop).order_by(Shop.name, Shop.id)))


def _shop(db: Session, name: str) -> Shop:
    found = list(db.scalars(select(Shop).where(Shop.name == name).limit(2)))
    if len(found) != 1:
        raise DomainError(f'There is no shop "{name}".' if not found else f'Two shops are called "{name}". Rename one.')
    return found[0]


def _limit_bytes(gb: str) -> int | None:
    if gb == "default":
        return None
    if gb == "none":
        return NO_LIMIT_BYTES
    try:
        limit = int(Decimal(gb) * GB)
    except (InvalidOperation, ValueError, OverflowError):
        limit = 0
    if not 0 < limit < NO_LIMIT_BYTES:
        raise DomainError(f'"{gb}" is no limit. Write a figure in GB such as 50, or none, or default.')
    return limit
