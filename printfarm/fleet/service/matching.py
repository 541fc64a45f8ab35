"""What a printer reports of a place against the rolls that the shop has: what cannot be, and what it may be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from printfarm.filament.colours import distance
from printfarm.filament.materials import family, spellings
from printfarm.filament.models import Filament, Spool
from printfarm.filament.service import spools_of_tags
from printfarm.fleet.models import EXTERNAL_UNIT, PrinterSlot

# Printers round colours and people choose the nearest preset; farther apart than this are two colours for anybody.
OTHER_COLOUR = 160.0
# Near enough to be asked whether it is this roll.
NEAR_COLOUR = 100.0
MOST_FILAMENTS, MOST_ROLLS = 4, 5
USABLE = ("sealed", "open", "loaded")
_IS_THERE = (Spool.archived_at.is_(None), Spool.state.in_(USABLE))


@dataclass(frozen=True)
class Match:
    """What a place may hold. `chip_of`: the roll that the chip there names. `looks_like`: by material and colour, the likeliest
    first. `asks_chip`: whether the roll that a person put there has the chip that the printer reads is still to be said.
    """

    warning: str | None
    chip_of: Spool | None
    looks_like: Sequence[Spool]
    asks_chip: bool

    @property
    def guess(self) -> Spool | None:
        """The roll to ask about first."""
        return self.chip_of or next(iter(self.looks_like), None)


def match_slots(db: Session, slots: Sequence[PrinterSlot]) -> dict[UUID, Match]:
    """What is to be said and asked about places, by their ids; three statements at most."""
    chips = spools_of_tags(db, [slot.reported_tag for slot in slots])
    warnings = {slot.id: contradiction(slot, chips) for slot in slots}
    open_ = [slot for slot in slots if slot.spool is None or warnings[slot.id]]
    rolls = _rolls_like(db, [slot for slot in open_ if slot.reported_material and not slot.reported_empty])
    return {
        slot.id: Match(
            warnings[slot.id],
            _other(chips.get(slot.reported_tag or ""), slot),
            rolls.get(slot.id, ()),
            slot.spool is not None
            and slot.reported_tag is not None
            and slot.spool.tag is None
            and slot.reported_tag not in chips
            and not warnings[slot.id],
        )
        for slot in slots
    }


def contradiction(slot: PrinterSlot, chips: Mapping[str, Spool]) -> str | None:
    """A sentence when what the printer reports cannot be the roll that a person put there. `chips`: rolls by their tags."""
    spool = slot.spool
    if spool is None or slot.reported_empty is None:
        return None
    named = f"{spool.filament.material} {spool.filament.colour_name}"
    if slot.reported_empty:
        if slot.ams_unit == EXTERNAL_UNIT:
            return None  # most people never tell the printer what hangs on the holder
        return f"The printer says that {slot.label} is empty, but spool {spool.code} ({named}) is assigned to it."
    return _other_chip(slot, spool, named, chips) or _other_looks(slot, spool, named)


def _other_chip(slot: PrinterSlot, spool: Spool, named: str, chips: Mapping[str, Spool]) -> str | None:
    if slot.reported_tag is None or slot.reported_tag == spool.tag:
        return None
    owner = chips.get(slot.reported_tag)
    if owner is not None:
        return f"The chip in {slot.label} is that of spool {owner.code}, but spool {spool.code} ({named}) is assigned to it."
    if spool.tag is not None:
        return f"The chip in {slot.label} is not that of spool {spool.code} ({named}): another roll lies there."
    return None


def _other_looks(slot: PrinterSlot, spool: Spool, named: str) -> str | None:
    filament, material = spool.filament, slot.reported_material
    if material and not same_material(material, filament.material):
        return f"The printer says that {slot.label} holds {material.upper()}, but spool {spool.code} is {named}."
    if slot.reported_colour_hex and _apart(slot.reported_colour_hex, filament.colour_hex) > OTHER_COLOUR:
        return f"The printer reports another colour in {slot.label} than spool {spool.code} ({named})."
    return None


def same_material(one: str, other: str) -> bool:
    """Whether "PLA" and "PLA+" or "Silk PLA" (the same) or "PLA" and "PLA-CF" (not the same) stand here."""
    return family(one) == family(other)


def _other(owner: Spool | None, slot: PrinterSlot) -> Spool | None:
    return owner if owner is not None and owner.id != slot.spool_id and owner.archived_at is None else None


def _apart(reported: str, colours: str) -> float:
    """To the nearest of a roll's colours: a printer reports one of them."""
    return min(distance(reported, one) for one in colours.split(","))


def _rolls_like(db: Session, slots: Sequence[PrinterSlot]) -> dict[UUID, list[Spool]]:
    near = {slot.id: found for slot, found in _near(db, slots)}
    wanted = {filament_id for found in near.values() for filament_id in found}
    rolls = _rolls_of(db, wanted) if wanted else {}
    return {slot.id: _likeliest(slot, near[slot.id], rolls) for slot in slots}


def _near(db: Session, slots: Sequence[PrinterSlot]) -> Iterable[tuple[PrinterSlot, dict[UUID, float]]]:
    """For each place the filaments of its material of which there are rolls, nearest in colour, with how far they are."""
    kinds = {kind for slot in slots if (kind := family(slot.reported_material or ""))}
    if not kinds:
        return
    named = (
        func.lower(Filament.material).contains(part, autoescape=True) for kind in kinds for part in spellings(kind)
    )
    has_rolls = select(Spool.id).where(Spool.filament_id == Filament.id, *_IS_THERE).exists()
    wanted = select(Filament.id, Filament.material, Filament.colour_hex)
    known = list(db.execute(wanted.where(or_(*named), has_rolls, Filament.archived_at.is_(None))))
    for slot in slots:
        colour = slot.reported_colour_hex
        apart = {
            found.id: _apart(colour, found.colour_hex) if colour else NEAR_COLOUR
            for found in known
            if same_material(slot.reported_material or "", found.material)
        }
        nearest = sorted((far, filament_id) for filament_id, far in apart.items() if far <= NEAR_COLOUR)
        yield slot, {filament_id: far for far, filament_id in nearest[:MOST_FILAMENTS]}


def _rolls_of(db: Session, filament_ids: Iterable[UUID]) -> dict[UUID, list[tuple[Spool, bool]]]:
    """A few rolls of each filament, those that lie in no printer and are open first, and whether they lie in one."""
    lies = PrinterSlot.id.is_not(None)
    order = (lies, case((Spool.state == "open", 0), else_=1), Spool.remaining_mg, Spool.id)
    rank = func.row_number().over(partition_by=Spool.filament_id, order_by=order).label("rank")
    ranked = (
        select(Spool.id, lies.label("lies"), rank)
        .outerjoin(PrinterSlot, PrinterSlot.spool_id == Spool.id)
        .where(Spool.filament_id.in_(list(filament_ids)), *_IS_THERE)
        .subquery()
    )
    rows = select(Spool, ranked.c.lies).join(ranked, ranked.c.id == Spool.id).where(ranked.c.rank <= 3 * MOST_ROLLS)
    found: dict[UUID, list[tuple[Spool, bool]]] = {}
    for spool, is_loaded in db.execute(rows.order_by(ranked.c.rank)):
        found.setdefault(spool.filament_id, []).append((spool, bool(is_loaded)))
    return found


def _likeliest(
    slot: PrinterSlot, near: Mapping[UUID, float], rolls: Mapping[UUID, list[tuple[Spool, bool]]]
) -> list[Spool]:
    """Rolls of the nearest filaments. One that goes by another chip cannot be it, nor the one that was found not to be."""

    def rank(found: tuple[Spool, bool]) -> tuple[bool, float, int]:
        spool, is_loaded = found
        return is_loaded, near[spool.filament_id], _off_by(slot, spool)

    may_be = [
        (spool, is_loaded)
        for filament_id in near
        for spool, is_loaded in rolls.get(filament_id, ())
        if spool.id != slot.spool_id and not (slot.reported_tag and spool.tag and spool.tag != slot.reported_tag)
    ]
    return [spool for spool, _ in sorted(may_be, key=rank)[:MOST_ROLLS]]


def _off_by(slot: PrinterSlot, spool: Spool) -> int:
    """How far the printer's own guess of the remainder is from the ledger's, in milligrams."""
    if slot.reported_remain_percent is None:
        return 0
    return abs(spool.initial_mg * slot.reported_remain_percent // 100 - spool.remaining_mg)
