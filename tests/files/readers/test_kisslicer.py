"""G-code of KISSlicer 1 and 2."""

import pytest

from tests.files.readers.text_builders import kisslicer


@pytest.mark.parametrize(("version", "name"), [(1, "1.6.3"), (2, "2.0.6")])
def test_settings_at_the_head_and_totals_at_the_end(read, version, name):
    reading = read(kisslicer(version=version))
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("KISSlicer", name)
    assert (plate.time_total_s, plate.layers, plate.max_z_mm) == (3697, 3, 0.632)
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.25, 0.2, (0.5,))
    assert (plate.nozzle_c, plate.bed_c, plate.printer.model) == ((211, 201), (51, None), "Test Printer K")
    assert [(f.slot, f.metres, f.grams, f.preset) for f in plate.filaments] == [(1, 0.29883, None, "House 1")]


def test_each_extruder_has_its_own_material_and_nozzle(read):
    plate = read(kisslicer(used=("10.0", "20.0"))).plates[0]
    assert [(f.slot, f.nozzle_c, f.preset) for f in plate.filaments] == [
        (1, (211, 201), "House 1"),
        (2, (212, 202), "House 2"),
    ]
    assert plate.nozzle_mm == (0.5, 0.4)


def test_no_amount_leaves_one_slot_without_one(read):
    plate = read(kisslicer(used=())).plates[0]
    assert [(f.slot, f.metres, f.grams) for f in plate.filaments] == [(1, None, None)]
    assert plate.nozzle_c == (211, 201)


def test_settings_of_a_style_are_shares_and_no_heights(read):
    text = kisslicer().replace("; first_layer_thickness_mm = 0.2\n", "; first_layer_thickness_mm = 0\n")
    assert read(text).plates[0].first_layer_height_mm is None


@pytest.mark.parametrize("minutes", ["-1.5", "nan", "0.00", "1e30"])
def test_a_time_that_is_none_is_unknown(read, minutes):
    assert read(kisslicer(minutes=minutes)).plates[0].time_total_s is None
