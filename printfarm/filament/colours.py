"""Colours of filament: hexadecimal as slicers and printers write them, or a plain word, and how far two are apart."""

import re

from printfarm.core.errors import DomainError

_HEX = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?")
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
    match = _HEX.fullmatch(_WORDS.get(text.strip().lower(), text.strip()))
    if match is None:
        raise DomainError(
            f"{text.strip() or 'Nothing'} is not a colour that is known here."
            " Write a plain word like green, or its number, like #2E7D32."
        )
    rgb, alpha = match.group(1).upper(), (match.group(2) or "FF").upper()
    return f"#{rgb}" if alpha == "FF" else f"#{rgb}{alpha}"


def normal_colours(text: str) -> str:
    """One or several colours, joined by commas."""
    return ",".join(normal_colour(part) for part in text.split(",") if part.strip()) or normal_colour(text)


def distance(one: str, other: str) -> float:
    """How different two colours look, 0 to about 765 (the "redmean" approximation of perceived distance)."""
    r1, g1, b1 = _rgb(one)
    r2, g2, b2 = _rgb(other)
    mean = (r1 + r2) / 2
    red = (2 + mean / 256) * (r1 - r2) ** 2
    green = 4.0 * (g1 - g2) ** 2
    blue = (2 + (255 - mean) / 256) * (b1 - b2) ** 2
    return float((red + green + blue) ** 0.5)


def _rgb(text: str) -> tuple[int, int, int]:
    first = normal_colour(text.split(",", maxsplit=1)[0])
    return int(first[1:3], 16), int(first[3:5], 16), int(first[5:7], 16)
