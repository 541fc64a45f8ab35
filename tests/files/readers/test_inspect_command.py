"""`inspect --json`: one line for each file, in order, and never an end before the last."""

import io
import json
import subprocess
import sys
from pathlib import Path

from printfarm.files.inspect import inspect_files
from printfarm.files.sample_builder import build_sliced_3mf
from tests.files.readers.builders import prusa_gcode


def test_it_answers_in_order_and_goes_on_after_a_bad_file(tmp_path: Path):
    good = build_sliced_3mf(tmp_path / "good.3mf")
    bad = tmp_path / "bad.3mf"
    bad.write_bytes(b"PK\x03\x04 cut")
    text = tmp_path / "c.gcode"
    text.write_text(prusa_gcode())
    out = io.StringIO()
    names = [str(good), str(bad), str(tmp_path / "missing"), str(text)]
    assert inspect_files(names, out) == 1
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [a["file"] for a in answers] == names
    assert [a["ok"] for a in answers] == [True, False, False, True]
    assert answers[1]["plates"] == []
    assert "cut off" in answers[1]["error"]


def test_it_ends_with_0_when_all_were_read(tmp_path: Path):
    assert inspect_files([str(build_sliced_3mf(tmp_path / "a"))], io.StringIO()) == 0


def test_a_line_has_the_agreed_shape(tmp_path: Path):
    out = io.StringIO()
    inspect_files([str(build_sliced_3mf(tmp_path / "a"))], out)
    answer = json.loads(out.getvalue())
    assert answer["slicer"] == {"name": "BambuStudio", "version": "02.05.00.66"}
    assert (answer["error"], answer["mesh"], answer["warnings"]) == (None, None, [])
    plate = answer["plates"][0]
    assert plate["printer"] == {"model": "Bambu Lab P1S", "id": "C12", "preset": "Bambu Lab P1S 0.4 nozzle"}
    assert (plate["nozzle_mm"], plate["bed_c"], plate["nozzle_c"]) == ([0.4], [55, 55], [220, 220])
    assert plate["thumbnails"][0] == {"kind": "plate", "width": 512, "height": 512, "format": "png"}
    assert plate["split_g"]["model"] == 5.0
    assert plate["filaments"][0]["grams"] == 5.0


def test_it_runs_as_a_module_and_loads_no_web_stack(tmp_path: Path):
    code = (
        "import sys; from printfarm.files.inspect import main; code = main(sys.argv[1:]); "
        "heavy = {'flask', 'sqlalchemy', 'pydantic', 'PIL'} & set(sys.modules); sys.exit(code or len(heavy))"
    )
    path = build_sliced_3mf(tmp_path / "a")
    run = subprocess.run([sys.executable, "-c", code, "--json", str(path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["ok"]
