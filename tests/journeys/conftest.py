"""Where a journey takes place: all of PrintFarm running, a simulated printer, and a sliced file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf
from tests.processes.running import Up
from tests.support.simulators import Simulators

GRAMS = 26.4
MINUTES = 30  # simulated; half a minute at this speed: pages without scripts show its progress every five seconds
SPEED = 60


@pytest.fixture
def folder(short_tmp: Path, request: pytest.FixtureRequest) -> Path:
    made = short_tmp / f"j{abs(hash(request.node.nodeid)) % 100_000}"
    made.mkdir()
    return made


@pytest.fixture
def farm(folder: Path) -> Iterator[Simulators]:
    with Simulators(folder / "s", "P1S", SPEED) as simulators:
        yield simulators


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with Up(folder / "d", PRINTFARM_HUB="on") as running:
        running.wait_for("PrintFarm is ready", 120)
        yield running


@pytest.fixture
def file(folder: Path) -> Path:
    plate = PlateSpec(time_total_s=MINUTES * 60, time_model_s=MINUTES * 55, filaments=(SampleFilament(grams=GRAMS),))
    return build_sliced_3mf(folder / "Fox.gcode.3mf", plates=[plate], printer_model_id="C12", title="Fox")
