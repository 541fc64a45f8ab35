"""Pictures that the program draws itself, and pictures in files that mean harm, all through the reading child."""

import io
import json
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from printfarm.files.readers import draw_plate, read_file
from printfarm.files.readers.drawing import card
from printfarm.files.readers.render import render_mesh
from printfarm.files.readers.toolpath import PAPER, render_toolpath
from tests.files.readers import test_gx, test_ufp
from tests.files.readers.builders import (
    bgcode,
    orca_gcode,
    png_bomb,
    prusa_gcode,
    sliced_entries,
    text_thumbnail,
    write_zip,
)
from tests.files.readers.mesh_builders import binary_stl, box, mesh_xml, model_entries, model_xml, object_xml, triangles

ROOT = Path(__file__).parents[3]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def painted(content: bytes) -> np.ndarray:
    """Where a picture is not paper."""
    return np.abs(pixels(content) - np.array(PAPER)).sum(axis=2) > 12


def drawn(*meshes: list, times: int = 1) -> bytes:
    found = [one for mesh in meshes for one in mesh]
    return render_mesh(lambda: iter([np.array(found, dtype=float)] * times)).content


def test_a_box_is_drawn_in_the_middle_with_three_shades():
    content = drawn(triangles(*box(10, 10, 10)))
    mask = painted(content)
    rows, columns = np.where(mask.any(axis=1))[0], np.where(mask.any(axis=0))[0]
    assert abs(rows[0] + rows[-1] - 511) < 8
    assert abs(columns[0] + columns[-1] - 511) < 8
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) > 420
    shades = {tuple(colour) for colour in pixels(content)[mask][::7] // 4}
    assert len([s for s in shades if (pixels(content) // 4 == s).all(axis=2).sum() > 5000]) == 3


def test_what_is_nearer_hides_what_is_behind():
    """Seen from the front, a small dark side must not shine through the wall before it."""
    wall, behind = triangles(*box(100, 2, 100)), triangles(*box(20, 2, 20, at=(40, 60, 40)))
    alone, both = drawn(wall), drawn(wall, behind)
    assert (pixels(both)[256] == pixels(alone)[256]).mean() > 0.5
    assert drawn(behind, wall) == both


def test_the_order_of_the_corners_does_not_matter():
    inside_out = [(c, b, a) for a, b, c in triangles(*box())]
    assert drawn(inside_out) == drawn(triangles(*box()))


def test_no_hole_is_left_between_small_triangles():
    angles = np.linspace(0, np.pi, 300)
    turns = np.linspace(0, 2 * np.pi, 600)
    ball = np.stack(
        [
            np.outer(np.cos(turns), np.sin(angles)),
            np.outer(np.sin(turns), np.sin(angles)),
            np.outer(np.ones(600), np.cos(angles)),
        ],
        axis=-1,
    )
    a, b, c, d = ball[:-1, :-1], ball[1:, :-1], ball[1:, 1:], ball[:-1, 1:]
    faces = np.concatenate([np.stack([a, d, c], -2).reshape(-1, 3, 3), np.stack([a, c, b], -2).reshape(-1, 3, 3)])
    mask = painted(render_mesh(lambda: iter([faces])).content)
    row, column = np.mgrid[:512, :512]
    assert mask[(row - 255.5) ** 2 + (column - 255.5) ** 2 < 215**2].all()


def test_many_large_triangles_behind_each_other_cost_little():
    started = time.process_time()
    content = drawn(triangles(*box(100, 100, 100)), times=4000)
    assert time.process_time() - started < 12
    assert painted(content).mean() > 0.3


@pytest.mark.parametrize("flat", [[((0, 0, 0), (0, 0, 0), (0, 0, 0))], [((0, 0, 0), (9, 0, 0), (4, 0, 0))]])
def test_a_mesh_without_surface_is_a_picture_too(flat):
    assert pixels(drawn(flat)).shape == (512, 512, 3)


def test_nothing_at_all_is_no_picture():
    assert render_mesh(lambda: iter(())) is None
    assert render_toolpath([b"G28\nG1 X9 Y9\n"]) is None


def test_a_toolpath_is_drawn_without_its_start_code():
    start = b"G90\nM83\nG1 X-50 Y-50\nG1 X200 Y-50 E20\n"
    code = b";LAYER_CHANGE\nG1 Z.2\nG1 X10 Y10\nG1 X20 Y10 E1\nG1 X20 Y20 E1\n"
    assert render_toolpath([start + code]).content == render_toolpath([b"G90\nM83\n" + code]).content


def test_a_toolpath_counts_what_extrudes_in_either_way():
    absolute = b"M82\nG1 X0 Y0\nG1 X10 Y0 E1\nG92 E0\nG1 X10 Y10 E1\nG1 X90 Y90 E1\n"
    relative = b"M83\nG1 X0 Y0\nG1 X10 Y0 E1\nG1 X10 Y10 E1\nG1 X90 Y90\n"
    assert render_toolpath([absolute]).content == render_toolpath([relative]).content


def test_an_arc_is_round():
    circle = b"M83\nG1 X10 Y0\nG2 X10 Y0 I-10 J0 E5\n"
    dark = (pixels(render_toolpath([circle]).content) < 200).all(axis=2)
    rows, columns = np.where(dark.any(axis=1))[0], np.where(dark.any(axis=0))[0]
    assert abs((rows[-1] - rows[0]) - (columns[-1] - columns[0])) < 12
    assert not dark[200:300, 200:300].any()


@pytest.mark.parametrize(
    "text", [b"G1 X1e9 E1\n" * 9, b"G1 X.. Y-- E1\nG2 I J E1\n", b"G1 X" + b"9" * 2_000_000, b"\xff" * 900]
)
def test_moves_without_sense_are_survived(text):
    render_toolpath([text])


def test_the_card_fits_any_label():
    for label in ("gx", "BGCODE", "x" * 500, "", "<b>"):
        mask = painted(card(label).content)
        assert not mask[:, :100].any()
        assert not mask[:, -100:].any()


@pytest.mark.parametrize("plate", [1, 99])
def test_every_sliced_plate_gets_a_picture(tmp_path: Path, plate):
    entries = {name: content for name, content in sliced_entries().items() if not name.endswith(".png")}
    reading = read_file(write_zip(tmp_path / "a", entries))
    assert painted(draw_plate(reading, plate).content).any()


# --- through the child, as a worker reads ---


def read_in_child(content: bytes, folder: Path) -> tuple[dict, dict[str, Image.Image]]:
    path = folder / "file"
    path.write_bytes(content)
    out = folder / "out"
    out.mkdir()
    command = [sys.executable, "-m", "printfarm.files.child", str(path), str(out)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    answer = json.loads((out / "reading.json").read_text())
    return answer, {one.name: Image.open(one) for one in sorted(out.glob("*.webp"))}


def zipped(entries: Mapping[str, bytes | str], folder: Path) -> bytes:
    return write_zip(folder / "zip", entries).read_bytes()


MODEL = model_xml([object_xml(1, mesh_xml(*box()))], ['<item objectid="1"/>'])
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("kind", ["stl", "gcode", "bgcode", "3mf"])
def test_a_file_without_a_picture_gets_one_in_every_size(tmp_path: Path, kind):
    content = {
        "stl": lambda: binary_stl(triangles(*box())),
        "gcode": lambda: prusa_gcode().replace("thumbnail", "no picture").encode(),
        "bgcode": lambda: bgcode().replace(b"\x89PNG", b"nPNG"),
        "3mf": lambda: zipped(model_entries(MODEL), tmp_path),
    }[kind]()
    answer, pictures = read_in_child(content, tmp_path)
    assert [one["plate"] for one in answer["pictures"]] == [1]
    assert {name: picture.format for name, picture in pictures.items()} == dict.fromkeys(
        ("1-medium.webp", "1-picture.webp", "1-thumb.webp"), "WEBP"
    )


BOMB = png_bomb()
JPEG_BOMB = b"\xff\xd8\xff\xc0\x00\x11\x08\x9c\x40\x9c\x40\x03" + b"\x00" * 40
QOI_BOMB = b"qoif" + struct.pack(">2I", 40_000, 40_000) + b"\x04\x00" + b"\xff" * 40
BMP_BOMB = b"BM" + b"\0" * 16 + struct.pack("<2i", 40_000, -40_000) + b"\0" * 60


@pytest.mark.parametrize("picture", [BOMB, JPEG_BOMB, QOI_BOMB, BMP_BOMB, SVG], ids=["png", "jpg", "qoi", "bmp", "svg"])
@pytest.mark.parametrize("kind", ["gcode.3mf", "3mf", "ufp", "gx", "bgcode", "gcode"])
def test_a_picture_that_means_harm_is_left_out_and_another_drawn(tmp_path: Path, kind, picture):
    def in_zip(entries: Mapping[str, bytes | str], name: str) -> bytes:
        return zipped({**{n: c for n, c in entries.items() if not n.endswith(".png")}, name: picture}, tmp_path)

    def in_blocks() -> bytes:
        block = struct.pack("<HHI3H", 5, 0, len(picture), 0, 40_000, 40_000) + picture
        return struct.pack("<4sIH", b"GCDE", 1, 0) + block + struct.pack("<HHI", 1, 0, 0) + b"\0\0"

    content = {
        "gcode.3mf": lambda: in_zip(sliced_entries(), "Metadata/plate_1.png"),
        "3mf": lambda: in_zip(model_entries(MODEL), "Metadata/thumbnail.png"),
        "ufp": lambda: in_zip(test_ufp.ufp(test_ufp.gcode(), {}), "/Metadata/thumbnail.png"),
        "gx": lambda: test_gx.gx(small=picture, large=picture),
        "bgcode": in_blocks,
        "gcode": (text_thumbnail(picture, 40_000, 40_000) + orca_gcode()).encode,
    }[kind]()
    answer, pictures = read_in_child(content, tmp_path)
    assert answer["ok"], answer
    assert pictures
    assert all(image.format == "WEBP" and max(image.size) <= 640 for image in pictures.values())


LONG = "=cmd|' /C calc'!A0 <script>alert(1)</script> \x1b[31m\u202e" + "x" * 10_000_000


@pytest.mark.parametrize("kind", ["stl", "obj", "3mf", "gcode", "bgcode", "ufp"])
def test_ten_megabytes_of_text_stay_bounded(tmp_path: Path, kind):
    escaped = LONG.replace("<", "&lt;").replace("\x1b", "")
    content = {
        "stl": lambda: (
            f"solid {LONG}\n".encode() + b"facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
        ),
        "obj": lambda: b"v 0 0 0\nv 9 0 0\nv 0 9 0\nf 1 2 3\n" + f"o {LONG}\n".encode(),
        "3mf": lambda: zipped(
            model_entries(MODEL.replace("<resources", f'<metadata name="Title">{escaped}</metadata><resources', 1)),
            tmp_path,
        ),
        "gcode": lambda: prusa_gcode(config={"printer_model": LONG}).encode(),
        "bgcode": lambda: bgcode(config={"printer_model": LONG}),
        "ufp": lambda: zipped(test_ufp.ufp(test_ufp.gcode(head=f";TARGET_MACHINE.NAME:{LONG}\n"), {}), tmp_path),
    }[kind]()
    answer, _ = read_in_child(content, tmp_path)
    text = json.dumps(answer)
    assert len(text) < 9_000_000
    assert "\\u001b" not in text
    assert "\\u202e" not in text
    assert answer["ok"] or answer["error"].endswith(".")
