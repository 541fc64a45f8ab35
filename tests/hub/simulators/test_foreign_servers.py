"""The simulated state machine on programs that we did not write: Debian's mosquitto and vsftpd."""

import ftplib

import pytest

from hub.simulators import PrinterSpec, foreign_servers, tls
from hub.simulators.bambu import PrinterCore
from hub.simulators.bridge import BridgeError, BrokerBridge
from hub.simulators.clock import VirtualClock
from tests.hub.simulators.clients import FtpsClient, MqttListener, sliced_file, start_command, tls_context, wait_until

SERIAL, CODE, PRINTER_PASSWORD = "01P00A000000077", "12345678", "the-printer-itself"

needs_mosquitto = pytest.mark.skipif(
    foreign_servers.why_no_mosquitto() is not None, reason=foreign_servers.why_no_mosquitto() or ""
)
needs_vsftpd = pytest.mark.skipif(
    foreign_servers.why_no_vsftpd() is not None, reason=foreign_servers.why_no_vsftpd() or ""
)


@pytest.fixture
def leaf(tmp_path):
    return tls.Authority(tmp_path / "tls").leaf(SERIAL, rsa_key=True)


@pytest.fixture
def broker_port(tmp_path, leaf):
    with foreign_servers.mosquitto(tmp_path / "mosquitto", leaf, {"bblp": CODE, "printer": PRINTER_PASSWORD}) as port:
        yield port


@pytest.fixture
def core(tmp_path):
    return PrinterCore(PrinterSpec(model="P1S"), SERIAL, tmp_path / "card")


def bridge(core, port, password=PRINTER_PASSWORD, speed=400.0):
    return BrokerBridge(
        core,
        host="127.0.0.1",
        port=port,
        username="printer",
        password=password,
        context=tls_context(),
        clock=VirtualClock(speed),
    )


@needs_mosquitto
def test_a_print_runs_from_start_to_finish_through_mosquitto(core, broker_port):
    data = sliced_file(seconds=300)
    (core.store.root / "part.gcode.3mf").write_bytes(data)
    with bridge(core, broker_port), MqttListener(serial=SERIAL, host="127.0.0.1", port=broker_port, code=CODE) as hub:
        hub.ask_all()
        wait_until(lambda: "ams" in hub.merged, "the full report")
        hub.send(start_command(data))
        assert hub.answer("project_file")["result"] == "success"
        wait_until(lambda: hub.merged.get("gcode_state") == "FINISH", "the end of the print")
    assert hub.states() == ["IDLE", "PREPARE", "RUNNING", "FINISH"]
    assert core.runner.starts == {"42": 1}


@needs_mosquitto
def test_a_broker_that_refuses_the_printer_is_a_sentence(core, broker_port, monkeypatch):
    monkeypatch.setattr("hub.simulators.bridge.CONNECT_PATIENCE_S", 1.0)
    with pytest.raises(BridgeError, match="did not answer"), bridge(core, broker_port, password="wrong"):
        pass


@needs_vsftpd
def test_vsftpd_takes_a_file_only_over_the_session_of_the_control_connection(tmp_path, leaf, core):
    data = sliced_file()
    with foreign_servers.vsftpd(tmp_path / "vsftpd", leaf, core.store.root, CODE) as port:
        client = FtpsClient(host="127.0.0.1", port=port, code=CODE)
        assert client.put("part.gcode.3mf", data, goodbye=True).startswith("226")
        assert client.size("part.gcode.3mf") == len(data)
        assert "part.gcode.3mf" in client.names()
        client.reuse = False
        with pytest.raises(ftplib.error_perm, match="522"):
            client.put("other.gcode.3mf", data)
        client.close()  # vsftpd ends the whole session with the 522
        client = FtpsClient(host="127.0.0.1", port=port, code=CODE)
        assert client.size("other.gcode.3mf") == 0
        client.delete("other.gcode.3mf")
        client.quit()
        with pytest.raises(ftplib.error_perm, match="530"):
            FtpsClient(host="127.0.0.1", port=port, code="wrong")
    assert (core.store.root / "part.gcode.3mf").read_bytes() == data


@needs_vsftpd
def test_vsftpd_says_426_for_a_whole_file_whose_end_was_not_said_in_tls(tmp_path, leaf, core):
    data = sliced_file()
    with foreign_servers.vsftpd(tmp_path / "vsftpd", leaf, core.store.root, CODE) as port:
        client = FtpsClient(host="127.0.0.1", port=port, code=CODE)
        with pytest.raises(ftplib.error_temp, match="426"):
            client.put("part.gcode.3mf", data, goodbye=False)
        assert client.size("part.gcode.3mf") == len(data)
        client.close()


@needs_mosquitto
@needs_vsftpd
def test_a_file_uploaded_to_vsftpd_is_printed_through_mosquitto(tmp_path, leaf, core, broker_port):
    data = sliced_file(seconds=120)
    with foreign_servers.vsftpd(tmp_path / "vsftpd", leaf, core.store.root, CODE) as port:
        client = FtpsClient(host="127.0.0.1", port=port, code=CODE)
        client.put("part.gcode.3mf", data, goodbye=True)
        client.close()
    with bridge(core, broker_port), MqttListener(serial=SERIAL, host="127.0.0.1", port=broker_port, code=CODE) as hub:
        hub.send(start_command(data))
        wait_until(lambda: hub.merged.get("gcode_state") == "FINISH", "the end of the print")
    assert core.runner.endings[0]["state"] == "FINISH"
