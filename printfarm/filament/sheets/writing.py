"""The inventory as a sheet for other programs, row by row."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from printfarm.core.units import grams_from_mg
from printfarm.filament.from_above import loaded_in
from printfarm.filament.models import Spool
from printfarm.filament.queries import value_of
from printfarm.filament.sheets.columns import OURS, SPOOLMAN
from printfarm.filament.sheets.own import OwnColumns
from printfarm.filament.spoolman.showing import show_spools

CENT = Decimal("0.01")
LAYOUTS = {"": tuple(OURS), "spoolman": tuple(SPOOLMAN)}


def sheet_rows(db: Session, spools: Sequence[Spool], layout: str, own: OwnColumns) -> Iterator[list[object]]:
    """Rolls as rows of a layout, in its columns; the shop's own facts behind them."""
    raw = layout == "spoolman"
    rows = _spoolmans(db, spools) if raw else _ours(db, spools)
    for one, row in zip(spools, rows, strict=True):
        yield [*row, *own.cells(one, raw=raw)]


def _ours(db: Session, spools: Sequence[Spool]) -> Iterator[list[object]]:
    loaded = loaded_in(db, [one.id for one in spools])
    for one in spools:
        filament, worth = one.filament, value_of(one)
        left = _grams(one.remaining_mg)
        yield [
            one.code,
            one.number,
            filament.brand,
            filament.material,
            filament.finish,
            filament.colour_name,
            filament.colour_hex,
            filament.diameter_mm,
            filament.article_number,
            filament.purchase_url,
            filament.number,
            one.state,
            one.state,
            left,
            left,
            _grams(one.initial_mg),
            _grams(one.tare_mg),
            _grams(one.low_below_mg),
            "" if one.cost_per_gram is None else one.cost_per_gram,
            one.location,
            one.batch,
            one.supplier,
            one.purchased_on or "",
            one.expires_on or "",
            one.opened_on or "",
            one.dried_on or "",
            one.note,
            "yes" if one.archived_at else "",
            loaded.get(one.id, ""),
            "" if worth is None else worth.quantize(CENT),
            filament.demand_count,
            _time(one.last_used_at),
            _time(one.created_at),
        ]


def _spoolmans(db: Session, spools: Sequence[Spool]) -> Iterator[list[object]]:
    for one, shown in zip(spools, show_spools(db, spools), strict=True):
        flat = _flat(shown)
        more = {"code": one.code, "remaining_weight_as_exported": flat.get("remaining_weight", "")}
        yield [{**flat, **more}.get(column, "") for column in SPOOLMAN]


def _flat(row: dict[str, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        made |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return made


def _grams(mg: int | None) -> object:
    """Grams as people write them: 250, not 250.000."""
    if mg is None:
        return ""
    said = f"{grams_from_mg(mg):f}"
    number = Decimal(said.rstrip("0").rstrip(".") if "." in said else said)
    return f"{number:f}" if mg >= 0 else number


def _time(at: Any) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")
