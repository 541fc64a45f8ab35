"""What each line of a sheet would do to the shop as it is: looked at first, and judged by the same rule when it is done."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.units import cost_of_gram, grams_from_mg
from printfarm.filament.colours import normal_colours
from printfarm.filament.models import Brand, Filament, Spool, StockEntry
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.service.filaments import name_of
from printfarm.filament.service.stock import in_grams
from printfarm.filament.sheets.own import OwnFields, own_fields
from printfarm.filament.sheets.saying import Refused, Said, facts_of
from printfarm.filament.sheets.telling import is_same, of_brand, of_filament, word_of, words_of
from printfarm.filament.sheets.turning import FACTS, deed_of, filament_for, own, same
from printfarm.filament.spoolman.showing import NO_COLOUR

WORDS = {
    "location": "place",
    "batch": "batch",
    "supplier": "bought from",
    "note": "note",
    "purchased_on": "bought on",
    "expires_on": "best before",
    "opened_on": "opened on",
    "dried_on": "dried on",
    "initial_mg": "whole roll",
    "tare_mg": "empty spool",
    "low_below_mg": "low below",
    "cost_per_gram": "cost per gram",
}


@dataclass(frozen=True)
class Plan:
    """What a line does: a new roll (`filament` when that is here already), or what changes on one that is here (`filament`:
    the one that it is of after all).
    """

    what: str
    why: str = ""
    name: str = ""
    spool: Spool | None = None
    filament: Filament | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    left_mg: int | None = None
    archive: bool | None = None
    deed: str = ""  # what else is done to it
    of_filament: Mapping[str, Any] = field(default_factory=dict)  # what its filament is told
    of_brand: Mapping[str, str] = field(default_factory=dict)  # what its brand is told


@dataclass
class Known:
    """What is here of what some lines speak of; and what the lines before them have said."""

    codes: dict[str, Spool] = field(default_factory=dict)
    numbers: dict[int, Spool] = field(default_factory=dict)
    origins: dict[tuple[int, str], tuple[Spool, int | None]] = field(default_factory=dict)
    keys: dict[str, Spool] = field(default_factory=dict)
    filaments: dict[str, list[Filament]] = field(default_factory=dict)  # by what their colour is called
    own: OwnFields = field(default_factory=OwnFields)
    brands: dict[str, Brand] = field(default_factory=dict)  # by name; known only where a line speaks of one


@dataclass
class Before:
    """Of a whole sheet: which codes stood in it and where, and how often each line."""

    codes: dict[str, int] = field(default_factory=dict)
    digests: Counter[str] = field(default_factory=Counter)

    def key_of(self, said: Said) -> str:
        """By what the line is known again: the second of two that are the same is another roll."""
        self.digests[said.digest] += 1
        return f"sheet:{said.digest}:{self.digests[said.digest]}"

    def note_code(self, said: Said) -> None:
        if said.code is None:
            return
        first = self.codes.setdefault(said.code, said.line)
        if first != said.line:
            raise Refused(f"{said.code} stands in line {first} already. One roll has one line.")


def know(db: Session, lines: Sequence[tuple[Said, str]]) -> Known:
    """What is here of these lines: a fixed number of statements, however many."""
    known = Known()
    codes = {said.code for said, _ in lines if said.code}
    numbers = {said.number for said, _ in lines if said.number} | {said.origin[0] for said, _ in lines if said.origin}
    for one in db.scalars(select(Spool).where(Spool.code.in_(codes) | Spool.number.in_(numbers))):
        known.codes[one.code] = known.numbers[one.number] = one
    _know_origins(db, known, {said.origin for said, _ in lines if said.origin})
    keys = {key for _, key in lines}
    rows = select(StockEntry.cause_key, Spool).join(Spool, Spool.id == StockEntry.spool_id)
    for key, spool in db.execute(rows.where(StockEntry.cause_key.in_(keys))):
        known.keys[key or ""] = spool
    known.own = own_fields(db, (said.extra or said.filament_extra or said.brand_extra for said, _ in lines))
    if any(said.brand_extra for said, _ in lines):
        known.brands = {one.name.casefold(): one for one in db.scalars(select(Brand))}
    colours = {said.texts.get("colour", "") for said, _ in lines}
    colours |= {one.filament.colour_name for one in known.codes.values()}
    # SQLite knows of no small letters but those of English: what is written the same is the same all the same.
    called = Filament.colour_name.in_(colours) | func.lower(Filament.colour_name).in_(
        {one.casefold() for one in colours}
    )
    named = select(Filament).where(called).order_by(Filament.archived_at.is_not(None))
    for filament in db.scalars(named.order_by(Filament.created_at)):
        known.filaments.setdefault(filament.colour_name.casefold(), []).append(filament)
    return known


def _know_origins(db: Session, known: Known, origins: Iterable[tuple[int, str]]) -> None:
    numbers = {number for number, _ in origins}
    mine = select(SpoolmanOrigin, Spool).join(Spool, Spool.id == SpoolmanOrigin.subject_id)
    for origin, spool in db.execute(mine.where(SpoolmanOrigin.kind == "spool", SpoolmanOrigin.number.in_(numbers))):
        known.origins[origin.number, origin.registered] = spool, origin.facts.get("held_mg")


def judge(known: Known, said: Said, key: str) -> Plan:
    """What this line does. Raises Refused."""
    spool, then_mg = _roll_of(known, said)
    if spool is None and key in known.keys:
        spool = known.keys[key]
        return Plan("same", f"taken in before, as {spool.code}", _name(spool), spool)
    if spool is None:
        return _new(known, said)
    return _changes(known, spool, said, said.weights.get("left_then", then_mg))


def _roll_of(known: Known, said: Said) -> tuple[Spool | None, int | None]:
    """The roll that a line names, and what a Spoolman said of its weight before."""
    if said.code:
        found = known.codes.get(said.code)
        if found is not None and said.number and found.number != said.number:
            raise Refused(f"{said.code} has the number {found.number} here, not {said.number}.")
        return (found, None) if found is not None else (None, None)
    if said.origin:
        if said.origin in known.origins:
            return known.origins[said.origin]
        ours = known.numbers.get(said.origin[0])
        if ours is not None and ours.created_at.replace(microsecond=0, tzinfo=None) == _moment(said.origin[1]):
            return ours, None
    if said.number:
        if said.number not in known.numbers:
            raise Refused(f"There is no roll with the number {said.number}. Leave the cell empty for a new one.")
        return known.numbers[said.number], None
    return None, None


def _new(known: Known, said: Said) -> Plan:
    for fact in ("material", "colour"):
        if not said.texts.get(fact):
            unknown = f"There is no roll {said.code} here, and a" if said.code else "A"
            raise Refused(f"{unknown} new roll needs its {fact}.")
    if said.state == "discarded":
        raise Refused("It is discarded, so there is nothing to take in.")
    whole = said.weights.get("initial")
    if said.left_mg is None and whole is None:
        raise Refused("Nothing says how many grams are on it.")
    filament = _filament_of(known, said)
    why = "" if filament else "its filament is new as well"
    if filament is not None and filament.archived_at is not None:
        why = "its filament comes out of the archive"
    left_mg = whole if said.left_mg is None else said.left_mg
    left_mg = 0 if said.state == "on order" else left_mg
    grams = in_grams(left_mg or 0)
    facts = facts_of(said) | {"extra": known.own.changed("spool", {}, said.extra)}
    told, stays = of_filament(known.own, filament, said)
    brand, brand_stays = of_brand(known.own, known.brands, said.texts.get("brand", ""), said)
    words = "; ".join(one for one in (grams, why, stays, brand_stays) if one)
    return Plan(
        "new", words, said.name, None, filament, facts, left_mg, said.archived, of_filament=told, of_brand=brand
    )


def colour_of(said: Said) -> str:
    """What a new filament looks like: as the line says, or as its colour is called."""
    if said.colours:
        return said.colours
    try:
        return normal_colours(said.texts["colour"])
    except DomainError:
        return NO_COLOUR


def _filament_of(known: Known, said: Said) -> Filament | None:
    def fits(one: Filament) -> bool:
        return (
            all(same(own(one, fact), said.texts.get(fact, "")) for fact in FACTS)
            and (said.colours is None or one.colour_hex == said.colours)
            and (said.diameter or Decimal("1.75")) == one.diameter_mm
        )

    return next((one for one in known.filaments.get(said.texts["colour"].casefold(), ()) if fits(one)), None)


def _changes(known: Known, spool: Spool, said: Said, then_mg: int | None) -> Plan:
    filament, stays = filament_for(known.filaments, spool, said)
    told, kept = ({}, "") if filament or stays else of_filament(known.own, spool.filament, said)
    brand, brand_stays = of_brand(known.own, known.brands, (filament or spool.filament).brand, said)
    left_mg = _new_weight(spool, said.left_mg, then_mg)
    deed, state_stays = deed_of(spool, said, left_mg)
    facts, own_facts = _new_facts(spool, said), known.own.changed("spool", spool.extra, said.extra)
    archive = said.archived if said.archived is not None and said.archived != (spool.archived_at is not None) else None
    words = [f"{spool.state} → {said.state}"] if deed else []
    words += [f"left: {in_grams(spool.remaining_mg)} → {in_grams(left_mg)}"] if left_mg is not None else []
    words += [f"{name_of(spool.filament)} → {name_of(filament)}"] if filament else []
    words += [f"{WORDS[one]}: {word_of(getattr(spool, one))} → {word_of(value)}" for one, value in facts.items()]
    words += [f"{key}: {word_of(spool.extra.get(key))} → {word_of(value)}" for key, value in own_facts.items()]
    words += [f"of its filament, {one}" for one in words_of(told)]
    words += [f"of its brand, {one}" for one in words_of({"extra": brand})]
    words += [] if archive is None else ["archived" if archive else "restored"]
    why = "; ".join([*words, *(one for one in (stays, kept, brand_stays, state_stays) if one)])[:1000]
    if not words:
        return Plan("same", why, _name(spool), spool)
    if spool.state == "discarded":
        raise Refused(f"{spool.code} is discarded here. Bring it back first.")
    facts |= {"extra": {**spool.extra, **own_facts}} if own_facts else {}
    return Plan("changed", why, _name(spool), spool, filament, facts, left_mg, archive, deed, told, brand)


def _new_facts(spool: Spool, said: Said) -> dict[str, Any]:
    facts = {ours: value for ours, value in facts_of(said).items() if not is_same(getattr(spool, ours), value)}
    cost = cost_of(said, said.weights.get("initial", spool.initial_mg))
    if cost is not None and cost != spool.cost_per_gram:
        facts["cost_per_gram"] = cost
    return facts


def _new_weight(spool: Spool, left_mg: int | None, then_mg: int | None) -> int | None:
    """What is to be booked, if anything. What was not touched in the sheet is left alone; what was touched there and here has
    two truths.
    """
    if left_mg is None or left_mg in {spool.remaining_mg, then_mg}:
        return None
    if then_mg is not None and spool.remaining_mg != then_mg:
        raise Refused(
            f"{spool.code} held {in_grams(then_mg)} when the sheet was made, holds {in_grams(spool.remaining_mg)} now, and the"
            f" sheet says {in_grams(left_mg)}. Weigh it, and type it into the list."
        )
    return left_mg


def cost_of(said: Said, initial_mg: int | None) -> Decimal | None:
    """Per gram."""
    if said.cost is not None:
        return cost_of_gram(said.cost, 1)
    if said.price is None or not initial_mg:
        return None
    return cost_of_gram(said.price, grams_from_mg(initial_mg))


def _name(spool: Spool) -> str:
    one = spool.filament
    words = " ".join(part for part in (one.brand, one.material, one.finish, one.colour_name) if part)
    return f"{words}, {spool.code}"[:200]


def _moment(second: str) -> datetime:
    return datetime.fromisoformat(second.removesuffix("Z"))
