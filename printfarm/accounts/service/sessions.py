"""Sessions: a random token in the cookie, its hash in the table."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.accounts.events import SessionRevoked
from printfarm.accounts.models import Membership, SignInSession, User
from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.events import emit
from printfarm.core.secrets import token_hash

SESSION_LENGTH = timedelta(days=30)


def start_session(db: Session, user: User, *, shop_id: UUID | None = None, address: str = "", browser: str = "") -> str:
    """Sign a person in; returns the session's token, which is not stored. Ended sessions of this person are cleared."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    db.execute(delete(SignInSession).where(SignInSession.user_id == user.id, SignInSession.expires_at <= now))
    db.add(
        SignInSession(
            token_hash=token_hash(token),
            user_id=user.id,
            shop_id=shop_id or first_shop(db, user.id),
            address=address[:60],
            browser=browser[:200],
            expires_at=now + SESSION_LENGTH,
        )
    )
    db.flush()
    return token


def first_shop(db: Session, user_id: UUID) -> UUID | None:
    """The shop that a person entered first."""
    return db.scalar(
        select(Membership.shop_id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at, Membership.id)
        .limit(1)
    )


def end_session(db: Session, user_id: UUID, session_id: UUID) -> None:
    """Sign out one session of a person; its open screens close. Raises NotFound for anybody else's."""
    known = db.get(SignInSession, session_id)
    if known is None or known.user_id != user_id:
        raise NotFound("This session has already ended.")
    _end(db, known)


def end_other_sessions(db: Session, user_id: UUID, *, but: UUID | None) -> int:
    """Sign a person out everywhere, except in one session; returns how many ended."""
    others = list(db.scalars(select(SignInSession).where(SignInSession.user_id == user_id, SignInSession.id != but)))
    for known in others:
        _end(db, known)
    return len(others)


def end_sessions_in(db: Session, user_id: UUID, shop_id: UUID) -> None:
    """Take a person's sessions out of a shop; they stay signed in, in their first other shop if there is one."""
    elsewhere = first_shop(db, user_id)
    for known in db.scalars(
        select(SignInSession).where(SignInSession.user_id == user_id, SignInSession.shop_id == shop_id)
    ):
        known.shop_id = elsewhere if elsewhere != shop_id else None
        emit(db, SessionRevoked(shop_id=shop_id, session_id=known.id))
    db.flush()


def move_session(db: Session, session_id: UUID, shop_id: UUID) -> None:
    """Take a session into another shop; screens of the one before close."""
    known = db.get(SignInSession, session_id)
    if known is None:
        raise NotFound("This session has already ended.")
    if known.shop_id is not None and known.shop_id != shop_id:
        emit(db, SessionRevoked(shop_id=known.shop_id, session_id=known.id))
    known.shop_id = shop_id
    db.flush()


def _end(db: Session, known: SignInSession) -> None:
    if known.shop_id is not None:
        emit(db, SessionRevoked(shop_id=known.shop_id, session_id=known.id))
    db.delete(known)
    db.flush()
