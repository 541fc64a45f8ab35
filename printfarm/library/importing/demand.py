"""The filament demand of an import: what its variants need, what lies there, what is missing. On screen and as CSV.

Each plate is counted once: what it takes to print everything that came in, one time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.sheets import csv_lines
from printfarm.core.units import grams_from_mg
from printfarm.filament.models import Filament
from printfarm.filament.queries import stock_by_filament
from printfarm.library.importing.filaments import Shelf
from printfarm.library.importing.looking import wants_of
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import plan_of
from printfarm.library.importing.queries import read_files
from printfarm.library.models import FilamentRequirement, Plate

# Seed 1's line: from here on it is worth keeping a roll.
MUCH_WANTED = 3
COLUMNS = (
    "Brand",
    "Material",
    "Colour",
    "Colour code",
    "Decided",
    "Variants in this import",
    "Plates in this import",
    "Grams needed",
    "Plates that do not say how much",
    "Grams in stock",
    "Grams missing",
    "Variants in the whole library",
)


@dataclass
class Demand:
    """One filament. Weights in milligrams; `filament` None: nobody has decided which it is, or it is still to be added."""

    brand: str
    material: str
    colour_name: str
    colour_hex: str
    filament: Filament | None = None
    variants: set[UUID] = field(default_factory=set)
    plates: int = 0
    needed_mg: int = 0
    silent: int = 0
    stock_mg: int = 0
    in_library: int = 0

    @property
    def missing_mg(self) -> int:
        return max(0, self.needed_mg - self.stock_mg)

    @property
    def much_wanted(self) -> bool:
        return max(len(self.variants), self.in_library) >= MUCH_WANTED


def demand_of(db: Session, found: Import) -> list[Demand]:
    """What is missing first; filaments of the shop that nothing needs come last."""
    rows = _Rows(db)
    _taken(db, found, rows)
    if found.state != "done":
        _to_come(db, found, rows)
    return rows.sorted()


def write_csv(rows: Iterable[Demand]) -> str:
    """With a byte order mark, by which spreadsheet programs know that it is UTF-8."""
    return "".join(csv_lines(COLUMNS, map(_line, rows)))


class _Rows:
    def __init__(self, db: Session) -> None:
        self.db = db
        self.rows: dict[object, Demand] = {}
        stock = stock_by_filament(db)
        for filament in db.scalars(select(Filament).where(Filament.archived_at.is_(None))):
            row = self._of_filament(filament)
            row.stock_mg, row.in_library = stock.get(filament.id, 0), filament.demand_count

    def of(self, filament_id: UUID | None, brand: str, material: str, colour_name: str, colour_hex: str) -> Demand:
        """The row of a filament of the shop, or of what files call it."""
        if filament_id is not None:
            known = self.rows.get(filament_id)
            return known or self._of_filament(self.db.get_one(Filament, filament_id))
        key = (brand.casefold(), material.casefold(), colour_name.casefold(), colour_hex.upper())
        return self.rows.setdefault(key, Demand(brand, material, colour_name, colour_hex))

    def sorted(self) -> list[Demand]:
        return sorted(
            self.rows.values(),
            key=lambda row: (
                -row.missing_mg,
                -row.needed_mg,
                -len(row.variants),
                row.material,
                row.brand,
                row.colour_name,
            ),
        )

    def _of_filament(self, filament: Filament) -> Demand:
        named = (filament.brand, filament.material, filament.colour_name, filament.colour_hex)
        return self.rows.setdefault(filament.id, Demand(*named, filament=filament))


def _taken(db: Session, found: Import, rows: _Rows) -> None:
    """What is in the library already, as it stands there now: a person may have decided since."""
    need = FilamentRequirement
    wanted = (
        select(need.filament_id, need.vendor, need.material, need.colour_hex, need.total_mg, Plate.variant_id)
        .join(Plate, Plate.id == need.plate_id)
        .join(ImportItem, ImportItem.variant_id == Plate.variant_id)
        .where(ImportItem.import_id == found.id, ImportItem.state == "done")
    )
    for filament_id, vendor, material, colour, total_mg, variant_id in db.execute(wanted).yield_per(500):
        row = rows.of(filament_id, vendor or "", material or "", "", colour or "")
        row.variants.add(variant_id)
        row.plates += 1
        row.needed_mg += total_mg or 0
        row.silent += total_mg is None


def _to_come(db: Session, found: Import, rows: _Rows) -> None:
    """What the plan would bring."""
    shelf = Shelf(db, plan_of(found.plan))
    for item in read_files(db, found.id, "ready", "working"):
        for wanted, plates in wants_of(item.found):
            decision = shelf.decide(wanted)
            filament_id = decision.filament.id if decision.filament else None
            if decision.planned is not None:
                named = decision.planned
                row = rows.of(filament_id, named.brand, named.material, named.colour_name, named.colour_hex)
            else:
                row = rows.of(filament_id, wanted.vendor, wanted.material, "", wanted.colour_hex)
            row.variants.add(item.id)
            row.plates += plates
            row.needed_mg += round((wanted.grams or 0) * 1000)
            row.silent += plates if wanted.grams is None else 0


def _line(row: Demand) -> Iterator[object]:
    yield from (row.brand, row.material, row.colour_name, row.colour_hex)
    yield "yes" if row.filament else "no"
    yield from (len(row.variants), row.plates, _grams(row.needed_mg), row.silent)
    yield from (_grams(row.stock_mg), _grams(row.missing_mg), row.in_library)


def _grams(milligrams: int) -> Decimal:
    return grams_from_mg(milligrams).quantize(Decimal("0.1"))
