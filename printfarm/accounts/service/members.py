"""Shops, and who is what in them. Memberships belong to no shop's own tables, so every statement here names the shop."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts.events import MembersChanged, ShopChanged
from printfarm.accounts.models import ROLES, Membership, Shop, User
from printfarm.accounts.service.sessions import end_sessions_in, move_session
from printfarm.core.errors import DomainError, NotAllowed, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import one_at_a_time


class LastOwner(DomainError):
    """A shop keeps at least one owner."""

    def __init__(self) -> None:
        super().__init__("This is the shop's only owner. Make somebody else owner first.")


def open_shop(
    db: Session, owner: User, *, name: str, currency: str = "EUR", timezone: str = "UTC", locale: str = "en"
) -> Membership:
    """A new shop with its owner."""
    shop = Shop(name=name.strip(), currency=currency, timezone=timezone, locale=locale)
    db.add(shop)
    db.flush()
    return add_member(db, owner, shop, "owner")


def add_member(db: Session, user: User, shop: Shop, role: str) -> Membership:
    """Let a person into a shop. The pair is unique; asking twice is an error of the caller."""
    membership = Membership(shop_id=shop.id, user_id=user.id, role=role, user=user, shop=shop)
    db.add(membership)
    db.flush()
    emit(db, MembersChanged(shop_id=shop.id))
    return membership


# Rates and counts of a shop, whose None means: not counted.
RATES = (
    "electricity_per_kwh",
    "printer_power_w",
    "machine_per_hour",
    "labour_per_hour",
    "labour_minutes_per_print",
)


def change_shop(db: Session, shop_id: UUID, **settings: str | Decimal | int | None) -> Shop:
    """Change a shop's settings: name, description, currency, timezone, locale, units, default_filament_brand, RATES."""
    shop = db.get_one(Shop, shop_id)
    for setting, value in settings.items():
        setattr(shop, setting, value if setting in RATES else str(value or "").strip())
    db.flush()
    emit(db, ShopChanged(shop_id=shop_id))
    return shop


def enter_shop(db: Session, user_id: UUID, session_id: UUID, shop_id: UUID) -> Membership:
    """Switch a session to another of the person's shops, and say as what. Raises NotFound for a shop that is not theirs."""
    found = db.scalar(select(Membership).where(Membership.user_id == user_id, Membership.shop_id == shop_id))
    if found is None:
        raise NotFound
    move_session(db, session_id, shop_id)
    return found


def member(db: Session, shop_id: UUID, membership_id: UUID) -> Membership:
    """A member of this shop. Raises NotFound for another shop's."""
    found = db.scalar(select(Membership).where(Membership.id == membership_id, Membership.shop_id == shop_id))
    if found is None:
        raise NotFound("This person is not a member of this shop, or no longer.")
    return found


def change_role(db: Session, shop_id: UUID, membership_id: UUID, role: str, *, by_role: str) -> Membership:
    """Give a member another role. Only owners make and unmake owners, and one owner always remains."""
    one_at_a_time(db, f"owners:{shop_id}")
    found = member(db, shop_id, membership_id)
    _check_may_give(by_role, found.role)
    _check_may_give(by_role, role)
    if found.role == "owner" and role != "owner":
        _keep_an_owner(db, shop_id)
    if found.role != role:
        found.role = role
        db.flush()
        emit(db, MembersChanged(shop_id=shop_id))
    return found


def remove_member(db: Session, shop_id: UUID, membership_id: UUID, *, by_role: str) -> str:
    """Take a person out of the shop; returns their name. Their sessions leave the shop at once."""
    one_at_a_time(db, f"owners:{shop_id}")
    found = member(db, shop_id, membership_id)
    _check_may_give(by_role, found.role)
    _remove(db, found)
    return found.user.name


def leave_shop(db: Session, shop_id: UUID, user_id: UUID) -> None:
    """A person leaves by themselves; the last owner cannot."""
    one_at_a_time(db, f"owners:{shop_id}")
    found = db.scalar(select(Membership).where(Membership.user_id == user_id, Membership.shop_id == shop_id))
    if found is None:
        raise NotFound
    _remove(db, found)


def check_may_invite(by_role: str, role: str) -> None:
    """Raises NotAllowed when somebody in `by_role` may not give `role`."""
    if role not in ROLES:
        raise NotFound("There is no such role.")
    _check_may_give(by_role, role)


def _remove(db: Session, found: Membership) -> None:
    if found.role == "owner":
        _keep_an_owner(db, found.shop_id)
    db.delete(found)
    db.flush()
    end_sessions_in(db, found.user_id, found.shop_id)
    emit(db, MembersChanged(shop_id=found.shop_id))


def _check_may_give(by_role: str, role: str) -> None:
    if role == "owner" and by_role != "owner":
        raise NotAllowed("Only an owner can make somebody owner, or change what an owner is.")


def has_one_owner(db: Session, shop_id: UUID) -> bool:
    """The shop's last owner keeps the role and the shop."""
    owners = db.scalar(
        select(func.count()).select_from(Membership).where(Membership.shop_id == shop_id, Membership.role == "owner")
    )
    return (owners or 0) < 2


def _keep_an_owner(db: Session, shop_id: UUID) -> None:
    if has_one_owner(db, shop_id):
        raise LastOwner
