"""People and their passwords."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from printfarm.accounts.models import Membership, User
from printfarm.accounts.service.members import open_shop
from printfarm.core.errors import DomainError
from printfarm.core.locks import one_at_a_time

MIN_PASSWORD, MAX_PASSWORD = 10, 200

# argon2id, OWASP's second choice: 19 MiB, two passes; a Raspberry Pi signs somebody in within a second.
_hasher = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
_NOBODY = _hasher.hash("nobody has this password")

# What people type first when ten characters are asked for. NIST SP 800-63B: compare with known-bad ones, ask for no mixture.
_OFTEN_USED = {
    "1234567890",
    "0123456789",
    "0987654321",
    "12345678910",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "qwertyuiop",
    "qwerty12345",
    "password12",
    "password123",
    "password1234",
    "passw0rd123",
    "iloveyou12",
    "letmein123",
    "administrator",
    "changeme123",
    "printfarm1",
    "printfarm123",
    "3dprinting",
    "bambulab123",
    "welcome123",
    "abcdefghij",
    "abcd123456",
    "asdfghjkl1",
}


class AddressTaken(DomainError):
    """Somebody with this e-mail address is here already."""


def needs_set_up(db: Session) -> bool:
    """Whether there is no person yet."""
    return db.scalar(select(func.count()).select_from(User)) == 0


def set_up(
    db: Session,
    *,
    email: str,
    name: str,
    password: str,
    shop_name: str,
    currency: str = "EUR",
    timezone: str = "UTC",
    locale: str = "en",
) -> Membership:
    """The first person and the first shop. Refused once somebody is there, however many ask at the same moment."""
    one_at_a_time(db, "set-up")
    if not needs_set_up(db):
        raise DomainError("PrintFarm is already set up. Sign in, or ask its owner for an invitation.")
    user = add_user(db, email=email, name=name, password=password)
    return open_shop(db, user, name=shop_name, currency=currency, timezone=timezone, locale=locale)


def add_user(db: Session, *, email: str, name: str, password: str) -> User:
    """A new person. Raises AddressTaken when the address is known."""
    taken = AddressTaken("Somebody with this e-mail address is already here. Sign in instead.")
    address = address_of(email)
    if db.scalar(select(User.id).where(User.email == address)) is not None:
        raise taken
    user = User(email=address, name=name.strip(), password_hash=_hasher.hash(_normal(password)))
    db.add(user)
    try:
        db.flush()
    except IntegrityError as problem:  # somebody else took it between the look and the write
        raise taken from problem
    return user


def address_of(email: str) -> str:
    """An e-mail address as it is stored and compared."""
    return email.strip().lower()


def weakness(password: str, *, email: str = "", name: str = "") -> str | None:
    """Why a password is refused, as a sentence; None when it is good enough."""
    normal = _normal(password)
    lowered = normal.lower()
    if len(normal) < MIN_PASSWORD:
        return f"Use at least {MIN_PASSWORD} characters. Three or four words in a row are easy to remember."
    if len(normal) > MAX_PASSWORD:
        return f"Use at most {MAX_PASSWORD} characters."
    address = address_of(email)
    if lowered in {address, address.split("@")[0], name.strip().lower()} - {""}:
        return "Use something other than your name or e-mail address."
    if lowered in _OFTEN_USED or len(set(lowered)) < 3:
        return "This password is among the first that anybody would try. Use another."
    return None


def check_password(db: Session, email: str, password: str) -> User | None:
    """The person, when the password is right. Takes as long for an unknown address."""
    user = db.scalar(select(User).where(User.email == address_of(email), User.disabled_at.is_(None)))
    try:
        _hasher.verify(user.password_hash if user else _NOBODY, _normal(password))
    except VerificationError:
        return None
    return user


def set_password(db: Session, user: User, password: str) -> None:
    """Give a person a new password; asking for the old one is the caller's business."""
    user.password_hash = _hasher.hash(_normal(password))
    db.flush()


def change_password(db: Session, user: User, *, old: str, new: str) -> bool:
    """Exchange a password; False when the old one is wrong."""
    try:
        _hasher.verify(user.password_hash, _normal(old))
    except VerificationError:
        return False
    set_password(db, user, new)
    return True


def change_name(db: Session, user: User, name: str) -> None:
    """What others call this person."""
    user.name = name.strip()
    db.flush()


def change_theme(db: Session, user: User, theme: str) -> None:
    """Light, dark, or as the device."""
    user.theme = theme
    db.flush()


def _normal(password: str) -> str:
    # The same characters typed on another keyboard may arrive composed differently (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
