"""G-code of ideaMaker: weights follow from lengths and densities."""

import math

import pytest

from tests.files.readers.text_builders import ideamaker


def test_head_and_end_are_put_together(read):
    reading = read(ideamaker())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("ideaMaker", "4.3.1.6452")
    assert (plate.time_total_s, plate.layers, plate.max_z_mm) == (744, 3, 12.45)
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.15, 0.3, (0.4, 0.6))
    assert (plate.nozzle_c, plate.bed_c) == ((215, None), (60, None))


def test_the_weight_is_worked_out_and_says_so(read):
    reading = read(ideamaker())
    filament = reading.plates[0].filaments[0]
    assert (filament.slot, filament.metres, filament.material, filament.preset) == (1, 1.0, "PLA", "House PLA 1")
    assert filament.grams == pytest.approx(math.pi / 4 * 1.75**2 * 1.24, abs=1e-3)
    assert filament.grams_derived
    assert reading.plates[0].sources["grams"] == "derived"
    assert "grams_derived" in {w.code for w in reading.warnings}


def test_without_a_density_the_weight_is_unknown(read):
    filament = read(ideamaker(density="0.00")).plates[0].filaments[0]
    assert (filament.grams, filament.grams_derived) == (None, False)


def test_two_extruders_and_the_second_alone(read):
    both = read(ideamaker(used=("500.0", "250.0"))).plates[0]
    assert [(f.slot, f.metres) for f in both.filaments] == [(1, 0.5), (2, 0.25)]
    second = read(ideamaker(used=("0.0", "250.0"))).plates[0]
    assert ([f.slot for f in second.filaments], second.nozzle_c) == ([2], (235, None))


def test_a_raft_counts_no_layers(read):
    plate = read(ideamaker(raft=True)).plates[0]
    assert (plate.layers, plate.first_layer_height_mm) == (3, 0.3)


def test_without_a_height_the_place_of_the_first_layer_says_it(read):
    text = ideamaker().replace("\n;HEIGHT:0.300", "")
    assert read(text).plates[0].first_layer_height_mm == 0.3
    assert read(ideamaker(raft=True).replace("\n;HEIGHT:0.300", "")).plates[0].first_layer_height_mm is None


def test_an_end_that_was_cut_off_leaves_time_and_amounts_unknown(read):
    plate = read(ideamaker().partition(";Print Time")[0]).plates[0]
    assert (plate.time_total_s, [(f.slot, f.metres) for f in plate.filaments]) == (None, [(1, None)])


@pytest.mark.parametrize("time", ["-744", "inf", "0", "1e12"])
def test_a_time_that_is_none_is_unknown(read, time):
    assert read(ideamaker(time=time)).plates[0].time_total_s is None
