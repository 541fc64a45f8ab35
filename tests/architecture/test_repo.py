"""Habits of the repository that a reader may rely on."""

import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

import hub
import printfarm
from printfarm.config import SETTING_NAMES

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("*.lock"))
ROOMS = ("printfarm", "jobs", "hub")


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_every_setting_is_documented_and_nothing_else_is():
    documented = set(re.findall(r"^\| `(PRINTFARM_[A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert documented == set(SETTING_NAMES)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_files_name_no_host_and_hash_every_package(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==\S+.*\\$(?=\n    --hash=sha256:)", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 10


def test_there_are_three_locks():
    assert [path.name for path in LOCKS] == ["requirements-hub.lock", "requirements-test.lock", "requirements.lock"]


def test_only_the_unit_of_work_commits():
    allowed = {"printfarm/core/work.py", "printfarm/core/backup/postgres.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in python_files("printfarm", "jobs")
        if re.search(r"\.commit\(\)", path.read_text())
    }
    assert found <= allowed


def test_no_raw_sql_outside_its_places():
    allowed = ("printfarm/core/", "printfarm/insight/")  # and models: the conditions of partial indexes
    found = [
        str(path.relative_to(ROOT))
        for path in python_files("printfarm", "jobs")
        if re.search(r"from sqlalchemy import [^\n(]*\btext\b|exec_driver_sql", path.read_text())
    ]
    assert [name for name in found if not name.startswith(allowed) and not name.endswith("models.py")] == []


def test_files_stay_small_enough_to_hold_in_the_head():
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(*ROOMS)}
    long = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 450}
    assert long == {}
    assert median(lengths.values()) < 150


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [str(path.relative_to(ROOT)) for path in python_files(*ROOMS) if marks.search(path.read_text())]
    assert found == []


def test_templates_hold_neither_script_nor_style():
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html") if inline.search(path.read_text())
    ]
    assert found == []


def test_every_vendored_file_has_a_licence_beside_it():
    vendored = list((ROOT / "static/vendor").rglob("*.js"))
    folders = {path.parent for path in vendored}
    assert all(any("LICEN" in other.name.upper() for other in folder.iterdir()) for folder in folders)


def test_import_rules_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_hub_and_program_have_one_version():
    assert hub.__version__ == printfarm.__version__


def test_decisions_are_numbered_without_gaps_and_have_their_four_parts():
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text()
        for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
            assert part in text, f"{path.name} lacks {part}"


def test_links_between_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
