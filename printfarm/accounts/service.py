"""Accounts: the first owner, signing in and out, members and invites."""

import secrets
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Membership, Shop, SignInSession, User
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.secrets import token_hash

SESSION_LENGTH = timedelta(days=30)

# argon2id, OWASP's second choice: 19 MiB, two passes; a Raspberry Pi signs somebody in within a second.
_hasher = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
_NOBODY = _hasher.hash("nobody has this password")


def needs_set_up(db: Session) -> bool:
    """Whether there is no person yet."""
    return db.scalar(select(func.count()).select_from(User)) == 0


def set_up(
    db: Session, *, email: str, name: str, password: str, shop_name: str, currency: str = "EUR", timezone: str = "UTC"
) -> Membership:
    """The first person and the first shop. Refused once somebody is there."""
    if not needs_set_up(db):
        raise DomainError("PrintFarm is already set up. Sign in, or ask its owner for an invitation.")
    user = add_user(db, email=email, name=name, password=password)
    return open_shop(db, user, name=shop_name, currency=currency, timezone=timezone)


def add_user(db: Session, *, email: str, name: str, password: str) -> User:
    """A new person. Refused when the address is known."""
    address = email.strip().lower()
    if db.scalar(select(User).where(User.email == address)) is not None:
        raise DomainError("Somebody with this e-mail address is already here. Sign in instead.")
    user = User(email=address, name=name.strip(), password_hash=_hasher.hash(password))
    db.add(user)
    db.flush()
    return user


def open_shop(db: Session, owner: User, *, name: str, currency: str = "EUR", timezone: str = "UTC") -> Membership:
    """A new shop with its owner."""
    shop = Shop(name=name.strip(), currency=currency, timezone=timezone)
    db.add(shop)
    db.flush()
    membership = Membership(shop_id=shop.id, user_id=owner.id, role="owner", user=owner, shop=shop)
    db.add(membership)
    db.flush()
    return membership


def check_password(db: Session, email: str, password: str) -> User | None:
    """The person, when the password is right. Takes as long for an unknown address."""
    user = db.scalar(select(User).where(User.email == email.strip().lower(), User.disabled_at.is_(None)))
    try:
        _hasher.verify(user.password_hash if user else _NOBODY, password)
    except VerificationError:
        return None
    return user


def start_session(db: Session, user: User, *, shop_id: UUID | None = None, address: str = "", browser: str = "") -> str:
    """Sign a person in; returns the session's token, which is not stored."""
    token = secrets.token_urlsafe(32)
    shop_id = shop_id or first_shop(db, user)
    now = utc_now()
    db.add(
        SignInSession(
            token_hash=token_hash(token),
            user_id=user.id,
            shop_id=shop_id,
            address=address[:60],
            browser=browser[:200],
            expires_at=now + SESSION_LENGTH,
        )
    )
    return token


def first_shop(db: Session, user: User) -> UUID | None:
    """The shop that a person entered first."""
    return db.scalar(
        select(Membership.shop_id).where(Membership.user_id == user.id).order_by(Membership.created_at).limit(1)
    )
