"""Counts where the filament of a G-code goes: model, start code, support, purge and tower, for each slot.

No Bambu or Orca file states this split; the slicer's own dialog counts it from the moves, and so does this. The text is
cut into stretches at the lines that change the meaning of a move (tool, feature, mode); inside a stretch one regular
expression gathers the lengths, which is what makes pure Python fast enough.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from printfarm.files.readers.scan_plan import ScanPlan, SlotChange

MODEL, START, SUPPORT, PURGE, TOWER = "model", "start", "support", "purge", "tower"

_MAX_NOTES = 128
_NUMBER = rb"(?:\d+\.?\d*|\.\d+)"
_EVENT = re.compile(
    rb"\n[ \t]*+(?:"
    rb"T(?P<tool>\d{1,4})(?![\d.])"
    rb"|(?P<mode>M8[23]|G9[01])(?![\d.])"
    rb"|G92(?![\d.])(?P<reset>[^\n;]*)"
    rb"|;[ ]?(?:"
    rb"(?:FEATURE|TYPE):[ ]?(?P<feature>[^\r\n]*)"
    rb"|(?P<mark>V?FLUSH_START|V?FLUSH_END|WIPE_START|WIPE_END)"
    rb"|(?P<layer>CHANGE_LAYER|LAYER_CHANGE)"
    rb"|VG1[^\n]*?E(?P<virtual>" + _NUMBER + rb")"
    rb"|VT(?P<vtool>\d{1,4})(?!\d)"
    rb"))"
)
_MOVE = rb"\n[ \t]*+G0?[0-3] ++(?:[FZ][^ \n;]*+ ++)*+"
_MOVING = re.compile(_MOVE + rb"[XYIJ][^\n;E]*+E([\d.]+)")
_STILL = re.compile(_MOVE + rb"E([\d.]++)(?![^\n;]*[XYIJ])")
_ANY = re.compile(rb"\n[ \t]*+G0?[0-3] ([^\n;E]*)E(-?" + _NUMBER + rb")([^\n;]*)")
_RESET = re.compile(rb"E(-?" + _NUMBER + rb")")


@dataclass(slots=True)
class MoveCounter:
    """Feed it blocks of whole lines, each beginning with a line break. Lengths come out in mm by (tool, class)."""

    change: SlotChange = field(default_factory=SlotChange)
    tool: int = 0
    mm: dict[tuple[int, str], float] = field(default_factory=lambda: defaultdict(float))
    layers: int = 0
    tool_changes: int = 0
    tools_seen: list[int] = field(default_factory=list)
    after_layer: list[tuple[int, dict[int, float]]] = field(default_factory=list)
    _class: str = MODEL
    _relative: bool = False
    _all_relative: bool = False
    _last_e: float = 0.0
    _wiping: bool = False
    _flushing: bool = False
    _virtual: bool = False
    _in_nozzle: dict[int, int] = field(default_factory=dict)
    _residue_mm: float = 0.0
    _residue_tool: int = 0
    _note_every: int = 1

    @classmethod
    def of_plan(cls, plan: ScanPlan) -> "MoveCounter":
        first = START if plan.leaves_out_start else MODEL
        return cls(change=plan.change, tool=plan.first_tool, _class=first)

    def feed(self, block: bytes) -> None:
        at = 0
        for event in _EVENT.finditer(block):
            kind = event.lastgroup or ""
            text = event[kind]
            if kind == "feature" and feature_class(text) == self._class:
                continue
            if event.start() > at:
                self._count(block, at, event.start())
            self._happen(kind, text)
            at = event.end()
        if at < len(block):
            self._count(block, at, len(block))

    def to_json(self) -> dict[str, Any]:
        """All of it but the plan, to go on from later."""
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in {"change", "mm", "after_layer"}}
        return kept | {
            "mm": [[tool, kind, length] for (tool, kind), length in self.mm.items()],
            "after_layer": [[layers, list(used.items())] for layers, used in self.after_layer],
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], change: SlotChange) -> "MoveCounter":
        """The counter as it was."""
        counter = cls(change=change)
        for name in cls.__slots__:
            if name in kept and name not in {"mm", "after_layer", "_in_nozzle"}:
                setattr(counter, name, kept[name])
        counter.mm.update({(tool, kind): length for tool, kind, length in kept["mm"]})
        counter.after_layer = [(layers, dict(used)) for layers, used in kept["after_layer"]]
        counter._in_nozzle = {int(extruder): tool for extruder, tool in kept["_in_nozzle"].items()}
        return counter

    @property
    def total_mm(self) -> float:
        return sum(self.mm.values())

    def _happen(self, kind: str, text: bytes) -> None:
        match kind:
            case "feature":
                self._class = feature_class(text)
            case "mark":
                self._mark(text)
            case "layer":
                self._begin_layer()
            case "tool" | "vtool":
                self._choose(int(text))
            case "virtual":
                self._flush(float(text) if self._virtual else 0.0)
            case "mode":
                self._mode(text)
            case _:
                self._reset(text)

    def _begin_layer(self) -> None:
        """Note what the layers before used; a tall print notes every second, fourth, … layer."""
        if self.layers and self.layers % self._note_every == 0:
            self.after_layer.append((self.layers, self.mm_by_tool()))
            if len(self.after_layer) > _MAX_NOTES:
                self._note_every *= 2
                self.after_layer = [note for note in self.after_layer if note[0] % self._note_every == 0]
        self.layers += 1

    def mm_by_tool(self) -> dict[int, float]:
        totals: dict[int, float] = {}
        for (tool, _), length_mm in self.mm.items():
            totals[tool] = totals.get(tool, 0.0) + length_mm
        return totals

    def _reset(self, words: bytes) -> None:
        """G92: the extruder's place is called anew."""
        if found := _RESET.search(words):
            self._last_e = float(found[1])

    def _mark(self, mark: bytes) -> None:
        starts = mark.endswith(b"START")
        if mark.startswith(b"WIPE"):
            self._wiping = starts
        elif mark.startswith(b"VFLUSH"):
            self._virtual = starts
        else:
            self._flushing = starts

    def _mode(self, mode: bytes) -> None:
        match mode:
            case b"M83":
                self._relative = True
            case b"M82":
                self._relative = False
            case b"G91":
                self._all_relative = True
            case _:
                self._all_relative = False

    def _choose(self, tool: int) -> None:
        if not self.change.is_tool(tool):
            return
        if tool not in self.tools_seen:
            self.tools_seen.append(tool)
        extruder = self.change.extruder(tool)
        before = self._in_nozzle.get(extruder)
        if before is not None and before != tool:
            self._residue_tool = before
            self._residue_mm = self.change.residue_mm(before)
        if self.tool != tool and self._in_nozzle:
            self.tool_changes += 1
        self._in_nozzle[extruder] = tool
        self.tool = tool

    def _count(self, block: bytes, start: int, end: int) -> None:
        """Add the lengths of the moves between two events."""
        if not (self._relative or self._all_relative):
            self._count_absolute(block, start, end)
            return
        if not self._wiping and (lengths := _MOVING.findall(block, start, end)):
            self.mm[self.tool, self._class] += _sum_mm(lengths)
        if self._flushing and (lengths := _STILL.findall(block, start, end)):
            for length in lengths:
                self._flush(_sum_mm([length]))

    def _count_absolute(self, block: bytes, start: int, end: int) -> None:
        last = self._last_e
        moved = 0.0
        for before, number, after in _ANY.findall(block, start, end):
            length = float(number) - last
            last += length
            if length <= 0:
                continue
            words = before + after
            if b"X" in words or b"Y" in words or b"I" in words or b"J" in words:
                moved += length
            elif self._flushing:
                self._flush(length)
        self._last_e = last
        if moved and not self._wiping:
            self.mm[self.tool, self._class] += moved

    def _flush(self, length_mm: float) -> None:
        """The first of a flush still is the filament before: it was left in the nozzle."""
        old_mm = min(length_mm, self._residue_mm)
        if old_mm:
            self._residue_mm -= old_mm
            self.mm[self._residue_tool, PURGE] += old_mm
        if length_mm > old_mm:
            self.mm[self.tool, PURGE] += length_mm - old_mm


def _sum_mm(lengths: Sequence[bytes]) -> float:
    try:
        return sum(map(float, lengths))
    except ValueError:  # a broken number such as 1.2.3 counts as nothing
        return sum(float(length) for length in lengths if length.count(b".") < 2 and length != b".")


@lru_cache(maxsize=256)
def feature_class(name: bytes) -> str:
    """The class of `; FEATURE: <name>` or `;TYPE:<name>`."""
    word = name.strip().lower()
    if word.startswith(b"support"):
        return SUPPORT
    if word.startswith((b"prime tower", b"prime-tower", b"wipe tower")):
        return TOWER
    if word.startswith(b"custom"):
        return START
    return MODEL
