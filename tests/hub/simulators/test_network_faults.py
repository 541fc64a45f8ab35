"""The faults between printer and hub, as an ordinary client sees them."""

import ftplib
import socket
import ssl

import pytest

from hub.simulators import PrinterSpec, SimulatedFarm
from hub.simulators.tls import fingerprint
from tests.hub.simulators.clients import FtpsClient, MqttListener, sliced_file, start_command, tls_context, wait_until

SPEED = 200


@pytest.fixture
def printer(tmp_path):
    with SimulatedFarm([PrinterSpec(model="P1S")], speed=SPEED, data=tmp_path) as farm:
        yield farm.printers[0]


def is_refused(printer):
    """Whether nobody can talk to the printer: no connection, or one that ends at once."""
    try:
        plain = socket.create_connection((printer.host, printer.mqtt_port), timeout=5)
        with plain, tls_context().wrap_socket(plain) as secured:
            return secured.recv(1) == b""
    except OSError:
        return True


def version_request(number="9"):
    return {"info": {"sequence_id": number, "command": "get_version"}}


def test_a_dropped_connection_can_be_made_again_at_once(printer):
    with MqttListener(printer) as hub:
        printer.fault("B01")
        wait_until(lambda: hub.disconnects)
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)
    assert not printer.core.faults.is_on("B01")


def test_while_the_drop_lasts_nobody_gets_in(printer):
    with MqttListener(printer) as hub:
        printer.fault("B01", for_s=SPEED * 2)
        wait_until(lambda: hub.disconnects)
        assert is_refused(printer)
        wait_until(lambda: not printer.core.faults.is_on("B01"))
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)


def test_a_connection_can_die_without_a_word(printer):
    with MqttListener(printer) as hub:
        printer.fault("B01", silent=True)
        wait_until(lambda: not printer.mqtt.client_ids)
        hub.ask_all()
        with pytest.raises(AssertionError), pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.hub.simulators.clients.PATIENCE_S", 0.5)
            wait_until(lambda: hub.messages or hub.disconnects or hub.acknowledged)
        printer.clear("B01")


def test_a_silent_printer_speaks_to_a_new_session(printer):
    with MqttListener(printer, client_id="old") as old:
        printer.fault("B02")
        wait_until(lambda: printer.mqtt.mute_clients)
        before = len(old.messages)
        with MqttListener(printer, client_id="new") as new:
            new.ask_all()
            wait_until(lambda: new.merged)
        old.ask_all()
        wait_until(lambda: old.acknowledged)
        assert len(old.messages) == before
        assert not old.disconnects


def test_a_zombie_session_hears_but_is_not_heard_until_a_new_client_id(printer):
    data = sliced_file()
    (printer.core.store.root / "part.gcode.3mf").write_bytes(data)
    with MqttListener(printer, client_id="zombie") as zombie:
        printer.fault("B03")
        wait_until(lambda: printer.mqtt.deaf_clients)
        before = len(zombie.messages)
        zombie.send(start_command(data))
        wait_until(lambda: len(zombie.messages) > before, "telemetry")
        assert not zombie.has_answer("project_file")
        assert zombie.acknowledged == 0
    with MqttListener(printer, client_id="zombie") as again:
        again.send(version_request())
        wait_until(lambda: printer.transcript.of_kind("request")[-1]["ignored"])
    with MqttListener(printer, client_id="fresh") as fresh:
        fresh.send(version_request())
        fresh.answer("get_version")
    assert printer.starts == {}


def test_the_end_of_a_print_can_be_missed(printer):
    data = sliced_file(seconds=400)
    (printer.core.store.root / "part.gcode.3mf").write_bytes(data)
    printer.fault("B07", at_percent=50)
    with MqttListener(printer) as hub:
        hub.send(start_command(data))
        wait_until(lambda: hub.disconnects, "the disconnection at half of the print")
        assert "FINISH" not in hub.states()
    wait_until(lambda: not printer.core.faults.is_on("B07"))
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged.get("gcode_state") == "FINISH")
        assert hub.merged["subtask_id"] == "42"
    assert printer.starts == {"42": 1}


def test_a_power_cut_is_silence_then_refusal_then_a_fresh_printer(printer):
    with MqttListener(printer) as hub:
        port = printer.mqtt_port
        printer.power_cut(off_s=SPEED, boot_s=SPEED)
        wait_until(lambda: printer.status()["power"] == "off")
        assert is_refused(printer)
        with pytest.raises(OSError):
            FtpsClient(printer)
        wait_until(lambda: printer.status()["power"] == "booting")
        wait_until(lambda: hub.disconnects, "the reset of the old connection")
        wait_until(lambda: printer.status()["power"] == "on" and printer.mqtt.is_listening)
    assert printer.mqtt_port == port
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged.get("gcode_state") == "IDLE")
    FtpsClient(printer).close()


def test_an_upload_breaks_when_the_power_goes(printer):
    client = FtpsClient(printer)
    with pytest.raises((OSError, EOFError, ftplib.Error)):
        connection = client.transfercmd("STOR part.gcode.3mf")
        connection.sendall(b"x" * 100_000)
        printer.power_cut(off_s=SPEED, boot_s=SPEED)
        with connection:
            for _more in range(2000):
                connection.sendall(b"x" * 100_000)
        client.voidresp()
    client.close()


def test_a_changed_code_ends_the_session_and_refuses_the_old_code(printer):
    old = printer.access_code
    with MqttListener(printer) as hub:
        printer.fault("B13")
        wait_until(lambda: hub.disconnects)
    assert printer.access_code != old
    listener = MqttListener(printer, code=old)
    wait_until(lambda: listener.connack)
    assert "Not authorized" in listener.connack
    listener.client.loop_stop()
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)


def test_a_changed_certificate_is_shown_by_broker_and_file_server(printer):
    before, served = printer.certificate_sha256, ssl.get_server_certificate((printer.host, printer.mqtt_port))
    printer.fault("B14")
    wait_until(lambda: printer.certificate_sha256 != before)
    now = ssl.get_server_certificate((printer.host, printer.mqtt_port))
    assert now != served
    wait_until(lambda: ssl.get_server_certificate((printer.host, printer.ftps_port)) == now)
    assert fingerprint(printer.leaf.certificate_path) == printer.certificate_sha256


def test_another_printer_at_the_same_address_hears_other_topics(printer):
    printer.fault("B15", serial="01P00A000000555")
    wait_until(lambda: printer.mqtt.serial == "01P00A000000555")
    with MqttListener(printer, serial="01P00A000000555") as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)
    printer.clear("B15")
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)


def test_a_printer_moves_to_another_address_and_announces_it(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(5)
        spec = PrinterSpec(model="P1S", ssdp_target=ears.getsockname())
        with SimulatedFarm([spec], speed=SPEED, data=tmp_path) as farm:
            printer = farm.printers[0]
            notice = ears.recv(2000).decode()
            assert f"USN: {printer.serial}" in notice
            assert "Location: 127.0.0.1" in notice
            printer.fault("B16", host="127.0.0.3")
            wait_until(lambda: "Location: 127.0.0.3" in ears.recv(2000).decode())
            wait_until(lambda: printer.mqtt.is_listening)
            with MqttListener(printer) as hub:
                hub.ask_all()
                wait_until(lambda: hub.merged)
            FtpsClient(printer).close()
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", printer.mqtt_port), timeout=2).close()


def test_too_many_clients_are_closed_after_their_connect(printer):
    printer.fault("B33")
    wait_until(lambda: printer.mqtt.closes_after_connect)
    listener = MqttListener(printer)
    wait_until(lambda: printer.mqtt.refused_connects)
    assert listener.connack == ""
    listener.client.loop_stop()


def test_an_overloaded_printer_freezes_and_then_answers_everything(printer):
    with MqttListener(printer) as hub:
        client = FtpsClient(printer)
        printer.fault("B34", for_s=SPEED * 1.5)
        wait_until(lambda: printer.mqtt.frozen and printer.ftps.desk.frozen)
        hub.send(version_request())
        client.sock.settimeout(0.4)
        with pytest.raises(TimeoutError):
            client.pwd()
        assert not hub.has_answer("get_version")
        hub.answer("get_version")
        assert not hub.disconnects
        client.close()
    client = FtpsClient(printer)
    assert client.put("part.gcode.3mf", b"x" * 1000).startswith("226")
    client.close()


@pytest.mark.parametrize("kind", ["expired", "wrong_name"])
def test_a_certificate_can_be_bad_from_the_start(tmp_path, kind):
    with SimulatedFarm([PrinterSpec(model="P1S", certificate=kind, rsa=True)], speed=0, data=tmp_path) as farm:
        printer = farm.printers[0]
        context = tls_context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(printer.authority.certificate_path)
        with socket.create_connection((printer.host, printer.mqtt_port), timeout=5) as plain:
            if kind == "expired":
                with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                    context.wrap_socket(plain)
            else:
                with context.wrap_socket(plain) as secured:
                    assert (("commonName", printer.serial),) not in secured.getpeercert()["subject"]


def test_stepping_by_hand_publishes_every_step(tmp_path):
    data = sliced_file(seconds=300)
    with SimulatedFarm([PrinterSpec(model="P1S")], speed=0, data=tmp_path) as farm:
        printer = farm.printers[0]
        (printer.core.store.root / "part.gcode.3mf").write_bytes(data)
        with MqttListener(printer) as hub:
            hub.send(start_command(data))
            hub.answer("project_file")
            farm.advance(30)
            wait_until(lambda: hub.merged.get("gcode_state") == "RUNNING")
            farm.advance(400)
            wait_until(lambda: hub.merged.get("gcode_state") == "FINISH")
            assert hub.states() == ["IDLE", "PREPARE", "RUNNING", "FINISH"]
            assert len(hub.messages) > 100


def test_a_fault_of_the_config_is_on_from_the_first_connection(tmp_path):
    spec = PrinterSpec(model="P1S", faults=[{"name": "B34", "for_s": SPEED * 3}])
    with SimulatedFarm([spec], speed=SPEED, data=tmp_path) as farm:
        printer = farm.printers[0]
        wait_until(lambda: printer.mqtt.frozen)
        wait_until(lambda: not printer.mqtt.frozen)
        with MqttListener(printer) as hub:
            hub.ask_all()
            wait_until(lambda: hub.merged)
