"""G-code of Cura in all its flavours, and its placeholders."""

import base64
import json
import zlib

import pytest

from tests.files.readers.text_builders import cura, cura_15, griffin, ultigcode


def slots(reading):
    return [(f.slot, f.metres, f.grams) for f in reading.plates[0].filaments]


def test_the_header_states_time_length_and_heights(read):
    reading = read(cura())
    plate = reading.plates[0]
    assert (reading.slicer.name, reading.slicer.version) == ("Cura", "5.6.0")
    assert (plate.time_total_s, plate.layers, plate.max_z_mm) == (3725, 3, 8.3)
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.3, None)
    assert (plate.nozzle_c, plate.bed_c, plate.printer.model) == ((210, None), (60, None), "Test Printer S1")
    assert slots(reading) == [(1, 2.5, None)]
    assert {w.code for w in reading.warnings} == {"grams_unknown"}


def test_every_value_says_where_it_stands(read):
    plate = read(cura()).plates[0]
    assert (plate.sources["time_total_s"], plate.sources["nozzle_c"]) == ("gcode header", "commands")
    stated = {
        name for name in ("time_total_s", "layers", "layer_height_mm", "bed_c") if getattr(plate, name) is not None
    }
    assert stated <= set(plate.sources)
    assert "grams" not in plate.sources


@pytest.mark.parametrize("flavour", ["Marlin", "RepRap", "Marlin(Volumetric)", "Repetier", "Griffin"])
def test_the_flavour_does_not_matter(read, flavour):
    assert read(cura(flavour=flavour)).plates[0].time_total_s == 3725


def test_volumes_are_no_lengths(read):
    reading = read(cura(flavour="Marlin(Volumetric)", used="772.133mm3, 674.215mm3"))
    assert slots(reading) == [(1, None, None), (2, None, None)]


def test_only_the_extruders_that_are_used_have_a_slot(read):
    assert slots(read(cura(used="0m, 1.25m"))) == [(2, 1.25, None)]


@pytest.mark.parametrize(("used", "metres"), [("0,65m", 0.65), ("0.65m,0.3m", 0.65), ("650 mm", 0.65)])
def test_commas_and_units_of_other_systems(read, used, metres):
    assert slots(read(cura(used=used)))[0][1] == pytest.approx(metres)


def test_the_placeholders_of_the_engine_are_unknown(read):
    infinite = ";MINX:2.14748e+06\n;MINZ:2.14748e+06\n;MAXX:-2.14748e+06\n;MAXZ:-2.14748e+06"
    plate = read(cura(time="6666", used="0m", bounds=infinite, elapsed="2074")).plates[0]
    assert (plate.time_total_s, plate.max_z_mm, plate.first_layer_height_mm) == (None, None, None)
    assert [(f.slot, f.metres) for f in plate.filaments] == [(1, None)]
    assert (plate.layers, plate.layer_height_mm) == (3, 0.2)


def test_a_print_may_really_take_6666_seconds(read):
    assert read(cura(time="6666", elapsed="6666")).plates[0].time_total_s == 6666


@pytest.mark.parametrize("time", ["-5", "nan", "99999999999", "PRINT_TIME", ""])
def test_a_time_that_is_none_is_unknown(read, time):
    assert read(cura(time=time)).plates[0].time_total_s is None


@pytest.mark.parametrize("used", ["-1m", "1e9m", "nan", "{filament}m", ""])
def test_a_length_that_is_none_is_unknown(read, used):
    assert slots(read(cura(used=used))) == [(1, None, None)]


def test_under_a_raft_the_lowest_height_is_not_the_first_layer(read):
    raft = cura().replace(";LAYER:0", ";LAYER:-2\nG1 X1 Y1 E0.1\n;LAYER:0")
    assert read(raft).plates[0].first_layer_height_mm is None


def test_griffin_states_volumes_nozzles_and_temperatures_by_extruder(read):
    reading = read(griffin())
    plate = reading.plates[0]
    assert (reading.slicer.version, plate.printer.model) == ("4.13.1", "Ultimaker Test")
    assert (plate.time_total_s, plate.layers, plate.nozzle_mm, plate.bed_c) == (5025, 98, (0.4, 0.8), (65, None))
    assert [(f.slot, f.metres, f.nozzle_c) for f in plate.filaments] == [(1, None, (205, None)), (2, None, (215, None))]
    assert plate.sources["nozzle_c"] == "gcode header"


def test_griffin_with_the_second_extruder_alone(read):
    plate = read(griffin(volumes=("0", "340"))).plates[0]
    assert ([f.slot for f in plate.filaments], plate.nozzle_c) == ([2], (215, None))


def test_cura_15_writes_words_and_grams(read):
    reading = read(cura_15())
    plate = reading.plates[0]
    assert (reading.slicer.name, plate.time_total_s, plate.layers) == ("Cura", 8640, 120)
    assert slots(reading) == [(1, 5.319, 16.0)]
    assert (plate.nozzle_c, plate.bed_c) == ((215, None), (70, None))


@pytest.mark.parametrize(
    "line", [";Sliced ?filename? at: Mon", "\t;This Gcode has been generated specifically", ";Sliced for a Series 1"]
)
def test_other_first_lines_of_cura_15(read, line):
    text = cura_15().replace(";Sliced at: Mon 02-03-2015 10:11:12", line)
    assert (read(text).slicer.name, read(text).plates[0].time_total_s) == ("Cura", 8640)


def test_unfilled_placeholders_of_cura_14_are_unknown(read):
    reading = read(cura_15(time="#P_TIME#", used="#F_AMNT#m #F_WGHT#g"))
    assert (reading.plates[0].time_total_s, slots(reading)) == (None, [(1, None, None)])


def test_ultigcode_states_volumes_and_the_nozzle(read):
    plate = read(ultigcode()).plates[0]
    assert (plate.time_total_s, plate.nozzle_mm, plate.layers) == (2074, (0.6,), 40)
    assert [(f.slot, f.metres, f.grams) for f in plate.filaments] == [(1, None, None)]
    assert read(ultigcode(time="666", material="666", second="-1")).plates[0].time_total_s is None


@pytest.mark.parametrize("start", ["START_PRINT BED_TEMP=70 EXTRUDER_TEMP=215", "print_start bed=70 extruder=215"])
def test_temperatures_may_stand_in_a_macro(read, start):
    plate = read(cura(start=start)).plates[0]
    assert (plate.nozzle_c, plate.bed_c) == ((215, None), (70, None))


def test_unfilled_macros_say_nothing(read):
    plate = read(cura(start="START_PRINT BED_TEMP={material_bed_temperature} EXTRUDER_TEMP={temp}")).plates[0]
    assert (plate.nozzle_c, plate.bed_c) == (None, None)


def test_zero_and_another_extruders_temperature_are_passed_over(read):
    plate = read(cura(used="0m, 1m", start="M104 S0\nM104 T0 S200\nM104 T1 S230\nM190 S0\nM190 R55")).plates[0]
    assert (plate.nozzle_c, plate.bed_c) == ((230, None), (55, None))


def test_a_bed_that_is_only_warmed_and_not_waited_for_says_nothing(read):
    assert read(cura(start="M140 S35\nM109 S210")).plates[0].bed_c is None
    assert read(cura(start="M140 S60\nM109 S210")).plates[0].bed_c == (60, None)


def test_the_start_code_can_add_material_and_weight(read):
    extra = (
        ';Filament type = PETG\n;Filament weight = [7.5, 0.0]\n;Filament name = "House PETG"\n;Nozzle diameter = 0.6'
    )
    plate = read(cura(extra=extra)).plates[0]
    assert (plate.filaments[0].material, plate.filaments[0].preset) == ("PETG", "House PETG")
    assert (plate.grams, plate.nozzle_mm) == (7.5, (0.6,))


def test_layers_that_take_longer_than_the_header_says_are_a_doubt(read):
    assert "time_differs" in {w.code for w in read(cura(elapsed="9000")).warnings}
    assert "time_differs" not in {w.code for w in read(cura(elapsed="3726.9")).warnings}


def test_minutes_left_are_taken_when_no_time_is_stated(read):
    plate = read(cura(time="6666", used="0m", before="M73 P0 R12\n")).plates[0]
    assert (plate.time_total_s, plate.sources["time_total_s"]) == (720, "m73")


def test_the_start_code_is_not_weighed_against_the_amounts(read):
    plan = read(cura()).plates[0].scan_plan
    assert plan is not None
    assert (plan.leaves_out_start, plan.metres) == (True, {1: 2.5})
    assert read(cura(used="772mm3")).plates[0].scan_plan is None


def settings_of(reading):
    return reading.raw["gcode"]["1"]["config"]


def test_the_settings_that_were_changed_are_kept(read):
    inside = {
        "global_quality": "[general]\\nversion = 4\\n\\n[values]\\nadhesion_type = brim\\n",
        "extruder_quality": ["[general]\\n[values]\\ninfill_sparse_density = 35\\n", 7, None],
    }
    encoded = json.dumps(inside)
    kept = "".join(f";SETTING_3 {encoded[at : at + 60]}\n" for at in range(0, len(encoded), 60))
    assert settings_of(read(cura().partition(";SETTING_3")[0] + kept)) == {
        "adhesion_type": "brim",
        "infill_sparse_density (1)": "35",
    }


def test_the_profile_of_cura_15_is_unpacked(read):
    packed = base64.b64encode(zlib.compress(b"layer_height=0.1\bwall_thickness=0.8\x0cstart.gcode=G28")).decode()
    text = cura_15().partition(";CURA_PROFILE_STRING")[0] + f";CURA_PROFILE_STRING:{packed}\n"
    assert settings_of(read(text)) == {"layer_height": "0.1", "wall_thickness": "0.8"}


@pytest.mark.parametrize("content", [b"no zlib", zlib.compress(b"\x00" * 50_000_000)])
def test_a_profile_that_is_broken_or_a_bomb_harms_nothing(read, content):
    text = cura_15().partition(";CURA_PROFILE_STRING")[0] + ";CURA_PROFILE_STRING:" + base64.b64encode(content).decode()
    assert (read(text).plates[0].time_total_s, settings_of(read(text))) == (8640, {})
