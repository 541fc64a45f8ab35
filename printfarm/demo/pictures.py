"""Draws what lies on a plate: the bodies in their colours on the printer's bed, lit from the left, as slicers show them."""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from printfarm.demo.solids import Face, Flat, Point, Solid

Pixel = tuple[float, float]
Colour = tuple[int, int, int]

BED: Colour = (98, 103, 112)
BED_EDGE: Colour = (66, 70, 78)
BED_LINE: Colour = (116, 121, 130)
LIGHT: Point = (-0.5, -0.42, 0.757)
OVERSAMPLE = 2  # drawn larger, then made smaller, for smooth edges
SHADOW = 90


@dataclass(frozen=True)
class Camera:
    """Looks at the middle of the bed from the front; parallel rays. Angles in degrees, `span_mm` fills the picture."""

    size_px: int
    span_mm: float
    bed_mm: float  # half the bed's width
    turn: float = 32.0
    rise: float = 38.0
    lift_mm: float = 0.0  # what is in the middle of the picture lies so high above the bed

    def see(self, point: Point) -> tuple[float, float, float]:
        """Place in the picture, and nearness (larger is nearer)."""
        x, y, z = point
        turn, rise = math.radians(self.turn), math.radians(self.rise)
        right = x * math.cos(turn) - y * math.sin(turn)
        away = x * math.sin(turn) + y * math.cos(turn)
        up = away * math.sin(rise) + (z - self.lift_mm) * math.cos(rise)
        scale = self.size_px / self.span_mm
        return (
            self.size_px / 2 + right * scale,
            self.size_px / 2 - up * scale,
            z * math.sin(rise) - away * math.cos(rise),
        )

    def faces(self, normal: Point) -> bool:
        turn, rise = math.radians(self.turn), math.radians(self.rise)
        away = normal[0] * math.sin(turn) + normal[1] * math.cos(turn)
        return normal[2] * math.sin(rise) - away * math.cos(rise) > 0


def plate_picture(solids: Sequence[Solid], size_px: int = 512) -> bytes:
    """A PNG of the plate from the front, on a transparent ground."""
    reach, top = _extent(solids)
    bed = max(1.14 * reach, 24.0)
    camera = Camera(size_px * OVERSAMPLE, max(2.82 * bed, 1.6 * top), bed, lift_mm=top * 0.42)
    return _png(_draw(solids, camera), size_px)


def top_picture(solids: Sequence[Solid], size_px: int = 512) -> bytes:
    """The same plate from above."""
    bed = max(1.14 * _extent(solids)[0], 24.0)
    return _png(_draw(solids, Camera(size_px * OVERSAMPLE, 2.1 * bed, bed, turn=0, rise=89.9)), size_px)


def smaller(png: bytes, size_px: int) -> bytes:
    """The same picture in another size."""
    with Image.open(io.BytesIO(png)) as image:
        return _png(image.convert("RGBA"), size_px)


def _extent(solids: Sequence[Solid]) -> tuple[float, float]:
    """How far the things reach from the middle of the bed, and how high."""
    points = [point for solid in solids for face in (*solid.sides, *solid.lids) for point in face.points]
    return max(max(abs(x), abs(y)) for x, y, _ in points), max(z for *_, z in points)


def _draw(solids: Sequence[Solid], camera: Camera) -> Image.Image:
    image = Image.new("RGBA", (camera.size_px, camera.size_px), (0, 0, 0, 0))
    _draw_bed(image, camera)
    image.alpha_composite(_shadows(solids, camera))
    draw = ImageDraw.Draw(image)
    for solid in sorted(solids, key=lambda one: camera.see((*one.at, 0.0))[2]):
        for face in _visible(solid, camera):
            draw.polygon([camera.see(point)[:2] for point in face.points], fill=(*_lit(face), 255))
    return image


def _visible(solid: Solid, camera: Camera) -> Iterator[Face]:
    seen = [face for face in solid.sides if camera.faces(face.normal)]
    # The inner walls of an open body lie behind its outer ones: they are farther, but not always by their middle.
    yield from sorted(seen, key=lambda face: (not face.inside, _nearness(face, camera)))
    yield from (face for face in solid.lids if camera.faces(face.normal))


def _nearness(face: Face, camera: Camera) -> float:
    return sum(camera.see(point)[2] for point in face.points) / len(face.points)


def _lit(face: Face) -> Colour:
    facing = max(0.0, sum(a * b for a, b in zip(face.normal, LIGHT, strict=True)))
    light = 0.5 + 0.52 * facing + (0.018 if face.band % 2 else -0.018)
    if face.inside:
        light *= 0.62
    shine = 26 * facing**8
    red, green, blue = (min(255, int((30 + part * 0.882) * light + shine)) for part in rgb(face.colour))
    return red, green, blue


def rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _draw_bed(image: Image.Image, camera: Camera) -> None:
    draw = ImageDraw.Draw(image)
    half = camera.bed_mm
    corners = _rounded(half, half * 0.12)
    draw.polygon([camera.see((x, y, -half * 0.035))[:2] for x, y in corners], fill=(*BED_EDGE, 255))
    draw.polygon([camera.see((x, y, 0))[:2] for x, y in corners], fill=(*BED, 255))
    width = max(1, camera.size_px // 512)
    for line in range(-4, 5):
        place = half * line / 4.6
        draw.line([camera.see((place, -half * 0.96, 0))[:2], camera.see((place, half * 0.96, 0))[:2]], BED_LINE, width)
        draw.line([camera.see((-half * 0.96, place, 0))[:2], camera.see((half * 0.96, place, 0))[:2]], BED_LINE, width)


def _rounded(half: float, radius: float) -> list[Flat]:
    found = []
    for quarter, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        for step in range(9):
            angle = math.pi / 2 * (quarter + step / 8)
            found.append(
                (x * (half - radius) + radius * math.cos(angle), y * (half - radius) + radius * math.sin(angle))
            )
    return found


def _shadows(solids: Sequence[Solid], camera: Camera) -> Image.Image:
    """Where the bodies keep the light from the bed, softened."""
    mask = Image.new("L", (camera.size_px, camera.size_px), 0)
    draw = ImageDraw.Draw(mask)
    for solid in solids:
        for face in (*solid.sides, *solid.lids):
            cast = [_fallen(point) for point in face.points]
            draw.polygon([camera.see(point)[:2] for point in cast], fill=SHADOW)
    soft = mask.filter(ImageFilter.GaussianBlur(camera.size_px / 110))
    shadow = Image.new("RGBA", mask.size, (16, 18, 24, 0))
    shadow.putalpha(soft)
    on_bed = Image.new("L", mask.size, 0)
    half = camera.bed_mm
    ImageDraw.Draw(on_bed).polygon([camera.see((x, y, 0))[:2] for x, y in _rounded(half, half * 0.12)], fill=255)
    return Image.composite(shadow, Image.new("RGBA", mask.size, (0, 0, 0, 0)), on_bed)


def _fallen(point: Point) -> Point:
    x, y, z = point
    return x - LIGHT[0] / LIGHT[2] * z * 0.55, y - LIGHT[1] / LIGHT[2] * z * 0.55, 0.0


def _png(image: Image.Image, size_px: int) -> bytes:
    out = io.BytesIO()
    image.resize((size_px, size_px), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()
