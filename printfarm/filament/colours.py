"""Colours of filament: hexadecimal as slicers and printers write them, or a plain word, and how far two are apart."""

import re
from functools import lru_cache

from printfarm.core.errors import DomainError

# Colours nearer than this look the same on a shelf; farther apart than FAR they are no suggestion.
SAME, FAR = 40.0, 200.0
MOST_COLOURS = 12  # of one filament

_Rgb = tuple[float, float, float]
_Colour = tuple[float, float, float, float]
_HEX = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?")
_SHORT = re.compile(r"#[0-9A-Fa-f]{3}")  # as style sheets write it: #F80 is #FF8800
# What people type who have no colour picker at hand: shades as filament has them, not those of the web.
_WORDS = {
    "beige": "#E6D9BC",
    "black": "#000000",
    "blue": "#1F4FA3",
    "bronze": "#8C5A2B",
    "brown": "#6B4226",
    "clear": "#FFFFFF40",
    "copper": "#B5673A",
    "gold": "#CFA23A",
    "gray": "#808080",
    "green": "#2E7D32",
    "grey": "#808080",
    "lilac": "#B9A0D6",
    "orange": "#F2711C",
    "pink": "#EE8FB4",
    "purple": "#6A3A9C",
    "red": "#C62828",
    "silver": "#C0C0C0",
    "transparent": "#FFFFFF40",
    "turquoise": "#2BB6B0",
    "violet": "#6A3A9C",
    "white": "#FFFFFF",
    "yellow": "#F6C916",
}


def normal_colour(text: str) -> str:
    """One colour, or the word for it, as #RRGGBB, or #RRGGBBAA when it is transparent. Raises DomainError."""
    plain = _WORDS.get(text.strip().lower(), text.strip())
    if _SHORT.fullmatch(plain):
        plain = "".join(digit * 2 for digit in plain[1:])
    match = _HEX.fullmatch(plain)
    if match is None:
        raise DomainError(
            f"{text.strip()[:40] or 'Nothing'} is not a colour that is known here."
            " Write a plain word like green, or its number, like #2E7D32."
        )
    rgb, alpha = match.group(1).upper(), (match.group(2) or "FF").upper()
    return f"#{rgb}" if alpha == "FF" else f"#{rgb}{alpha}"


def normal_colours(text: str) -> str:
    """One or several colours, joined by commas. Raises DomainError."""
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > MOST_COLOURS:
        raise DomainError(f"{len(parts)} colours are too many for one filament. {MOST_COLOURS} are the most.")
    return ",".join(normal_colour(part) for part in parts) or normal_colour(text)


def distance(one: str, other: str) -> float:
    """How different two filaments look, 0 to about 765. Of several colours each is held against its nearest."""
    ours, theirs = _parsed(one), _parsed(other)
    there = sum(min(_apart(a, b) for b in theirs) for a in ours) / len(ours)
    back = sum(min(_apart(a, b) for a in ours) for b in theirs) / len(theirs)
    return (there + back) / 2


@lru_cache(maxsize=4096)
def _apart(one: _Colour, other: _Colour) -> float:
    """What shines through is looked at on white and on black."""
    if one[3] == other[3] == 1:
        return _redmean(one[:3], other[:3])
    return sum(_redmean(_on(one, ground), _on(other, ground)) for ground in (255.0, 0.0)) / 2


def _redmean(one: _Rgb, other: _Rgb) -> float:
    """The "redmean" approximation of how far apart two colours are seen."""
    mean = (one[0] + other[0]) / 2
    red = (2 + mean / 256) * (one[0] - other[0]) ** 2
    green = 4.0 * (one[1] - other[1]) ** 2
    blue = (2 + (255 - mean) / 256) * (one[2] - other[2]) ** 2
    return float((red + green + blue) ** 0.5)


def _on(colour: _Colour, ground: float) -> _Rgb:
    red, green, blue, alpha = colour
    return (
        red * alpha + ground * (1 - alpha),
        green * alpha + ground * (1 - alpha),
        blue * alpha + ground * (1 - alpha),
    )


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[_Colour, ...]:
    return tuple(_colour(part) for part in normal_colours(text).split(","))


def _colour(hexadecimal: str) -> _Colour:
    digits = hexadecimal[1:].ljust(8, "F")
    red, green, blue, alpha = (int(digits[at : at + 2], 16) for at in (0, 2, 4, 6))
    return red, green, blue, alpha / 255
