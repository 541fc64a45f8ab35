"""Buying: what the shop wishes for, ordering rolls, changing what is on order, and taking it into stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

from babel.numbers import get_currency_precision
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop, User
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import cost_of_gram, grams_from_mg
from printfarm.filament.events import ShoppingChanged, SpoolChanged
from printfarm.filament.models import Filament, Spool
from printfarm.filament.models_shopping import Purchase, ShoppingWish
from printfarm.filament.service.filaments import find_filament, lock_filament, name_of
from printfarm.filament.service.spools import MOST_AT_ONCE, SpoolFacts, order_spool, receive_ordered
from printfarm.filament.service.stock import lock_spool, refuse_impossible

MOST_TIMES = 5
NOTHING_TO_COME = "Nothing of this order is still to come: somebody has received it or taken it back."


@dataclass(frozen=True)
class OrderLine:
    """Rolls of one filament to order. `seen`: how many were on order when the person decided."""

    filament_id: UUID
    rolls: int
    seen: int
    supplier: str = ""
    price_minor: int | None = None


@dataclass(frozen=True)
class Arrival:
    """What has come of an order. `seen`: how many rolls of it were on order when the person counted."""

    rolls: int
    seen: int
    weight_mg: int | None = None  # None: as ordered
    price_minor: int | None = None
    batch: str = ""
    location: str = ""
    expires_on: date | None = None


class OrderedMeanwhile(DomainError):
    """Somebody has ordered, or received, the same since the person looked: a sentence and the new count per filament."""

    def __init__(self, sentences: Mapping[UUID, str], seen: Mapping[UUID, int]) -> None:
        super().__init__(" ".join(sentences.values()))
        self.sentences, self.seen = sentences, seen


class CountedOtherwise(DomainError):
    """Another number of rolls is still to come of an order than the person counted with; `left`: how many."""

    def __init__(self, sentence: str, left: int) -> None:
        super().__init__(sentence)
        self.left = left


def set_shopping_times(db: Session, times: int) -> None:
    """From how many thresholds on it is urgent to buy, for the whole shop."""
    if not 1 <= times <= MOST_TIMES:
        raise DomainError(f"From 1 to {MOST_TIMES} times the threshold.")
    db.get_one(Shop, shop_of(db)).shopping_times = times
    emit(db, ShoppingChanged(shop_id=shop_of(db)))


def wish_for(db: Session, filament_id: UUID, rolls: int = 1, *, user_id: UUID | None = None) -> ShoppingWish:
    """Put a filament on the list, whatever the stock says; again changes how many."""
    if not 1 <= rolls <= MOST_AT_ONCE:
        raise DomainError(f"Wish for 1 to {MOST_AT_ONCE} rolls.")
    filament = lock_filament(db, filament_id)
    if filament.archived_at is not None:
        raise DomainError("This filament is archived. Restore it before you put it on the list.")
    wish = _wish_of(db, filament_id)
    if wish is None:
        wish = ShoppingWish(filament_id=filament_id, user_id=user_id)
        db.add(wish)
    wish.rolls = rolls
    db.flush()
    emit(db, ShoppingChanged(shop_id=shop_of(db)))
    return wish


def forget_wish(db: Session, filament_id: UUID) -> Filament:
    """Take a person's wish from the list; one that is gone already is nothing."""
    filament = find_filament(db, filament_id)
    wish = _wish_of(db, filament_id)
    if wish is not None:
        db.delete(wish)
        db.flush()
        emit(db, ShoppingChanged(shop_id=shop_of(db)))
    return filament


def order_rolls(
    db: Session,
    lines: Sequence[OrderLine],
    *,
    expected_on: date | None = None,
    token: str = "",
    user_id: UUID | None = None,
) -> list[Purchase]:
    """Note what was ordered: the rolls are on their way from now on. The same token again gives what it ordered before.

    Raises OrderedMeanwhile when more, or less, of a filament is on order than the person saw.
    """
    filaments = {
        one.filament_id: lock_filament(db, one.filament_id) for one in sorted(lines, key=attrgetter("filament_id"))
    }
    if token and (made := list(db.scalars(select(Purchase).where(Purchase.token == token).order_by(Purchase.id)))):
        if {(one.filament_id, one.rolls) for one in made} != {(one.filament_id, one.rolls) for one in lines}:
            raise DomainError("This form has been sent already, and said something else. Begin again from the list.")
        return made
    _refuse_meanwhile(db, lines, filaments)
    return [_order(db, line, expected_on, token, user_id) for line in lines]


def expect_on(db: Session, purchase_id: UUID, day: date | None) -> Purchase:
    """When the rest of an order should come; None: nobody knows."""
    purchase = find_purchase(db, purchase_id)
    for spool in _open_rolls(db, purchase):
        spool.expected_on = day
        emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return purchase


def take_back_order(db: Session, purchase_id: UUID) -> list[Spool]:
    """What has not come of an order never will: its rolls are put away, and the wish for them is open again. What has come
    stays, and is what was wished for first.
    """
    purchase = find_purchase(db, purchase_id)
    rolls = _open_rolls(db, purchase)
    come = purchase.rolls - len(rolls)
    if purchase.wished > come:
        _wish_again(db, purchase, min(len(rolls), purchase.wished - come))
    for spool in rolls:
        spool.archived_at = utc_now()
        emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return rolls


def receive_purchase(db: Session, purchase_id: UUID, arrival: Arrival, *, user_id: UUID | None = None) -> list[Spool]:
    """All or some rolls of an order have come, with what is known of them by now."""
    purchase = find_purchase(db, purchase_id)
    rolls = _open_rolls(db, purchase)
    if len(rolls) != arrival.seen:
        raise CountedOtherwise(_counted_again(db, purchase, len(rolls)), len(rolls))
    if not 1 <= arrival.rolls <= len(rolls):
        left = "Only one is" if len(rolls) == 1 else f"Only {len(rolls)} are"
        sentence = f"{left} still to come. Receive what came beyond that on the page of its filament."
        raise CountedOtherwise(sentence, len(rolls))
    if arrival.weight_mg is not None:
        if arrival.weight_mg <= 0:
            raise DomainError("Say how many grams are on each roll: more than zero.")
        refuse_impossible(arrival.weight_mg)
    come = rolls[: arrival.rolls]
    for spool in come:
        _note_arrival(db, spool, arrival)
        receive_ordered(db, spool.id, user_id=user_id)
    return come


def receive_purchases(db: Session, purchase_ids: Sequence[UUID], *, user_id: UUID | None = None) -> list[Spool]:
    """Everything that is still on order of these has come as it was ordered. What somebody has received already is left out;
    raises DomainError when that is all of it.
    """
    purchases = [find_purchase(db, one) for one in sorted(set(purchase_ids))]
    rolls = [roll for one in purchases for roll in _locked_rolls(db, one)]
    if not rolls:
        raise DomainError(NOTHING_TO_COME)
    return [receive_ordered(db, spool.id, user_id=user_id) for spool in rolls]


def find_purchase(db: Session, purchase_id: UUID) -> Purchase:
    """Raises NotFound."""
    found = db.get(Purchase, purchase_id)
    if found is None:
        raise NotFound("This order is not here.")
    return found


def open_rolls(db: Session, purchase_id: UUID) -> list[Spool]:
    """The rolls of an order that have not come yet."""
    mine = Spool.purchase_id == purchase_id, Spool.state == "on order", Spool.archived_at.is_(None)
    return list(db.scalars(select(Spool).where(*mine).order_by(Spool.id)))


def _open_rolls(db: Session, purchase: Purchase) -> list[Spool]:
    """The same, locked. Raises DomainError when there is none left."""
    rolls = _locked_rolls(db, purchase)
    if not rolls:
        raise DomainError(NOTHING_TO_COME)
    return rolls


def _locked_rolls(db: Session, purchase: Purchase) -> list[Spool]:
    locked = [lock_spool(db, spool.id) for spool in open_rolls(db, purchase.id)]
    return [one for one in locked if one.state == "on order" and one.archived_at is None]


def _order(db: Session, line: OrderLine, expected_on: date | None, token: str, user_id: UUID | None) -> Purchase:
    if not 1 <= line.rolls <= MOST_AT_ONCE:
        raise DomainError(f"Between 1 and {MOST_AT_ONCE} rolls of a filament can be ordered at once.")
    filament = find_filament(db, line.filament_id)
    purchase = Purchase(
        filament_id=filament.id,
        rolls=line.rolls,
        price_minor=line.price_minor,
        supplier=line.supplier,
        token=token or None,
        user_id=user_id,
    )
    db.add(purchase)
    db.flush()
    cost = _cost_per_gram(db, line.price_minor, filament.spool_mg)
    facts = SpoolFacts(
        low_below_mg=_usual_threshold(db, filament.id),
        cost_per_gram=filament.cost_per_gram if cost is None else cost,
        supplier=line.supplier,
        expected_on=expected_on,
    )
    for _ in range(line.rolls):
        order_spool(db, filament.id, facts=facts, purchase_id=purchase.id)
    purchase.wished = _serve_wish(db, filament.id, line.rolls)
    return purchase


def _note_arrival(db: Session, spool: Spool, arrival: Arrival) -> None:
    facts = SpoolFacts.of(spool)
    weight_mg = spool.initial_mg if arrival.weight_mg is None else arrival.weight_mg
    cost = _cost_per_gram(db, arrival.price_minor, weight_mg)
    facts = replace(
        facts,
        initial_mg=weight_mg,
        cost_per_gram=facts.cost_per_gram if cost is None else cost,
        batch=arrival.batch or facts.batch,
        location=arrival.location or facts.location,
        expires_on=arrival.expires_on or facts.expires_on,
    )
    for name in ("initial_mg", "cost_per_gram", "batch", "location", "expires_on"):
        setattr(spool, name, getattr(facts, name))


def _refuse_meanwhile(db: Session, lines: Sequence[OrderLine], filaments: Mapping[UUID, Filament]) -> None:
    """With the filaments' locks held."""
    coming = Spool.state == "on order", Spool.archived_at.is_(None), Spool.filament_id.in_(filaments)
    rows = db.execute(select(Spool.filament_id, func.count()).where(*coming).group_by(Spool.filament_id))
    now = {row[0]: int(row[1]) for row in rows}
    changed = {one.filament_id: now.get(one.filament_id, 0) for one in lines if now.get(one.filament_id, 0) != one.seen}
    if changed:
        seen = {one.filament_id: one.seen for one in lines}
        said = {one: _meanwhile(db, filaments[one], count, seen[one]) for one, count in changed.items()}
        raise OrderedMeanwhile(said, changed)


def _meanwhile(db: Session, filament: Filament, now: int, seen: int) -> str:
    name = name_of(filament)
    if now < seen:
        return f"{name}: {_count(seen - now)} came or were taken back since you opened this page. Order all the same?"
    latest = select(Purchase, User.name).outerjoin(User, User.id == Purchase.user_id)
    mine = latest.where(Purchase.filament_id == filament.id).order_by(Purchase.created_at.desc(), Purchase.id.desc())
    row = db.execute(mine.limit(1)).first()
    who = (row[1] if row else None) or "Somebody"
    return f"{name}: {who} has ordered {_count(now - seen)} since you opened this page. Order more all the same?"


def _counted_again(db: Session, purchase: Purchase, left: int) -> str:
    name = name_of(find_filament(db, purchase.filament_id))
    return f"{name}: {_count(left)} of this order {'is' if left == 1 else 'are'} still to come now. Look again, then receive."


def _count(rolls: int) -> str:
    return "one roll" if rolls == 1 else f"{rolls} rolls"


def _serve_wish(db: Session, filament_id: UUID, rolls: int) -> int:
    """How many of these rolls were wished for; the wish for them is served."""
    wish = _wish_of(db, filament_id)
    if wish is None:
        return 0
    served = min(wish.rolls, rolls)
    if wish.rolls > rolls:
        wish.rolls -= rolls
    else:
        db.delete(wish)
    db.flush()
    return served


def _wish_again(db: Session, purchase: Purchase, rolls: int) -> None:
    known = _wish_of(db, purchase.filament_id)
    rolls += known.rolls if known else 0
    wish_for(db, purchase.filament_id, min(MOST_AT_ONCE, rolls), user_id=purchase.user_id)


def _wish_of(db: Session, filament_id: UUID) -> ShoppingWish | None:
    return db.scalar(select(ShoppingWish).where(ShoppingWish.filament_id == filament_id))


def _usual_threshold(db: Session, filament_id: UUID) -> int:
    """As the newest roll of it that was not on order."""
    mine = select(Spool.low_below_mg).where(Spool.filament_id == filament_id, Spool.state != "on order")
    known = db.scalar(mine.order_by(Spool.id.desc()).limit(1))
    return SpoolFacts.low_below_mg if known is None else known


def _cost_per_gram(db: Session, price_minor: int | None, weight_mg: int) -> Decimal | None:
    if price_minor is None or weight_mg <= 0:
        return None
    shop = db.get_one(Shop, shop_of(db))
    price = Decimal(price_minor).scaleb(-get_currency_precision(shop.currency))
    return cost_of_gram(price, grams_from_mg(weight_mg))
