"""Adds up what a mesh is, while its triangles pass by: size, volume, surface, and whether it is closed.

Whether a surface is closed is told without keeping or sorting its edges: every edge becomes a 64-bit hash of its two
ends, and the exclusive or over all of them is zero when each edge occurs an even number of times.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from printfarm.files.readers.results import MeshItem
from printfarm.files.readers.triangles import CHUNK, Corners, NotFinite, rounded

Size = tuple[float, float, float]

_MIX = tuple(np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))
_SHIFT = np.uint64(32)
_LARGEST_MM = 1e9


class Measure:
    """The sums over the triangles that were added; lengths in the unit of the triangles."""

    def __init__(self, *, with_edges: bool = True) -> None:
        self.triangles = 0
        self._with_edges = with_edges
        self._low = np.full(3, np.inf)
        self._high = np.full(3, -np.inf)
        self._area = 0.0
        self._volume = 0.0
        self._edges = np.uint64(0)

    def add(self, corners: Corners) -> None:
        """Add triangles; raises NotFinite."""
        for start in range(0, len(corners), CHUNK):
            self._add(np.asarray(corners[start : start + CHUNK], dtype=np.float64))

    def _add(self, corners: Corners) -> None:
        every = [np.ascontiguousarray(corners[..., axis]) for axis in range(3)]
        low, high = np.array([one.min() for one in every]), np.array([one.max() for one in every])
        if not (np.isfinite(low).all() and np.isfinite(high).all() and max(-low.min(), high.max()) < _LARGEST_MM):
            raise NotFinite
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._area += float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
        self._volume += float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
        if self._with_edges:
            self._edges ^= _edges_hash(corners)
        self.triangles += len(corners)

    @property
    def bounds(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(lowest, highest) corner; only when there are triangles."""
        return self._low, self._high

    @property
    def is_closed(self) -> bool:
        return self._with_edges and self.triangles > 0 and int(self._edges) == 0

    def item(self, name: str | None = None, *, is_closed: bool | None = None) -> MeshItem:
        """The result. `is_closed` overrides what the added triangles tell."""
        size = self._high - self._low if self.triangles else np.zeros(3)
        return MeshItem(
            name=name,
            triangles=self.triangles,
            size_mm=(rounded(size[0]), rounded(size[1]), rounded(size[2])),
            volume_mm3=rounded(abs(self._volume)),
            area_mm2=rounded(self._area),
            is_closed=self.is_closed if is_closed is None else is_closed,
        )


def _edges_hash(corners: Corners) -> np.uint64:
    # Adding zero turns -0.0 into 0.0, which is the same place with other bits.
    bits = (corners.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
    ends = _mixed(bits[..., 0] * _MIX[0] ^ _mixed(bits[..., 1] * _MIX[1] ^ _mixed(bits[..., 2] * _MIX[2])))
    total = np.uint64(0)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        a, b = ends[:, one], ends[:, other]
        edge = _mixed((a + b) * _MIX[3] ^ (a ^ b))
        total ^= np.bitwise_xor.reduce(np.where(a == b, np.uint64(0), edge))
    return np.uint64(total)


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> _SHIFT)) * _MIX[3]
    return value ^ (value >> _SHIFT)
