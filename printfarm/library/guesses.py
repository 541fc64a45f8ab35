"""What a file suggests about itself: a name for its model, a name for its variant, the filaments that it wants.

`extracted` is the reading of printfarm.files.readers as JSON. Everything here is a proposal; a person decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from printfarm.files.readers.results import Json
from printfarm.library.markdown import markdown_from_html

NAME_LENGTH = 120

_ENDINGS = re.compile(r"(\.(gcode|gco|g|3mf|bgcode|gx|ufp|stl|obj))+$", re.IGNORECASE)
# Slicers append what they know: "_0.2mm_PLA_MK4_1h2m", "_plate_2", "(1)".
_SLICER_WORD = (
    r"plate[ _-]?\d+|0\.\d+(mm|n)|\d+d(\d+h)?(\d+m)?|\d+h(\d+m)?|\d+m(\d+s)?|PLA|PETG|ABS|ASA|TPU|PC|PA|PVA|FLEX"
)
_SLICER_TAIL = re.compile(rf"[ _-]+({_SLICER_WORD})(?=[ _-]|$).*$", re.IGNORECASE)
_COPY_MARK = re.compile(r"\s*\(\d+\)$")
_MAKER = re.compile(r"^(Bambu Lab|Original Prusa|Prusa|Creality|Anycubic|Elegoo|Voron)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class WantedFilament:
    """What one slot asks for, over all plates that use it. Weights in grams; cost per gram in the slicer's currency."""

    slot: int
    material: str
    colour_hex: str
    vendor: str
    preset: str
    grams: float | None
    density_g_cm3: Decimal | None
    cost_per_gram: Decimal | None

    @property
    def words(self) -> str:
        """The slot in words: "PLA, Bambu Lab"."""
        return ", ".join(part for part in (self.material or "unknown material", self.vendor) if part)


def model_name(extracted: Mapping[str, Any], file_name: str) -> str:
    """The title that the file carries, else its name without what slicers add."""
    title = " ".join(str(extracted.get("title") or "").split())
    return (title or _spoken(file_name))[:NAME_LENGTH]


def description(extracted: Mapping[str, Any]) -> str:
    """What the file says of its model, as Markdown; "" when it says nothing."""
    said = extracted.get("description")
    if not said:
        about = (extracted.get("raw") or {}).get("model_metadata")
        said = about.get("Description") if isinstance(about, Mapping) else ""
    return markdown_from_html(said) if isinstance(said, str) else ""


def variant_name(extracted: Mapping[str, Any]) -> str:
    """Printer and layer height: "P1S 0.2 mm"; the nozzle too when it is not the usual one."""
    plates = extracted.get("plates") or [{}]
    plate = plates[0]
    printer = (plate.get("printer") or {}).get("model") or ""
    parts = [_MAKER.sub("", printer)]
    if plate.get("layer_height_mm"):
        parts.append(f"{plate['layer_height_mm']:g} mm")
    nozzle = (plate.get("nozzle_mm") or [0.4])[0]
    if nozzle != 0.4:
        parts.append(f"nozzle {nozzle:g}")
    return " ".join(part for part in parts if part)[:NAME_LENGTH] or "Standard"


def wanted_filaments(extracted: Mapping[str, Any]) -> list[WantedFilament]:
    """One entry for each slot that some plate uses, in the slots' order."""
    by_slot: dict[int, list[Json]] = {}
    for plate in extracted.get("plates") or ():
        for filament in plate.get("filaments") or ():
            by_slot.setdefault(int(filament["slot"]), []).append(filament)
    return [_merged(slot, by_slot[slot]) for slot in sorted(by_slot)]


def colour_name(colour_hex: str) -> str:
    """A plain word for a colour, from its hue, saturation and lightness; "" when there is none."""
    digits = colour_hex.lstrip("#")[:6]
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", digits):
        return ""
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    high, low = max(red, green, blue), min(red, green, blue)
    if high - low < 0.12:
        return _grey(high)
    return _hue_word(red, green, blue, high, low)


def _grey(lightness: float) -> str:
    words = ((0.15, "Black"), (0.4, "Dark grey"), (0.7, "Grey"), (0.9, "Light grey"))
    return next((word for limit, word in words if lightness < limit), "White")


# Sixths of the colour circle, each up to its limit.
_HUES = (
    (0.3, "Red"),
    (0.75, "Orange"),
    (1.15, "Yellow"),
    (2.6, "Green"),
    (3.2, "Turquoise"),
    (4.3, "Blue"),
    (5.0, "Purple"),
    (5.7, "Pink"),
)


def _hue_word(red: float, green: float, blue: float, high: float, low: float) -> str:
    span = high - low
    if high == red:
        hue = ((green - blue) / span) % 6
    elif high == green:
        hue = (blue - red) / span + 2
    else:
        hue = (red - green) / span + 4
    word = next((word for limit, word in _HUES if hue < limit), "Red")
    if 0.1 < hue < 0.75 and high < 0.7:
        return "Brown"
    return f"Dark {word.lower()}" if high < 0.45 else word


def _merged(slot: int, found: list[Json]) -> WantedFilament:
    first = found[0]
    grams = [one.get("grams") for one in found]
    cost = first.get("cost_per_kg")
    density = first.get("density_g_cm3")
    return WantedFilament(
        slot=slot,
        material=str(first.get("material") or ""),
        colour_hex=str(first.get("colour") or ""),
        vendor=str(first.get("vendor") or ""),
        preset=str(first.get("preset") or ""),
        grams=None if None in grams else sum(g for g in grams if g is not None),
        density_g_cm3=Decimal(str(density)) if density else None,
        cost_per_gram=Decimal(str(cost)) / 1000 if cost else None,
    )


def _spoken(file_name: str) -> str:
    stem = _COPY_MARK.sub("", _ENDINGS.sub("", file_name))
    plain = _COPY_MARK.sub("", _SLICER_TAIL.sub("", stem)) or stem
    words = " ".join(plain.replace("_", " ").split())
    return words[:1].upper() + words[1:] if words else "Unnamed model"
