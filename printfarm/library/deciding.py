"""Which filament each slot of a variant means, when a person says it after the file was saved, or says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import NotFound
from printfarm.core.events import emit
from printfarm.filament.models import Filament
from printfarm.filament.queries import FilamentMatch, match_filaments
from printfarm.filament.service import find_filament
from printfarm.library.demand import demand_changed
from printfarm.library.events import FilamentsDecided, VariantChanged
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.library.service import find_model, find_variant

MATCHES = 6


@dataclass(frozen=True)
class SlotOfVariant:
    """One slot over all plates of a variant: what the file wants, what it is now, and what would fit."""

    slot: int
    need: FilamentRequirement
    filament: Filament | None
    matches: list[FilamentMatch]
    total_mg: int | None


def slots_of(db: Session, variant_id: UUID) -> list[SlotOfVariant]:
    """The slots of a variant in their order."""
    needs: dict[int, list[FilamentRequirement]] = {}
    for need in _needs(db, variant_id):
        needs.setdefault(need.slot, []).append(need)
    return [_slot(db, slot, several) for slot, several in sorted(needs.items())]


def decide_filaments(db: Session, variant_id: UUID, chosen: Mapping[int, UUID | None]) -> None:
    """Each named slot means this filament from now on, on every plate; None: not decided after all."""
    variant = find_variant(db, variant_id)
    model = find_model(db, variant.model_id, lock=True)
    for filament_id in {one for one in chosen.values() if one}:
        if find_filament(db, filament_id).archived_at is not None:
            raise NotFound("This filament is archived. Restore it first, or choose another one.")
    needs = _needs(db, variant_id)
    before = [need.filament_id for need in needs if need.filament_id]
    for need in needs:
        if need.slot in chosen:
            need.filament_id = chosen[need.slot]
    db.flush()
    demand_changed(db, variant, model, before, [need.filament_id for need in needs if need.filament_id])
    emit(db, VariantChanged(shop_id=variant.shop_id, variant_id=variant_id))
    emit(db, FilamentsDecided(shop_id=variant.shop_id, variant_id=variant_id))


def _slot(db: Session, slot: int, needs: Sequence[FilamentRequirement]) -> SlotOfVariant:
    first = needs[0]
    matches = match_filaments(
        db,
        material=first.material,
        colour_hex=first.colour_hex or None,
        vendor=first.vendor,
        preset=first.preset or "",
        limit=MATCHES,
    )
    weights = [need.total_mg for need in needs]
    total = None if None in weights else sum(weight for weight in weights if weight is not None)
    return SlotOfVariant(
        slot, first, db.get(Filament, first.filament_id) if first.filament_id else None, matches, total
    )


def _needs(db: Session, variant_id: UUID) -> list[FilamentRequirement]:
    wanted = select(FilamentRequirement).join(Plate, Plate.id == FilamentRequirement.plate_id)
    order = (FilamentRequirement.slot, Plate.number)
    fresh = wanted.where(Plate.variant_id == variant_id).order_by(*order).execution_options(populate_existing=True)
    return list(db.scalars(fresh))
