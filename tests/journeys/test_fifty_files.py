"""Fifty mixed files dropped at once, the network cut in the middle, then continued; and a tab closed in the middle.

PRINTFARM_PICTURES names a folder for a picture of the page at each turn.
"""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf, project_settings
from printfarm.files.sample_gcode import SampleMoves, gcode_text
from tests.journeys import main_job
from tests.journeys.own_browser import AGAIN_WHEN_IT_HANGS
from tests.journeys.person import Person, person_at
from tests.processes.running import Up, run, until

pytestmark = [pytest.mark.slow, AGAIN_WHEN_IT_HANGS, pytest.mark.timeout(420)]

DESK = {"viewport": {"width": 1280, "height": 900}, "has_touch": True}
SLOW_BYTES_S = 150_000
MEANT = ("net::ERR_", "htmx:sendError", "htmx:afterRequest")  # what is noted of a network that we cut ourselves
OTHERS = 2  # beside the models: a photo and a text


class AtTheDesk(Person):
    """With a mouse, a wide window, and a network that can be slowed and cut."""

    window = DESK

    def slow(self, bytes_s: int = -1, *, cut: bool = False) -> None:
        self.session.send(
            "Network.emulateNetworkConditions",
            {"offline": cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_s},
        )

    @property
    def session(self) -> CDPSession:
        if not hasattr(self, "_session"):
            self._session = self.page.context.new_cdp_session(self.page)
            self._session.send("Network.enable")
        return self._session

    def drop(self, *paths: Path) -> None:
        """As from the desktop: files and folders, with what lies in them."""
        box = self.page.locator(".drop").bounding_box()
        assert box is not None
        where = {"x": box["x"] + 20, "y": box["y"] + 20}
        carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            self.session.send("Input.dispatchDragEvent", {"type": step, **where, "data": carried})

    @property
    def sum(self) -> Locator:
        return self.page.locator("[data-sum]")


@pytest.fixture
def fifty(folder: Path) -> Path:
    """Sliced projects, G-code and meshes in folders, each with bytes of its own; one is a megabyte and a half."""
    root = folder / "Drachen 🐉"
    (root / "rot").mkdir(parents=True)
    (root / "grün und mit einem langen Namen").mkdir()
    for number in range(20):
        plate = PlateSpec(time_total_s=600 + number, time_model_s=500)
        build_sliced_3mf(root / "rot" / f"Schuppe {number}.gcode.3mf", plates=[plate], title=f"Schuppe {number}")
    for number in range(15):
        (root / f"wing {number}.gcode").write_text(gcode(number))
    for number in range(15):
        (root / "grün und mit einem langen Namen" / f"Zahn {number}.stl").write_text(mesh(number))
    (root / "wing 14.gcode").write_text(gcode(14) + ";" + "x" * 1_500_000 + "\n")
    (root / "photo.jpg").write_bytes(b"no picture")
    (root / "read me.txt").write_bytes(b"no model")
    return root


def gcode(number: int) -> str:
    filament = SampleFilament(grams=5 + number)
    plate = PlateSpec(filaments=(filament,))
    moves = SampleMoves(
        filaments=(filament,),
        layers=3,
        layer_height_mm=0.2,
        first_layer_height_mm=0.2,
        time_total_s=900 + number,
        time_model_s=800,
        slicer_version="02.05.00.66",
    )
    return gcode_text(moves, project_settings([filament], plate, "C12", "Textured PEI Plate", 0.4, "02.05.00.66"))


def mesh(number: int) -> str:
    """One tooth: four triangles."""
    corners = [(0, 0, 0), (10 + number, 0, 0), (0, 10, 0), (0, 0, 10)]
    faces = []
    for one, two, three in ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)):
        points = "".join(f"vertex {x} {y} {z}\n" for x, y, z in (corners[one], corners[two], corners[three]))
        faces.append(f"facet normal 0 0 0\nouter loop\n{points}endloop\nendfacet\n")
    return f"solid tooth{number}\n{''.join(faces)}endsolid tooth{number}\n"


def uploads(data_dir: Path) -> list[tuple[str, str, str, int, int]]:
    with closing(sqlite3.connect(data_dir / "printfarm.db")) as database:
        return list(
            database.execute(
                "SELECT relative_path, state, coalesce(error, ''), received_bytes, declared_bytes FROM uploads"
            )
        )


def arrived(data_dir: Path) -> list[str]:
    return sorted(path for path, state, _error, _here, _size in uploads(data_dir) if state != "receiving")


def expected(fifty: Path) -> list[str]:
    found = [path for path in fifty.rglob("*") if path.suffix in {".3mf", ".gcode", ".stl"}]
    return sorted(path.relative_to(fifty.parent).as_posix() for path in found)


def sizes(fifty: Path) -> dict[str, int]:
    return {name: (fifty.parent / name).stat().st_size for name in expected(fifty)}


def open_uploads(person: AtTheDesk) -> Page:
    person.open("/files/")
    expect(person.page.locator(".drop")).to_be_visible()
    return person.page


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    place = os.environ.get("PRINTFARM_PICTURES")
    if not place:
        return None
    made = Path(place, request.node.name)
    made.mkdir(parents=True, exist_ok=True)
    return made


def test_fifty_files_survive_a_cut_network_and_a_closed_tab(
    chromium: Browser, up: Up, fifty: Path, pictures: Path | None
):
    assert len(expected(fifty)) == 50
    url = f"http://127.0.0.1:{up.port}"
    with person_at(chromium, url, has_js=True, pictures=pictures, kind=AtTheDesk) as olivia:
        main_job.become_owner(olivia, run(up.data_dir, "setup-code").stdout.strip())
        open_uploads(olivia)
        olivia.slow(SLOW_BYTES_S)
        olivia.drop(fifty)
        expect(olivia.page.locator("[data-left]")).to_contain_text(f"{OTHERS} other files")
        expect(olivia.sum).to_have_text(re.compile(r"^[2-9] of 50 files sent"), timeout=60_000)
        assert olivia.page.locator(".sending .is-sending").count() <= 3
        olivia.look("sending")

        olivia.slow(cut=True)
        expect(olivia.page.locator(".sending .is-resting").first).to_contain_text("No connection. It goes on by itself")
        olivia.look("cut")
        olivia.page.wait_for_timeout(5000)  # what had come before the cut may still be written down
        before = len(arrived(up.data_dir))
        assert 0 < before < 50
        olivia.page.wait_for_timeout(3000)
        assert len(arrived(up.data_dir)) == before

        olivia.slow(SLOW_BYTES_S)
        until(lambda: len(arrived(up.data_dir)) > before + 3, 60)
        olivia.page.close(run_before_unload=False)  # the tab is closed, and the rest of the fifty with it
        olivia.page = olivia.page.context.new_page()
        olivia.page.on("pageerror", lambda error: olivia.wrong.append(str(error)))
        del olivia._session
        second = len(arrived(up.data_dir))
        assert second < 50

        open_uploads(olivia)
        olivia.drop(fifty)
        expect(olivia.sum).to_have_text("50 of 50 files sent", timeout=120_000)
        expect(olivia.page.locator(".sending .is-bad")).to_have_count(0)
        olivia.look("done")
        olivia.wrong[:] = [what for what in olivia.wrong if not any(meant in what for meant in MEANT)]
    assert arrived(up.data_dir) == expected(fifty), sorted(uploads(up.data_dir))
    assert {path: size for path, _state, _error, size, _declared in uploads(up.data_dir)} == sizes(fifty)
    until(lambda: not [one for one in uploads(up.data_dir) if one[1] in {"received", "reading"}], 200)
    stored_once(up.data_dir)


def stored_once(data_dir: Path) -> None:
    """Each file became one stored file with bytes of its own, and nothing is left half."""
    with closing(sqlite3.connect(data_dir / "printfarm.db")) as database:
        hashes = [row[0] for row in database.execute("SELECT sha256 FROM stored_files WHERE kind = 'sliced'")]
    failed = [one for one in uploads(data_dir) if one[1] not in {"needs-answer", "done"}]
    assert failed == []
    assert len(hashes) == len(set(hashes)) == 50
    assert list((data_dir / "incoming").glob("*.half")) == []
