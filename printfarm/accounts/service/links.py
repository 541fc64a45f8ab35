"""Links that let somebody in once: an invitation into a shop, a one-time sign-in, a new password.

The link carries a random token; the table holds its hash, so that nobody who reads the database can use it.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from printfarm.accounts.events import MembersChanged
from printfarm.accounts.models import Credential, Membership, Shop, User
from printfarm.accounts.service.members import add_member, check_may_invite
from printfarm.accounts.service.people import address_of, set_password
from printfarm.accounts.service.sessions import end_other_sessions
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.secrets import token_hash

INVITE, SIGN_IN, RESET = "invite", "sign-in", "reset"
INVITE_LENGTH = timedelta(days=7)
SIGN_IN_LENGTH = timedelta(hours=24)
RESET_LENGTH = timedelta(hours=1)


class LinkSpent(NotFound):
    """The link was used, withdrawn, has run out, or never was."""

    def __init__(self) -> None:
        super().__init__("This link was used already, was withdrawn, or has run out. Ask for a new one.")


class JoinedAlready(DomainError):
    """The person is a member of the shop that the invitation is for."""


def invite(db: Session, shop_id: UUID, role: str, *, by_role: str, note: str = "") -> str:
    """Make an invitation into a shop; returns its token, which is shown once."""
    check_may_invite(by_role, role)
    token = _make(db, INVITE, INVITE_LENGTH, shop_id=shop_id, role=role, note=note.strip()[:120])
    emit(db, MembersChanged(shop_id=shop_id))
    return token


def revoke_invite(db: Session, shop_id: UUID, invite_id: UUID) -> None:
    """Withdraw an invitation of this shop. Raises NotFound for another shop's."""
    gone = db.execute(
        delete(Credential).where(Credential.id == invite_id, Credential.shop_id == shop_id, Credential.kind == INVITE)
    )
    if gone.rowcount == 0:  # type: ignore[attr-defined]  # a DELETE answers with a CursorResult
        raise NotFound("This invitation is gone already: it was used, or withdrawn.")
    emit(db, MembersChanged(shop_id=shop_id))


def accept_invite(db: Session, token: str, user: User) -> Membership:
    """Enter the shop that an invitation is for, once. Raises LinkSpent or JoinedAlready."""
    found = find_link(db, token, INVITE)
    shop = db.get_one(Shop, found.shop_id)
    known = db.scalar(select(Membership).where(Membership.user_id == user.id, Membership.shop_id == shop.id))
    if known is not None:
        raise JoinedAlready(f"You are already in {shop.name}, as {known.role}. The link still works for somebody else.")
    _spend(db, found)
    assert found.role is not None
    return add_member(db, user, shop, found.role)


def make_sign_in_link(db: Session, user_id: UUID) -> str:
    """A token that signs this person in once, within a day (`printfarm demo` prints it)."""
    return _make(db, SIGN_IN, SIGN_IN_LENGTH, user_id=user_id)


def reset_password(db: Session, email: str) -> str:
    """A token with which a person chooses a new password, within an hour. Earlier ones end. Raises NotFound."""
    user = db.scalar(select(User).where(User.email == address_of(email), User.disabled_at.is_(None)))
    if user is None:
        raise NotFound(f"There is nobody here with the e-mail address {email.strip()}.")
    db.execute(delete(Credential).where(Credential.user_id == user.id, Credential.kind == RESET))
    return _make(db, RESET, RESET_LENGTH, user_id=user.id)


def sign_in_path(token: str) -> str:
    """Where a sign-in or reset token is used; put the address of this PrintFarm before it."""
    return f"/sign-in/{token}"


def find_link(db: Session, token: str, *kinds: str) -> Credential:
    """The link of a token while it can be used. Raises LinkSpent."""
    found = db.scalar(select(Credential).where(Credential.token_hash == token_hash(token), Credential.kind.in_(kinds)))
    if found is None or found.used_at is not None or found.expires_at <= utc_now():
        raise LinkSpent
    return found


def use_sign_in_link(db: Session, token: str, *, new_password: str | None = None) -> User:
    """The person of a one-time link, which is spent by this. A reset also sets the password and ends every session."""
    found = find_link(db, token, SIGN_IN, RESET)
    user = db.get(User, found.user_id)
    if user is None or user.disabled_at is not None:
        raise LinkSpent
    _spend(db, found)
    if found.kind == RESET:
        if new_password is None:
            raise DomainError("Choose a new password.")
        set_password(db, user, new_password)
        end_other_sessions(db, user.id, but=None)
    return user


def _make(
    db: Session,
    kind: str,
    length: timedelta,
    *,
    shop_id: UUID | None = None,
    user_id: UUID | None = None,
    role: str | None = None,
    note: str = "",
) -> str:
    token = secrets.token_urlsafe(32)
    now = utc_now()
    db.execute(delete(Credential).where(Credential.expires_at <= now - INVITE_LENGTH))
    db.add(
        Credential(
            token_hash=token_hash(token),
            kind=kind,
            shop_id=shop_id,
            user_id=user_id,
            role=role,
            note=note,
            expires_at=now + length,
        )
    )
    db.flush()
    return token


def _spend(db: Session, link: Credential) -> None:
    # Conditional, so that of two who use one link at the same moment only one gets in.
    spent = db.execute(
        update(Credential).where(Credential.id == link.id, Credential.used_at.is_(None)).values(used_at=utc_now())
    )
    if spent.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkSpent
