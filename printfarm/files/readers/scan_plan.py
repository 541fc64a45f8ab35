"""What the count of a plate's moves must know before it begins: taken from the settings when the file is read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_TOOLS = 64
MODEL, START, SUPPORT, PURGE, TOWER = "model", "start", "support", "purge", "tower"
CLASSES = (MODEL, START, SUPPORT, PURGE, TOWER)


@dataclass(frozen=True, slots=True)
class SlotChange:
    """What a change of filament means: slots that exist, and the residue of filament that stays in a nozzle."""

    slot_count: int | None = None
    nozzle_volume_mm3: Sequence[float] = ()
    extruder_of_slot: Sequence[int] = ()
    diameter_mm: Sequence[float] = ()

    def is_tool(self, tool: int) -> bool:
        """T255, T1000 and the like are commands, not tools."""
        return tool < (self.slot_count or MAX_TOOLS)

    def extruder(self, tool: int) -> int:
        return self.extruder_of_slot[tool] if tool < len(self.extruder_of_slot) else 0

    def residue_mm(self, tool: int) -> float:
        """Millimetres of the filament that fit into the nozzle of `tool`."""
        extruder = self.extruder(tool)
        if extruder >= len(self.nozzle_volume_mm3):
            return 0.0
        diameter_mm = self.diameter_mm[tool] if tool < len(self.diameter_mm) else 1.75
        return self.nozzle_volume_mm3[extruder] / (math.pi / 4 * diameter_mm**2)


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """One plate to count. `entry` is its name in the zip (None: the file itself, from `offset_bytes` on).

    `grams` and `metres` are what the file states for each slot; `g_per_m` weighs a metre of each slot's filament.
    `loads` says that the code itself pushes filament in and out, which looks like extrusion but is not in the amounts;
    `leaves_out_start` that what is extruded before the first named feature is not in them.
    """

    plate: int
    entry: str | None = None
    offset_bytes: int = 0
    size_bytes: int = 0
    first_tool: int = 0
    change: SlotChange = SlotChange()
    grams: Mapping[int, float | None] = field(default_factory=dict)
    metres: Mapping[int, float | None] = field(default_factory=dict)
    g_per_m: Mapping[int, float] = field(default_factory=dict)
    loads: bool = False
    leaves_out_start: bool = False
    stated_md5: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ScanPlan":
        """The plan again; JSON has turned the slots into texts."""
        by_slot = {name: {int(slot): value for slot, value in kept[name].items()} for name in _BY_SLOT}
        return cls(**{**kept, **by_slot, "change": SlotChange(**kept["change"])})


_BY_SLOT = ("grams", "metres", "g_per_m")
