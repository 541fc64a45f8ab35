"""Counts what only the body of a G-code knows, when its head does not state it: layers, height and tools.

The moves are not looked at here; `moves` counts those, in a background job.
"""

import re
from dataclasses import dataclass, field

_NUMBER = rb"(?:\d+\.?\d*|\.\d+)"
# Both begin with two plain bytes, by which the search skips most lines without trying them.
_LAYER = re.compile(
    rb"\n;[ ]?(?:CHANGE_LAYER|LAYER_CHANGE)[^\n]{0,200}(?:\n;[ ]?Z(?:_HEIGHT)?:[ ]?(" + _NUMBER + rb"))?"
)
_TOOL = re.compile(rb"\nT(\d{1,4})(?![\d.])")
_STATED_LAYERS = re.compile(rb"\n;[ ]?(?:total layer number|total layers count)[ ]?[:=][ ]*[1-9]")
_STATED_HEIGHT = re.compile(rb"\n;[ ]?(?:max_z_height|max_layer_z)[ ]?[:=][ ]*[\d.]")
_STATED_SLOTS = re.compile(rb"\n;[ ]?filament:[ ]*\d")
_HEADER_BYTES = 65_536
_MAX_TOOLS = 64
_REST_BYTES = 65_536


@dataclass(slots=True)
class BodyCount:
    """Feed it the pieces of a G-code in order, then end it. `wants_…` leave out what is stated elsewhere."""

    wants_layers: bool = True
    wants_tools: bool = True
    layers: int = 0
    max_z_mm: float | None = None
    tools_seen: list[int] = field(default_factory=list)
    _rest: bytes = b"\n"

    @classmethod
    def of_unstated(cls, head: bytes, *, knows_slots: bool) -> "BodyCount":
        """What the beginning of the file leaves open."""
        start = head[:_HEADER_BYTES]
        stated = _STATED_LAYERS.search(start) is not None and _STATED_HEIGHT.search(start) is not None
        return cls(wants_layers=not stated, wants_tools=not knows_slots and _STATED_SLOTS.search(start) is None)

    @property
    def wants_something(self) -> bool:
        return self.wants_layers or self.wants_tools

    def feed(self, piece: bytes) -> None:
        if not self.wants_something:
            return
        block = self._rest + (piece.replace(b"\r", b"") if b"\r" in piece else piece)
        cut = len(block)
        for _ in range(3):  # a layer's height stands on the line after it, so the last whole lines wait for more
            cut = max(0, block.rfind(b"\n", 0, cut))
        self._count(block, cut)
        self._rest = block[max(cut, len(block) - _REST_BYTES) :]

    def end(self) -> None:
        """No more pieces come."""
        if self.wants_something:
            self._count(self._rest, len(self._rest))
        self._rest = b""

    def _count(self, block: bytes, until: int) -> None:
        if self.wants_layers:
            for found in _LAYER.finditer(block):
                if found.start() >= until:
                    break
                self.layers += 1
                if found[1]:
                    self.max_z_mm = max(self.max_z_mm or 0.0, float(found[1]))
        if self.wants_tools:
            for found in _TOOL.finditer(block):
                if found.start() >= until:
                    break
                self._see(int(found[1]))

    def _see(self, tool: int) -> None:
        """T255, T1000 and the like are commands, not tools."""
        if tool < _MAX_TOOLS and tool not in self.tools_seen:
            self.tools_seen.append(tool)
