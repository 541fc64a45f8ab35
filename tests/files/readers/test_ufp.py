"""UFP of Cura: its G-code, and the materials that make weights of its lengths and volumes."""

import json
import math
from pathlib import Path

import pytest

from printfarm.files.readers import FileReading, UnreadableFile, draw_plate, read_file
from tests.files.readers.builders import png, write_zip

GREEN = "2433b8fb-dcd6-4e36-9cd5-9f4ee551c04c"


def material(name: str = "PLA", density: str = "1.24", diameter: str = "2.85", guid: str = GREEN, **more: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><fdmmaterial xmlns="http://www.ultimaker.com/material" version="1.3">'
        f"<metadata><name><brand>{more.get('brand', 'Ultimaker')}</brand><material>{name}</material>"
        f"<color>{more.get('colour_name', 'Green')}</color></name><GUID>{guid}</GUID>"
        f"<color_code>{more.get('colour', '#61993b')}</color_code></metadata><properties><density>{density}</density>"
        f"<diameter>{diameter}</diameter></properties><settings><machine><density>9</density></machine></settings></fdmmaterial>"
    )


def gcode(used: str = "2m, 0m", head: str = "") -> str:
    return (
        f";FLAVOR:Marlin\n;TIME:545\n;Filament used: {used}\n;Layer height: 0.2\n{head};Generated with Cura_SteamEngine 5.4.0\n"
        "M104 S200\n;LAYER_COUNT:1\n;LAYER:0\nG1 X1 Y1 E1\nG1 X20 Y9 E2\n"
    )


def ufp(text: str, materials: dict[str, str], listed: list[str] | None = None) -> dict[str, bytes | str]:
    targets = "".join(
        f'<Relationship Target="/Materials/{name}" Type="http://schemas.ultimaker.org/package/2018/relationships/material"/>'
        for name in (list(materials) if listed is None else listed)
    )
    return {
        "/3D/model.gcode": text,
        "/3D/_rels/model.gcode.rels": f"<Relationships>{targets}</Relationships>",
        "/Metadata/thumbnail.png": png(300, 300),
        "/Metadata/UFP_Global.json": json.dumps({"metadata": {"objects": [{"name": "Ring.stl"}, {"name": 7}, 5]}}),
        **{f"/Materials/{name}": content for name, content in materials.items()},
    }


def read(tmp_path: Path, *parts: object) -> FileReading:
    return read_file(write_zip(tmp_path / "a.gcode", ufp(*parts)))


def grams(metres: float, density: float, diameter: float) -> float:
    return metres * math.pi / 4 * diameter**2 * density


def test_the_materials_give_weights_names_and_colours(tmp_path: Path):
    materials = {"a.xml.fdm_material": material(), "b.xml.fdm_material": material("ABS", "1.1", guid="x", brand="B")}
    reading = read(tmp_path, gcode("2m, 1.5m"), materials)
    plate = reading.plates[0]
    assert (reading.format, reading.slicer.name, reading.slicer.version) == ("ufp", "Cura", "5.4.0")
    assert (plate.time_total_s, plate.layers, plate.objects, plate.printable) == (545, 1, ("Ring.stl",), True)
    assert [(f.slot, f.material, f.vendor, f.colour) for f in plate.filaments] == [
        (1, "PLA", "Ultimaker", "#61993B"),
        (2, "ABS", "B", "#61993B"),
    ]
    assert [f.grams for f in plate.filaments] == [
        pytest.approx(grams(2, 1.24, 2.85), abs=0.001),
        pytest.approx(grams(1.5, 1.1, 2.85), abs=0.001),
    ]
    assert all(f.grams_derived for f in plate.filaments)
    assert plate.sources["grams"] == "derived"
    assert (plate.picture.width, plate.picture.height) == (300, 300)


def test_a_volume_needs_only_the_density(tmp_path: Path):
    text = gcode("1000mm3").replace("FLAVOR:Marlin", "FLAVOR:Marlin(Volumetric)")
    filament = read(tmp_path, text, {"a.fdm_material": material()}).plates[0].filaments[0]
    assert (filament.grams, filament.grams_derived) == (pytest.approx(1.24), True)


def test_the_order_is_that_of_the_relations(tmp_path: Path):
    materials = {"a.fdm_material": material("ABS"), "b.fdm_material": material("PLA")}
    reading = read(tmp_path, gcode("1m"), materials, ["b.fdm_material", "a.fdm_material"])
    assert [f.material for f in reading.plates[0].filaments] == ["PLA"]


def test_one_material_is_in_both_extruders(tmp_path: Path):
    reading = read(tmp_path, gcode("1m, 1m"), {"a.fdm_material": material()})
    assert [f.material for f in reading.plates[0].filaments] == ["PLA", "PLA"]


def test_it_does_not_guess_which_of_three_extruders_share_a_material(tmp_path: Path):
    materials = {"a.fdm_material": material("ABS"), "b.fdm_material": material("PLA")}
    filaments = read(tmp_path, gcode("1m, 1m, 1m"), materials).plates[0].filaments
    assert [(f.material, f.grams is None) for f in filaments] == [("ABS", False), (None, True), (None, True)]


def test_without_materials_no_weight_is_made_up(tmp_path: Path):
    reading = read(tmp_path, gcode("2m"), {})
    assert [(f.metres, f.grams) for f in reading.plates[0].filaments] == [(2.0, None)]


def test_a_broken_material_is_left_out(tmp_path: Path):
    broken = '<!DOCTYPE a [<!ENTITY b "c">]><fdmmaterial>&b;</fdmmaterial>'
    reading = read(tmp_path, gcode("2m"), {"a.fdm_material": broken})
    assert [(f.material, f.grams) for f in reading.plates[0].filaments] == [(None, None)]


def test_nonsense_in_a_material_is_no_density(tmp_path: Path):
    hostile = material("<![CDATA[=cmd|' /C calc'!A0]]>", "NaN", "1e99", colour="url(x)")
    filament = read(tmp_path, gcode("2m"), {"a.fdm_material": hostile}).plates[0].filaments[0]
    assert (filament.grams, filament.density_g_cm3, filament.colour) == (None, None, None)
    assert filament.material == "=cmd|' /C calc'!A0"


def test_a_damaged_gcode_is_refused(tmp_path: Path):
    path = write_zip(tmp_path / "a", ufp(gcode() * 500, {}))
    content = bytearray(path.read_bytes())
    content[80:120] = b"\xff" * 40
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableFile, match="G-code in this UFP file is damaged"):
        read_file(path)


def test_it_can_be_drawn_when_it_has_no_picture(tmp_path: Path):
    entries = ufp(gcode(), {})
    del entries["/Metadata/thumbnail.png"]
    reading = read_file(write_zip(tmp_path / "a", entries))
    assert reading.plates[0].thumbnails == ()
    assert (
        draw_plate(reading, 1).content
        != draw_plate(read_file(write_zip(tmp_path / "b", ufp(";FLAVOR:x\n", {}))), 1).content
    )
