"""The Bambu adapter against programs that we did not write: Debian's mosquitto (TLS, password) carrying the simulated
printer's state machine, and Debian's vsftpd with implicit TLS and required session reuse.
"""

from types import SimpleNamespace

import pytest

from hub.simulators import PrinterSpec, foreign_servers, tls
from hub.simulators.bambu import PrinterCore
from hub.simulators.bridge import BrokerBridge
from hub.simulators.clock import VirtualClock
from tests.hub.rig import large_file
from tests.hub.simulators.clients import tls_context, wait_until

pytestmark = [
    pytest.mark.skipif(foreign_servers.why_no_mosquitto() is not None, reason=str(foreign_servers.why_no_mosquitto())),
    pytest.mark.skipif(foreign_servers.why_no_vsftpd() is not None, reason=str(foreign_servers.why_no_vsftpd())),
]

SERIAL, CODE, PRINTER_PASSWORD = "01P00A000000077", "12345678", "the-printer-itself"
RUN = "PF-7K2M9Q"


@pytest.fixture
def printer(tmp_path):
    """A printer made of three programs; looks to the rig like a simulated one."""
    leaf = tls.Authority(tmp_path / "tls").leaf(SERIAL, rsa_key=True)
    core = PrinterCore(PrinterSpec(model="P1S"), SERIAL, tmp_path / "card")
    people = {"bblp": CODE, "printer": PRINTER_PASSWORD}
    with (
        foreign_servers.mosquitto(tmp_path / "mosquitto", leaf, people) as mqtt_port,
        foreign_servers.vsftpd(tmp_path / "vsftpd", leaf, core.store.root, CODE) as ftps_port,
        BrokerBridge(
            core,
            host="127.0.0.1",
            port=mqtt_port,
            username="printer",
            password=PRINTER_PASSWORD,
            context=tls_context(),
            clock=VirtualClock(60.0),
        ),
    ):
        yield SimpleNamespace(
            serial=SERIAL,
            model="P1S",
            host="127.0.0.1",
            access_code=CODE,
            core=core,
            mqtt_port=mqtt_port,
            ftps_port=ftps_port,
            leaf=leaf,
        )


def test_a_file_is_sent_printed_and_removed(hub, printer):
    hub.add(printer)
    hub.start(printer, RUN, large_file(seconds=300, layers=20))
    end = hub.wait_run(RUN, "completed", "failed", "unknown")
    assert end.state == "completed", end
    assert hub.states(RUN) == ["sending", "accepted", "running", "completed"]
    assert sum(printer.core.runner.starts.values()) == 1
    wait_until(lambda: not list(printer.core.store.root.glob("*.3mf")), "the file to be removed")


def test_a_trial_passes(hub, printer):
    trial = hub.try_printer(printer)
    assert [step.name for step in trial["result"].steps if step.ok is False] == []
    assert trial["ftps"].ok is True
    assert trial["result"].certificate_sha256 == printer.leaf.sha256


def test_a_wrong_access_code_is_told_from_a_wrong_address(hub, printer):
    trial = hub.try_printer(printer, access_code="wrong")
    assert trial["address"].ok is True
    assert trial["access_code"].ok is False
    assert "refuses the access code" in trial["access_code"].sentence
