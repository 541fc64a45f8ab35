"""Families of colours: the few words that people sort a shelf of filament by."""

from colorsys import rgb_to_hls
from functools import lru_cache

from printfarm.core.errors import DomainError
from printfarm.filament.colours import normal_colours

TRANSPARENT, SEVERAL = "transparent", "several colours"
# Where a hue ends, in degrees, and what it is called.
_HUES = (
    (14, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, "green"),
    (195, "turquoise"),
    (255, "blue"),
    (292, "purple"),
    (340, "pink"),
    (360, "red"),
)
FAMILIES = (
    "black",
    "white",
    "grey",
    "beige",
    "brown",
    "red",
    "orange",
    "yellow",
    "green",
    "turquoise",
    "blue",
    "purple",
    "pink",
    TRANSPARENT,
    SEVERAL,
)
_GLASS = 0xC0  # what lets through more than this is called transparent


@lru_cache(maxsize=4096)
def families_of(colour_hex: str) -> frozenset[str]:
    """The families that a filament belongs to: each of its colours counts, and several are one family more."""
    try:
        parts = normal_colours(colour_hex).split(",")
    except DomainError:
        return frozenset()
    found = {_family(part) for part in parts}
    return frozenset(found | ({SEVERAL} if len(parts) > 1 else set()))


def _family(colour: str) -> str:
    digits = colour[1:].ljust(8, "F")
    red, green, blue, alpha = (int(digits[at : at + 2], 16) for at in (0, 2, 4, 6))
    if alpha < _GLASS:
        return TRANSPARENT
    hue, light, vivid = rgb_to_hls(red / 255, green / 255, blue / 255)
    chroma = (max(red, green, blue) - min(red, green, blue)) / 255
    if light < 0.11 or (chroma < 0.09 and light < 0.22):
        return "black"
    if chroma < 0.09:
        return "white" if light > 0.88 else "grey"
    return _of_hue(hue * 360, light, vivid, chroma)


def _of_hue(hue: float, light: float, vivid: float, chroma: float) -> str:
    if 14 <= hue < 68 and light > 0.68 and chroma < 0.45:
        return "beige"
    if 8 <= hue < 50 and light < 0.45 and (vivid < 0.65 or light < 0.3):
        return "brown"
    if (hue < 14 or hue >= 340) and light > 0.66:
        return "pink"
    return next(name for end, name in _HUES if hue <= end)
