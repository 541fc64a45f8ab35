"""What the screens about people and shops need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import ROLES, Credential, Membership, SignInSession
from printfarm.core.clock import utc_now
from printfarm.core.paging import Paged, paginate

_RANK = case({role: rank for rank, role in enumerate(ROLES)}, value=Membership.role)
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True)
class SessionLine:
    """A place where a person is signed in."""

    id: UUID
    where: str
    address: str
    last_seen_at: datetime
    is_this: bool


def members_of(db: Session, shop_id: UUID, page: int) -> Paged[Membership]:
    """Who belongs to a shop, owners first."""
    statement = select(Membership).where(Membership.shop_id == shop_id).order_by(_RANK, Membership.created_at)
    return paginate(db, statement, page)


def open_invites(db: Session, shop_id: UUID) -> Sequence[Credential]:
    """Invitations that somebody could still use, newest first."""
    return db.scalars(
        select(Credential)
        .where(
            Credential.shop_id == shop_id,
            Credential.kind == "invite",
            Credential.used_at.is_(None),
            Credential.expires_at > utc_now(),
        )
        .order_by(Credential.created_at.desc())
        .limit(100)
    ).all()


def tokens_of(db: Session, shop_id: UUID) -> Sequence[Credential]:
    """What programs sign in with, newest first."""
    mine = select(Credential).where(Credential.shop_id == shop_id, Credential.kind == "token")
    return db.scalars(mine.order_by(Credential.created_at.desc()).limit(100)).all()


def shops_of(db: Session, user_id: UUID) -> Sequence[Membership]:
    """The shops that a person belongs to, by name."""
    found = db.scalars(select(Membership).where(Membership.user_id == user_id)).all()
    return sorted(found, key=lambda one: one.shop.name.casefold())


def sessions_of(db: Session, user_id: UUID, this: UUID) -> list[SessionLine]:
    """Where a person is signed in: this place first, then by when it was last seen."""
    found = db.scalars(
        select(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.expires_at > utc_now())
        .order_by(SignInSession.last_seen_at.desc())
        .limit(100)
    )
    lines = [SessionLine(s.id, browser_name(s.browser), s.address, s.last_seen_at, s.id == this) for s in found]
    return sorted(lines, key=lambda line: not line.is_this)


def browser_name(agent: str) -> str:
    """A User-Agent header as people call it: "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent.split("/", maxsplit=1)[0][:40] or "Unknown browser"
