"""Triangles on their way from who reads them to who adds them up or draws them.

Imports no numpy: most files that are read are sliced and need none.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Corners: TypeAlias = "NDArray[Any]"  # (n, 3 corners, 3 coordinates)

CHUNK = 100_000


class NotFinite(Exception):
    """A coordinate is no number, or larger than anything."""


def rounded(value: float) -> float:
    """To a ten-thousandth: more digits are noise of the file's own rounding."""
    return round(float(value), 4)
