"""`printfarm import-folder`, as a person runs it: dry run, plan, report, stop and go on."""

import csv
import io
import signal
import subprocess
from pathlib import Path

import pytest

from tests.library.importing import fill, library, mesh_bytes, sliced_bytes
from tests.processes.running import ROOT, command

pytestmark = pytest.mark.timeout(300)  # on a busy machine several commands take minutes


@pytest.fixture
def run(settings_environ, app, shop):
    """The command against the shop of the test."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("import-folder", *(str(one) for one in arguments)),
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **settings_environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def folder(tmp_path) -> Path:
    return fill(
        tmp_path / "3D Models",
        {"Fox/fox.gcode.3mf": sliced_bytes(), "Bär 🐻/bär.obj": mesh_bytes(), "Fox/torn.3mf": b"PK"},
    )


def test_a_dry_run_says_what_would_become_what_and_changes_nothing(run, app, shop, folder, tmp_path):
    done = run(folder, "--dry-run", "--write-plan", tmp_path / "plan.yaml", "--report", tmp_path / "demand.csv")
    assert done.returncode == 0, done.stderr
    assert "Fox/fox.gcode.3mf → Fox / fox" in done.stdout
    assert "unreadable  Fox/torn.3mf: " in done.stdout
    assert "Nothing was imported." in done.stdout
    assert "name: Bär 🐻" in (tmp_path / "plan.yaml").read_text("utf-8")
    content = (tmp_path / "demand.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (row["Material"], row["Variants in this import"], row["Decided"]) == ("PLA", "1", "no")
    assert library(app, shop.id) == {}


def test_it_imports_by_the_edited_plan_and_a_second_time_nothing(run, app, shop, folder, tmp_path):
    run(folder, "--dry-run", "--write-plan", tmp_path / "plan.yaml")
    plan = tmp_path / "plan.yaml"
    plan.write_text(plan.read_text("utf-8").replace("name: Fox", "name: Reineke"), "utf-8")
    done = run(folder, "--plan", plan)
    assert done.returncode == 0, done.stderr
    assert "2 imported, 0 to import, 0 left out, 1 unreadable" in done.stdout
    assert "Filament demand, each plate printed once:" in done.stdout
    assert library(app, shop.id) == {"Reineke": ["fox"], "Bär 🐻": ["bär"]}
    again = run(folder, "--plan", plan)
    assert "0 imported, 0 to import, 2 left out, 1 unreadable" in again.stdout
    assert library(app, shop.id) == {"Reineke": ["fox"], "Bär 🐻": ["bär"]}


def test_what_a_person_can_put_right_is_one_sentence(run, charlie, folder, tmp_path):
    for arguments, says in (
        ((folder,), "Say with --shop which shop it is for"),
        ((folder, "--shop", "Nobody's"), "Say with --shop which shop it is for"),
        ((tmp_path / "nowhere", "--shop", "Alice's Prints"), "There is no folder"),
        ((folder, "--shop", "Alice's Prints", "--plan", tmp_path / "none.yaml"), "cannot be read"),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.timeout(240)
def test_ctrl_c_stops_it_and_the_same_command_goes_on(run, app, shop, tmp_path, settings_environ):
    folder = fill(tmp_path / "in", {f"Model {n}/part.obj": mesh_bytes(n + 1) for n in range(5)})
    child = subprocess.Popen(
        command("import-folder", str(folder)),
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **settings_environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # The tests may run where it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    child.stdout.readline()  # the first sign of progress
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=60)
    assert "Stopping after the file at hand. Ctrl-C again stops at once." in said
    assert "Run the same command again to go on." in out
    assert child.returncode == 1
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert len(library(app, shop.id)) == 5
