"""Simple bodies as coloured faces: what stands on the plates of the demo's pictures. Lengths in mm, z upwards."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float, float]
Flat = tuple[float, float]

LAYER_MM = 1.6  # a band of this height is shaded a little differently, as printed walls look
FLOOR_MM = 2.0


@dataclass(frozen=True)
class Face:
    """A flat polygon. `normal` points outwards; `band` counts layers; `inside` is seen through an opening."""

    points: tuple[Point, ...]
    normal: Point
    colour: str
    band: int = 0
    inside: bool = False


@dataclass(frozen=True)
class Solid:
    """A body at its place on the plate. Sides and inner walls are drawn from far to near, lids after them."""

    at: Flat
    sides: tuple[Face, ...]
    lids: tuple[Face, ...]


def lathe(  # noqa: PLR0913  # a shape by name
    profile: Sequence[Flat],
    colour: str,
    *,
    at: Flat = (0, 0),
    flutes: int = 0,
    depth: float = 0.0,
    twist: float = 0.0,
    is_open: bool = False,
    upper: str = "",
    upper_from_mm: float = 0.0,
) -> Solid:
    """A turned body. `profile`: (radius, height) from the bottom up; `flutes` waves around it, turned by `twist` to the top.

    With `upper` the part above `upper_from_mm` has a second colour.
    """
    rings = _rings(profile)
    top = rings[-1][1] or 1.0

    def radius(r: float, z: float, angle: float) -> float:
        return r * (1 + depth * math.cos(flutes * angle + twist * z / top)) if flutes else r

    steps = 72
    sides = []
    for band, ((r0, z0), (r1, z1)) in enumerate(itertools.pairwise(rings)):
        shade = upper if upper and z0 >= upper_from_mm else colour
        for step in range(steps):
            a, b = math.tau * step / steps, math.tau * (step + 1) / steps
            quad = (
                _polar(radius(r0, z0, a), a, z0, at),
                _polar(radius(r0, z0, b), b, z0, at),
                _polar(radius(r1, z1, b), b, z1, at),
                _polar(radius(r1, z1, a), a, z1, at),
            )
            normal = _normal(quad)
            sides.append(Face(quad, normal, shade, band))
            if is_open:
                sides.append(Face(quad, _turned(normal), shade, band, inside=True))
    r, z = (profile[0][0], FLOOR_MM) if is_open else rings[-1]
    ring = tuple(_polar(radius(r, z, math.tau * n / steps), math.tau * n / steps, z, at) for n in range(steps))
    if is_open:
        return Solid(at, (Face(ring, (0, 0, 1), colour, inside=True), *sides), ())
    return Solid(at, tuple(sides), (Face(ring, (0, 0, 1), upper or colour),))


def prism(
    outline: Sequence[Flat], height_mm: float, colour: str, *, at: Flat = (0, 0), holes: Sequence[Sequence[Flat]] = ()
) -> Solid:
    """An outline pulled up. Holes are drawn as what one sees of them from above: their far walls and a dark ground."""
    moved = [(x + at[0], y + at[1]) for x, y in outline]
    sides = _walls(moved, height_mm, colour)
    lids = [Face(tuple((x, y, height_mm) for x, y in moved), (0, 0, 1), colour)]
    for hole in holes:
        there = [(x + at[0], y + at[1]) for x, y in hole]
        lids.append(Face(tuple((x, y, height_mm) for x, y in there), (0, 0, 1), colour, inside=True))
    return Solid(at, tuple(sides), tuple(lids))


def circle(radius: float, steps: int = 40, centre: Flat = (0, 0)) -> list[Flat]:
    return [
        (centre[0] + radius * math.cos(math.tau * n / steps), centre[1] + radius * math.sin(math.tau * n / steps))
        for n in range(steps)
    ]


def star(points: int, outer: float, inner: float) -> list[Flat]:
    return [
        _plane(outer if n % 2 == 0 else inner, math.pi * n / points + math.pi / 2 / points) for n in range(2 * points)
    ]


def gear(teeth: int, radius: float, tooth: float) -> list[Flat]:
    found = []
    for n in range(teeth):
        for part, out in ((0.0, 0), (0.22, 1), (0.5, 1), (0.72, 0)):
            found.append(_plane(radius + out * tooth, math.tau * (n + part) / teeth))
    return found


def crescent(radius: float) -> list[Flat]:
    outer = [_plane(radius, math.radians(angle)) for angle in range(40, 321, 8)]
    bite, centre = 0.766 * radius, 0.35 * radius
    inner = [
        (centre + bite * math.cos(math.radians(angle)), bite * math.sin(math.radians(angle)))
        for angle in range(297, 62, -6)
    ]
    return outer + inner


def hook() -> list[Flat]:
    """A wall hook lying on its side."""
    bend = [_plane(13, math.radians(angle)) for angle in range(180, 361, 10)]
    back = [_plane(8, math.radians(angle)) for angle in range(360, 179, -10)]
    return [(-13, 34), *bend, (13, 8), (8, 8), *back[1:], (-8, 40), (-13, 40)]


def clip() -> list[Flat]:
    outer = [_plane(9, math.radians(angle)) for angle in range(35, 326, 10)]
    inner = [_plane(6, math.radians(angle)) for angle in range(325, 34, -10)]
    return [*outer, *inner]


def ell(length: float, width: float, thickness: float) -> list[Flat]:
    return [(0, 0), (length, 0), (length, thickness), (thickness, thickness), (thickness, width), (0, width)]


def _rings(profile: Sequence[Flat]) -> list[Flat]:
    """The profile cut into bands of about a layer's height, rounded between its points."""
    rings = [profile[0]]
    for (r0, z0), (r1, z1) in itertools.pairwise(profile):
        count = max(1, round(max(abs(z1 - z0), abs(r1 - r0) / 2) / LAYER_MM))
        rings += [(r0 + (r1 - r0) * n / count, z0 + (z1 - z0) * n / count) for n in range(1, count + 1)]
    return rings


def _walls(outline: Sequence[Flat], height_mm: float, colour: str) -> list[Face]:
    bands = max(1, round(height_mm / LAYER_MM))
    walls = []
    clockwise = (
        sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True)) > 0
    )
    corners = list(reversed(outline)) if clockwise else list(outline)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        for band in range(bands):
            low, high = height_mm * band / bands, height_mm * (band + 1) / bands
            quad = ((x0, y0, low), (x1, y1, low), (x1, y1, high), (x0, y0, high))
            walls.append(Face(quad, _normal(quad), colour, band))
    return walls


def _normal(quad: tuple[Point, ...]) -> Point:
    (ax, ay, az), (bx, by, bz), _, (dx, dy, dz) = quad
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, dx - ax, dy - ay, dz - az
    x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return x / length, y / length, z / length


def _turned(normal: Point) -> Point:
    return -normal[0], -normal[1], -normal[2]


def _plane(radius: float, angle: float) -> Flat:
    return radius * math.cos(angle), radius * math.sin(angle)


def _polar(radius: float, angle: float, z: float, at: Flat) -> Point:
    return at[0] + radius * math.cos(angle), at[1] + radius * math.sin(angle), z
