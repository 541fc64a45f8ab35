"""`printfarm demo` as a newcomer sees it: one command, a link, and prints that end with their grams booked."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup

from tests.processes.running import Up, free_port, is_alive, run, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROGRAMS = ("redis", "worker-slow", "worker-fast", "web", "hub", "simulators", "demo")
STARTS_WITHIN_S, COMPLETES_WITHIN_S = 90, 90


@pytest.fixture
def folder(short_tmp: Path) -> Path:
    return short_tmp / f"demo-{os.getpid()}"


def demo(folder: Path) -> Up:
    return Up(folder, "demo", "--data", str(folder), PRINTFARM_HUB="on", PRINTFARM_SIMULATOR_SPEED="600")


def rows(folder: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{folder / 'printfarm.db'}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(statement).fetchall()


@pytest.fixture
def visitor() -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=True, timeout=20) as client:
        yield client


def signed_in(up: Up, visitor: httpx.Client) -> BeautifulSoup:
    """The page behind the printed link: a GET shows a button, so that a mail scanner does not spend it."""
    link = up.wait_for("Open this link", STARTS_WITHIN_S).split()[-1].replace("localhost", "127.0.0.1")
    asked = BeautifulSoup(visitor.get(link).text, "html.parser")
    form = asked.select_one("main form")
    assert form is not None, asked.get_text(" ", strip=True)
    answer = visitor.post(link, data={field["name"]: field.get("value", "") for field in form.select("input[name]")})
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


BOOKED = """
SELECT job.name, sum(used.used_mg) FROM print_jobs job
JOIN print_runs run ON run.job_id = job.id AND run.state = 'completed' AND run.booked_at IS NOT NULL
JOIN run_filaments used ON used.run_id = run.id
WHERE job.state = 'completed' GROUP BY job.id
"""

# What runs used and the ledger does not know: by gram, from spools or waiting for one.
LEDGER = """
SELECT (SELECT sum(used_mg) FROM run_filaments) + (SELECT sum(delta_mg) FROM stock_entries WHERE cause = 'print')
"""


def test_a_newcomer_sees_life_and_a_second_start_goes_on(folder: Path, visitor: httpx.Client):
    with demo(folder) as up:
        page = signed_in(up, visitor)
        assert "Corner Print Works" in page.title.get_text()
        until(lambda: rows(folder, BOOKED), COMPLETES_WITHIN_S, lambda: f"nothing was printed: {up.lines[-40:]}")
        name, used_mg = rows(folder, BOOKED)[0]
        assert used_mg > 3000, name
        assert rows(folder, LEDGER) == [(0,)]
        until(lambda: "Finished today" in shown(up, visitor), 30, lambda: "the dashboard shows no finished print")
        contradictions = [text for text in printer_pages(folder, up, visitor) if "The printer says that" in text]
        assert contradictions == [], "the simulated printers and the shop's books disagree"
        pids = {program: up.pid(program) for program in PROGRAMS}
        assert None not in pids.values()
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(40) == 0
        assert not [program for program, pid in pids.items() if is_alive(pid)]
    before = {table: rows(folder, f"SELECT count(*) FROM {table}") for table in ("shops", "printers", "filaments")}
    completed = len(rows(folder, BOOKED))
    with demo(folder) as again:
        signed_in(again, visitor)
        assert {table: rows(folder, f"SELECT count(*) FROM {table}") for table in before} == before
        until(
            lambda: len(rows(folder, BOOKED)) > completed,
            COMPLETES_WITHIN_S,
            lambda: f"nothing went on after the second start: {again.lines[-40:]}",
        )


def printer_pages(folder: Path, up: Up, visitor: httpx.Client) -> list[str]:
    addresses = [
        f"http://127.0.0.1:{up.port}/fleet/printers/{UUID(str(key))}"
        for (key,) in rows(folder, "SELECT id FROM printers")
    ]
    pages = [visitor.get(address) for address in addresses]
    assert [page.status_code for page in pages] == [200, 200, 200]
    return [BeautifulSoup(page.text, "html.parser").get_text(" ") for page in pages]


def shown(up: Up, visitor: httpx.Client) -> str:
    dashboard = BeautifulSoup(visitor.get(f"http://127.0.0.1:{up.port}/").text, "html.parser")
    return " ".join(heading.get_text() for heading in dashboard.select("#dashboard h2"))


def test_a_fresh_start_never_throws_away_what_is_no_demo(tmp_path: Path):
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    done = run(folder, "demo", "--fresh", "--data", str(folder), PRINTFARM_PORT=str(free_port()))
    assert done.returncode == 2
    assert "does not look like a demo's folder" in done.stderr
    assert (folder / "thesis.txt").read_text() == "years of work"
