"""G-code of Snapmaker Luban: its own header is right, the engine's inside of it is not."""

import pytest

from printfarm.files.readers import UnreadableFile
from tests.files.readers.builders import png, png_bomb
from tests.files.readers.text_builders import cura, luban


def test_its_own_header_counts_and_not_the_engines_placeholder(read):
    reading = read(luban())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("Snapmaker Luban (Cura engine)", "4.9.1")
    assert (plate.time_total_s, plate.layers, plate.layer_height_mm) == (9602, 26, 0.16)
    assert (plate.nozzle_c, plate.bed_c, plate.printer.model) == ((205, None), (65, None), "Test A250")
    assert [(f.slot, f.metres, f.grams) for f in plate.filaments] == [(1, None, None)]


def test_the_picture_is_written_as_a_data_address(read):
    assert [(t.width, t.height, t.format) for t in read(luban()).plates[0].thumbnails] == [(30, 20, "png")]
    assert read(luban(picture=png_bomb())).plates[0].thumbnails == ()
    assert read(luban(picture=b"<svg onload=alert(1)>" + b" " * 99)).plates[0].thumbnails == ()


def test_degree_signs_of_old_systems(read):
    content = luban(picture=png(30, 20)).encode("latin-1")
    assert read(content).plates[0].bed_c == (65, None)


def test_without_the_engines_header(read):
    reading = read(luban(cura_header=False).replace(";LAYER_COUNT:26\n", ""))
    assert (reading.slicer.name, reading.plates[0].time_total_s) == ("Snapmaker Luban", 9602)


@pytest.mark.parametrize("kind", ["cnc", "laser"])
def test_what_is_not_for_printing_is_refused(read, kind):
    with pytest.raises(UnreadableFile, match="not for printing"):
        read(luban().replace("header_type: 3dp", f"header_type: {kind}"))


def test_the_header_of_newer_machines(read):
    head = (
        ";Header Start\n;Version:1\n;Printer:Test J1\n;Estimated Print Time:4125\n;Lines:120\n;Extruder 0 Nozzle Size:0.6\n"
        ";Extruder 0 Material:PLA\n;Extruder 0 Print Temperature:220\n;Bed Temperature:70\n;Header End\n\n"
    )
    reading = read(head + cura())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version, plate.printer.model) == ("Cura", "5.6.0", "Test J1")
    assert (plate.time_total_s, plate.nozzle_mm, plate.nozzle_c, plate.bed_c) == (4125, (0.6,), (220, None), (70, None))
    assert [(f.metres, f.material) for f in plate.filaments] == [(2.5, "PLA")]
