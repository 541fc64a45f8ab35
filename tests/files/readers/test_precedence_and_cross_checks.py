"""Where the parts of a file disagree, the better one counts and a warning says so."""

import hashlib
from pathlib import Path

from printfarm.files.readers import read_file
from printfarm.files.readers.scan import count_moves
from printfarm.files.sample_builder import PlateSpec
from tests.files.readers.builders import sliced_entries, two_colours, write_zip

GCODE = "Metadata/plate_1.gcode"
SLICE_INFO = "Metadata/slice_info.config"


def read_changed(tmp_path: Path, name: str, old: str, new: str, *, md5: bool = True, plate: PlateSpec | None = None):
    entries = sliced_entries(plate or PlateSpec())
    text = entries[name].decode()
    assert old in text
    entries[name] = text.replace(old, new).encode()
    if md5:
        entries[f"{GCODE}.md5"] = hashlib.md5(entries[GCODE]).hexdigest().upper().encode()
    path = write_zip(tmp_path / "a.3mf", entries)
    return count_moves(path, read_file(path))


def codes(reading) -> list[str]:
    return [w.code for w in reading.warnings]


def test_slice_info_counts_before_the_header(tmp_path: Path):
    reading = read_changed(tmp_path, SLICE_INFO, 'key="prediction" value="1200"', 'key="prediction" value="1300"')
    assert reading.plates[0].time_total_s == 1300
    assert reading.plates[0].sources["time_total_s"] == "slice_info"
    assert codes(reading) == ["time_differs"]


def test_the_header_steps_in_when_slice_info_has_no_time(tmp_path: Path):
    reading = read_changed(tmp_path, SLICE_INFO, 'key="prediction"', 'key="something"')
    assert (reading.plates[0].time_total_s, reading.plates[0].sources["time_total_s"]) == (1200, "gcode header")


def test_broken_slice_info_leaves_everything_to_the_g_code(tmp_path: Path):
    reading = read_changed(tmp_path, SLICE_INFO, "</config>", "")
    plate = reading.plates[0]
    assert (plate.time_total_s, plate.grams, plate.filaments[0].slot) == (1200, 5.0, 1)
    assert codes(reading) == ["part_unreadable"]


def test_what_was_sliced_counts_before_the_project(tmp_path: Path):
    reading = read_changed(
        tmp_path, "Metadata/project_settings.config", '"layer_height": "0.2"', '"layer_height": "0.3"'
    )
    assert reading.plates[0].layer_height_mm == 0.2


def test_another_weight_is_told(tmp_path: Path):
    assert codes(read_changed(tmp_path, SLICE_INFO, 'value="5.00"', 'value="7.00"')) == ["weight_differs"]


def test_moves_that_were_added_after_slicing_are_told(tmp_path: Path):
    reading = read_changed(tmp_path, GCODE, "; FEATURE: Outer wall", "; FEATURE: Outer wall\nG1 X1 Y1 E50")
    assert codes(reading) == ["edited_after_slicing"]
    assert reading.plates[0].grams == 5.0


def test_a_wrong_checksum_is_told(tmp_path: Path):
    reading = read_changed(tmp_path, GCODE, "; CHANGE_LAYER", "; CHANGE_LAYER ", md5=False)
    assert codes(reading) == ["md5_differs"]


def test_a_print_that_leaves_the_bed_is_told(tmp_path: Path):
    assert codes(read_changed(tmp_path, SLICE_INFO, 'key="outside" value="false"', 'key="outside" value="true"')) == [
        "outside_bed"
    ]


def test_a_temperature_outside_of_the_filaments_range_is_told(tmp_path: Path):
    extra = {"nozzle_temperature_range_low": ["230"], "nozzle_temperature_range_high": ["260"]}
    reading = read_file(write_zip(tmp_path / "a.3mf", sliced_entries(extra_settings=extra)))
    assert codes(reading) == ["temperature_unusual"]
    assert "220 °C" in reading.warnings[0].sentence


def test_a_plate_without_g_code_cannot_be_printed(tmp_path: Path):
    entries = sliced_entries(PlateSpec(index=1), PlateSpec(index=2))
    del entries["Metadata/plate_2.gcode"]
    reading = read_file(write_zip(tmp_path / "a.3mf", entries))
    assert [(p.index, p.printable, p.time_total_s) for p in reading.plates] == [(1, True, 1200), (2, False, 1200)]
    assert codes(reading) == ["gcode_missing"]


def test_zero_grams_of_some_length_are_unknown(tmp_path: Path):
    entries = sliced_entries(extra_settings={"filament_density": ["0"]})
    entries[SLICE_INFO] = entries[SLICE_INFO].replace(b'used_g="5.00"', b'used_g="0.00"')
    entries[GCODE] = entries[GCODE].replace(b"weight [g] : 5.00", b"weight [g] : 0.00")
    del entries[f"{GCODE}.md5"]
    reading = read_file(write_zip(tmp_path / "a.3mf", entries))
    assert reading.plates[0].filaments[0].grams is None
    assert "grams_unknown" in codes(reading)


def test_a_plate_may_choose_another_bed_than_the_project(tmp_path: Path):
    entries = sliced_entries()
    entries["Metadata/model_settings.config"] = entries["Metadata/model_settings.config"].replace(
        b'<metadata key="locked" value="false"/>', b'<metadata key="bed_type" value="Cool Plate"/>'
    )
    entries[GCODE] = entries[GCODE].replace(b"; curr_bed_type", b"; some_other_key")
    del entries[f"{GCODE}.md5"]
    plate = read_file(write_zip(tmp_path / "a.3mf", entries)).plates[0]
    assert (plate.bed_type, plate.bed_c) == ("Cool Plate", (0, 0))


def test_old_files_without_many_attributes_are_read(tmp_path: Path):
    plate = PlateSpec(filaments=two_colours())
    entries = sliced_entries(plate)
    text = entries[SLICE_INFO].decode()
    for key in ("printer_model_id", "nozzle_diameters", "first_layer_time", "filament_maps"):
        text = text.replace(f'key="{key}"', f'key="not_{key}"')
    entries[SLICE_INFO] = text.replace("tray_info_idx=", "not_idx=").encode()
    plate = read_file(write_zip(tmp_path / "a.3mf", entries)).plates[0]
    assert (plate.printer.id, plate.nozzle_mm, plate.time_first_layer_s) == (None, (0.4,), None)
    assert [f.tray_info_idx for f in plate.filaments] == ["GFA00", "GFG99"]
