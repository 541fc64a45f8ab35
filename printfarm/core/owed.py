"""What is owed: work of any shop that must happen even if every message about it is lost.

One table that belongs to no shop, so that a sweep finds what is due without looking into any shop's tables; it then opens one
unit of work per shop.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.ids import new_id
from printfarm.core.tenancy import shop_of


class Owed(Base):
    """One piece of work: `kind` names it (`read-upload`), `subject_id` the row, and it is done when the row is gone."""

    __tablename__ = "owed"
    __table_args__ = (UniqueConstraint("kind", "subject_id"), Index(None, "due_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


def owe(db: Session, kind: str, subject_id: UUID, *, within_s: float = 0) -> None:
    """Promise a piece of work, in the transaction that makes it necessary. Promising again moves its time."""
    due = utc_now() + timedelta(seconds=within_s)
    known = db.scalar(select(Owed).where(Owed.kind == kind, Owed.subject_id == subject_id))
    if known is None:
        db.add(Owed(shop_id=shop_of(db), kind=kind, subject_id=subject_id, due_at=due))
    else:
        known.due_at, known.leased_until = due, None


def owe_at_commit(db: Session, kind: str, subject_id: UUID, *, within_s: float = 0) -> None:
    """Promise work that many changes ask for. Written as the last statement of the transaction, since everybody writes the
    same row: held any longer, it would make two changes of one shop wait for each other in a circle.
    """
    db.info.setdefault("owed", {})[kind, subject_id] = within_s


def write_promises(db: Session) -> None:
    """What owe_at_commit gathered; unit_of_work calls it right before its commit."""
    for (kind, subject_id), within_s in sorted(db.info.pop("owed", {}).items(), key=str):
        due = utc_now() + timedelta(seconds=within_s)
        insert = postgresql.insert if db.connection().dialect.name == "postgresql" else sqlite.insert
        row = {"id": new_id(), "shop_id": shop_of(db), "kind": kind, "subject_id": subject_id, "due_at": due}
        statement = insert(Owed).values(**row, attempts=0)
        again = {"due_at": due, "leased_until": None}
        db.execute(statement.on_conflict_do_update(index_elements=["kind", "subject_id"], set_=again))


def due_of(db: Session, kind: str, subject_id: UUID) -> datetime | None:
    """Until when a piece of work is promised; None when it is not. Promising again moves it (see renew)."""
    return db.scalar(select(Owed.due_at).where(Owed.kind == kind, Owed.subject_id == subject_id))


def settle(db: Session, kind: str, subject_id: UUID) -> None:
    """The work is done, or no longer wanted."""
    db.execute(delete(Owed).where(Owed.kind == kind, Owed.subject_id == subject_id))


def renew(db: Session, kind: str, subject_id: UUID, *, due_at: datetime, within_s: float) -> None:
    """The work is done for now and comes again later, unless somebody has promised it anew since `due_of` said `due_at`: so
    the row need not be held while the work is done.
    """
    later = utc_now() + timedelta(seconds=within_s)
    mine = update(Owed).where(Owed.kind == kind, Owed.subject_id == subject_id, Owed.due_at == due_at)
    db.execute(mine.values(due_at=later, leased_until=None))


def claim_due(db: Session, *, lease_s: float = 60, limit: int = 50) -> list[Owed]:
    """Lease what is due to this process; what it does not settle comes back when the lease ends."""
    now = utc_now()
    due = (
        select(Owed)
        .where(Owed.due_at <= now, or_(Owed.leased_until.is_(None), Owed.leased_until <= now))
        .order_by(Owed.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = list(db.scalars(due))
    for row in claimed:
        row.leased_until = now + timedelta(seconds=lease_s)
        row.attempts += 1
    return claimed
