"""What PrusaSlicer itself writes, sliced here and now from a body of ours. Debian has it as a package; CI installs it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from printfarm.files.readers import read_file
from printfarm.files.readers.results import FileReading
from printfarm.files.readers.scan import count_moves
from tests.files.readers.mesh_builders import binary_stl, box, triangles

SLICER = shutil.which("prusa-slicer")
pytestmark = pytest.mark.skipif(
    SLICER is None, reason="prusa-slicer is not installed (Debian: apt install prusa-slicer)"
)
FACTS = {
    "filament-diameter": "1.75",
    "filament-type": "PETG",
    "layer-height": "0.2",
    "first-layer-height": "0.3",
    "nozzle-diameter": "0.4",
    "temperature": "240",
    "first-layer-temperature": "235",
    "bed-temperature": "85",
    "first-layer-bed-temperature": "80",
}
DENSITY = ("--filament-density", "1.27")


def sliced(folder: Path, body: bytes, *flags: str) -> Path:
    mesh, gcode = folder / "body.stl", folder / "body.gcode"
    mesh.write_bytes(body)
    options = [word for name, value in FACTS.items() for word in (f"--{name}", value)]
    command = [str(SLICER), "--export-gcode", *options, *flags, "-o", str(gcode), str(mesh)]
    subprocess.run(
        command, check=True, capture_output=True, timeout=120, env={"HOME": str(folder), "LC_ALL": "C.UTF-8"}
    )
    return gcode


def stated(gcode: Path, key: str) -> str:
    return re.findall(rf"^; {re.escape(key)} = (.*)$", gcode.read_text(), re.MULTILINE)[-1]


def counted(gcode: Path) -> FileReading:
    return count_moves(gcode, read_file(gcode))


def test_everything_it_states_is_read(tmp_path: Path):
    gcode = sliced(tmp_path, binary_stl(triangles(*box(20, 20, 10))), *DENSITY)
    reading = read_file(gcode)
    [plate] = reading.plates
    [filament] = plate.filaments
    minutes, seconds = re.fullmatch(
        r"(?:(\d+)m )?(\d+)s", stated(gcode, "estimated printing time (normal mode)")
    ).groups()
    assert reading.slicer.name == "PrusaSlicer"
    assert (plate.time_total_s, plate.sources["time_total_s"]) == (
        60 * int(minutes or 0) + int(seconds),
        "gcode totals",
    )
    assert filament.grams == float(stated(gcode, "filament used [g]"))
    assert filament.metres == pytest.approx(float(stated(gcode, "filament used [mm]")) / 1000)
    assert (filament.material, plate.nozzle_c, plate.bed_c) == ("PETG", (235, 240), (80, 85))
    assert (plate.layer_height_mm, plate.first_layer_height_mm, plate.nozzle_mm) == (0.2, 0.3, (0.4,))
    assert plate.layers == gcode.read_text().count(";LAYER_CHANGE")


def test_the_count_of_its_moves_is_what_it_says_itself(tmp_path: Path):
    """Supports stand under a table's top, and the parts add up to the slicer's own sum."""
    table = [*triangles(*box(6, 6, 12)), *triangles(*box(40, 40, 3, at=(-17, -17, 12)))]
    gcode = sliced(tmp_path, binary_stl(table), "--support-material", *DENSITY)
    split = counted(gcode).plates[0].split
    assert split.support_g > 0.1 < split.model_g
    assert split.total_g == pytest.approx(float(stated(gcode, "filament used [g]")), rel=0.01)
    assert counted(gcode).warnings == ()


def test_without_a_density_the_weight_is_unknown(tmp_path: Path):
    gcode = sliced(tmp_path, binary_stl(triangles(*box(20, 20, 10))))
    [filament] = read_file(gcode).plates[0].filaments
    assert filament.metres > 0
    assert filament.grams is None
