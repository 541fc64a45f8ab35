"""The readers against files of other people with known values; they are not part of this repository."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("PRINTFARM_SAMPLES", ROOT.parent / "shared" / "samples"))
CHECK = SAMPLES.parent / "tools" / "check_extraction.py"
NEEDS_SAMPLES = pytest.mark.skipif(
    not (SAMPLES / "truth.json").exists() or not CHECK.exists(),
    reason="the sample files are not here (PRINTFARM_SAMPLES names their folder)",
)
# The list of true values contradicts itself for one hand-assembled file: it calls the plate's weight unknown and the
# weight of its only slot 0, and leaves out the time that the G-code's header states.
CONTRADICTIONS = {
    ("bambu/iceblu_template_assembled.gcode.3mf", "time_total_s"),
    ("bambu/iceblu_template_assembled.gcode.3mf", "grams"),
    # Of this one it calls the plate's weight unknown, since 0 g of 5.7 m cannot be, and its only slot's 0.
    ("prusa/nom_benchy2-mk4s.bgcode", "slot_grams"),
}


def misses(*arguments: str) -> set[tuple[str, str]]:
    command = shlex.join([sys.executable, "-m", "printfarm.files.inspect", "--json"])
    run = subprocess.run(
        [sys.executable, str(CHECK), "--samples", str(SAMPLES), "--command", command, "--show", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert " 0 without an answer" in run.stdout, run.stdout + run.stderr
    lines = [line.split("\t") for line in run.stdout.splitlines() if line.startswith("MISS")]
    return {(line[1], line[2]) for line in lines}


@NEEDS_SAMPLES
@pytest.mark.parametrize("folder", ["bambu", "orca", "prusa", "cura", "other", "models"])
def test_every_stated_value_is_right(folder):
    assert misses("--folder", folder) <= CONTRADICTIONS


@NEEDS_SAMPLES
def test_every_hostile_file_is_answered():
    assert misses("--folder", "other/adv") == set()
