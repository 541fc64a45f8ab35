"""What an import would do: each row new, changed, the same, or skipped, with a reason. Reads only."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.spoolman.reading import Found
from printfarm.filament.spoolman.rows import KINDS, Row
from printfarm.filament.spoolman.settling import settle
from printfarm.filament.spoolman.showing import show_time

NEW, CHANGED, SAME, SKIPPED = "new", "changed", "same", "skipped"
TABLES: dict[str, Any] = {"vendor": Brand, "filament": Filament, "spool": Spool}
SHOWN = {
    "used_weight": "weight",
    "initial_weight": "whole weight",
    "spool_weight": "empty spool",
    "lot_nr": "batch",
    "comment": "note",
    "color_hex": "colour",
    "settings_extruder_temp": "nozzle",
    "settings_bed_temp": "bed",
}


@dataclass(frozen=True)
class Known:
    """What the shop has of it already."""

    origins: dict[tuple[str, int, str], SpoolmanOrigin]
    ours: set[tuple[str, int, str]]
    brands: set[str]
    subjects: dict[UUID, Any]  # our rows, by id

    def of(self, kind: str, row: Row) -> SpoolmanOrigin | None:
        return self.origins.get((kind, row.id, row.second))

    def is_ours(self, kind: str, row: Row) -> bool:
        """The row is our own: a shop was read through its own API."""
        return (kind, row.id, row.second) in self.ours


def known_of(db: Session) -> Known:
    origins = {(one.kind, one.number, one.registered): one for one in db.scalars(select(SpoolmanOrigin))}
    ours = {
        (kind, number, show_time(at) or "")
        for kind, table in TABLES.items()
        for number, at in db.execute(select(table.number, table.created_at))
    }
    subjects = {row.id: row for table in TABLES.values() for row in db.scalars(select(table))} if origins else {}
    return Known(origins, ours, {name.casefold() for name in db.scalars(select(Brand.name))}, subjects)


def plan(db: Session, found: Found) -> list[dict[str, Any]]:
    """One line for each row, spools last."""
    known = known_of(db)
    lines = [_line(known, found, kind, row) for kind in KINDS for row in found.rows[kind].values()]
    return [*lines, *({"name": "", "what": SKIPPED, **one} for one in found.skipped)]


def changes(origin: SpoolmanOrigin, row: Row) -> list[str]:
    """The facts that are other there than when they were last read."""
    return [name for name, value in row.facts().items() if origin.facts.get(name) != value]


def is_gone(subject: Any) -> bool:
    """Whether our row of what was taken in before is not there any more: nothing of it is changed."""
    return subject is None or getattr(subject, "state", "") == "discarded"


def why_not(found: Found, kind: str, row: Any) -> str:
    """Why a row cannot be taken in; "" when it can."""
    if kind == "spool" and row.filament_id not in found.rows["filament"]:
        return f"its filament, number {row.filament_id}, is not in it"
    if kind == "spool" and whole_g(found, row) is None:
        return "nobody said how much is on it: neither the spool nor its filament has a weight"
    return ""


def whole_g(found: Found, row: Any) -> float | None:
    """What was on a whole roll."""
    filament: Any = found.rows["filament"].get(row.filament_id)
    if row.initial_weight is not None:
        return float(row.initial_weight)
    return float(filament.weight) if filament is not None and filament.weight is not None else None


def held_g(found: Found, row: Any) -> float:
    """What is left of it."""
    return max(0.0, (whole_g(found, row) or 0.0) - float(row.used_weight))


def counted(lines: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many of each kind are what."""
    counts = {kind: dict.fromkeys((NEW, CHANGED, SAME, SKIPPED), 0) for kind in KINDS}
    for one in lines:
        counts[one["kind"]][one["what"]] += 1
    return counts


def _line(known: Known, found: Found, kind: str, row: Row) -> dict[str, Any]:
    line = {"kind": kind, "number": row.id, "name": _name(found, kind, row), "what": NEW, "why": ""}
    origin = known.of(kind, row)
    refusal = why_not(found, kind, row)
    if refusal:
        return {**line, "what": SKIPPED, "why": refusal}
    if known.is_ours(kind, row) and origin is None:
        return {**line, "what": SAME, "why": "it is this shop's own"}
    if origin is not None:
        changed = changes(origin, row)
        if changed and is_gone(known.subjects.get(origin.subject_id)):
            return {**line, "what": SKIPPED, "why": "it was taken in before, and is discarded or removed here"}
        return {
            **line,
            "what": CHANGED if changed else SAME,
            "why": _what_changes(known, found, kind, row, origin, changed),
        }
    if kind == "vendor" and getattr(row, "name", "").casefold() in known.brands:
        return {**line, "why": "joins the brand of this name"}
    return line


def _what_changes(  # a row and what is known of it
    known: Known, found: Found, kind: str, row: Row, origin: SpoolmanOrigin, changed: list[str]
) -> str:
    """What is taken over, and what stays because the shop has changed it since."""
    subject = known.subjects.get(origin.subject_id) if changed else None
    if subject is None:
        return ", ".join(SHOWN.get(one, one) for one in changed)
    settled = settle(kind, found, row, origin.facts, subject)
    taken = [*settled.taken, *(["weight"] if "used_weight" in changed else [])]
    stays = f"stays as you have it: {', '.join(settled.kept)}" if settled.kept else ""
    return "; ".join(one for one in (", ".join(dict.fromkeys(taken)), stays) if one)


def _name(found: Found, kind: str, row: Any) -> str:
    if kind == "vendor":
        return str(row.name)
    if kind == "filament":
        vendor: Any = found.rows["vendor"].get(row.vendor_id or 0)
        return " ".join(part for part in (vendor.name if vendor else "", row.material, row.name) if part)
    filament = found.rows["filament"].get(row.filament_id)
    name = _name(found, "filament", filament) if filament is not None else ""
    return f"{name}, {held_g(found, row):.0f} g"


def subject_of(db: Session, kind: str, subject_id: UUID) -> Any:
    """Our row that an origin leads to, or None when it is gone."""
    return db.get(TABLES[kind], subject_id)
