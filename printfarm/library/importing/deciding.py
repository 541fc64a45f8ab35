"""What nobody had decided when an import took its files in: one choice for all slots that ask for the same filament."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.library.demand import demand_followed
from printfarm.library.events import VariantChanged
from printfarm.library.guesses import WantedFilament
from printfarm.library.importing.filaments import want_key
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.library.service import find_model, find_variant

Key = tuple[str, str, str]


@dataclass
class Undecided:
    """Slots of variants in the library that ask for the same."""

    wanted: WantedFilament
    needs: list[tuple[UUID, FilamentRequirement]] = field(default_factory=list)  # with their variants

    @property
    def variants(self) -> set[UUID]:
        return {variant_id for variant_id, _ in self.needs}

    @property
    def mg(self) -> int:
        return sum(need.total_mg or 0 for _, need in self.needs)


def undecided(db: Session, found: Import) -> dict[Key, Undecided]:
    """What the variants of an import ask for, and nobody has decided; one statement."""
    rows = db.execute(
        select(FilamentRequirement, Plate.variant_id)
        .join(Plate, Plate.id == FilamentRequirement.plate_id)
        .join(ImportItem, ImportItem.variant_id == Plate.variant_id)
        .where(ImportItem.import_id == found.id, ImportItem.state == "done", FilamentRequirement.filament_id.is_(None))
        .order_by(ImportItem.position, Plate.number, FilamentRequirement.slot)
    )
    made: dict[Key, Undecided] = {}
    for need, variant_id in rows:
        wanted = _wanted(need)
        one = made.setdefault(want_key(wanted), Undecided(wanted))
        one.needs.append((variant_id, need))
    return made


def decide(db: Session, found: Import, chosen: Mapping[Key, UUID]) -> int:
    """Every slot that asks for a key means that filament of the shop now; returns how many variants have changed."""
    changed: dict[UUID, dict[UUID, UUID]] = {}
    for key, one in undecided(db, found).items():
        if key in chosen:
            for variant_id, need in one.needs:
                changed.setdefault(variant_id, {})[need.id] = chosen[key]
    for variant_id in sorted(changed):
        _decide_variant(db, variant_id, changed[variant_id])
    return len(changed)


def _decide_variant(db: Session, variant_id: UUID, filament_of: Mapping[UUID, UUID]) -> None:
    variant = find_variant(db, variant_id)
    model = find_model(db, variant.model_id, lock=True)
    with demand_followed(db, variant, model):
        for need in db.scalars(select(FilamentRequirement).where(FilamentRequirement.id.in_(filament_of))):
            need.filament_id = filament_of[need.id]
    emit(db, VariantChanged(shop_id=shop_of(db), variant_id=variant_id))


def _wanted(need: FilamentRequirement) -> WantedFilament:
    return WantedFilament(
        slot=need.slot,
        material=need.material or "",
        colour_hex=need.colour_hex or "",
        vendor=need.vendor or "",
        preset=need.preset or "",
        grams=None,
        density_g_cm3=None,
        cost_per_gram=None,
    )
