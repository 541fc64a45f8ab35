"""Reads G-code of KISSlicer 1 and 2. It states lengths without a density, so weights stay unknown."""

import re
from collections import Counter

from printfarm.files.readers.comments import Comments, first_bed_c, first_nozzle_c, leading_number, positive
from printfarm.files.readers.results import PrinterModel, Slicer
from printfarm.files.readers.stated import COMMENTS, CONFIG, TOTALS, Pair, Stated, StatedSlot
from printfarm.files.readers.values import MAX_METRES, clean_text, number, seconds

_SIGNATURE = re.compile(r"\n;[ \t]*KISSlicer\b", re.IGNORECASE)
_VERSION = re.compile(r"\n;[ \t]*version[ \t]+(?:\d+[ \t]+[a-z]+[ \t]+)?(\d+(?:\.\w+)+)", re.ASCII)
_LAYER = re.compile(r"\n; BEGIN_LAYER_OBJECT z=(\d{1,5}\.?\d{0,6})(?:[ \t]+z_thickness=(\d{1,3}\.?\d{0,6}))?", re.ASCII)
_USED = re.compile(r"\n;[ \t]*Ext(?:ruder)? #?(\d{1,2})[ \t]*=[ \t]*(\d{1,9}(?:[.,]\d+)?)[ \t]*mm\b", re.ASCII)
_AS_USED = "*** Actual Slicing Settings As Used ***"
_MATERIAL = re.compile(r"\n; \*\*\* Material Settings for Extruder (\d{1,2}) \*\*\*", re.ASCII)
_TIMES = ("Calculated-during-export Build Time", "Estimated Build Time", "Estimated-in-GUI Build Time")
_MAX_C = 600.0


def recognises(head: str) -> bool:
    return _SIGNATURE.search(head) is not None


def read(comments: Comments) -> Stated:
    version = _VERSION.search(comments.text)
    layers = _LAYER.findall(comments.text)
    as_used = Comments("\n" + comments.text.partition(_AS_USED)[2][:20_000])
    slots = _slots(comments)
    settings = _of_extruder(comments, slots[0].slot if slots else 1)
    nozzle_c = _nozzle_c(settings) or _pair(first_nozzle_c(comments.text))
    return Stated(
        slicer=Slicer("KISSlicer", clean_text(version[1], 40) if version else None),
        time_total_s=_time_s(comments),
        layers=len({z for z, _ in layers}) or None if comments.is_whole else None,
        max_z_mm=max((float(z) for z, _ in layers), default=None),
        layer_height_mm=_usual_height_mm(layers) or positive(as_used.number("layer_thickness_mm", "=", high=20)),
        first_layer_height_mm=positive(as_used.number("first_layer_thickness_mm", "=", high=20)),
        nozzle_mm=_nozzle_mm(comments, slots),
        nozzle_c=nozzle_c,
        bed_c=_pair(positive(settings.number("bed_C", "=", high=300)) or first_bed_c(comments.text)),
        printer=PrinterModel(model=clean_text(comments.first("printer_name", "="), 120)),
        slots=slots,
        sources={"time_total_s": TOTALS, "metres": TOTALS, "layers": COMMENTS, "max_z_mm": COMMENTS}
        | {"layer_height_mm": COMMENTS}
        | dict.fromkeys(("first_layer_height_mm", "nozzle_mm", "nozzle_c", "bed_c", "printer"), CONFIG),
        settings=comments.raw("="),
    )


def _time_s(comments: Comments) -> int | None:
    """Decimal minutes; the time that was counted at the export is better than the one of the screen."""
    minutes = (leading_number(comments.last(key), high=1e6) for key in _TIMES)
    return next((seconds(m * 60) for m in minutes if m), None)


def _slots(comments: Comments) -> tuple[StatedSlot, ...]:
    used = {int(n): number(text.replace(",", "."), high=MAX_METRES * 1000) for n, text in _USED.findall(comments.text)}
    slots = []
    for slot, length_mm in sorted(used.items()):
        if length_mm and slot:
            settings = _of_extruder(comments, slot)
            slots.append(
                StatedSlot(
                    slot,
                    metres=length_mm / 1000,
                    preset=clean_text(settings.first("material_name", "="), 120),
                    diameter_mm=positive(settings.number("fiber_dia_mm", "=", high=10)),
                    nozzle_c=_nozzle_c(settings),
                )
            )
    return tuple(slots)


def _of_extruder(comments: Comments, slot: int) -> Comments:
    """The settings of one extruder's material; the last that is listed holds for those after it."""
    sections = list(_MATERIAL.finditer(comments.text))
    own = next((s for s in reversed(sections) if int(s[1]) <= slot), sections[0] if sections else None)
    if own is None:
        return Comments("")
    end = next((s.start() for s in sections if s.start() > own.start()), own.end() + 20_000)
    return Comments("\n" + comments.text[own.end() : min(end, own.end() + 20_000)])


def _nozzle_c(settings: Comments) -> Pair | None:
    first = positive(settings.number("first_layer_C", "=", high=_MAX_C))
    other = positive(settings.number("temperature_C", "=", high=_MAX_C))
    return (first, other) if first or other else None


def _nozzle_mm(comments: Comments, slots: tuple[StatedSlot, ...]) -> tuple[float, ...] | None:
    """The file lists every extruder that the program could have; those that are used count."""
    wanted = [slot.slot for slot in slots] or [1]
    found = [positive(comments.number(f"nozzle_dia_{slot}", "=", high=10)) for slot in wanted]
    return tuple(n for n in found if n) or None


def _usual_height_mm(layers: list[tuple[str, str]]) -> float | None:
    """Layers may adapt to the model: the height that most have."""
    heights = Counter(float(height) for _, height in layers if height)
    return heights.most_common(1)[0][0] or None if heights else None


def _pair(c: float | None) -> Pair | None:
    return (c, None) if c else None
