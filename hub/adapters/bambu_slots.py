"""What is loaded where, out of a Bambu printer's merged report.

Slots are counted as in `ams_mapping`: unit · 4 + slot; an AMS HT (units from 128) has one slot, which counts as its
unit's number; the external spool is 255 (Bambu's own 254).
"""

from typing import Any

from hub.adapters.bambu_merge import Report
from hub.adapters.bambu_values import as_dict, dicts_in, whole
from hub.protocol import SlotStatus
from hub.reported import tag_in

EXTERNAL = 255
MOST_SLOTS = 16  # of one unit, with room for what comes
FIRST_HT, LAST_HT = 128, 135
LAST_UNIT = 25  # 0-3 an AMS, 16 the one of the A2L; a number between these and the AMS HT names nothing
_HEX = frozenset("0123456789ABCDEF")
_SNOW_EXTERNAL, _SNOW_NONE = 0xFEFF, 0xFFFF


def slot_number(unit: int, slot: int) -> int:
    return unit if unit >= FIRST_HT else unit * 4 + slot


def active_slot(known: Report) -> int | None:
    """The slot that feeds the nozzle now; printers with `device.extruder` say it there, and only there rightly."""
    extruder = as_dict(as_dict(known.get("device")).get("extruder"))
    if extruder.get("info"):
        return _active_of_extruder(extruder)
    now = whole(as_dict(known.get("ams")).get("tray_now"))
    if now is None or not 0 <= now < 255:
        return None
    return EXTERNAL if now == 254 else now


def _active_of_extruder(extruder: Report) -> int | None:
    current = ((whole(extruder.get("state")) or 0) >> 4) & 0xF
    for info in dicts_in(extruder.get("info")):
        snow = whole(info.get("snow")) if whole(info.get("id")) == current else None
        if snow is None or snow == _SNOW_NONE:
            continue
        if snow == _SNOW_EXTERNAL:
            return EXTERNAL
        number = slot_number(snow >> 8, snow & 0xFF)
        return number if 0 <= number < EXTERNAL else None
    return None


def read_slots(known: Report) -> tuple[SlotStatus, ...]:
    active = active_slot(known)
    ams = as_dict(known.get("ams"))
    trays = [(whole(unit.get("id")), tray) for unit in dicts_in(ams.get("ams")) for tray in dicts_in(unit.get("tray"))]
    slots = [_slot(unit, tray, active) for unit, tray in trays if unit is not None]
    slots += [_slot(EXTERNAL, {**tray, "id": number}, active) for number, tray in enumerate(_external_trays(known))]
    return tuple(slot for slot in slots if slot is not None)[:64]


def _external_trays(known: Report) -> list[Report]:
    """The main spool first. New firmware lists them (255 main, 254 left), older firmware has one object."""
    virtual = known.get("vir_slot")
    if dicts_in(virtual):
        return sorted(dicts_in(virtual), key=lambda tray: -(whole(tray.get("id")) or 0))[:2]
    single = known.get("vt_tray")
    return [single] if isinstance(single, dict) else []


def _slot(unit: int, tray: Report, active: int | None) -> SlotStatus | None:
    slot = whole(tray.get("id"))
    if slot is None or not _is_place(unit, slot):
        return None
    material = str(tray.get("tray_type") or "")[:40]
    here = slot_number(unit, slot) if unit != EXTERNAL else EXTERNAL
    remain = whole(tray.get("remain"))
    return SlotStatus(
        ams_unit=unit,
        slot=slot,
        material=material,
        colour_hex=_colour(tray.get("tray_color")) if material else None,
        remain_percent=remain if material and unit != EXTERNAL else None,
        tag=_tag(tray) if material else None,
        loaded=active == here and (unit != EXTERNAL or slot == 0),
        empty=not material,
    )


def _is_place(unit: int, slot: int) -> bool:
    if unit == EXTERNAL:
        return 0 <= slot < 2
    if FIRST_HT <= unit <= LAST_HT:
        return slot == 0
    return 0 <= unit <= LAST_UNIT and 0 <= slot < MOST_SLOTS


def _tag(tray: Report) -> str | None:
    """What the roll's chips call the roll (the same on both sides), or where a printer keeps that back, the chip it sees."""
    return tag_in(tray.get("tray_uuid")) or tag_in(tray.get("tag_uid"))


def _colour(value: Any) -> str | None:
    """RRGGBB of RRGGBBAA. All zeros, and so no colour that could be seen, is a place of which nobody has said any."""
    text = str(value or "").upper()
    if len(text) not in {6, 8} or not set(text) <= _HEX or text == "00000000":
        return None
    return text[:6]
