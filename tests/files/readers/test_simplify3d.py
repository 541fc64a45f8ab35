"""G-code of Simplify3D 4 and 5."""

import pytest

from tests.files.readers.text_builders import simplify3d_4, simplify3d_5


def test_version_4_states_settings_at_the_head_and_totals_at_the_end(read):
    reading = read(simplify3d_4())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("Simplify3D", "4.1.2")
    assert (plate.time_total_s, plate.layers, plate.max_z_mm) == (9060, 2, 0.55)
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.25, 0.3, (0.5,))
    assert (plate.nozzle_c, plate.bed_c) == ((245, 238), (80, 80))
    filament = plate.filaments[0]
    assert (filament.metres, filament.grams, filament.material, filament.density_g_cm3) == (4.3755, 13.16, "PETG", 1.25)
    assert plate.printer.preset == "Test Printer (modified)"
    assert (plate.sources["grams"], plate.sources["nozzle_c"]) == ("gcode totals", "config")


def test_version_5_has_blocks_and_looks_like_cura_but_is_not(read):
    reading = read(simplify3d_5())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("Simplify3D", "5.1.2")
    assert (plate.time_total_s, plate.layers, plate.layer_height_mm) == (3780, 3, 0.2)
    assert (plate.first_layer_height_mm, plate.nozzle_mm) == (0.28, (0.4,))
    assert (plate.nozzle_c, plate.bed_c) == ((260, 250), (110, 110))
    filament = plate.filaments[0]
    assert (filament.metres, filament.grams, filament.material, filament.cost_per_kg) == (1.0, 2.5, "ABS", 20)
    assert [(t.width, t.format) for t in plate.thumbnails] == [(300, "png"), (96, "png")]


def test_a_first_layer_in_percent(read):
    assert read(simplify3d_5(units="percentage")).plates[0].first_layer_height_mm == pytest.approx(0.3)


def test_an_older_version_is_read_alike(read):
    reading = read(simplify3d_4().replace("Simplify3D(R) Version 4.1.2", "Simplify3D(R) Version 2.2.2"))
    assert (reading.slicer.version, reading.plates[0].time_total_s) == ("2.2.2", 9060)


def test_a_cut_file_has_no_totals(read):
    plate = read(simplify3d_4().partition("; Build Summary")[0]).plates[0]
    assert (plate.time_total_s, plate.grams, plate.layer_height_mm) == (None, None, 0.25)


def test_zero_and_nonsense_are_unknown(read):
    plate = read(simplify3d_4(time="-1 hours -3 minutes", length="0.0 mm (0.00 m)", grams="nan g")).plates[0]
    assert (plate.time_total_s, plate.filaments[0].metres, plate.filaments[0].grams) == (None, None, None)


def test_the_weight_is_weighed_against_the_length(read):
    assert "weight_differs" in {w.code for w in read(simplify3d_4(grams="99.00 g")).warnings}
    assert "weight_differs" not in {w.code for w in read(simplify3d_4()).warnings}


def test_a_sum_over_two_extruders_is_said_to_be_one(read):
    reading = read(simplify3d_4().replace("; layer 2", "T1\n; layer 2").replace("G28\n", "G28\nT0\n"))
    assert "amounts_not_split" in {w.code for w in reading.warnings}
    assert "amounts_not_split" not in {w.code for w in read(simplify3d_4()).warnings}


def test_heaters_that_do_not_add_up_fall_back_to_one_point_each(read):
    text = simplify3d_4().replace("temperatureSetpointCount,2,1", "temperatureSetpointCount,x,")
    text = text.replace("Temperatures,245,238,80", "Temperatures,245,80")
    assert read(text).plates[0].nozzle_c == (245, 245)
