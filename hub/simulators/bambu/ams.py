"""Spools in the slots of AMS units, and how the printer reports them (`print.ams`, `print.vt_tray`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.simulators.spec import SpoolSpec

EXTERNAL = 254
NOTHING = 255
SLOTS_PER_UNIT = 4
FIRST_HT = 128
HT_INFO = "2104"
FIRST_HT_BIT, FIRST_HT_UNIT_BIT = 16, 4
NO_UUID = "0" * 32
NO_TAG = "0" * 16


@dataclass
class Spool:
    """One roll; `remaining_g` is the truth, which only a roll with RFID lets the printer report."""

    spec: SpoolSpec
    remaining_g: float
    uuid: str = NO_UUID
    tag_uid: str = NO_TAG

    @property
    def remain_percent(self) -> int:
        if not self.spec.rfid:
            return -1
        return max(0, min(100, round(100 * self.remaining_g / self.spec.weight_g)))

    def report(self, slot: int) -> dict[str, Any]:
        hot = 270 if self.spec.material in {"PETG", "ABS", "ASA", "PC"} else 230
        return {
            "id": str(slot),
            "state": 3,
            "remain": self.remain_percent,
            "k": 0.02,
            "n": 1,
            "cali_idx": -1,
            "tag_uid": self.tag_uid,
            "tray_id_name": "",
            "tray_info_idx": self.spec.preset,
            "tray_type": self.spec.material,
            "tray_sub_brands": self.spec.brand if self.spec.rfid else "",
            "tray_color": self.spec.color,
            "tray_weight": str(int(self.spec.weight_g)) if self.spec.rfid else "0",
            "tray_diameter": "1.75",
            "tray_temp": "55",
            "tray_time": "8",
            "bed_temp_type": "1",
            "bed_temp": "35",
            "nozzle_temp_max": str(hot),
            "nozzle_temp_min": str(hot - 40),
            "xcam_info": "000000000000000000000000",
            "tray_uuid": self.uuid,
            "ctype": 0,
            "cols": [self.spec.color],
            "total_len": 330000,
        }


@dataclass
class Unit:
    unit_id: int
    slots: list[Spool | None]
    info: str
    humidity: int = 4
    temperature_c: float = 24.0

    @property
    def first_tray(self) -> int:
        """The global number of its first slot; an AMS HT has one, which counts as the unit."""
        return self.unit_id if self.unit_id >= FIRST_HT else self.unit_id * SLOTS_PER_UNIT

    @property
    def first_bit(self) -> int:
        """Where its slots stand in the bit fields."""
        return FIRST_HT_BIT + self.unit_id - FIRST_HT if self.unit_id >= FIRST_HT else self.first_tray

    @property
    def unit_bit(self) -> int:
        return FIRST_HT_UNIT_BIT + self.unit_id - FIRST_HT if self.unit_id >= FIRST_HT else self.unit_id


@dataclass
class Ams:
    """All units of a printer, the external spool, and which of them feeds the nozzle."""

    units: list[Unit]
    external: Spool = field(default_factory=lambda: Spool(SpoolSpec(rfid=False, brand="", preset="GFL99"), 1000.0))
    now: int = NOTHING
    previous: int = NOTHING
    target: int = NOTHING
    version: int = 1
    reading: set[int] = field(default_factory=set)
    powering_down: bool = False
    auto_switch: bool = False
    nonsense: dict[int, int] = field(default_factory=dict)
    """Empty slots that go on saying a remainder, by tray."""

    @classmethod
    def build(
        cls,
        units: list[list[SpoolSpec | None]],
        *,
        info: str,
        seed: int,
        auto_switch: bool = False,
        ht: Sequence[SpoolSpec | None] = (),
    ) -> "Ams":
        built = []
        for unit_id, specs in enumerate(units):
            slots = [*specs, *[None] * SLOTS_PER_UNIT][:SLOTS_PER_UNIT]
            built.append(
                Unit(unit_id, [new_spool(spec, seed * 64 + unit_id * 4 + n) for n, spec in enumerate(slots)], info)
            )
        for number, spec in enumerate(ht):
            built.append(Unit(FIRST_HT + number, [new_spool(spec, seed * 64 + 32 + number)], HT_INFO))
        return cls(built, auto_switch=auto_switch)

    @property
    def trays(self) -> list[int]:
        """The global numbers of all slots: unit·4 + slot, and 128 on for an AMS HT."""
        return [unit.first_tray + slot for unit in self.units for slot in range(len(unit.slots))]

    def spool(self, tray: int) -> Spool | None:
        """The roll at a global tray number (254 external)."""
        if tray == EXTERNAL:
            return self.external
        unit = self._unit_of(tray)
        return unit.slots[tray - unit.first_tray] if unit else None

    def _unit_of(self, tray: int) -> Unit | None:
        return next((unit for unit in self.units if 0 <= tray - unit.first_tray < len(unit.slots)), None)

    def put(self, tray: int, spool: Spool | None) -> None:
        if tray == EXTERNAL and spool is not None:
            self.external = spool
            return
        unit = self._unit_of(tray)
        if unit is None:
            raise ValueError(f"This printer has no AMS slot {tray}.")
        unit.slots[tray - unit.first_tray] = spool
        self.nonsense.pop(tray, None)
        self.version += 1

    def substitute(self, tray: int) -> int | None:
        """Another tray with the same material and colour that still holds filament, when auto-switch is on."""
        empty = self.spool(tray)
        if not self.auto_switch or empty is None:
            return None
        for other in self.trays:
            spool = self.spool(other)
            if other == tray or spool is None or spool.remaining_g <= 0:
                continue
            if (spool.spec.material, spool.spec.color) == (empty.spec.material, empty.spec.color):
                return other
        return None

    def report(self) -> dict[str, Any]:
        present = 0 if self.powering_down else self._bits(lambda spool: spool is not None)
        genuine = 0 if self.powering_down else self._bits(lambda spool: spool is not None and spool.spec.rfid)
        units = sum(1 << unit.unit_bit for unit in self.units)
        reading = sum(
            1 << unit.first_bit + slot
            for unit in self.units
            for slot in range(len(unit.slots))
            if unit.first_tray + slot in self.reading
        )
        return {
            "ams": [self._unit_report(unit) for unit in self.units],
            "ams_exist_bits": f"{0 if self.powering_down else units:x}",
            "tray_exist_bits": f"{present:x}",
            "tray_is_bbl_bits": f"{genuine:x}",
            "tray_tar": str(self.target),
            "tray_now": str(self.now),
            "tray_pre": str(self.previous),
            "tray_read_done_bits": f"{present & ~reading:x}",
            "tray_reading_bits": f"{reading:x}",
            "version": self.version,
            "insert_flag": True,
            "power_on_flag": not self.powering_down,
        }

    def external_report(self) -> dict[str, Any]:
        return self.external.report(EXTERNAL)

    def _unit_report(self, unit: Unit) -> dict[str, Any]:
        return {
            "id": str(unit.unit_id),
            "humidity": str(unit.humidity),
            "temp": f"{unit.temperature_c:.1f}",
            "dry_time": 0,
            "info": unit.info,
            "tray": [self._tray_report(unit, slot) for slot in range(len(unit.slots))],
        }

    def _tray_report(self, unit: Unit, slot: int) -> dict[str, Any]:
        spool, tray = unit.slots[slot], unit.first_tray + slot
        if spool is None and tray in self.nonsense:
            nothing = {"tray_type": "", "tray_color": "00000000", "tray_uuid": NO_UUID, "tag_uid": NO_TAG}
            return {"id": str(slot), "remain": self.nonsense[tray], **nothing}
        return {"id": str(slot)} if spool is None or tray in self.reading else spool.report(slot)

    def _bits(self, wanted: Callable[[Spool | None], bool]) -> int:
        bits = 0
        for unit in self.units:
            for slot, spool in enumerate(unit.slots):
                if wanted(spool):
                    bits |= 1 << unit.first_bit + slot
        return bits


def new_spool(spec: SpoolSpec | None, number: int) -> Spool | None:
    """A roll whose identity follows from `number`, so that two runs of a test see the same one."""
    if spec is None:
        return None
    if not spec.rfid:
        return Spool(spec, spec.remaining_g)
    return Spool(
        spec, spec.remaining_g, uuid=f"{0xA0FACE00_0000_0000 + number:032X}", tag_uid=f"{0xC0DE_0000 + number:016X}"
    )
