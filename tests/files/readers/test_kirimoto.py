"""G-code of Kiri:Moto."""

from tests.files.readers.text_builders import kirimoto


def test_settings_and_totals(read):
    reading = read(kirimoto())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("Kiri:Moto", "4.0.2")
    assert (plate.time_total_s, plate.layers, plate.printer.model) == (806, 2, "Test Printer V")
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.25, (0.4,))
    assert (plate.nozzle_c, plate.bed_c) == ((210, 210), (70, 60))
    assert [(f.slot, f.metres, f.grams) for f in plate.filaments] == [(1, 0.22503, None)]


def test_the_first_layer_may_be_hotter(read):
    assert read(kirimoto(first_nozzle="225")).plates[0].nozzle_c == (225, 210)


def test_without_settings_the_start_macro_says_the_temperatures(read):
    text = kirimoto(extra="").replace("; outputTemp = 210\n", "")
    plate = read(text).plates[0]
    assert (plate.nozzle_c, plate.nozzle_mm, plate.sources["nozzle_c"]) == ((210, None), None, "commands")
