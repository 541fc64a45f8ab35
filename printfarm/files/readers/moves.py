"""Counts where the filament of a G-code goes: model, start code, support, purge and tower, for each slot.

No Bambu or Orca file states this split; the slicer's own dialog counts it from the moves, and so does this. `move_arrays`
finds all lengths of a block at once; what is rare in a G-code (another tool, another mode, a new layer) is looked at one by
one, and the lengths between two such places are summed up by class.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from printfarm.files.readers import move_arrays as arrays
from printfarm.files.readers.move_arrays import NM, Ints, MoveArrays
from printfarm.files.readers.scan_plan import CLASSES, ScanPlan, SlotChange

_MAX_NOTES = 128
_TOOL = re.compile(rb"(?:;[ ]?V)?T(\d{1,4})(?![\d.])")
_VIRTUAL = re.compile(rb";[ ]?VG1[^\n]*?E(\d+\.?\d*|\.\d+)")


@dataclass(slots=True)
class State:
    """What the next move means. `last_nm` is the place of the extruder, `kind` the class of what is printed."""

    kind: int = arrays.MODEL
    relative: bool = False
    all_relative: bool = False
    last_nm: int = 0
    wiping: bool = False
    flushing: bool = False


@dataclass(slots=True)
class MoveCounter:
    """Feed it blocks of whole lines, each beginning with a line break. Lengths come out in mm by (tool, class).

    Inside they are whole nanometres, so that the same text gives the same sums however it is cut.
    """

    change: SlotChange = field(default_factory=SlotChange)
    tool: int = 0
    layers: int = 0
    tool_changes: int = 0
    tools_seen: list[int] = field(default_factory=list)
    after_layer: list[tuple[int, dict[int, float]]] = field(default_factory=list)
    _nm: dict[tuple[int, int], int] = field(default_factory=dict)
    state: State = field(default_factory=State)
    _virtual: bool = False
    _in_nozzle: dict[int, int] = field(default_factory=dict)
    _residue_nm: int = 0
    _residue_tool: int = 0
    _note_every: int = 1

    @classmethod
    def of_plan(cls, plan: ScanPlan) -> "MoveCounter":
        first = arrays.START if plan.leaves_out_start else arrays.MODEL
        return cls(change=plan.change, tool=plan.first_tool, state=State(kind=first))

    @property
    def mm(self) -> dict[tuple[int, str], float]:
        return {(tool, CLASSES[kind]): length / NM for (tool, kind), length in self._nm.items()}

    @property
    def total_mm(self) -> float:
        return sum(self._nm.values()) / NM

    def mm_by_tool(self) -> dict[int, float]:
        totals: dict[int, int] = {}
        for (tool, _), length in self._nm.items():
            totals[tool] = totals.get(tool, 0) + length
        return {tool: length / NM for tool, length in totals.items()}

    def feed(self, block: bytes) -> None:
        _Block(arrays.move_arrays(block), self).count()

    def to_json(self) -> dict[str, Any]:
        """All of it but the plan, to go on from later."""
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in {"change", "_nm"}}
        kept["state"] = asdict(self.state)
        kept["after_layer"] = [[layers, list(used.items())] for layers, used in self.after_layer]
        return kept | {"_nm": [[tool, kind, length] for (tool, kind), length in self._nm.items()]}

    @classmethod
    def from_json(cls, kept: dict[str, Any], change: SlotChange) -> "MoveCounter":
        """The counter as it was."""
        found = {
            **kept,
            "state": State(**kept["state"]),
            "after_layer": [(layers, dict(used)) for layers, used in kept["after_layer"]],
            "tools_seen": list(kept["tools_seen"]),
            "_nm": {(tool, kind): length for tool, kind, length in kept["_nm"]},
            "_in_nozzle": {int(extruder): tool for extruder, tool in kept["_in_nozzle"].items()},
        }
        return cls(change=change, **found)

    def add(self, kind: int, length: int) -> None:
        """So many nanometres of this class, from the tool at hand."""
        key = (self.tool, kind)
        self._nm[key] = self._nm.get(key, 0) + length

    def happen(self, kind: int, found: MoveArrays, at: int) -> None:
        """A line that is rare begins after `at`."""
        match kind:
            case arrays.LAYER:
                self._begin_layer()
            case arrays.TOOL | arrays.VIRTUAL_TOOL:
                if tool := _TOOL.match(found.text, at + 1):
                    self._choose(int(tool[1]))
            case arrays.VIRTUAL_FLUSH:
                if self._virtual and (pushed := _VIRTUAL.match(found.text, at + 1)):
                    self.flush(min(round(float(pushed[1]) * NM), 10**12))
            case arrays.VFLUSH_START | arrays.VFLUSH_END:
                self._virtual = kind == arrays.VFLUSH_START

    def flush(self, length: int) -> None:
        """The first of a flush still is the filament before: it was left in the nozzle."""
        old = min(length, self._residue_nm)
        if old:
            self._residue_nm -= old
            key = (self._residue_tool, arrays.PURGE)
            self._nm[key] = self._nm.get(key, 0) + old
        if length > old:
            self.add(arrays.PURGE, length - old)

    def _begin_layer(self) -> None:
        """Note what the layers before used; a tall print notes every second, fourth, … layer."""
        if self.layers and self.layers % self._note_every == 0:
            self.after_layer.append((self.layers, self.mm_by_tool()))
            if len(self.after_layer) > _MAX_NOTES:
                self._note_every *= 2
                self.after_layer = [note for note in self.after_layer if note[0] % self._note_every == 0]
        self.layers += 1

    def _choose(self, tool: int) -> None:
        if not self.change.is_tool(tool):
            return
        if tool not in self.tools_seen:
            self.tools_seen.append(tool)
        extruder = self.change.extruder(tool)
        before = self._in_nozzle.get(extruder)
        if before is not None and before != tool:
            self._residue_tool = before
            self._residue_nm = round(self.change.residue_mm(before) * NM)
        if self.tool != tool and self._in_nozzle:
            self.tool_changes += 1
        self._in_nozzle[extruder] = tool
        self.tool = tool


class _Block:
    """The arrays of one block on their way into a counter.

    Events cut the lengths into stretches: stretch 0 lies before the first event, stretch n after the n-th. What frequent
    events change is worked out for all stretches at once; at the rare ones, which cut the stretches into parts, the counter
    is asked.
    """

    def __init__(self, found: MoveArrays, counter: MoveCounter) -> None:
        self._found = found
        self._counter = counter
        self._cuts = np.searchsorted(found.at, found.event_at)
        self._counts = np.diff(self._cuts, prepend=0, append=len(found.at))
        self._ends = np.concatenate((self._cuts, [len(found.at)]))
        self._rare = np.flatnonzero(found.event >= arrays.FIRST_RARE)
        self._part = np.concatenate(([0], np.cumsum(found.event >= arrays.FIRST_RARE)))

    def count(self) -> None:
        found, counter, state = self._found, self._counter, self._counter.state
        classes = self._carried((arrays.FEATURE,), found.event_class, state.kind)
        lengths = self._lengths()
        sums = np.concatenate(([0], np.cumsum(np.where(found.moving, lengths, 0))))
        by_stretch = np.diff(sums[self._ends], prepend=0)
        by_stretch[self._switched(arrays.WIPE_START, arrays.WIPE_END, "wiping") > 0] = 0
        parts, kinds = len(self._rare) + 1, len(CLASSES)
        table = np.bincount(self._part * kinds + classes, by_stretch, minlength=parts * kinds).reshape(parts, kinds)
        flushes = self._flushes(lengths, parts)
        for part, row in enumerate(table.tolist()):
            if part:
                event = self._rare[part - 1]
                counter.happen(int(found.event[event]), found, int(found.event_at[event]))
            for kind, length in enumerate(row):
                if length:
                    counter.add(kind, round(length))
            if flushes is not None and flushes[part]:
                counter.flush(flushes[part])
        state.kind = int(classes[-1])

    def _lengths(self) -> Ints:
        """How far each word E pushes: the number itself, or the way from the last place. Backwards is nothing."""
        nm, resets, state = self._found.nm, self._found.resets, self._counter.state
        relative = self._switched(arrays.RELATIVE_E, arrays.ABSOLUTE_E, "relative")
        relative |= self._switched(arrays.RELATIVE, arrays.ABSOLUTE, "all_relative")
        is_place = resets
        if not relative.all():
            is_place = resets | ~np.repeat(relative > 0, self._counts)
        lengths = np.maximum(nm, 0)
        places = np.flatnonzero(is_place)
        if places.size:
            lengths[places] = np.maximum(np.diff(nm[places], prepend=state.last_nm), 0)
            lengths[resets] = 0
            state.last_nm = int(nm[places[-1]])
        return lengths

    def _flushes(self, lengths: Ints, parts: int) -> list[int] | None:
        """By part: what is pushed in flushes while nothing moves; None when there is no flush."""
        flushing = self._switched(arrays.FLUSH_START, arrays.FLUSH_END, "flushing")
        if not flushing.any():
            return None
        pushed = np.where(self._found.moving, 0, lengths)
        sums = np.concatenate(([0], np.cumsum(pushed)))[self._ends]
        by_stretch = np.diff(sums, prepend=0) * flushing
        return [round(length) for length in np.bincount(self._part, by_stretch, minlength=parts).tolist()]

    def _switched(self, on: int, off: int, name: str) -> Ints:
        """For each stretch whether something is on, and remember it for the next block."""
        is_on = (self._found.event == on).astype(np.int64)
        switched = self._carried((on, off), is_on, int(getattr(self._counter.state, name)))
        setattr(self._counter.state, name, bool(switched[-1]))
        return switched

    def _carried(self, kinds: Sequence[int], values: Ints, before: int) -> Ints:
        """For each stretch the value at the last event of these kinds, else what held before."""
        event = self._found.event
        changes = np.flatnonzero(np.logical_or.reduce([event == kind for kind in kinds]))
        held = np.concatenate(([before], values[changes]))
        return np.repeat(held, np.diff(changes + 1, prepend=0, append=len(event) + 1))
