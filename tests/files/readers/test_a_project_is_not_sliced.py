"""A project of Bambu Studio or OrcaSlicer: plates, names and settings, but no amounts."""

from pathlib import Path

import pytest

from printfarm.files.readers import read_file
from tests.files.readers.builders import MODEL_XML, png, project_entries, write_zip


def test_it_lists_the_plates_that_the_person_arranged(tmp_path: Path):
    reading = read_file(write_zip(tmp_path / "p.3mf", project_entries(("", "Lids"))))
    assert (reading.format, reading.sliced, reading.title) == ("3mf", False, "Keychain")
    assert [(p.index, p.name, p.objects) for p in reading.plates] == [(1, None, ("Ring",)), (2, "Lids", ("Ring",))]
    assert reading.plates[0].picture is not None


def test_it_makes_up_no_amounts(tmp_path: Path):
    plate = read_file(write_zip(tmp_path / "p.3mf", project_entries())).plates[0]
    assert (plate.time_total_s, plate.layers, plate.grams, plate.split, plate.printable) == (
        None,
        None,
        None,
        None,
        False,
    )
    assert [(f.slot, f.material, f.colour, f.grams, f.metres) for f in plate.filaments] == [
        (1, "PLA", "#FFFFFF", None, None),
        (2, "PETG", "#161616", None, None),
    ]


def test_it_reads_the_settings(tmp_path: Path):
    plate = read_file(write_zip(tmp_path / "p.3mf", project_entries())).plates[0]
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.25, (0.4,))
    assert (plate.bed_type, plate.bed_c, plate.filaments[1].bed_c) == ("Textured PEI Plate", (60, 65), (72, 70))


@pytest.mark.parametrize(
    ("application", "client", "expected"),
    [
        ("BambuStudio-02.04.00.70", "02.04.00.70", ("BambuStudio", "02.04.00.70")),
        ("BambuStudio-2.3.1", "", ("OrcaSlicer", "2.3.1")),
        ("PrusaSlicer-2.8.0-alpha3", "", ("PrusaSlicer", "2.8.0-alpha3")),
        ("Creality_Print V7.0.0 Release", "", ("Creality_Print V7.0.0 Release", None)),
        ("", "02.04.00.70", ("BambuStudio", "02.04.00.70")),
    ],
)
def test_the_slicer_is_told_from_what_it_wrote(tmp_path: Path, application, client, expected):
    entries = project_entries(application=application, client_version=client)
    slicer = read_file(write_zip(tmp_path / "p.3mf", entries)).slicer
    assert (slicer.name, slicer.version) == expected


def test_orca_is_believed_when_it_names_itself(tmp_path: Path):
    entries = project_entries(client_version="02.06.00.51", application="BambuStudio-02.06.00.51")
    orca = '<header_item key="OrcaSlicer-Version" value="2.4.1"/></header>'
    entries["Metadata/slice_info.config"] = str(entries["Metadata/slice_info.config"]).replace("</header>", orca)
    slicer = read_file(write_zip(tmp_path / "p.3mf", entries)).slicer
    assert (slicer.name, slicer.version) == ("OrcaSlicer", "2.4.1")


def test_a_title_that_means_nothing_is_none(tmp_path: Path):
    reading = read_file(write_zip(tmp_path / "p.3mf", project_entries(title="(Unsaved)")))
    assert reading.title is None


def test_the_mesh_after_the_metadata_is_never_read(tmp_path: Path):
    entries = project_entries()
    model = str(entries["3D/3dmodel.model"]).replace("</resources>", "<not closed" * 400_000)
    entries["3D/3dmodel.model"] = model
    assert read_file(write_zip(tmp_path / "p.3mf", entries)).title == "Keychain"


def test_a_project_of_prusaslicer_shows_its_settings_and_picture(tmp_path: Path):
    settings = {
        "layer_height": "0.15",
        "first_layer_height": "0.2",
        "nozzle_diameter": "0.4",
        "printer_model": "MK4IS",
        "filament_type": "PLA;PETG",
        "filament_colour": "#FF8000;#000000",
        "temperature": "225,240",
        "first_layer_temperature": "230,245",
    }
    entries = {
        "3D/3dmodel.model": MODEL_XML.format(application="PrusaSlicer-2.8.0", title="Boat"),
        "Metadata/Slic3r_PE.config": "\n".join(f"; {key} = {value}" for key, value in settings.items()),
        "Metadata/thumbnail.png": png(256, 256),
    }
    reading = read_file(write_zip(tmp_path / "p.3mf", entries))
    plate = reading.plates[0]
    assert (reading.format, reading.sliced, reading.title, reading.slicer.name) == ("3mf", False, "Boat", "PrusaSlicer")
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.printer.model) == (0.15, 0.2, "MK4IS")
    assert (plate.printable, plate.picture.width, plate.time_total_s) == (False, 256, None)
    assert [(f.slot, f.material, f.nozzle_c, f.grams) for f in plate.filaments] == [
        (1, "PLA", (230, 225), None),
        (2, "PETG", (245, 240), None),
    ]
