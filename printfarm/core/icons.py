"""The icons of the installed app, drawn from the one description that there is: static/favicon.svg.

Phones want PNG. The drawing reads exactly what the favicon uses: one ground, and strokes made of horizontal and vertical
lines with round ends.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml.ElementTree import fromstring

from printfarm.core.assets import version_of

if TYPE_CHECKING:
    from PIL import ImageDraw

SVG = "{http://www.w3.org/2000/svg}"
FINER = 3  # drawn so many times larger and shrunk, which makes the edges smooth
_STEP = re.compile(r"([Mhv])([^Mhv]+)")

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Icon:
    """A picture of the installed app. `full`: the ground reaches the edge, for systems that cut the shape themselves.

    `scale` shrinks the drawing towards the middle: of a maskable icon only a circle of 80 % of the width is sure to be seen.
    """

    size_px: int
    full: bool = False
    scale: float = 1.0


ICONS = {
    "icon-192": Icon(192),
    "icon-512": Icon(512),
    "maskable-192": Icon(192, full=True, scale=0.85),
    "maskable-512": Icon(512, full=True, scale=0.85),
    "apple-touch-icon": Icon(180, full=True, scale=0.92),
}


def icons_version(source: Path) -> str:
    """Changes with the description and with the way it is drawn."""
    return f"{version_of(source)}{version_of(Path(__file__))}"


@dataclass(frozen=True)
class Drawing:
    """What favicon.svg describes, in its own units: a square ground, and lines of one width with round ends."""

    side: float
    ground: str
    radius: float
    width: float
    lines: tuple[tuple[str, Box], ...]


@lru_cache(maxsize=len(ICONS))
def draw_icon(name: str, source: Path, version: str) -> bytes:  # noqa: ARG001  # the version is the key of the cache
    """One of ICONS as PNG. Raises KeyError for another name."""
    from PIL import Image, ImageDraw  # takes memory that most requests never need

    icon, drawing = ICONS[name], _read(source)
    side = icon.size_px * FINER
    image = Image.new("RGB", (side, side), drawing.ground)
    _draw_lines(ImageDraw.Draw(image), drawing, side / drawing.side, icon.scale)
    image = image.resize((icon.size_px, icon.size_px), Image.Resampling.LANCZOS)
    if not icon.full:
        mask = Image.new("L", (side, side), 0)
        radius = drawing.radius * side / drawing.side
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), radius, fill=255)
        image.putalpha(mask.resize(image.size, Image.Resampling.LANCZOS))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_lines(draw: "ImageDraw.ImageDraw", drawing: Drawing, factor: float, scale: float) -> None:
    middle, half = drawing.side * factor / 2, drawing.width * factor * scale / 2
    for colour, line in drawing.lines:
        x1, y1, x2, y2 = (middle + (at * factor - middle) * scale for at in line)
        box = (min(x1, x2) - half, min(y1, y2) - half, max(x1, x2) + half, max(y1, y2) + half)
        draw.rounded_rectangle(box, half, fill=colour)


def _read(source: Path) -> Drawing:
    svg = fromstring(source.read_text(encoding="utf-8"))
    ground, group = (next(svg.iter(f"{SVG}{name}")).attrib for name in ("rect", "g"))
    paths = [path.attrib for path in svg.iter(f"{SVG}path")]
    lines = tuple((path.get("stroke", group["stroke"]), line) for path in paths for line in _lines(path["d"]))
    side, radius, width = float(ground["width"]), float(ground["rx"]), float(group["stroke-width"])
    return Drawing(side, ground["fill"], radius, width, lines)


def _lines(path: str) -> Iterator[Box]:
    """Each line of a path made of M, h and v. Raises ValueError for a path that is made of more."""
    unknown = set(re.findall(r"[A-Za-z]", path)) - set("Mhv")
    if unknown:
        raise ValueError(f"favicon.svg uses {sorted(unknown)}, which printfarm.core.icons cannot draw")
    x = y = 0.0
    for step, numbers in _STEP.findall(path):
        values = [float(number) for number in numbers.split()]
        if step == "M":
            x, y = values
            continue
        far_x, far_y = (x + values[0], y) if step == "h" else (x, y + values[0])
        yield x, y, far_x, far_y
        x, y = far_x, far_y
