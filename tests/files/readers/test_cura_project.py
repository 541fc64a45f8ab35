"""Projects of Cura: what their stacks of settings state, never amounts."""

from pathlib import Path

import pytest

from printfarm.files.readers import FileReading, read_file
from tests.files.readers.builders import write_zip
from tests.files.readers.mesh_builders import box, mesh_xml, model_xml, object_xml
from tests.files.readers.test_ufp import material


def ini(**sections: dict[str, str]) -> str:
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{k} = {v}" for k, v in pairs.items()) for name, pairs in sections.items()
    )


def stack(name: str, *containers: str, **metadata: str) -> str:
    listed = {str(place): container for place, container in enumerate(containers)}
    return ini(general={"version": "4", "name": name}, metadata=metadata, containers=listed)


def values(**pairs: str) -> str:
    return ini(general={"name": "x"}, values=pairs)


def project(**changes: str) -> dict[str, str]:
    entries = {
        "3D/3dmodel.model": model_xml([object_xml(1, mesh_xml(*box()), name="Ring.stl")], ['<item objectid="1"/>']),
        "Cura/version.ini": "[versions]\ncura_version = 5.4.0\n",
        "Cura/preferences.cfg": "[general]\nlayer_height = 9\n",
        "Cura/Shop+printer.global.cfg": stack("Shop printer", "user #1", "empty", "draft", "empty", "empty", "machine"),
        "Cura/user+%231.inst.cfg": values(support_enable="True", layer_height_0="0.3"),
        "Cura/draft.inst.cfg": values(layer_height="0.2", material_bed_temperature="60", infill="=layer_height * 2"),
        "Cura/machine.def.json": '{"name": "Machine <3>", "metadata": {}}',
        "Cura/left.extruder.cfg": stack("L", "u", "q", "pla_green_machine_0.8", "aa0.8", "leftdef", position="0"),
        "Cura/right.extruder.cfg": stack("R", "u", "q", "abs_red", "aa0.4", "rightdef", position="1", enabled="False"),
        "Cura/aa0.8.inst.cfg": values(machine_nozzle_size="0.8", layer_height="0.1", retraction="=a"),
        "Cura/q.inst.cfg": values(material_print_temperature="205", material_print_temperature_layer_0="=x + 5"),
        "Cura/pla.xml.fdm_material": material("wrong"),
        "Cura/pla_green.xml.fdm_material": material(),
    }
    return {name: content for name, content in {**entries, **changes}.items() if content is not None}


def read(tmp_path: Path, entries: dict[str, str]) -> FileReading:
    return read_file(write_zip(tmp_path / "a.gcode", entries))


def test_the_settings_come_from_the_stacks(tmp_path: Path):
    reading = read(tmp_path, project())
    plate = reading.plates[0]
    assert (reading.format, reading.sliced, reading.slicer.name, reading.slicer.version) == (
        "3mf",
        False,
        "Cura",
        "5.4.0",
    )
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.3, (0.8,))
    assert (plate.supports, plate.bed_c, plate.nozzle_c) == (True, (60, 60), (205, 205))
    assert (plate.printer.model, plate.printer.preset) == ("Machine <3>", "Shop printer")
    assert (plate.objects, plate.printable, reading.mesh.triangles) == (("Ring.stl",), False, 12)


def test_the_material_of_the_longest_name_is_loaded_and_amounts_are_unknown(tmp_path: Path):
    filaments = read(tmp_path, project()).plates[0].filaments
    assert [(f.slot, f.material, f.vendor, f.colour, f.grams, f.metres) for f in filaments] == [
        (1, "PLA", "Ultimaker", "#61993B", None, None)
    ]


def test_formulas_are_unknown(tmp_path: Path):
    plate = read(tmp_path, project(**{"Cura/draft.inst.cfg": values(layer_height="=0.1 * 2")})).plates[0]
    assert (plate.layer_height_mm, plate.bed_c) == (None, None)


def test_the_raw_settings_are_kept_without_the_preferences(tmp_path: Path):
    raw = read(tmp_path, project()).raw["cura"]
    assert raw["draft"]["values"]["infill"] == "=layer_height * 2"
    assert "preferences" not in raw


@pytest.mark.parametrize(
    "broken",
    [
        {"Cura/Shop+printer.global.cfg": None},
        {"Cura/Shop+printer.global.cfg": "[containers\n0"},
        {"Cura/machine.def.json": "[" * 5000},
        {"Cura/version.ini": "cura_version"},
        {"Cura/left.extruder.cfg": stack("L", "left.extruder", "left.extruder", position="x")},
        {"Cura/pla_green.xml.fdm_material": "<"},
        {"3D/3dmodel.model": "no"},
    ],
)
def test_broken_parts_leave_the_rest(tmp_path: Path, broken):
    reading = read(tmp_path, project(**broken))
    assert (reading.sliced, reading.slicer.name, len(reading.plates)) == (False, "Cura", 1)


def test_huge_settings_are_bounded(tmp_path: Path):
    huge = {f"Cura/{n}.inst.cfg": f"[values]\na = {'x' * 900_000}{n}\n" for n in range(20)}
    reading = read(tmp_path, project(**huge))
    assert sum(len(str(one)) for one in reading.raw["cura"].values()) < 5_000_000
