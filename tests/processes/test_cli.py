"""The command line: fast where it must be, and sentences instead of tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

import printfarm
from tests.processes.running import ROOT, environment, run

pytestmark = pytest.mark.timeout(300)  # some run half a dozen commands, each of which loads the whole program


def test_version(tmp_path: Path):
    assert run(tmp_path, "version").stdout.strip() == printfarm.__version__


def test_help_names_every_command(tmp_path: Path):
    text = run(tmp_path, "--help").stdout
    for command in (
        "up",
        "demo",
        "inspect",
        "migrate",
        "backup",
        "restore",
        "reset-password",
        "orphans",
        "quota",
        "reindex",
        "web",
        "worker",
        "hub",
    ):
        assert f"\n    {command}" in text


@pytest.mark.parametrize("module", ["flask", "sqlalchemy", "redis", "boto3"])
def test_inspect_never_loads_the_web(tmp_path: Path, module: str):
    code = (
        "import sys; from printfarm.cli import main; main(['inspect', '--json', 'missing.3mf']);"
        f"sys.exit({module!r} in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert b'"ok": false' in done.stdout


def test_migrate_makes_the_database_and_says_so(tmp_path: Path):
    done = run(tmp_path, "migrate")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "printfarm.db").exists()


def test_reindex_says_what_to_do_before_there_is_a_database(tmp_path: Path):
    refused = run(tmp_path, "reindex")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Run `printfarm migrate` first" in refused.stderr
    run(tmp_path, "migrate")
    done = run(tmp_path, "reindex")
    assert (done.returncode, done.stderr) == (0, "")


def test_backup_and_restore_say_what_they_did(tmp_path: Path):
    run(tmp_path / "a", "migrate")
    saved = run(tmp_path / "a", "backup", str(tmp_path / "b.zip"))
    assert saved.returncode == 0, saved.stderr
    assert "Saved 1 rows and 0 files" in saved.stdout
    restored = run(tmp_path / "c", "restore", str(tmp_path / "b.zip"))
    assert restored.returncode == 0, restored.stderr
    assert "every count is as it was saved" in restored.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["backup", "b.zip"], "nothing to back up"),
        (["restore", "missing.zip"], "There is no file"),
        (["setup-code"], "There is no database yet"),
    ],
)
def test_an_empty_place_is_a_sentence(tmp_path: Path, arguments: list[str], sentence: str):
    done = run(tmp_path / "nothing", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_reset_password_of_nobody_is_a_sentence(tmp_path: Path):
    run(tmp_path, "migrate")
    done = run(tmp_path, "reset-password", "nobody@example.com")
    assert done.returncode == 2
    assert "nobody@example.com" in done.stderr
    assert "Traceback" not in done.stderr


def test_set_up_code_is_stable_and_only_for_a_place_without_an_owner(tmp_path: Path):
    run(tmp_path, "migrate")
    first, second = run(tmp_path, "setup-code"), run(tmp_path, "setup-code")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert len(first.stdout.strip()) == 14


def test_a_misspelt_setting_is_refused(tmp_path: Path):
    done = run(tmp_path, "migrate", PRINTFARM_PORTT="1")
    assert done.returncode == 2
    assert done.stderr.strip() == "PRINTFARM_PORTT is not a setting. Did you mean PRINTFARM_PORT?"


def test_a_hub_that_cannot_go_on_says_so_to_whoever_started_it(tmp_path: Path):
    (tmp_path / "hub").mkdir(mode=0o700)
    (tmp_path / "hub" / "hub.json").write_text("{}")
    done = run(tmp_path, "hub", PRINTFARM_HUB="on")
    assert done.returncode == 1
    assert "does not hold url, hub_id and secret" in done.stderr


def test_quota_and_orphans_speak_for_every_shop(tmp_path: Path):
    assert run(tmp_path, "quota").returncode == 2
    run(tmp_path, "migrate")
    assert run(tmp_path, "quota").returncode == 0
    assert run(tmp_path, "orphans", "--list", "5").returncode == 0
    assert "belong together" in run(tmp_path, "quota", "--shop", "Mine").stderr
    refused = run(tmp_path, "quota", "--shop", "Mine", "--gb", "5")
    assert (refused.returncode, refused.stderr.strip()) == (2, 'There is no shop "Mine".')
