"""Spools in the slots of AMS units, and how the printer reports them (`print.ams`, `print.vt_tray`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.simulators.spec import SpoolSpec

EXTERNAL = 254
NOTHING = 255
SLOTS_PER_UNIT = 4
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

    @classmethod
    def build(cls, units: list[list[SpoolSpec | None]], *, info: str, seed: int, auto_switch: bool = False) -> "Ams":
        built = []
        for unit_id, specs in enumerate(units):
            slots = [*specs, *[None] * SLOTS_PER_UNIT][:SLOTS_PER_UNIT]
            built.append(
                Unit(unit_id, [new_spool(spec, seed * 64 + unit_id * 4 + n) for n, spec in enumerate(slots)], info)
            )
        return cls(built, auto_switch=auto_switch)

    def spool(self, tray: int) -> Spool | None:
        """The roll at a global tray number (unit·4 + slot, 254 external)."""
        if tray == EXTERNAL:
            return self.external
        unit, slot = divmod(tray, SLOTS_PER_UNIT)
        return self.units[unit].slots[slot] if 0 <= tray < len(self.units) * SLOTS_PER_UNIT else None

    def put(self, tray: int, spool: Spool | None) -> None:
        if tray == EXTERNAL and spool is not None:
            self.external = spool
            return
        if not 0 <= tray < len(self.units) * SLOTS_PER_UNIT:
            raise ValueError(f"This printer has no AMS slot {tray}.")
        unit, slot = divmod(tray, SLOTS_PER_UNIT)
        self.units[unit].slots[slot] = spool
        self.version += 1

    def substitute(self, tray: int) -> int | None:
        """Another tray with the same material and colour that still holds filament, when auto-switch is on."""
        empty = self.spool(tray)
        if not self.auto_switch or empty is None:
            return None
        for other in range(len(self.units) * SLOTS_PER_UNIT):
            spool = self.spool(other)
            if other == tray or spool is None or spool.remaining_g <= 0:
                continue
            if (spool.spec.material, spool.spec.color) == (empty.spec.material, empty.spec.color):
                return other
        return None

    def report(self) -> dict[str, Any]:
        present = 0 if self.powering_down else self._bits(lambda spool: spool is not None)
        genuine = 0 if self.powering_down else self._bits(lambda spool: spool is not None and spool.spec.rfid)
        reading = sum(1 << tray for tray in self.reading)
        return {
            "ams": [self._unit_report(unit) for unit in self.units],
            "ams_exist_bits": f"{0 if self.powering_down else (1 << len(self.units)) - 1:x}",
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
            "tray": [self._tray_report(unit, slot) for slot in range(SLOTS_PER_UNIT)],
        }

    def _tray_report(self, unit: Unit, slot: int) -> dict[str, Any]:
        spool = unit.slots[slot]
        being_read = unit.unit_id * SLOTS_PER_UNIT + slot in self.reading
        return {"id": str(slot)} if spool is None or being_read else spool.report(slot)

    def _bits(self, wanted: Callable[[Spool | None], bool]) -> int:
        bits = 0
        for unit in self.units:
            for slot, spool in enumerate(unit.slots):
                if wanted(spool):
                    bits |= 1 << (unit.unit_id * SLOTS_PER_UNIT + slot)
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
