"""G-code of FlashPrint, which states neither a time nor an amount."""

from tests.files.readers.text_builders import flashprint


def test_what_the_head_states(read):
    reading = read(flashprint())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("FlashPrint", "2.4.4")
    assert (plate.time_total_s, plate.grams, plate.layers) == (None, None, 126)
    assert (plate.layer_height_mm, plate.first_layer_height_mm) == (0.18, 0.27)
    assert (plate.nozzle_c, plate.bed_c, plate.printer.model) == ((210, None), (55, None), "Test Printer F")
    assert [(f.slot, f.material, f.density_g_cm3, f.metres) for f in plate.filaments] == [(1, "PLA", 1.24, None)]


def test_the_left_extruder_is_the_second_slot(read):
    plate = read(flashprint(tool="M108 T1")).plates[0]
    assert ([(f.slot, f.material) for f in plate.filaments], plate.nozzle_c) == ([(2, "PETG")], (235, None))


def test_without_its_first_line_it_is_still_known(read):
    assert read(flashprint().partition("\n")[2]).slicer.name == "FlashPrint"
