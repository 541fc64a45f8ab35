"""Draws a mesh as it would stand on a bed, seen from the front and above: a depth buffer, shaded in this house's colours.

Two passes over the triangles, the first for their extent, the second for the picture. The cost is bounded: where many
triangles lie behind each other the picture is drawn smaller, of a very fine mesh only a part of the triangles is taken, and
after some seconds the picture is as far as it is.
"""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from printfarm.files.readers.results import Thumbnail
from printfarm.files.readers.toolpath import PAPER, SIDE_PX
from printfarm.files.readers.triangles import Corners

Array = NDArray[Any]

_BODY = np.array([0x3F, 0x9A, 0xA9], dtype=np.float64)
_OUTLINE = np.array([0x0B, 0x3E, 0x49], dtype=np.float64)
_SIDES_PX = (1024, 512, 256, 128)
_MARGIN = 0.06
_MOST_PIXELS = 24_000_000
_MOST_TRIANGLES = 6_000_000
_BATCH_ROWS = 400_000
_BATCH_PIXELS = 1_000_000
_SECONDS = 7.0
_SHADES = 200
_DEPTHS = 2.0**40
_EDGE = 0.012

_TO_EYE = np.array([0.46, -0.72, 0.52]) / np.linalg.norm([0.46, -0.72, 0.52])
_RIGHT = np.cross([0.0, 0.0, 1.0], _TO_EYE) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], _TO_EYE))
_VIEW = np.stack([_RIGHT, -np.cross(_TO_EYE, _RIGHT), _TO_EYE], axis=1)  # columns: right, down, towards the eye
_LIGHT = np.array([-0.25, -0.55, 0.8]) / np.linalg.norm([-0.25, -0.55, 0.8])


def render_mesh(triangles: Callable[[], Iterable[Corners]]) -> Thumbnail | None:
    """A square PNG of the mesh, or None when there is nothing to see."""
    ends_at_s = time.monotonic() + _SECONDS
    extent = _Extent(triangles(), ends_at_s - _SECONDS / 2)
    if not extent.count:
        return None
    thin = -(-extent.count // _MOST_TRIANGLES)
    picture = _Picture(extent, _SIDES_PX[1] if thin > 1 else _SIDES_PX[0])
    for corners in triangles():
        picture.add(corners[::thin])
        if time.monotonic() > ends_at_s:
            break
    if thin > 1:
        picture.close_gaps()
    return png_thumbnail(picture.pixels())


def png_thumbnail(pixels: Array) -> Thumbnail:
    """The pixels (side, side, 3) as a PNG of SIDE_PX."""
    from PIL import Image

    image = Image.fromarray(pixels.astype(np.uint8), "RGB")
    if image.width != SIDE_PX:
        image = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return Thumbnail(kind="drawn", width=SIDE_PX, height=SIDE_PX, format="png", content=out.getvalue())


class _Extent:
    """How far the mesh reaches as seen from the eye, and how many pixels it would cover, seen through."""

    def __init__(self, chunks: Iterable[Corners], ends_at_s: float) -> None:
        self.count = 0
        self.low, self.high = np.full(3, np.inf), np.full(3, -np.inf)
        self.area = 0.0
        for corners in chunks:
            seen = corners.astype(np.float64) @ _VIEW
            self.low = np.minimum(self.low, seen.min(axis=(0, 1)))
            self.high = np.maximum(self.high, seen.max(axis=(0, 1)))
            one, other = seen[:, 1, :2] - seen[:, 0, :2], seen[:, 2, :2] - seen[:, 0, :2]
            self.area += float(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()) / 2
            self.count += len(corners)
            if time.monotonic() > ends_at_s:
                return

    def scale(self, side_px: int) -> float:
        """Pixels for a millimetre."""
        return side_px * (1 - 2 * _MARGIN) / max(float((self.high - self.low)[:2].max()), 1e-9)

    def fits(self, side_px: int) -> bool:
        return self.area * self.scale(side_px) ** 2 <= _MOST_PIXELS


class _Picture:
    """The nearest depth and its shade for each pixel, in one number: the depth in the upper bits."""

    def __init__(self, extent: _Extent, side_px: int) -> None:
        self._side = next((s for s in _SIDES_PX if s <= side_px and extent.fits(s)), _SIDES_PX[-1])
        self._scale = extent.scale(self._side)
        middle = (extent.low + extent.high) / 2
        self._shift = np.array([self._side / 2, self._side / 2, 0.0]) - np.array(
            [middle[0] * self._scale, middle[1] * self._scale, extent.low[2] * self._scale]
        )
        self._deep = max(float(extent.high[2] - extent.low[2]) * self._scale, 1e-9)
        self._keys = np.zeros(self._side * self._side, dtype=np.uint64)
        self._left_pixels = 4 * _MOST_PIXELS

    def add(self, corners: Corners) -> None:
        seen = corners.astype(np.float64) @ _VIEW * self._scale + self._shift
        shade = _shades(corners)
        middle = seen.mean(axis=1)
        self._put(middle[:, 0].astype(np.int64), middle[:, 1].astype(np.int64), middle[:, 2], shade)
        seen = np.take_along_axis(seen, np.argsort(seen[:, :, 1], axis=1)[:, :, None], axis=1)
        first = np.ceil(seen[:, 0, 1] - 0.5).astype(np.int64)
        rows = np.ceil(seen[:, 2, 1] - 0.5).astype(np.int64) - first
        for batch in _batches(rows, _BATCH_ROWS):
            self._add_rows(seen[batch], first[batch], rows[batch], shade[batch])

    def _add_rows(self, seen: Array, first: Array, rows: Array, shade: Array) -> None:
        """Cut triangles into rows of pixels: on each row lies a span between the long edge and one of the short ones."""
        which, place = _expanded(rows)
        if not len(which) or self._left_pixels <= 0:
            return
        y = first[which] + place
        low, mid, high = seen[which, 0], seen[which, 1], seen[which, 2]
        middle_y = y + 0.5
        long_x = _crossing(low, high, middle_y)
        short_x = np.where(middle_y < mid[:, 1], _crossing(low, mid, middle_y), _crossing(mid, high, middle_y))
        start = np.ceil(np.minimum(long_x, short_x) - 0.5).astype(np.int64)
        width = np.ceil(np.maximum(long_x, short_x) - 0.5).astype(np.int64) - start
        to_right, down = _slopes(seen)
        for batch in _batches(width, _BATCH_PIXELS):
            span, step = _expanded(width[batch])
            span = span + batch.start
            x = start[span] + step
            of = which[span]
            depth = (
                seen[of, 0, 2]
                + to_right[of] * (x + 0.5 - seen[of, 0, 0])
                + down[of] * (middle_y[span] - seen[of, 0, 1])
            )
            self._put(x, y[span], depth, shade[of])
            self._left_pixels -= len(x)

    def _put(self, x: Array, y: Array, depth: Array, shade: Array) -> None:
        inside = (x >= 0) & (x < self._side) & (y >= 0) & (y < self._side)
        near = (np.clip(depth / self._deep, 0, 1) * _DEPTHS).astype(np.uint64)
        keys = (near << np.uint64(8)) | shade
        np.maximum.at(self._keys, (y * self._side + x)[inside], keys[inside])

    def close_gaps(self) -> None:
        """Let each pixel show what is nearer in one of its neighbours: so the gaps between left out triangles close."""
        keys = self._keys.reshape(self._side, self._side)
        grown = keys.copy()
        for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            np.maximum(grown[here], keys[there], out=grown[here])
            np.maximum(grown[:, here], keys[:, there], out=grown[:, here])
        self._keys = grown.reshape(-1)

    def pixels(self) -> Array:
        """(side, side, 3) with an outline where the depth jumps."""
        keys = self._keys.reshape(self._side, self._side)
        shade = (keys & np.uint64(0xFF)).astype(np.float64) / _SHADES
        depth = (keys >> np.uint64(8)).astype(np.float64) / _DEPTHS
        seen = keys > 0
        colour = np.clip(_BODY * shade[..., None], 0, 255)
        edge = np.zeros_like(seen)
        for axis in (0, 1):
            jump = np.abs(np.diff(np.where(seen, depth, -1.0), axis=axis)) > max(_EDGE, 6 / self._side)
            edge |= np.insert(jump, 0, values=False, axis=axis) | np.insert(
                jump, jump.shape[axis], values=False, axis=axis
            )
        colour = np.where(edge[..., None], 0.45 * colour + 0.55 * _OUTLINE, colour)
        return np.where(seen[..., None], colour, np.array(PAPER, dtype=np.float64))


def _shades(corners: Corners) -> NDArray[np.uint64]:
    """How bright each triangle is, 1 to 255. Both of its sides count as the outer one: not every mesh knows which it is."""
    turned = corners.astype(np.float64)
    normal = np.cross(turned[:, 1] - turned[:, 0], turned[:, 2] - turned[:, 0])
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1)[:, None]
    normal *= np.where(normal @ _TO_EYE < 0, -1, 1)[:, None]
    light = 0.5 + 0.58 * np.clip(normal @ _LIGHT, 0, 1) + 0.12 * np.clip(normal @ _RIGHT, 0, 1)
    shades: NDArray[np.uint64] = np.clip(light * _SHADES, 1, 255).astype(np.uint64)
    return shades


def _crossing(one: Array, other: Array, y: Array) -> Array:
    """The x at which the edge between two points crosses the height y."""
    high = other[:, 1] - one[:, 1]
    part = np.clip((y - one[:, 1]) / np.where(high > 0, high, 1), 0, 1)
    crossing: Array = one[:, 0] + part * (other[:, 0] - one[:, 0])
    return crossing


def _slopes(seen: Array) -> tuple[Array, Array]:
    """How the depth of each triangle grows with x and with y; none for one that is seen from its edge."""
    normal = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    flat = np.abs(normal[:, 2]) > 1e-6
    under = np.where(flat, normal[:, 2], 1)
    return np.where(flat, -normal[:, 0] / under, 0), np.where(flat, -normal[:, 1] / under, 0)


def _expanded(counts: Array) -> tuple[Array, Array]:
    """For counts 2, 0, 3 the pairs (0, 0), (0, 1), (2, 0), (2, 1), (2, 2)."""
    counts = np.maximum(counts, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    place = np.arange(len(which)) - np.repeat(ends - counts, counts)
    return which, place


def _batches(counts: Array, most: int) -> Iterator[slice]:
    """Slices of a list of counts, each of about `most` in sum."""
    ends = np.cumsum(np.maximum(counts, 0))
    start = 0
    while start < len(counts):
        reached = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, reached + most, side="right")))
        yield slice(start, stop)
        start = stop
