"""Draws the pictures of a sample plate: boxes in the colours of the filaments, standing on a bed."""

import io
import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageDraw

Colour = tuple[int, int, int]
_BED: Colour = (58, 62, 70)
_BED_LINE: Colour = (84, 89, 99)


@lru_cache(maxsize=64)  # samples are made by the dozen, and most look alike
def plate_png(colours: tuple[str, ...], size_px: int, *, light: bool = True) -> bytes:
    """A square PNG of `size_px` with one standing box for each colour (`#RRGGBB`)."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (size_px, size_px), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    _draw_bed(draw, size_px)
    count = max(1, len(colours))
    for place, colour in enumerate(colours):
        _draw_box(draw, size_px, place, count, _rgb(colour), light=light)
    return _png(image)


@lru_cache(maxsize=64)
def top_png(colours: tuple[str, ...], size_px: int) -> bytes:
    """The same plate seen from above."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (size_px, size_px), (*_BED, 255))
    draw = ImageDraw.Draw(image)
    step = size_px / (max(1, len(colours)) + 1)
    for place, colour in enumerate(colours, start=1):
        half = min(step * 0.35, size_px * 0.15)
        x, y = step * place, size_px / 2
        draw.rectangle((x - half, y - half, x + half, y + half), fill=_rgb(colour))
    return _png(image)


def _draw_bed(draw: "ImageDraw.ImageDraw", size_px: int) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return size_px * (0.5 + (x - y) * 0.46), size_px * (0.38 + (x + y) * 0.27)

    draw.polygon([at(0, 0), at(1, 0), at(1, 1), at(0, 1)], fill=(*_BED, 255))
    for line in range(1, 8):
        part = line / 8
        width = max(1, size_px // 256)
        draw.line([at(part, 0), at(part, 1)], fill=(*_BED_LINE, 255), width=width)
        draw.line([at(0, part), at(1, part)], fill=(*_BED_LINE, 255), width=width)


def _draw_box(
    draw: "ImageDraw.ImageDraw", size_px: int, place: int, count: int, colour: Colour, *, light: bool
) -> None:
    angle = math.tau * place / count
    away = 0.0 if count == 1 else 0.2
    x = size_px * (0.5 + away * math.cos(angle))
    y = size_px * (0.64 + away * 0.5 * math.sin(angle))
    half = size_px * (0.16 if count == 1 else 0.09)
    height = half * 2
    flat = half * 0.55
    top = [(x, y - height - flat), (x + half, y - height), (x, y - height + flat), (x - half, y - height)]
    left = [(x - half, y - height), (x, y - height + flat), (x, y + flat), (x - half, y)]
    right = [(x + half, y - height), (x, y - height + flat), (x, y + flat), (x + half, y)]
    bright, middle, dark = (1.1, 0.85, 0.65) if light else (1.0, 1.0, 1.0)
    draw.polygon(left, fill=_shade(colour, middle))
    draw.polygon(right, fill=_shade(colour, dark))
    draw.polygon(top, fill=_shade(colour, bright))


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(part * factor + 12)) for part in colour)
    return red, green, blue


def _png(image: object) -> bytes:
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise TypeError("a picture is expected")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
