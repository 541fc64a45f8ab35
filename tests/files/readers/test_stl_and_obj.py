"""STL and OBJ: size, triangles, volume, surface, open or closed."""

import struct
import tracemalloc
from pathlib import Path

import pytest

from printfarm.files.readers import FileReading, UnreadableFile, read_file
from tests.files.readers.mesh_builders import binary_stl, box, obj, text_stl, triangles


def read_bytes(tmp_path: Path, content: bytes) -> FileReading:
    path = tmp_path / "benchy.gcode"
    path.write_bytes(content)
    return read_file(path)


BOX = triangles(*box())
KINDS = {
    "binary": ("stl", binary_stl(BOX)),
    "binary with notes behind it": ("stl", binary_stl(BOX) + b"\0written by some program\xff" * 40 + b"!"),
    "text": ("stl", text_stl(BOX)),
    "text with CRLF": ("stl", text_stl(BOX, line_break="\r\n")),
    "text of an old Mac": ("stl", text_stl(BOX, line_break="\r")),
    "text with decimal commas": ("stl", text_stl(BOX).replace(b".", b",")),
    "text in capitals": ("stl", text_stl(BOX).upper().replace(b"SOLID", b"solid")),
    "obj": ("obj", obj(*box())),
    "obj of quads": (
        "obj",
        obj(box()[0], [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]),
    ),
    "obj counting backwards": ("obj", obj(box()[0], [[i - 9 for i in face] for face in box()[1]])),
    "obj after a long comment": ("obj", b"# made by hand\n" * 3000 + obj(*box())),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_is_measured(tmp_path: Path, kind):
    form, content = KINDS[kind]
    reading = read_bytes(tmp_path, content)
    mesh = reading.mesh
    assert (reading.format, reading.sliced, reading.slicer, reading.warnings) == (form, False, None, ())
    assert (mesh.triangles, mesh.size_mm, mesh.is_closed, mesh.unit) == (12, (20, 30, 10), True, None)
    assert (mesh.volume_mm3, mesh.area_mm2) == (pytest.approx(6000), pytest.approx(2200))
    assert [plate.printable for plate in reading.plates] == [False]


def test_it_is_named_after_its_object(tmp_path: Path):
    assert read_bytes(tmp_path, text_stl(BOX, "Ring <b>")).title == "Ring <b>"
    assert read_bytes(tmp_path, obj(*box())).plates[0].objects == ("Box",)


def test_a_hole_is_told(tmp_path: Path):
    reading = read_bytes(tmp_path, binary_stl(BOX[1:]))
    assert (reading.mesh.is_closed, [w.code for w in reading.warnings]) == (False, ["open_mesh"])


def test_a_box_that_is_inside_out_has_its_volume(tmp_path: Path):
    reading = read_bytes(tmp_path, binary_stl([(c, b, a) for a, b, c in BOX]))
    assert (reading.mesh.is_closed, reading.mesh.volume_mm3) == (True, pytest.approx(6000))


@pytest.mark.parametrize(("side", "code"), [(0.02, "very_small"), (1200, "very_large")])
def test_a_size_that_hints_at_another_unit_is_told(tmp_path: Path, side, code):
    reading = read_bytes(tmp_path, obj(*box(side, side, side)))
    assert [w.code for w in reading.warnings] == [code]


BROKEN = {
    "it should hold": binary_stl(BOX, header=b"", count=9_999_999),
    "nowhere": binary_stl([((float("nan"), 0, 0), (1, 0, 0), (0, 1, 0))]),
    "points that are nowhere": binary_stl([((float("inf"), 0, 0), (1, 0, 0), (0, 1, 0))]),
    "no triangles": binary_stl([]),
    "there are no triangles": obj(box()[0], []),
    "three numbers": text_stl(BOX).replace(b"endloop", b"vertex 1 1", 1),
    "of three numbers": text_stl(BOX).replace(b"vertex", b"vertex a", 1),
    "faces do not fit": obj(box()[0], [(0, 1, 99)]),
    "its faces": obj(box()[0], [(0, 1, 2)]).replace(b"f 1/1/1", b"f x"),
    "do not fit its points": obj(box()[0], [(0, 1, 10**12)]),
    "line without end": b"v 0 0 0\n#" + b"x" * 3_000_000,
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_damage_is_named(tmp_path: Path, sentence):
    wanted = "holds no triangles" if sentence == "there are no triangles" else sentence
    with pytest.raises(UnreadableFile, match=wanted):
        read_bytes(tmp_path, BROKEN[sentence])


def test_a_large_file_takes_little_memory(tmp_path: Path):
    path = tmp_path / "large.stl"
    facet = struct.pack("<12fH", 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0)
    with path.open("wb") as file:
        file.write(b"\0" * 80 + struct.pack("<I", 1_000_000))
        for _ in range(100):
            file.write(facet * 10_000)
    read_file(path)
    tracemalloc.start()
    try:
        assert read_file(path).mesh.triangles == 1_000_000
        assert tracemalloc.get_traced_memory()[1] < 120_000_000
    finally:
        tracemalloc.stop()
