"""Which printer can print a plate, and why not: pure rules over facts, so that the page, the sweep and the start agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from printfarm.filament.colours import distance
from printfarm.files.readers.results import LayerUse
from printfarm.fleet.queries import PrinterFacts, SlotFacts
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.queue.ending import Draw, RollEnd, end_of_roll

# States in which a printer takes a new job (hub.protocol.PrinterState).
READY_STATES = frozenset({"idle", "finished", "cancelled", "failed"})
SAME_COLOUR = 60.0


@dataclass(frozen=True)
class SlotChoice:
    """The place of a printer that serves a slot of a plate."""

    slot: int
    printer_slot: SlotFacts
    filament_id: UUID | None
    needed_mg: int | None


@dataclass(frozen=True)
class Shortage:
    """A place whose roll ends before the print does. `needs`: milligrams by the plate's slots that it serves."""

    place: SlotFacts
    filament_id: UUID | None
    has_mg: int
    needs: Mapping[int, int]
    end: RollEnd

    @property
    def needed_mg(self) -> int:
        return sum(self.needs.values())

    @property
    def sentence(self) -> str:
        has = "will have" if self.place.after_print else "has"
        weights = f"{self.place.label} {has} {weight(self.has_mg)}, it needs {weight(self.needed_mg)}"
        return f"{weights}: it runs out {self.end.words}"


def weight(mg: int) -> str:
    """To a tenth of a gram, so that what lacks half a gram does not seem to be enough: "12 g", "19.6 g"."""
    return f"{mg / 1000:.1f}".removesuffix(".0") + " g"


@dataclass(frozen=True)
class PrinterVerdict:
    """One printer and one plate. `never` would not change by waiting; `not_now` may; `shortages` is what spools lack."""

    printer: PrinterFacts
    never: list[str] = field(default_factory=list)
    not_now: list[str] = field(default_factory=list)
    shortages: list[Shortage] = field(default_factory=list)
    choices: list[SlotChoice] = field(default_factory=list)

    @property
    def short(self) -> list[str]:
        return [one.sentence for one in self.shortages]

    @property
    def notes(self) -> list[str]:
        """What to know of the rolls that it would print from; it does not hinder a start."""
        places = {choice.printer_slot.id: choice.printer_slot for choice in self.choices}
        return [f"{place.label}: {place.care}" for place in places.values() if place.care]

    @property
    def fits(self) -> bool:
        return not self.never

    @property
    def ready(self) -> bool:
        return not self.never and not self.not_now

    @property
    def reasons(self) -> list[str]:
        return [*self.never, *self.not_now, *self.short]


def judge(
    plate: Plate,
    printer: PrinterFacts,
    *,
    busy: bool,
    names: Mapping[UUID, str] | None = None,
    uses: Sequence[LayerUse] = (),
) -> PrinterVerdict:
    """Whether a printer can print a plate now. `busy`: a run of ours is active on it; `names`: what filaments are called;
    `uses`: what each layer takes, where it was counted.
    """
    choices, missing, taken = _choose_slots(plate.requirements, printer, names or {})
    return PrinterVerdict(
        printer,
        never=_mismatches(plate, printer),
        not_now=[*_obstacles(printer, busy=busy), *missing],
        shortages=_shortages(choices, taken, plate.layers, uses),
        choices=choices,
    )


def _mismatches(plate: Plate, printer: PrinterFacts) -> list[str]:
    found = []
    if not plate.printable:
        found.append("there is no G-code for this plate in its file")
    elif plate.gcode_path is None and printer.protocol == "bambu":
        found.append("it takes sliced 3MF files (.gcode.3mf), and this is plain G-code")
    if plate.printer_model_id or plate.printer_model:
        same = _same(plate.printer_model_id, printer.model_id) or _same(plate.printer_model, printer.model)
        if not same:
            found.append(f"sliced for {plate.printer_model or plate.printer_model_id}")
    if plate.nozzle_mm is not None and plate.nozzle_mm != Decimal(printer.nozzle_mm):
        found.append(f"needs a {plate.nozzle_mm.normalize():f} mm nozzle")
    if plate.bed_type and printer.bed_type and not _same(plate.bed_type, printer.bed_type):
        found.append(f"needs the {plate.bed_type}")
    return found


def _obstacles(printer: PrinterFacts, *, busy: bool) -> list[str]:
    obstacle = _unreachable(printer)
    if obstacle:
        return [obstacle]
    found = []
    if busy:
        found.append("busy with another job")
    elif printer.state not in READY_STATES:
        found.append(f"not ready ({printer.state.replace('_', ' ')})")
    if not printer.bed_cleared:
        found.append("bed not cleared")
    return found


def _unreachable(printer: PrinterFacts) -> str | None:
    """Why it takes no commands at all; there is no point in saying more then."""
    reasons = (
        (printer.in_maintenance, "in maintenance"),
        (not printer.hub_connected, "its hub is not connected"),
        (not printer.online, "offline"),
        (printer.developer_mode is False, "Developer Mode is off, so it takes no commands"),
        (not printer.confirmed, "its state is not confirmed yet"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _choose_slots(
    requirements: list[FilamentRequirement], printer: PrinterFacts, names: Mapping[UUID, str]
) -> tuple[list[SlotChoice], list[str], dict[UUID, int]]:
    choices: list[SlotChoice] = []
    missing, taken = [], defaultdict[UUID, int](int)  # a place may serve two slots of the plate; it pays for both
    for need in requirements:
        if need.filament_id is None:
            missing.append(f"nobody has decided which filament slot {need.slot} is")
            continue
        place = _place_for(need, printer, taken, only_one=len(requirements) == 1)
        if place is None:
            missing.append(f"{names.get(need.filament_id) or _said(need)} is not loaded")
            continue
        choices.append(SlotChoice(need.slot, place, need.filament_id, need.total_mg))
        taken[place.id] += need.total_mg or 0
    if not requirements:
        missing.append("the file does not say which filament it needs")
    if len({choice.printer_slot.is_external for choice in choices}) > 1:
        missing.append("one filament is in the AMS and another on the external holder")
    if len({choice.printer_slot.id for choice in choices if choice.printer_slot.is_external}) > 1:
        missing.append("two filaments would come from external holders")
    return choices, missing, taken


def _shortages(
    choices: list[SlotChoice], taken: Mapping[UUID, int], layers: int | None, uses: Sequence[LayerUse]
) -> list[Shortage]:
    """What the rolls lack, once per place."""
    places = {choice.printer_slot.id: choice for choice in choices}
    found = []
    for place_id, choice in places.items():
        place, has_mg = choice.printer_slot, choice.printer_slot.remaining_mg
        if has_mg is None or has_mg >= taken[place_id]:
            continue
        needs = {one.slot: one.needed_mg or 0 for one in choices if one.printer_slot.id == place_id}
        end = end_of_roll(has_mg, [Draw(slot, mg) for slot, mg in needs.items()], layers, uses)
        if end is not None:
            found.append(Shortage(place, choice.filament_id, has_mg, needs, end))
    return found


def _place_for(
    need: FilamentRequirement, printer: PrinterFacts, taken: dict[UUID, int], *, only_one: bool
) -> SlotFacts | None:
    """A spool of the very filament: the emptiest that has enough, else the fullest; else an unassigned place that looks so."""

    def left(place: SlotFacts) -> int:
        return (place.remaining_mg or 0) - taken.get(place.id, 0)

    ours = [place for place in printer.slots if place.filament_id == need.filament_id and _has_filament(place)]
    enough = [place for place in ours if left(place) >= (need.total_mg or 0)]
    if enough:
        return min(enough, key=left)
    if ours:
        return max(ours, key=left)
    return next((place for place in printer.slots if _looks_like(place, need, only_one=only_one)), None)


def _looks_like(place: SlotFacts, need: FilamentRequirement, *, only_one: bool) -> bool:
    if place.spool_id is not None or not _has_filament(place):
        return False
    if place.is_external and not place.reported_material:
        return only_one  # the holder reports nothing; whoever starts the print has looked
    same_material = _same(place.reported_material, need.material)
    near = (
        not place.reported_colour_hex
        or not need.colour_hex
        or distance(place.reported_colour_hex, need.colour_hex) < SAME_COLOUR
    )
    return same_material and near


def _has_filament(place: SlotFacts) -> bool:
    return place.present and not place.reported_empty


def _said(need: FilamentRequirement) -> str:
    return " ".join(part for part in (need.vendor, need.material, need.colour_hex) if part) or f"slot {need.slot}"


def _same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and str(one).strip().lower() == str(other).strip().lower()
