"""Which filament of the shop a slot means: what the plan says, else a match that leaves no doubt, else a person decides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament import service as filament_service
from printfarm.filament.colours import normal_colour
from printfarm.filament.materials import finish_in, is_brand
from printfarm.filament.models import Filament
from printfarm.library.guesses import WantedFilament
from printfarm.library.importing.plan import Plan, PlannedFilament
from printfarm.library.intake import SlotAnswer
from printfarm.library.offering import NOBODY, new_filament, suggestion

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?")


@dataclass(frozen=True)
class Decision:
    """`how`: planned (the plan names it), certain (the shop has exactly this one), or later. A planned one without
    `filament` is still to be added; without both a person decides.
    """

    how: str
    filament: Filament | None = None
    planned: PlannedFilament | None = None


class Shelf:
    """The shop's filaments, read once; decides for any number of slots. Changes nothing."""

    def __init__(self, db: Session, plan: Plan) -> None:
        self.plan = plan
        self.filaments = list(db.scalars(select(Filament)))
        self.by_name = {_names(one): one for one in self.filaments}
        self._decided: dict[tuple[str, str, str], Decision] = {}

    def decide(self, wanted: WantedFilament) -> Decision:
        """What one slot means."""
        key = want_key(wanted)
        if key not in self._decided:
            self._decided[key] = self._decide(wanted)
        return self._decided[key]

    def _decide(self, wanted: WantedFilament) -> Decision:
        said = self.plan.filament_for(wanted)
        if said is not None and isinstance(said.filament, PlannedFilament):
            return Decision("planned", self.by_name.get(_names(said.filament)), said.filament)
        certain = self.certain_match(wanted) if said is None else None
        return Decision("certain", certain) if certain else Decision("later")

    def certain_match(self, wanted: WantedFilament) -> Filament | None:
        """The one filament of this material and very colour; of this brand too where the file names one."""
        if not wanted.material or not _COLOUR.fullmatch(wanted.colour_hex):
            return None
        vendor = wanted.vendor.strip().casefold()
        same = [one for one in self.filaments if one.archived_at is None and _looks_the_same(one, wanted)]
        if vendor not in NOBODY:
            same = [one for one in same if is_brand(one.brand, vendor)]
        if len(same) > 1:
            finish = finish_in(f"{wanted.material} {wanted.preset}")
            same = [one for one in same if finish_in(one.finish) == finish]
        return same[0] if len(same) == 1 else None


def answers(db: Session, plan: Plan, wanted: Sequence[WantedFilament]) -> list[SlotAnswer]:
    """For add_variant; filaments that the plan names and the shop lacks are added."""
    shelf = Shelf(db, plan)
    return [SlotAnswer(one.slot, _filament_id(db, shelf.decide(one), one)) for one in wanted]


def chosen_id(db: Session, planned: PlannedFilament, wanted: WantedFilament) -> UUID:
    """The shop's filament of these names, added when there is none."""
    found = _filament_id(db, Decision("planned", Shelf(db, Plan()).by_name.get(_names(planned)), planned), wanted)
    assert found is not None
    return found


def planned_of(filament: Filament) -> PlannedFilament:
    """A filament of the shop as a plan names it."""
    return PlannedFilament(
        brand=filament.brand,
        material=filament.material,
        colour_name=filament.colour_name,
        colour_hex=filament.colour_hex,
        finish=filament.finish,
    )


def suggested(wanted: WantedFilament) -> PlannedFilament | None:
    """A new filament as the file describes it; None when it says too little."""
    if not wanted.material or not _COLOUR.fullmatch(wanted.colour_hex):
        return None
    said = suggestion(wanted, ())
    if wanted.vendor.strip().casefold() in NOBODY:
        said["brand"] = "Generic"
    facts = {**said, "density_g_cm3": wanted.density_g_cm3}
    return PlannedFilament.model_validate(facts) if said["colour_name"] else None


def want_key(wanted: WantedFilament) -> tuple[str, str, str]:
    """What tells one wish from another."""
    return wanted.material.casefold(), wanted.colour_hex.upper(), wanted.vendor.casefold()


def _looks_the_same(filament: Filament, wanted: WantedFilament) -> bool:
    if filament.material.casefold() != wanted.material.strip().casefold() or "," in filament.colour_hex:
        return False
    return normal_colour(filament.colour_hex) == normal_colour(wanted.colour_hex)


def _names(one: Filament | PlannedFilament) -> tuple[str, ...]:
    return one.brand, one.material, one.finish, one.colour_name, one.colour_hex


def _filament_id(db: Session, decision: Decision, wanted: WantedFilament) -> UUID | None:
    if decision.filament is None:
        return _add(db, decision.planned, wanted).id if decision.planned else None
    if decision.filament.archived_at is not None:
        filament_service.restore_filament(db, decision.filament.id)
    return decision.filament.id


def _add(db: Session, planned: PlannedFilament, wanted: WantedFilament) -> Filament:
    facts = new_filament(
        wanted,
        brand=planned.brand,
        material=planned.material,
        finish=planned.finish,
        colour_name=planned.colour_name,
        colour_hex=planned.colour_hex,
    )
    said = {
        "density_g_cm3": planned.density_g_cm3 or facts.density_g_cm3,
        "cost_per_gram": planned.cost_per_gram,
        "purchase_url": planned.purchase_url,
    }
    return filament_service.find_or_add_filament(db, **{**vars(facts), **said})
