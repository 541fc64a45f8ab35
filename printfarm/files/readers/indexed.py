"""A mesh as points and the three points of each triangle, in plain arrays that take no more than their numbers."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from printfarm.files.readers.triangles import CHUNK, Corners


@dataclass(frozen=True, slots=True)
class IndexedMesh:
    """`points` holds x, y and z in turn, `corners` three indices of points for each triangle, counted from 0."""

    points: "array[float]"
    corners: "array[int]"

    @property
    def triangles(self) -> int:
        return len(self.corners) // 3

    @property
    def is_sound(self) -> bool:
        """Whether every corner is one of the points."""
        import numpy as np

        if not self.corners:
            return True
        corners = np.frombuffer(self.corners, dtype=np.intc)
        return bool(corners.min() >= 0 and corners.max() < len(self.points) // 3)

    def chunks(self) -> Iterator[Corners]:
        """The triangles, some thousand at a time."""
        import numpy as np

        points = np.frombuffer(self.points).reshape(-1, 3)
        corners = np.frombuffer(self.corners, dtype=np.intc).reshape(-1, 3)
        for start in range(0, len(corners), CHUNK):
            yield points[corners[start : start + CHUNK]]
