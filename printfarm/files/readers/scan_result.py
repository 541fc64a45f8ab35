"""From lengths that were counted to grams: the split of each slot, how the use grows by layer, and what looks wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from printfarm.files.readers.results import FileReading, Json, LayerUse, Plate, ReadingWarning, Split
from printfarm.files.readers.scan_plan import MODEL, PURGE, START, SUPPORT, TOWER, ScanPlan
from printfarm.files.readers.values import MAX_METRES

if TYPE_CHECKING:  # who reads what was counted does not need numpy
    from printfarm.files.readers.moves import MoveCounter

# The warnings that a count may bring.
CODES = frozenset({"md5_differs", "long_lines", "edited_after_slicing", "not_counted"})
_TOLERANCE = 0.03
_SHORT_M = 0.12  # the purge line of the start code: some slicers leave it out of their totals


@dataclass(frozen=True, slots=True)
class PlateScan:
    """What the count of one plate's moves brought."""

    plate: int
    split_of_slot: Mapping[int, Split] = field(default_factory=dict)
    use_by_layer: tuple[LayerUse, ...] = ()
    layers: int | None = None
    tool_changes: int | None = None
    warnings: tuple[ReadingWarning, ...] = ()

    @property
    def split(self) -> Split | None:
        return sum(self.split_of_slot.values(), Split()) if self.split_of_slot else None

    def to_json(self) -> Json:
        return {
            "plate": self.plate,
            "split_g": {str(slot): split.to_json() for slot, split in self.split_of_slot.items()},
            "use_by_layer": [
                [use.layers, {str(slot): share for slot, share in use.share_of_slot.items()}]
                for use in self.use_by_layer
            ],
            "layers": self.layers,
            "tool_changes": self.tool_changes,
            "warnings": [warning.to_json() for warning in self.warnings],
        }


def plate_scan(plan: ScanPlan, counter: "MoveCounter", *, md5: str | None = None, long_lines: int = 0) -> PlateScan:
    """What a finished count means."""
    splits = _splits(plan, counter)
    return PlateScan(
        plate=plan.plate,
        split_of_slot=splits,
        use_by_layer=_use_by_layer(counter),
        layers=counter.layers or None,
        tool_changes=counter.tool_changes,
        warnings=tuple(_warnings(plan, counter, md5, long_lines)),
    )


def unread(plan: ScanPlan, sentence: str) -> PlateScan:
    """A plate whose G-code turned out to be damaged."""
    return PlateScan(plate=plan.plate, warnings=(ReadingWarning("not_counted", sentence, plan.plate),))


def with_scan(reading: FileReading, scans: Sequence[PlateScan]) -> FileReading:
    """The reading together with what was counted afterwards."""
    found = {scan.plate: scan for scan in scans}
    plates = tuple(
        _plate_with(plate, found[plate.index]) if plate.index in found else plate for plate in reading.plates
    )
    warnings = (warning for scan in scans for warning in scan.warnings)
    return replace(reading, plates=plates, warnings=(*reading.warnings, *warnings)[:100])


def _plate_with(plate: Plate, scan: PlateScan) -> Plate:
    counted = [
        name
        for name, value in (("layers", scan.layers), ("tool_changes", scan.tool_changes))
        if value is not None and getattr(plate, name) is None
    ]
    return replace(
        plate,
        filaments=tuple(replace(f, split=scan.split_of_slot.get(f.slot)) for f in plate.filaments),
        split=scan.split,
        use_by_layer=scan.use_by_layer,
        layers=plate.layers or scan.layers,
        tool_changes=scan.tool_changes if plate.tool_changes is None else plate.tool_changes,
        sources={**plate.sources, **dict.fromkeys(counted, "scan")},
    )


def _splits(plan: ScanPlan, counter: "MoveCounter") -> dict[int, Split]:
    """Grams of each class for each slot that extrudes; empty when nothing moved or a weight per metre is unknown."""
    grams: dict[int, dict[str, float]] = {}
    for (tool, kind), length_mm in counter.mm.items():
        if not length_mm or (plan.leaves_out_start and kind == START):
            continue
        weight = plan.g_per_m.get(tool + 1)
        if weight is None or not length_mm <= MAX_METRES * 1000:  # also when it is not a number
            return {}
        of_slot = grams.setdefault(tool + 1, {})
        of_slot[kind] = of_slot.get(kind, 0.0) + length_mm / 1000 * weight
    splits = {slot: _split(of_slot) for slot, of_slot in sorted(grams.items())}
    if plan.loads:
        return {slot: without_loading(split, plan.grams.get(slot)) for slot, split in splits.items()}
    return splits


def without_loading(split: Split, grams: float | None) -> Split:
    """Take what the moves have more than the stated grams off the tower, then off the start code: that was loading."""
    excess_g = max(0.0, split.total_g - grams) if grams else 0.0
    from_tower_g = min(excess_g, split.tower_g)
    from_start_g = min(excess_g - from_tower_g, split.start_g)
    return replace(split, tower_g=split.tower_g - from_tower_g, start_g=split.start_g - from_start_g)


def _split(grams: Mapping[str, float]) -> Split:
    return Split(
        model_g=grams.get(MODEL, 0.0),
        start_g=grams.get(START, 0.0),
        support_g=grams.get(SUPPORT, 0.0),
        purge_g=grams.get(PURGE, 0.0),
        tower_g=grams.get(TOWER, 0.0),
    )


def _use_by_layer(counter: "MoveCounter") -> tuple[LayerUse, ...]:
    """How the use of each slot grows from layer to layer, ending with all of it."""
    totals = {tool: mm for tool, mm in counter.mm_by_tool().items() if 0 < mm <= MAX_METRES * 1000}
    if not totals or not counter.layers:
        return ()
    notes = [*counter.after_layer, (counter.layers, totals)]
    return tuple(
        LayerUse(layers, {tool + 1: round(mm.get(tool, 0.0) / total, 6) for tool, total in totals.items()})
        for layers, mm in notes
    )


def _warnings(plan: ScanPlan, counter: "MoveCounter", md5: str | None, long_lines: int) -> Iterator[ReadingWarning]:
    if plan.stated_md5 is not None and md5 is not None and md5 != plan.stated_md5:
        sentence = f"The checksum of plate {plan.plate}'s G-code is wrong: it was changed or damaged after slicing."
        yield ReadingWarning("md5_differs", sentence, plan.plate)
    if long_lines:
        yield ReadingWarning("long_lines", f"{long_lines} lines are too long for G-code and were skipped.", plan.plate)
    left_out_mm = sum(mm for (_, kind), mm in counter.mm.items() if plan.leaves_out_start and kind == START)
    if contradiction := _edited(plan, (counter.total_mm - left_out_mm) / 1000):
        yield ReadingWarning("edited_after_slicing", contradiction, plan.plate)


def _edited(plan: ScanPlan, moved_m: float) -> str | None:
    """What to say when the moves and the stated lengths cannot be of the same slicing."""
    stated = list(plan.metres.values())
    if plan.loads or not moved_m or not stated or None in stated:
        return None
    stated_m = sum(metres for metres in stated if metres is not None)
    if abs(moved_m - stated_m) <= max(_SHORT_M, _TOLERANCE * stated_m):
        return None
    return (
        f"The moves use {moved_m:.2f} m of filament, but {stated_m:.2f} m are stated. "
        "The file was probably edited after slicing: check the grams."
    )


def uses_from_json(kept: Sequence[Any]) -> tuple[LayerUse, ...]:
    """`use_by_layer` of a PlateScan as its JSON keeps it."""
    return tuple(LayerUse(int(layers), {int(slot): share for slot, share in of.items()}) for layers, of in kept)


def share_after(uses: Sequence[LayerUse], layers: int, slot: int) -> float | None:
    """The share (0 to 1) of a slot's filament that is used up when `layers` layers are done, for a print that stopped there.

    Between two notes the use grows evenly. None when the moves could not be counted, or do not use the slot.
    """
    if not uses or slot not in uses[-1].share_of_slot:
        return None
    before_layers, before = 0, 0.0
    for use in uses:
        share = use.share_of_slot.get(slot, 0.0)
        if use.layers >= layers:
            part = max(0, layers - before_layers) / (use.layers - before_layers)
            return before + part * (share - before)
        before_layers, before = use.layers, share
    return before
