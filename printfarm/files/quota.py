"""How much a shop may keep: its own limit, else the installation's, else none."""

from dataclasses import dataclass
from uuid import UUID

from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.config import Settings
from printfarm.core.errors import DomainError
from printfarm.core.formats import file_size
from printfarm.core.locks import locked
from printfarm.core.tenancy import shop_of
from printfarm.files.models import StoredFile, Upload

GB = 1_000_000_000
# Stands in a shop's row for "no limit, whatever the setting says": nobody stores as much.
NO_LIMIT_BYTES = 2**62


@dataclass(frozen=True)
class Room:
    """What a shop keeps, with what is on its way. `limit_bytes` None: as much as the disk holds."""

    used_bytes: int
    limit_bytes: int | None

    @property
    def percent(self) -> int:
        """Of the limit, up to 100."""
        return min(100, self.used_bytes * 100 // self.limit_bytes) if self.limit_bytes else 100


class OverQuota(DomainError):
    """The shop would keep more than it may."""

    status = 413


def one_at_a_time(db: Session) -> None:
    """Hold the shop until the transaction ends: two uploads that begin together never spend the same room twice, and two
    windows that begin the same file get one upload.
    """
    db.execute(locked(select(Shop.id).where(Shop.id == shop_of(db))))


def room(db: Session) -> Room:
    """What this shop uses of what it may."""
    return Room(used_bytes(db), limit_bytes(db))


def limit_bytes(db: Session) -> int | None:
    """The limit of this shop; None where there is none."""
    own = db.scalar(select(Shop.quota_bytes).where(Shop.id == shop_of(db)))
    if own is not None:
        return None if own >= NO_LIMIT_BYTES else own
    settings: Settings = current_app.config["SETTINGS"]
    return settings.shop_quota_gb * GB or None


def used_bytes(db: Session, *, besides: UUID | None = None) -> int:
    """Stored files and what is announced or waits to be taken in, without the upload `besides`."""
    kept = db.scalar(select(func.coalesce(func.sum(StoredFile.size_bytes), 0))) or 0
    # What is half sent counts whole: it was let in because it fits.
    on_its_way = (Upload.state == "receiving") & Upload.fingerprint.is_not(None)
    not_yet_kept = Upload.state.in_(("received", "reading", "failed")) & (Upload.bytes_at == "incoming")
    expected = func.coalesce(Upload.declared_bytes, Upload.received_bytes)
    coming = select(func.coalesce(func.sum(expected), 0)).where(or_(on_its_way, not_yet_kept))
    if besides is not None:
        coming = coming.where(Upload.id != besides)
    return int(kept) + int(db.scalar(coming) or 0)


def refuse_beyond(db: Session, more_bytes: int, *, besides: UUID | None = None) -> None:
    """Raises OverQuota when this shop has no room for so much more."""
    limit = limit_bytes(db)
    if limit is None:
        return
    used = used_bytes(db, besides=besides)
    if used + more_bytes > limit:
        raise OverQuota(
            f"This shop uses {file_size(used)} of its {file_size(limit)}, and this file has {file_size(more_bytes)}."
            " Remove uploads that nobody needs, or ask the person who runs PrintFarm for more room. Nothing was stored."
        )
