"""What a person decides about a variant that is in the library: its filaments, and their weight where the file is silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import grams_from_mg, mg_from_grams
from printfarm.filament.models import Filament
from printfarm.filament.service import find_filament
from printfarm.library.counted import fill_variant
from printfarm.library.demand import demand_followed
from printfarm.library.events import VariantChanged
from printfarm.library.forms import NeedForm, WeightForm, slot_prefix
from printfarm.library.models import FilamentRequirement, Plate, Variant
from printfarm.library.service import find_model, find_variant

TYPED = "person"  # in a plate's sources: where its weights were read
MOST_OFFERED = 300


@dataclass(frozen=True)
class WeightQuestion:
    """How much a slot takes on one plate; asked only where the file does not say."""

    plate: Plate
    need: FilamentRequirement
    form: WeightForm


@dataclass(frozen=True)
class NeedQuestion:
    """One slot of a variant, over all plates that use it."""

    slot: int
    needs: list[FilamentRequirement]
    form: NeedForm
    weights: list[WeightQuestion] = field(default_factory=list)

    @property
    def first(self) -> FilamentRequirement:
        return self.needs[0]


def ask(plates: Sequence[Plate], sent: MultiDict[str, str] | None = None) -> list[NeedQuestion]:
    """A question for each slot, as it was answered last, or as it is sent now. What a form does not bring stays as it is."""
    found: dict[int, NeedQuestion] = {}
    for plate in plates:
        for need in plate.requirements:
            prefix = slot_prefix(need.slot)
            if need.slot not in found:
                now = "" if need.filament_id is None else str(need.filament_id)
                given = sent if sent is not None and f"{prefix}filament" in sent else None
                found[need.slot] = NeedQuestion(need.slot, [], NeedForm(given, prefix=prefix, data={"filament": now}))
            found[need.slot].needs.append(need)
            if _is_silent(plate, need):
                prefix = f"{prefix}plate-{plate.number}-"
                grams = None if need.total_mg is None else grams_from_mg(need.total_mg)
                given = sent if sent is not None and f"{prefix}grams" in sent else None
                weight = WeightForm(given, prefix=prefix, data={"grams": grams} if given is None else {})
                found[need.slot].weights.append(WeightQuestion(plate, need, weight))
    return [found[slot] for slot in sorted(found)]


def is_valid(questions: Sequence[NeedQuestion]) -> bool:
    """Looks at all of them, so that every mistake is named at once."""
    filaments = [question.form.validate() for question in questions]
    weights = [weight.form.validate() for question in questions for weight in question.weights]
    return all(filaments) and all(weights)


def decide(db: Session, variant: Variant, questions: Sequence[NeedQuestion]) -> None:
    """Keep the answers; the parts of a weight that was typed are worked out anew. Raises NotFound for another's filament."""
    decide_filaments(db, variant.id, {question.slot: question.form.filament_id() for question in questions})
    for question in questions:
        for weight in question.weights:
            grams = weight.form.grams.data
            weight.need.total_mg = mg_from_grams(grams) if grams else None
            weight.plate.sources = {**(weight.plate.sources or {}), _name(weight.need): TYPED if grams else "unknown"}
            if grams:
                weight.plate.warnings = [one for one in weight.plate.warnings if not _asks_for(one, weight.need)]
    db.flush()
    fill_variant(db, variant)


def decide_filaments(db: Session, variant_id: UUID, chosen: Mapping[int, UUID | None]) -> None:
    """Each named slot means this filament from now on, on every plate; None: not decided after all. Raises NotFound."""
    for filament_id in {one for one in chosen.values() if one}:
        find_filament(db, filament_id)
    variant = find_variant(db, variant_id)
    model = find_model(db, variant.model_id, lock=True)
    needs = select(FilamentRequirement).join(Plate, Plate.id == FilamentRequirement.plate_id)
    with demand_followed(db, variant, model):
        for need in db.scalars(needs.where(Plate.variant_id == variant_id, FilamentRequirement.slot.in_(chosen))):
            need.filament_id = chosen[need.slot]
    emit(db, VariantChanged(shop_id=shop_of(db), variant_id=variant_id))


def offered(db: Session, questions: Sequence[NeedQuestion]) -> list[Filament]:
    """The shop's filaments to choose from, and those that were chosen before, archived or not."""
    chosen: set[UUID] = {question.first.filament_id for question in questions if question.first.filament_id}
    order = (Filament.material, Filament.brand, Filament.colour_name)
    others = select(Filament).where(Filament.archived_at.is_(None), Filament.id.not_in(chosen))
    found = [
        *db.scalars(select(Filament).where(Filament.id.in_(chosen))),
        *db.scalars(others.order_by(*order).limit(MOST_OFFERED)),
    ]
    return sorted(found, key=lambda one: (one.material, one.brand, one.colour_name))


def _is_silent(plate: Plate, need: FilamentRequirement) -> bool:
    return need.total_mg is None or (plate.sources or {}).get(_name(need)) == TYPED


def _asks_for(warning: Mapping[str, Any], need: FilamentRequirement) -> bool:
    """Whether it says that somebody has to type this weight."""
    return warning.get("code") == "grams_unknown" and f"slot {need.slot} " in str(warning.get("sentence"))


def _name(need: FilamentRequirement) -> str:
    return f"weight_of_slot_{need.slot}"
