"""A sliced 3MF of Bambu Studio or OrcaSlicer: every plate with its own values."""

from pathlib import Path

import pytest

from printfarm.files.readers import Thumbnail, read_file
from printfarm.files.readers.scan import count_moves
from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf
from tests.files.readers.builders import sliced_entries, two_colours, write_zip


@pytest.fixture
def reading(tmp_path: Path):
    plates = [
        PlateSpec(index=1, name="Rings", filaments=two_colours(), layers=12, time_total_s=3725, time_model_s=3300),
        PlateSpec(index=2, filaments=(SampleFilament(slot=2, grams=4.5, colour="#0000FF"),), objects=("Lid", "Box")),
    ]
    path = build_sliced_3mf(
        tmp_path / "any name", plates, printer_model_id="N2S", title="Keychain & ring", designer="Ada"
    )
    return count_moves(path, read_file(path))


def test_the_file_says_what_it_is(reading):
    assert (reading.format, reading.sliced) == ("gcode.3mf", True)
    assert (reading.slicer.name, reading.slicer.version) == ("BambuStudio", "02.05.00.66")
    assert (reading.title, reading.designer, reading.licence) == ("Keychain & ring", "Ada", None)
    assert reading.warnings == ()


def test_every_plate_has_its_own_name_times_and_layers(reading):
    first, second = reading.plates
    assert (first.index, first.name, first.time_total_s, first.time_model_s) == (1, "Rings", 3725, 3300)
    assert (first.layers, first.max_z_mm, first.layer_height_mm, first.first_layer_height_mm) == (12, 2.4, 0.2, 0.2)
    assert (second.index, second.name, second.time_total_s, second.time_first_layer_s) == (2, None, 1200, 61.5)
    assert second.objects == ("Lid", "Box")


def test_printer_bed_and_nozzle_are_read(reading):
    plate = reading.plates[0]
    assert (plate.printer.model, plate.printer.id) == ("Bambu Lab A1", "N2S")
    assert plate.printer.preset == "Bambu Lab A1 0.4 nozzle"
    assert (plate.bed_type, plate.bed_c, plate.nozzle_c, plate.nozzle_mm) == (
        "Textured PEI Plate",
        (55, 55),
        (220, 220),
        (0.4,),
    )


def test_filaments_keep_the_numbers_of_their_slots(reading):
    pla, petg = reading.plates[0].filaments
    assert (pla.slot, pla.material, pla.colour, pla.vendor, pla.grams) == (1, "PLA", "#26A69A", "Bambu Lab", 10.0)
    assert (petg.slot, petg.material, petg.colour, petg.vendor, petg.grams) == (3, "PETG", "#FF6A13", "Generic", 6.0)
    assert (petg.preset, petg.tray_info_idx, petg.nozzle_c, petg.bed_c) == (
        "Generic PETG",
        "GFG99",
        (255, 255),
        (70, 70),
    )
    assert (petg.density_g_cm3, petg.diameter_mm, petg.cost_per_kg) == (1.27, 1.75, 24.99)
    assert reading.plates[1].filaments[0].slot == 2


def test_lengths_are_as_exact_as_the_header_of_the_g_code(reading):
    assert reading.plates[0].filaments[1].metres == pytest.approx(6.0 / (1.27 * 2.405282), rel=1e-5)


def test_the_split_adds_up_to_the_grams(reading):
    plate = reading.plates[0]
    assert plate.split.total_g == pytest.approx(plate.grams, abs=0.02)
    assert (plate.split.purge_g, plate.split.tower_g, plate.split.support_g) == (
        pytest.approx(2.0, abs=0.01),
        pytest.approx(1.0, abs=0.01),
        pytest.approx(0.5, abs=0.01),
    )
    assert plate.filaments[0].split.purge_g == 0
    assert plate.filaments[1].split.purge_g == pytest.approx(2.0, abs=0.01)


def test_the_picture_of_the_plate_comes_first(reading):
    picture = reading.plates[0].picture
    assert isinstance(picture, Thumbnail)
    assert (picture.kind, picture.width, picture.height, picture.format) == ("plate", 512, 512, "png")
    assert [t.kind for t in reading.plates[0].thumbnails] == ["plate", "small", "no_light", "top"]


def test_the_g_code_can_be_sent_by_its_name_in_the_file(reading):
    plate = reading.plates[1]
    assert (plate.printable, plate.gcode_path) == (True, "Metadata/plate_2.gcode")
    assert plate.gcode_bytes > 1000


def test_the_whole_metadata_is_kept(reading):
    assert reading.raw["project_settings"]["wall_loops"] == "2"
    assert reading.raw["slice_info"]["plates"][0]["metadata"]["timelapse_type"] == "0"
    assert reading.raw["model_settings"]["plates"][0]["plater_name"] == "Rings"
    assert reading.raw["model_metadata"]["CreationDate"] == "2026-01-01"
    assert reading.raw["gcode"]["1"]["header"]["total layer number"] == "12"
    assert reading.raw["gcode"]["1"]["config"]["sparse_infill_density"] == "15%"


def test_a_file_may_hold_only_plate_8(tmp_path: Path):
    reading = read_file(build_sliced_3mf(tmp_path / "8.gcode.3mf", [PlateSpec(index=8)]))
    assert [p.index for p in reading.plates] == [8]
    assert reading.plates[0].picture is not None


def test_names_in_capitals_are_the_same_names(tmp_path: Path):
    entries = {"/" + name.upper().replace("/", "\\"): content for name, content in sliced_entries().items()}
    plate = read_file(write_zip(tmp_path / "a.3mf", entries)).plates[0]
    assert (plate.time_total_s, plate.grams, plate.printable) == (1200, 5.0, True)


def test_the_sample_files_are_the_same_on_every_day(tmp_path: Path):
    one, two = (build_sliced_3mf(tmp_path / name, [PlateSpec(filaments=two_colours())]) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_every_value_tells_where_it_comes_from(reading):
    values = [
        "time_total_s", "time_model_s", "time_first_layer_s", "layers", "max_z_mm", "layer_height_mm", "nozzle_mm", "nozzle_c",
        "first_layer_height_mm", "bed_type", "bed_c", "supports", "objects", "tool_changes",
    ]  # fmt: skip
    for plate in reading.plates:
        known = {name for name in values if getattr(plate, name) not in (None, ())}
        assert known - set(plate.sources) == set()
        assert {"grams", "metres", "material", "colour", "model", "preset"} <= set(plate.sources)
    assert reading.plates[0].sources["time_total_s"] == "slice_info"
    assert reading.plates[0].sources["layer_height_mm"] == "config"
