"""What CI runs once more, and what it does not (`.ci/tests`, ADR 0039)."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEV = f"""#!/usr/bin/env bash
shift
exec {sys.executable} -m pytest -p no:xdist -c pytest.ini "$@"
"""
FAILS_ONCE = """
    first = Path(__file__).with_name({name!r})
    if not first.exists():
        first.touch()
        raise AssertionError("beside the others")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with CI's script, a `dev` that knows `test`, and no tests yet."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/tests", tmp_path / ".ci/tests")
    dev = tmp_path / "dev"
    dev.write_text(DEV)
    dev.chmod(0o755)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow\n    journey\n")
    (tmp_path / "test_it.py").write_text("from pathlib import Path\nimport pytest\ndef test_fine(): pass\n")
    return tmp_path


def add(checkout: Path, name: str, body: str, mark: str = "") -> None:
    with (checkout / "test_it.py").open("a") as file:
        file.write(f"{'@pytest.mark.' + mark if mark else ''}\ndef test_{name}():{body}\n")


def ci(checkout: Path) -> tuple[int, str]:
    done = subprocess.run([checkout / ".ci/tests"], capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("mark", ["slow", "journey"])
def test_a_test_of_the_machine_that_passes_alone_is_no_failure_and_is_told(checkout: Path, mark: str):
    add(checkout, "unsure", FAILS_ONCE.format(name="once"), mark)
    status, output = ci(checkout)
    assert status == 0, output
    assert "beside the others" in output
    assert "once more alone" in output
    assert output.rstrip().splitlines()[-1].startswith("1 passed"), "only the one that failed runs again"


def test_what_fails_twice_fails(checkout: Path):
    add(checkout, "broken", " assert False", "slow")
    assert ci(checkout)[0] == 1


@pytest.mark.parametrize("beside", ["", "slow"])
def test_a_test_of_no_machine_has_one_chance(checkout: Path, beside: str):
    if beside:
        add(checkout, "unsure", FAILS_ONCE.format(name="once"), beside)
    add(checkout, "quick", FAILS_ONCE.format(name="quick"))
    status, output = ci(checkout)
    assert status == 1
    assert "once more alone" not in output


def test_more_than_three_are_no_accident(checkout: Path):
    for number in range(4):
        add(checkout, f"unsure_{number}", FAILS_ONCE.format(name=f"once-{number}"), "slow")
    status, output = ci(checkout)
    assert status == 1
    assert "once more alone" not in output


def test_a_file_that_cannot_be_read_fails(checkout: Path):
    (checkout / "test_other.py").write_text("import nothing_of_that_name\n")
    assert ci(checkout)[0] == 2


def test_all_good_is_one_run(checkout: Path):
    status, output = ci(checkout)
    assert status == 0
    assert "once more alone" not in output
