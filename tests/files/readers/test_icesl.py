"""G-code of IceSL: settings as comments, after the start code."""

from tests.files.readers.text_builders import icesl


def test_what_its_settings_state(read):
    reading = read(icesl())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("IceSL", "2.4.1")
    assert (plate.time_total_s, plate.grams, plate.layers) == (None, None, 2)
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.25, (0.4,))
    assert (plate.nozzle_c, plate.bed_c, plate.printer.model) == ((210, None), (55, None), "test printer i")
    assert [(f.slot, f.diameter_mm, f.metres) for f in plate.filaments] == [(1, 1.75, None)]
    assert plate.sources["nozzle_c"] == "config"


def test_the_first_layer_is_like_the_others_unless_it_is_switched_on(read):
    text = icesl().replace("; z_layer", "; use_different_thickness_first_layer : \tFalse\n; z_layer", 1)
    assert read(text).plates[0].first_layer_height_mm == 0.2
    assert read(icesl().replace("add_raft : \tFalse", "add_raft : \tTrue")).plates[0].first_layer_height_mm is None


def test_the_second_extruder(read):
    plate = read(icesl(tool="T1")).plates[0]
    assert ([f.slot for f in plate.filaments], plate.nozzle_mm, plate.nozzle_c) == ([2], (0.8,), (230, None))


def test_a_build_without_a_version(read):
    assert read(icesl().replace("v2.4.1 ", "")).slicer.version is None
