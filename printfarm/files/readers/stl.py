"""Reads STL meshes, binary and text, in pieces: a file of any size costs the same memory. STL has no unit; it is mm."""

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.mesh_reading import Triangles, measured, mesh_of, mesh_reading
from printfarm.files.readers.results import FileReading, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.triangles import CHUNK, Corners
from printfarm.files.readers.values import clean_text

_HEADER_BYTES = 84
_FACET_BYTES = 50
_FACET = re.compile(rb"\bfacet\s+normal\b", re.IGNORECASE)
_SOLID = re.compile(rb"\s*solid\b([^\r\n]*)", re.IGNORECASE)
_VERTEX = re.compile(rb"\bvertex[ \t]+([^\n]*)", re.IGNORECASE)
_NOT_NUMBERS = re.compile(rb"[^-+.\deE \t\r\n]")
_APPENDED_BYTES = 64 * 1024  # some programs write notes of their own behind the triangles
_LOOKED_AT = 100
_REMEMBERED = 3_000_000  # triangles, with 36 bytes each
_DAMAGED = "This STL is damaged: not every triangle has three points of three numbers. Export it again."


def recognises(source: Source) -> bool:
    """By size first: a binary STL may begin with "solid" too. A wrong count still shows by the size of its triangles."""
    if _is_binary(source):
        return True
    head = source.head
    if b"\x00" in head[:_HEADER_BYTES]:
        return _count(head) > 0 and (source.size_bytes - _HEADER_BYTES) % _FACET_BYTES == 0
    return _SOLID.match(head) is not None and (
        _FACET.search(head[:4096]) is not None or b"endsolid" in head[:4096].lower()
    )


def read(source: Source, deadline: Deadline) -> FileReading:
    binary = _is_binary(source)
    if not binary and b"\x00" in source.head[:_HEADER_BYTES]:
        stated, there = _count(source.head), (source.size_bytes - _HEADER_BYTES) // _FACET_BYTES
        raise UnreadableFile(
            f"This STL is damaged: it should hold {stated} triangles, but holds {there}. Export it again."
        )
    if source.size_bytes > deadline.limits.mesh_bytes:
        raise UnreadableFile(
            f"This STL is larger than {deadline.limits.mesh_bytes // MIB} MB. Export it with less detail."
        )

    triangles: Triangles = (
        _binary_of(source.path, _count(source.head)) if binary else _Remembered(_text_of(source.path, deadline))
    )
    solid = None if binary else _SOLID.match(source.head)
    title = clean_text(solid[1].decode("utf-8", "replace"), 200) if solid else None
    item, _ = measured(triangles(), deadline, title)
    return mesh_reading("stl", mesh_of([item], None), triangles, title=title)


def _is_binary(source: Source) -> bool:
    if len(source.head) < _HEADER_BYTES:
        return False
    appended_bytes = source.size_bytes - _HEADER_BYTES - _FACET_BYTES * _count(source.head)
    if appended_bytes % _FACET_BYTES == 0:  # so many more would be triangles that nobody counted
        return appended_bytes == 0
    return 0 < appended_bytes <= _APPENDED_BYTES and _begins_with_facets(source.head)


def _begins_with_facets(head: bytes) -> bool:
    """Whether triangles follow the header: their normals have the length one, or none where nobody worked them out."""
    normals = [
        struct.unpack_from("<3f", head, at) for at in range(_HEADER_BYTES, len(head) - _FACET_BYTES + 1, _FACET_BYTES)
    ][: min(_LOOKED_AT, _count(head))]
    lengths = [math.hypot(*normal) for normal in normals]
    return b"\x00" in head[:_HEADER_BYTES] and bool(lengths) and all(one == 0 or 0.9 < one < 1.1 for one in lengths)


def _count(head: bytes) -> int:
    return int.from_bytes(head[80:_HEADER_BYTES], "little") if len(head) >= _HEADER_BYTES else 0


class _Remembered:
    """Triangles that are slow to read, kept after the first time unless they are too many."""

    def __init__(self, triangles: Triangles) -> None:
        self._triangles = triangles
        self._kept: list[Corners] | None = None

    def __call__(self) -> Iterator[Corners]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Corners] = []
        left = _REMEMBERED
        for corners in self._triangles():
            left -= len(corners)
            if left >= 0:
                kept.append(corners.astype("f4"))
            yield corners
        self._kept = kept if left >= 0 else None


def _binary_of(path: Path, count: int) -> Triangles:
    return lambda: _binary_triangles(path, count)


def _text_of(path: Path, deadline: Deadline) -> Triangles:
    return lambda: _text_triangles(path, deadline)


def _binary_triangles(path: Path, count: int) -> Iterator[Corners]:
    import numpy as np

    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    with path.open("rb") as file:
        file.seek(_HEADER_BYTES)
        while count > 0 and (piece := file.read(_FACET_BYTES * min(CHUNK, count))):
            count -= CHUNK
            yield np.frombuffer(piece[: len(piece) // _FACET_BYTES * _FACET_BYTES], dtype=facet)["corners"]


def _text_triangles(path: Path, deadline: Deadline) -> Iterator[Corners]:
    """Three vertex lines are a triangle; the normals are not needed."""
    kept: list[Any] = []
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(4 * MIB):
            piece = piece.replace(b"\r", b"\n")
            cut = piece.rfind(b"\n") + 1
            if not cut and len(rest) > deadline.limits.line_bytes:
                raise UnreadableFile("This STL is damaged: it has a line without end. Export it again.")
            lines, rest = rest + piece[:cut], piece[cut:] if cut else rest + piece
            kept += _VERTEX.findall(lines) if cut else []
            whole = len(kept) // 3 * 3
            if whole:
                yield _corners(kept[:whole])
            kept = kept[whole:]
    kept += _VERTEX.findall(rest)
    if len(kept) % 3:
        raise UnreadableFile(_DAMAGED)
    if kept:
        yield _corners(kept)


def _corners(lines: list[bytes]) -> Corners:
    import numpy as np

    text = b"\n".join(lines)
    if _NOT_NUMBERS.search(text):
        text = text.replace(b",", b".")  # programs with a decimal comma
    try:
        numbers = np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        raise UnreadableFile(_DAMAGED) from error
    if len(numbers) != 3 * len(lines):
        raise UnreadableFile(_DAMAGED)
    return numbers.reshape(-1, 3, 3)
