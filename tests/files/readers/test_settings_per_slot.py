"""Settings come as JSON or comments, one value for each slot or for each variant of a nozzle."""

import pytest

from printfarm.files.readers.settings import Settings, SettingsChain

FIVE_SLOTS = {
    "filament_type": ["PLA", "ASA", "PETG-CF", "PLA", "TPU"],
    "filament_self_index": ["1", "2", "3", "3", "4", "5"],
    "nozzle_temperature": ["210", "250", "255", "256", "220", "230"],
}


def chain(*sets: dict) -> SettingsChain:
    return SettingsChain(*(Settings(s) for s in sets))


def test_an_entry_for_each_variant_is_found_by_the_slots_own_index():
    settings = chain(FIVE_SLOTS)
    assert [settings.nozzle_c(slot)[1] for slot in (1, 2, 3, 4, 5)] == [210, 250, 255, 220, 230]


def test_the_g_code_has_the_same_arrays_already_reduced():
    settings = chain({**FIVE_SLOTS, "nozzle_temperature": "210,250,255,220,230"})
    assert settings.nozzle_c(4) == (None, 220)


def test_an_array_of_another_length_means_its_first_entry():
    assert chain({"filament_type": "PLA;PLA;PLA", "nozzle_temperature": "200,210"}).nozzle_c(3) == (None, 200)


@pytest.mark.parametrize(
    ("bed_type", "key"),
    [
        ("Cool Plate", "cool_plate_temp"),
        ("Engineering Plate", "eng_plate_temp"),
        ("High Temp Plate", "hot_plate_temp"),
        ("Textured PEI Plate", "textured_plate_temp"),
        ("Supertack Plate", "supertack_plate_temp"),
        ("Cool Plate (SuperTack)", "supertack_plate_temp"),
        ("Textured Cool Plate", "textured_cool_plate_temp"),
    ],
)
def test_the_bed_is_as_hot_as_the_chosen_plate_wants(bed_type, key):
    others = {"hot_plate_temp": "1", "cool_plate_temp": "1", "textured_plate_temp": "1", "eng_plate_temp": "1"}
    settings = chain({**others, key: "65", f"{key}_initial_layer": "70", "filament_type": "PLA"})
    assert settings.bed_c(1, bed_type) == (70, 65)


def test_an_unknown_plate_type_gives_no_temperature():
    assert chain({"hot_plate_temp": "65"}).bed_c(1, "Glass of the future") is None


def test_what_was_sliced_counts_before_the_project():
    settings = chain({"layer_height": "0.16", "printer_model": ""}, {"layer_height": "0.2", "printer_model": "P1S"})
    assert (settings.layer_height_mm(), settings.text("printer_model")) == (0.16, "P1S")


def test_hand_made_json_may_hold_numbers_null_and_single_values():
    settings = chain({"layer_height": 0.2, "nozzle_diameter": 0.4, "filament_type": None, "nozzle_temperature": 215})
    assert (settings.layer_height_mm(), settings.nozzle_mm(), settings.nozzle_c(1)) == (0.2, (0.4,), (None, 215))


def test_a_multi_material_unit_has_one_nozzle_and_two_nozzles_are_two():
    repeated = {"nozzle_diameter": "0.4,0.4,0.4", "single_extruder_multi_material": "1"}
    assert chain(repeated).nozzle_mm() == (0.4,)
    assert chain({"nozzle_diameter": ["0.4", "0.6"]}).nozzle_mm() == (0.4, 0.6)


def test_a_semicolon_inside_quotes_does_not_split():
    settings = Settings({"filament_settings_id": r'"A; the ""first""";"say \"B\"";C'})
    assert settings.texts("filament_settings_id")[-2:] == ['say "B"', "C"]


def test_the_words_nil_and_percent_are_no_numbers():
    assert Settings({"a": ["nil", "15%", "1e3", "-1", "٣"]}).numbers("a") == [None, None, 1000, None, None]
