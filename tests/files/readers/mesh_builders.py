"""Builds meshes: a box and a tetrahedron with known size, volume and surface, in every format."""

import struct
from collections.abc import Mapping, Sequence

Point = tuple[float, float, float]
Triangle = tuple[Point, Point, Point]
_NS = "http://schemas.microsoft.com/3dmanufacturing"


def box(
    x: float = 20, y: float = 30, z: float = 10, *, at: Point = (0, 0, 0)
) -> tuple[list[Point], list[Sequence[int]]]:
    """(points, faces) of a box with 12 triangles that look outwards."""
    points = [(at[0] + x * i, at[1] + y * j, at[2] + z * k) for k in (0, 1) for j in (0, 1) for i in (0, 1)]
    faces = [(0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4)]
    faces += [(2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5)]
    return points, faces


def triangles(points: Sequence[Point], faces: Sequence[Sequence[int]]) -> list[Triangle]:
    return [(points[a], points[b], points[c]) for a, b, c in faces]


def binary_stl(found: Sequence[Triangle], header: bytes = b"solid, but binary", count: int | None = None) -> bytes:
    facets = b"".join(struct.pack("<12fH", 0, 0, 0, *(v for point in one for v in point), 0) for one in found)
    return header.ljust(80, b"\0") + struct.pack("<I", len(found) if count is None else count) + facets


def text_stl(found: Sequence[Triangle], name: str = "box", line_break: str = "\n") -> bytes:
    lines = [f"solid {name}"]
    for one in found:
        lines += ["  facet normal 0 0 0", "    outer loop"]
        lines += [f"      vertex {x:e} {y:g} {z}" for x, y, z in one]
        lines += ["    endloop", "  endfacet"]
    return line_break.join([*lines, f"endsolid {name}", ""]).encode()


def obj(points: Sequence[Point], faces: Sequence[Sequence[int]], head: str = "o Box\n") -> bytes:
    lines = [f"v {x} {y} {z} 0.5 0.5 0.5" for x, y, z in points] + ["vn 0 0 1", "vt 0 0"]
    lines += ["f " + " ".join(f"{index + 1}/1/1" for index in face) for face in faces]
    return (head + "\n".join(lines) + "\n").encode()


def mesh_xml(points: Sequence[Point], faces: Sequence[Sequence[int]]) -> str:
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in points)
    found = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces)
    return f"<mesh><vertices>{vertices}</vertices><triangles>{found}</triangles></mesh>"


def object_xml(number: int, inside: str, **attributes: str) -> str:
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<object id="{number}"{more}>{inside}</object>'


def model_xml(objects: Sequence[str], items: Sequence[str], *, unit: str | None = "millimeter", head: str = "") -> str:
    stated = f' unit="{unit}"' if unit else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<model{stated} xml:lang="en-US" xmlns="{_NS}/core/2015/02" '
        f'xmlns:p="{_NS}/production/2015/06" requiredextensions="p">{head}'
        f"<resources>{''.join(objects)}</resources><build>{''.join(items)}</build></model>"
    )


def model_entries(model: str, parts: Mapping[str, str] | None = None) -> dict[str, bytes | str]:
    """The entries of a 3MF with this model and further parts by their names."""
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": '<Relationships><Relationship Target="/3D/3dmodel.model" Id="rel0" Type="x/3dmodel"/></Relationships>',
        "3D/3dmodel.model": model,
        **(parts or {}),
    }
