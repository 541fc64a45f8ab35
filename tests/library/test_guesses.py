"""What a file suggests about itself."""

import pytest

from printfarm.library import guesses


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("Benchy.gcode.3mf", "Benchy"),
        ("owl_plate_1.gcode.3mf", "Owl"),
        ("3DBenchy_0.2mm_PLA_MK4IS_1h2m.gcode", "3DBenchy"),
        ("phone stand (2).3mf", "Phone stand"),
        ("Bracket_PETG_2h.gcode", "Bracket"),
        ("PLA.gcode", "PLA"),
        ("0.2mm.gcode", "0.2mm"),
        (".3mf", "Unnamed model"),
    ],
)
def test_a_name_from_the_file(file_name, name) -> None:
    assert guesses.model_name({"title": None}, file_name) == name


def test_the_title_goes_before_the_file() -> None:
    assert guesses.model_name({"title": "  A  fox\n"}, "x.3mf") == "A fox"


@pytest.mark.parametrize(
    ("plate", "name"),
    [
        ({"printer": {"model": "Bambu Lab P1S"}, "layer_height_mm": 0.2, "nozzle_mm": [0.4]}, "P1S 0.2 mm"),
        (
            {"printer": {"model": "Original Prusa MK4"}, "layer_height_mm": 0.3, "nozzle_mm": [0.6]},
            "MK4 0.3 mm nozzle 0.6",
        ),
        ({"printer": {"model": None}, "layer_height_mm": None, "nozzle_mm": None}, "Standard"),
        ({}, "Standard"),
    ],
)
def test_a_variant_is_named_after_its_printer_and_layers(plate, name) -> None:
    assert guesses.variant_name({"plates": [plate]}) == name


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("#000000", "Black"),
        ("#FFFFFFFF", "White"),
        ("#808080", "Grey"),
        ("#C62828", "Red"),
        ("#1565C0", "Blue"),
        ("#FFD600", "Yellow"),
        ("#2E7D32", "Green"),
        ("#003300", "Dark green"),
        ("#5D4037", "Brown"),
        ("", ""),
        ("red", ""),
    ],
)
def test_a_colour_has_a_plain_word(colour, name) -> None:
    assert guesses.colour_name(colour) == name


def test_a_slot_of_several_plates_is_asked_for_once() -> None:
    plates = [
        {"filaments": [{"slot": 2, "material": "PLA", "grams": 1.5}, {"slot": 1, "material": "PETG", "grams": None}]},
        {"filaments": [{"slot": 2, "material": "PLA", "grams": 2.0}]},
    ]
    found = guesses.wanted_filaments({"plates": plates})
    assert [(one.slot, one.material, one.grams) for one in found] == [(1, "PETG", None), (2, "PLA", 3.5)]
