"""Binary G-code of PrusaSlicer: metadata and pictures from its blocks."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from printfarm.files.readers import UnreadableFile, draw_plate, read_file, thumbnail_webp
from printfarm.files.readers.pictures import picture_size
from tests.files.readers.builders import bgcode


def read_bytes(tmp_path: Path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_file(path)


@pytest.mark.parametrize("deflate", [False, True])
def test_metadata_and_picture_are_read(tmp_path: Path, deflate):
    reading = read_bytes(tmp_path, bgcode(deflate=deflate))
    plate = reading.plates[0]
    assert (reading.format, reading.slicer.name, reading.slicer.version) == ("bgcode", "PrusaSlicer", "2.9.2")
    assert (plate.time_total_s, plate.max_z_mm, plate.layers, plate.split) == (3538, 36.0, None, None)
    assert [(f.slot, f.material, f.metres, f.grams) for f in plate.filaments] == [(1, "PLA", 5.47385, 15.01)]
    assert (plate.printer.model, plate.bed_c, plate.nozzle_mm, plate.printable) == ("XL2IS", (65, 60), (0.4, 0.4), True)
    assert (plate.picture.width, plate.picture.height) == (220, 124)


def test_a_wrong_checksum_spoils_only_its_block(tmp_path: Path):
    content = bytearray(bgcode())
    content[content.index(b"IDAT") + 10] ^= 0xFF
    reading = read_bytes(tmp_path, bytes(content))
    assert [w.code for w in reading.warnings] == ["checksum_differs"]
    assert (reading.plates[0].thumbnails, reading.plates[0].time_total_s) == ((), 3538)


@pytest.mark.parametrize(
    "content",
    [
        b"GCDE",
        struct.pack("<4sIH", b"GCDE", 9, 1),
        struct.pack("<4sIHHHI", b"GCDE", 1, 0, 0, 0, 0xFFFFFFFF),
        bgcode(extra=struct.pack("<HHI", 77, 0, 4)),
    ],
    ids=["cut", "version", "huge", "unknown block"],
)
def test_blocks_without_sense_are_refused(tmp_path: Path, content):
    with pytest.raises(UnreadableFile, match="Export it"):
        read_bytes(tmp_path, content)


def test_a_bomb_of_metadata_unpacks_only_a_little(tmp_path: Path):
    reading = read_bytes(tmp_path, bgcode(config={"a": "x" * 60_000_000}))
    assert reading.plates[0].time_total_s == 3538


def packed(
    kind: int, content: bytes, *, packing: int = 0, parameters: bytes = b"\0\0", full: int | None = None
) -> bytes:
    start = struct.pack("<HHI", kind, packing, len(content) if full is None else full)
    start += (struct.pack("<I", len(content)) if packing else b"") + parameters + content
    return start + struct.pack("<I", zlib.crc32(start))


def test_damaged_gcode_keeps_the_metadata_and_is_told_once(tmp_path: Path):
    damaged = packed(1, b"G1 X1 Y1 E1\n" * 40)[:-1] + b"!"
    reading = read_bytes(tmp_path, bgcode() + damaged * 3)
    assert [(w.code, w.sentence.partition(" in ")[0]) for w in reading.warnings] == [("checksum_differs", "The G-code")]
    assert (reading.plates[0].time_total_s, reading.plates[0].printable) == (3538, True)


def test_gcode_that_is_cut_off_cannot_be_printed(tmp_path: Path):
    reading = read_bytes(tmp_path, bgcode() + packed(1, b"G1 X1\n" * 400)[:-50])
    assert [w.code for w in reading.warnings] == ["gcode_damaged"]
    assert (reading.plates[0].time_total_s, reading.plates[0].printable) == (3538, False)


def test_without_any_gcode_it_cannot_be_printed(tmp_path: Path):
    content = bgcode()
    reading = read_bytes(tmp_path, content[: content.rindex(packed(1, b""))])
    assert ([w.code for w in reading.warnings], reading.plates[0].printable) == (["gcode_damaged"], False)


def test_a_file_without_checksums_is_read(tmp_path: Path):
    block = struct.pack("<HHI", 0, 0, 19) + b"\0\0" + b"Producer=Some 1.2.3" + struct.pack("<HHI", 1, 0, 0) + b"\0\0"
    reading = read_bytes(tmp_path, struct.pack("<4sIH", b"GCDE", 1, 0) + block)
    assert (reading.slicer.name, reading.slicer.version, reading.warnings) == ("Some", "1.2.3", ())


@pytest.mark.parametrize("packing", [2, 3])
def test_metadata_in_heatshrink_is_left_out_and_told(tmp_path: Path, packing):
    reading = read_bytes(tmp_path, bgcode(extra=packed(2, b"\x12\x34", packing=packing, full=99)))
    assert ([w.code for w in reading.warnings], reading.plates[0].time_total_s) == (["part_unreadable"], 3538)


def test_metadata_in_an_unknown_encoding_is_left_out_and_told(tmp_path: Path):
    reading = read_bytes(tmp_path, bgcode(extra=packed(2, b"layer_height=9", parameters=b"\7\0")))
    assert ([w.code for w in reading.warnings], reading.plates[0].layer_height_mm) == (["part_unreadable"], 0.2)


def test_a_qoi_picture_becomes_a_webp(tmp_path: Path):
    out = io.BytesIO()
    Image.new("RGBA", (32, 16), "#0b5c6b").save(out, "QOI")
    picture = packed(5, out.getvalue(), parameters=struct.pack("<3H", 2, 32, 16))
    pictures = read_bytes(tmp_path, bgcode(extra=picture)).plates[0].thumbnails
    assert [(p.format, p.width, p.height) for p in pictures] == [("png", 220, 124), ("qoi", 32, 16)]
    assert thumbnail_webp(pictures[1])[8:12] == b"WEBP"


def test_it_shows_a_card_when_it_holds_no_picture(tmp_path: Path):
    reading = read_bytes(tmp_path, bgcode())
    assert picture_size(draw_plate(reading, 1).content) == ("png", 512, 512)


def test_very_many_blocks_are_given_up(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="Export it"):
        read_bytes(tmp_path, bgcode(extra=packed(0, b"") * 200))
