"""Colours of filament: hexadecimal as slicers and printers write them, and how far two are apart."""

import re

from printfarm.core.errors import DomainError

_HEX = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?")


def normal_colour(text: str) -> str:
    """One colour as #RRGGBB, or #RRGGBBAA when it is transparent. Raises DomainError."""
    match = _HEX.fullmatch(text.strip())
    if match is None:
        raise DomainError(f"{text.strip() or 'Nothing'} is not a colour. Write it like #2E7D32.")
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
