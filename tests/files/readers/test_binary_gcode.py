"""Binary G-code of PrusaSlicer: metadata and pictures from its blocks."""

import struct
from pathlib import Path

import pytest

from printfarm.files.readers import UnreadableFile, read_file
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
