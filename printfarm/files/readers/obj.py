"""Reads the faces of OBJ meshes. Materials and textures are left out. OBJ has no unit; it is mm."""

import re
from array import array
from collections.abc import Iterator
from pathlib import Path

from printfarm.files.readers.indexed import IndexedMesh
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.mesh_reading import check_cost, measured, mesh_of, mesh_reading
from printfarm.files.readers.results import FileReading, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.values import clean_text

_VERTEX_LINE = re.compile(rb"(?:^|[\r\n])[ \t]*v(?:[ \t]+[-+]?(?:\d|\.\d)[^\s]*){3}")
_LINE = re.compile(rb"^[ \t]*([vf])[ \t]+([^\n]*)", re.MULTILINE)
_NAME = re.compile(rb"(?:^|\n)[ \t]*o[ \t]+([^\r\n]*)")
_DAMAGED = "This OBJ is damaged: its faces do not fit its points. Export it again."


def recognises(source: Source) -> bool:
    return b"\x00" not in source.head and not source.head.startswith(b";") and bool(_VERTEX_LINE.search(source.head))


def read(source: Source, deadline: Deadline) -> FileReading:
    if source.size_bytes > deadline.limits.mesh_bytes:
        raise UnreadableFile(
            f"This OBJ is larger than {deadline.limits.mesh_bytes // MIB} MB. Export it with less detail."
        )
    try:
        mesh = _read_faces(source.path, deadline)
    except (ValueError, OverflowError, IndexError) as error:
        raise UnreadableFile(_DAMAGED) from error
    if not mesh.is_sound:
        raise UnreadableFile(_DAMAGED)
    named = _NAME.search(source.head)
    title = clean_text(named[1].decode("utf-8", "replace"), 200) if named else None
    item, _ = measured(mesh.chunks(), deadline, title)
    return mesh_reading("obj", mesh_of([item], None), mesh.chunks, title=title)


def _read_faces(path: Path, deadline: Deadline) -> IndexedMesh:
    """Every face as a fan of triangles. Indices count from 1, or backwards from the last point so far."""
    mesh = IndexedMesh(array("d"), array("i"))
    points, corners = mesh.points, mesh.corners
    for lines in _line_blocks(path, deadline):
        for kind, rest in _LINE.findall(lines):
            if kind == b"v":
                x, y, z = rest.split(None, 3)[:3]
                points.extend((float(x), float(y), float(z)))
                continue
            face = [int(token.partition(b"/")[0]) for token in rest.split()]
            if min(face, default=1) <= 0:
                count = len(points) // 3
                face = [index - 1 if index > 0 else count + index for index in face]
            else:
                face = [index - 1 for index in face]
            for place in range(1, len(face) - 1):
                corners.extend((face[0], face[place], face[place + 1]))
        check_cost(len(corners) // 3, deadline)
    return mesh


def _line_blocks(path: Path, deadline: Deadline) -> Iterator[bytes]:
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(2 * MIB):
            piece = rest + piece.replace(b"\r", b"\n")
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield piece[:cut]
            rest = piece[cut:]
            if len(rest) > deadline.limits.line_bytes:
                raise UnreadableFile("This OBJ is damaged: it has a line without end. Export it again.")
    if rest:
        yield rest
