"""Reads G-code of ideaMaker. It states lengths, densities and diameters, so weights are worked out and marked."""

import re
from collections import Counter

from printfarm.files.readers.comments import Comments, first_bed_c, first_nozzle_c, leading_number, positive
from printfarm.files.readers.results import PrinterModel, Slicer
from printfarm.files.readers.stated import COMMANDS, COMMENTS, TOTALS, Pair, Stated, StatedSlot
from printfarm.files.readers.values import MAX_METRES, clean_text, number, seconds

_SIGNATURE = re.compile(r"\n;[ \t]*Sliced by ideaMaker[ \t]*([\w.+-]{0,40})", re.IGNORECASE)
_LAYER = re.compile(
    r"\n;LAYER:(-?\d{1,6})[ \t]*(?:\n;Z:[ \t]*(\d{1,5}\.?\d{0,6})[ \t]*)?(?:\n;HEIGHT:[ \t]*(\d{1,3}\.?\d{0,6}))?",
    re.ASCII,
)
_NUMBERED = re.compile(r"(\d{1,2})", re.ASCII)
_TIME_TOLERANCE_S = 1


def recognises(head: str) -> bool:
    return _SIGNATURE.search(head) is not None


def read(comments: Comments) -> Stated:
    signature = _SIGNATURE.search(comments.text)
    layers = [(int(n), float(z or 0), float(height or 0)) for n, z, height in _LAYER.findall(comments.text)]
    slots = _slots(comments)
    first_tool = slots[0].slot - 1 if slots else None
    time_s = seconds(leading_number(comments.last("Print Time")))
    return Stated(
        slicer=Slicer("ideaMaker", clean_text(signature[1].rstrip(","), 40) if signature else None),
        time_total_s=time_s,
        layers=max((n for n, _, _ in layers), default=-1) + 1 or None,
        max_z_mm=_top_mm(comments),
        layer_height_mm=_usual_height_mm(layers),
        first_layer_height_mm=_first_layer_mm(layers),
        nozzle_mm=_nozzle_mm(comments),
        nozzle_c=_pair(first_nozzle_c(comments.text, first_tool) or first_nozzle_c(comments.text)),
        bed_c=_pair(first_bed_c(comments.text)),
        printer=PrinterModel(model=clean_text(comments.first("Machine Type") or comments.first("Printer Type"), 120)),
        slots=slots,
        sources={"time_total_s": TOTALS, "metres": TOTALS, "grams": TOTALS}
        | dict.fromkeys(("layers", "layer_height_mm", "first_layer_height_mm"), COMMENTS)
        | dict.fromkeys(("nozzle_c", "bed_c"), COMMANDS),
        doubts=_doubts(comments, time_s),
        raw=comments.raw(),
    )


def _slots(comments: Comments) -> tuple[StatedSlot, ...]:
    """`Material#1 Used: 422.7` in mm; densities are in kg/m³."""
    slots = []
    for rest, value in comments.starting_with("Material#"):
        number_text, _, key = rest.partition(" ")
        length_mm = leading_number(value, high=MAX_METRES * 1000)
        if key == "Used" and _NUMBERED.fullmatch(number_text) and length_mm:
            slots.append(_slot(comments, int(number_text), length_mm))
    return tuple(sorted(slots, key=lambda slot: slot.slot))


def _slot(comments: Comments, slot: int, length_mm: float) -> StatedSlot:
    density = positive(comments.number(f"Filament Density #{slot}", high=30_000))
    return StatedSlot(
        slot,
        metres=length_mm / 1000,
        material=clean_text(comments.first(f"Filament Type #{slot}"), 60),
        preset=clean_text(comments.first(f"Filament Name #{slot}"), 120),
        density_g_cm3=density / 1000 if density else None,
        diameter_mm=positive(comments.number(f"Filament Diameter #{slot}", high=10)),
    )


def _nozzle_mm(comments: Comments) -> tuple[float, ...] | None:
    """`Dimension: x y z nozzle [nozzle]`."""
    parts = (comments.first("Dimension") or "").split()[3:19]
    found = [number(part.replace(",", "."), high=10) for part in parts]
    return tuple(n for n in found if n) or None


def _top_mm(comments: Comments) -> float | None:
    parts = (comments.first("Bounding Box") or "").split()
    return positive(number(parts[5].replace(",", "."), high=10_000)) if len(parts) == 6 else None


def _usual_height_mm(layers: list[tuple[int, float, float]]) -> float | None:
    """There is no key for the layer height: it is the one that most layers have."""
    heights = Counter(height for n, _, height in layers if n > 0 and height)
    return heights.most_common(1)[0][0] if heights else None


def _first_layer_mm(layers: list[tuple[int, float, float]]) -> float | None:
    """The first layer of the model; without a stated height its place says it, when no raft lies under it."""
    _, z, height = next((layer for layer in layers if layer[0] == 0), (0, 0.0, 0.0))
    has_raft = any(n < 0 for n, _, _ in layers)
    return positive(height) or (None if has_raft else positive(z))


def _doubts(comments: Comments, time_s: int | None) -> tuple[tuple[str, str], ...]:
    at_start = seconds(comments.number("REMAINING_TIME"))
    if not time_s or not at_start or at_start - time_s <= _TIME_TOLERANCE_S:
        return ()
    return (("time_differs", f"The end says {time_s} s, the start {at_start} s are left; the end was taken."),)


def _pair(c: float | None) -> Pair | None:
    return (c, None) if c else None
