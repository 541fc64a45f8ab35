"""Tokens of a shop: what programs sign in with. Each has a name, may read or also change, and is shown once."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from printfarm.accounts.events import MembersChanged
from printfarm.accounts.models import Credential
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.secrets import token_hash

TOKEN = "token"  # noqa: S105  # a kind of credential
# What a token may do → the role that it acts as.
SCOPES = {"read": "viewer", "stock": "operator"}
FOREVER = timedelta(days=365 * 100)
MOST = 50
LONGEST_NAME = 80
# "Last used" is written no more often than this: reading must not take the database's one place for writers each time.
NOTED_EVERY = timedelta(minutes=5)


def make_token(db: Session, shop_id: UUID, name: str, scope: str) -> str:
    """A new token of a shop; the answer is shown once, only its hash is kept."""
    if scope not in SCOPES:
        raise DomainError("Choose what the token may do.")
    name = name.strip()[:LONGEST_NAME]
    if not name:
        raise DomainError("Give the token a name that says which program has it.")
    mine = select(func.count()).where(Credential.shop_id == shop_id, Credential.kind == TOKEN)
    if (db.scalar(mine) or 0) >= MOST:
        raise DomainError(f"A shop has at most {MOST} tokens. Revoke one that nobody uses any more.")
    token = secrets.token_urlsafe(32)
    forever = utc_now() + FOREVER
    db.add(
        Credential(
            token_hash=token_hash(token),
            kind=TOKEN,
            shop_id=shop_id,
            role=SCOPES[scope],
            note=name,
            expires_at=forever,
        )
    )
    db.flush()
    emit(db, MembersChanged(shop_id=shop_id))
    return token


def find_token(db: Session, token: str) -> Credential | None:
    """The credential of a token, in a session without a shop; None for a wrong or revoked one."""
    found: Credential | None = db.scalar(
        select(Credential).where(
            Credential.token_hash == token_hash(token), Credential.kind == TOKEN, Credential.expires_at > utc_now()
        )
    )
    return found


def is_token(db: Session, token_id: UUID) -> bool:
    """Whether a token is still good."""
    return db.scalar(select(Credential.id).where(Credential.id == token_id, Credential.kind == TOKEN)) is not None


def is_used_anew(token: Credential) -> bool:
    """Whether it is time to note that a token is used."""
    return token.used_at is None or token.used_at < utc_now() - NOTED_EVERY


def note_used(db: Session, token_id: UUID) -> None:
    """The token was used just now."""
    stale = or_(Credential.used_at.is_(None), Credential.used_at < utc_now() - NOTED_EVERY)
    db.execute(update(Credential).where(Credential.id == token_id, stale).values(used_at=utc_now()))


def revoke_token(db: Session, shop_id: UUID, token_id: UUID) -> str:
    """Take a token away; returns its name. Raises NotFound for another shop's."""
    mine = (Credential.id == token_id, Credential.shop_id == shop_id, Credential.kind == TOKEN)
    name = db.scalar(select(Credential.note).where(*mine))
    gone = db.execute(delete(Credential).where(*mine))
    if name is None or gone.rowcount == 0:  # type: ignore[attr-defined]  # a DELETE answers with a CursorResult
        raise NotFound("This token is gone already.")
    emit(db, MembersChanged(shop_id=shop_id))
    return name
