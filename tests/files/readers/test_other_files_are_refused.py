"""What cannot be read is named, by its content and not by its name."""

import struct
from pathlib import Path

import pytest

from printfarm.files.readers import UnreadableFile, read_file
from tests.files.readers.builders import MODEL_XML, write_zip

TRIANGLE = struct.pack("<12fH", *([0.0] * 12), 0)
FILES = {
    "This file is empty.": b"",
    "This .gx file is damaged": b"xgcode 1.0\n\x00" + b"\x00" * 60,
    "This .gx file is cut off": b"xgcode 1.0\n\x00" + b"\x00" * 9,
    "should hold 3 triangles, but holds 2": b"solid".ljust(80, b"\x00") + struct.pack("<I", 3) + TRIANGLE * 2,
    "holds no triangles": b"solid a\nendsolid a\n",
    "This OBJ is damaged": b"# made\nmtllib a.mtl\nv 0 0 0\nv 1 0 0\nf 1 2 3\n",
    "no file of a slicer": b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
}


@pytest.mark.parametrize("sentence", FILES)
def test_the_sentence_names_what_it_is(tmp_path: Path, sentence):
    path = tmp_path / "benchy.gcode.3mf"
    path.write_bytes(FILES[sentence])
    with pytest.raises(UnreadableFile, match=sentence):
        read_file(path)


ZIPS = {
    "holds no triangles": {"3D/3dmodel.model": MODEL_XML},
    "no 3MF of a slicer": {"readme.txt": "hello"},
    "This zip is empty.": {},
}


@pytest.mark.parametrize("sentence", ZIPS)
def test_a_zip_is_named_by_what_it_holds(tmp_path: Path, sentence):
    with pytest.raises(UnreadableFile, match=sentence):
        read_file(write_zip(tmp_path / "a.gcode.3mf", ZIPS[sentence]))


def test_a_folder_and_a_missing_file_are_sentences_too(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="not a file"):
        read_file(tmp_path)
    with pytest.raises(UnreadableFile, match="no such file"):
        read_file(tmp_path / "nothing")
