import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():  # the simulated file server's library still uses asyncore, which Python 3.11 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    import pyftpdlib.handlers  # noqa: F401

from hub.simulators.farm import SimulatedFarm
from hub.simulators.printer import SimulatedPrinter
from hub.simulators.spec import PrinterSpec
from tests.hub.rig import FileServer, Rig


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def hub(tmp_path: Path, file_server: FileServer) -> Iterator[Rig]:
    rig = Rig(tmp_path, file_server)
    yield rig
    rig.close()


@pytest.fixture
def printer(farm_of, hub: Rig) -> SimulatedPrinter:
    """A P1S that the hub is connected to."""
    made: SimulatedPrinter = farm_of("P1S").printers[0]
    hub.add(made)
    return made


@pytest.fixture
def farm_of():
    """Opens simulated printers of these models, sixty times as fast as real ones."""
    farms = []

    def open_farm(*specs: PrinterSpec | str, speed: float = 60) -> SimulatedFarm:
        made = [PrinterSpec(model=spec) if isinstance(spec, str) else spec for spec in specs]
        farm = SimulatedFarm(made, speed=speed)
        farm.start()
        farms.append(farm)
        return farm

    yield open_farm
    for farm in farms:
        farm.stop()
