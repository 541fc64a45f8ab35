"""The file server of a simulated printer and its faults, met with Python's own FTP client."""

import ftplib
import ssl
import time

import pytest

from hub.simulators import FtpsOptions, PrinterSpec, SimulatedFarm
from tests.hub.simulators.clients import FtpsClient, wait_until

DATA = bytes(range(256)) * 2000  # half a megabyte


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    specs = [
        PrinterSpec(model="P1S"),
        PrinterSpec(model="A1MINI"),
        PrinterSpec(model="A1MINI", ftps=FtpsOptions(data_protection="clear")),
        PrinterSpec(model="P1S", ftps=FtpsOptions(close_notify=True, require_session_reuse=False)),
        PrinterSpec(model="P1S", quota_bytes=300_000),
    ]
    with SimulatedFarm(specs, speed=0, data=tmp_path_factory.mktemp("farm")) as farm:
        yield farm


@pytest.fixture
def printer(farm):
    printer = farm.printers[0]
    yield printer
    for name in list(printer.core.faults.active):
        printer.clear(name)
    printer.core.store.wipe()


@pytest.fixture
def client(printer):
    client = FtpsClient(printer)
    yield client
    client.close()


def card(printer, name):
    return (printer.core.store.root / name).read_bytes()


def test_an_upload_arrives_whole_and_its_size_can_be_asked(printer, client):
    assert client.put("part.gcode.3mf", DATA).startswith("226")
    assert client.size("part.gcode.3mf") == len(DATA)
    assert card(printer, "part.gcode.3mf") == DATA


def test_an_upload_that_ends_with_a_tls_goodbye_is_fine_too(printer, client):
    with client.transfercmd("STOR part.gcode.3mf") as connection:
        connection.sendall(DATA)
        with pytest.raises((ssl.SSLError, OSError)):
            connection.unwrap()  # the printer closes without an answer
    assert client.voidresp().startswith("226")
    assert card(printer, "part.gcode.3mf") == DATA


def test_a_printer_can_be_told_to_say_goodbye(farm):
    client = FtpsClient(farm.printers[3])
    assert client.put("part.gcode.3mf", DATA, goodbye=True).startswith("226")
    client.close()


def test_files_are_listed_fetched_renamed_and_deleted(client):
    client.put("cache/part.gcode.3mf", DATA)
    client.cwd("/cache")
    line = next(line for line in client.names().splitlines() if "part.gcode.3mf" in line)
    assert line.startswith("-rw")
    assert str(len(DATA)) in line
    with client.transfercmd("RETR part.gcode.3mf") as connection:
        assert connection.makefile("rb").read() == DATA
    client.voidresp()
    client.rename("part.gcode.3mf", "other.gcode.3mf")
    client.delete("other.gcode.3mf")
    with pytest.raises(ftplib.error_perm, match="550"):
        client.size("other.gcode.3mf")


def test_the_usual_folders_are_there(client):
    listing = client.names()
    assert all(folder in listing for folder in ("cache", "timelapse", "model", "image", "logger", "ipcam"))


def test_nobody_leaves_the_card(printer, client):
    for name in ("../../outside.3mf", "/../outside.3mf"):
        client.put(name, b"x")
    inside = [path.name for path in printer.core.store.root.rglob("outside.3mf")]
    assert inside
    assert not list(printer.core.store.root.parent.glob("outside.3mf"))


def test_a_wrong_code_is_530(printer):
    with pytest.raises(ftplib.error_perm, match="530"):
        FtpsClient(printer, code="wrong")


def test_a_data_connection_with_a_session_of_its_own_gets_522_and_leaves_an_empty_file(printer, client):
    client.reuse = False
    with pytest.raises(ftplib.error_perm, match="522"):
        client.put("part.gcode.3mf", DATA)
    wait_until((printer.core.store.root / "part.gcode.3mf").exists)
    assert card(printer, "part.gcode.3mf") == b""
    with pytest.raises((EOFError, OSError)):
        client.pwd()  # like vsftpd, the server ends the session after a 522


def test_a_lenient_printer_takes_a_session_of_its_own(farm):
    client = FtpsClient(farm.printers[3], reuse=False)
    assert client.put("own.gcode.3mf", DATA, goodbye=True).startswith("226")
    client.close()


def test_stat_is_not_implemented_and_free_space_is_told(client):
    with pytest.raises(ftplib.error_perm, match="502"):
        client.sendcmd("STAT")
    assert client.sendcmd("AVBL").startswith("213 ")


def test_only_passive_transfers_are_allowed(client):
    with pytest.raises(ftplib.error_perm, match="500"):
        client.sendcmd("PORT 127,0,0,1,200,1")


def test_clear_data_is_refused_by_a_p1_and_taken_by_an_a1(farm, printer):
    client = FtpsClient(printer)
    client.prot_c()
    with pytest.raises(ftplib.error_perm, match="522"):
        client.put("part.gcode.3mf", DATA)
    client.close()
    client = FtpsClient(farm.printers[1])
    client.prot_c()
    assert client.put("part.gcode.3mf", DATA).startswith("226")
    client.close()


def test_some_a1_mini_take_data_only_in_clear(farm):
    client = FtpsClient(farm.printers[2])
    with pytest.raises(ftplib.error_temp, match="425"):
        client.put("part.gcode.3mf", DATA)
    client.prot_c()
    assert client.put("part.gcode.3mf", DATA).startswith("226")
    client.close()


def test_a_full_card_ends_the_upload_with_552(farm):
    printer = farm.printers[4]
    client = FtpsClient(printer)
    with pytest.raises(ftplib.error_perm, match="552"):
        client.put("part.gcode.3mf", DATA)
    client.close()
    assert 0 < len(card(printer, "part.gcode.3mf")) <= 300_000


@pytest.mark.parametrize("reply", ["552", "553"])
def test_the_fault_of_a_full_card_has_both_replies(printer, client, reply):
    printer.fault("B17", reply=reply)
    with pytest.raises(ftplib.error_perm, match=reply):
        client.put("part.gcode.3mf", DATA[:1000])


def test_without_a_card_nothing_can_be_stored(printer, client):
    printer.fault("B18")
    with pytest.raises(ftplib.error_perm, match="553"):
        client.put("part.gcode.3mf", DATA)
    printer.clear("B18")
    assert client.put("part.gcode.3mf", DATA).startswith("226")


@pytest.mark.parametrize(("reply", "outcome"), [("426", ftplib.error_temp), ("226", None)])
def test_a_cut_upload_keeps_only_the_first_bytes_and_the_next_one_succeeds(printer, client, reply, outcome):
    printer.fault("B19", bytes=100_000, reply=reply)
    with client.transfercmd("STOR part.gcode.3mf") as connection, pytest.raises(OSError):
        for _more in range(100):
            connection.sendall(DATA)
    if outcome:
        with pytest.raises(outcome):
            client.voidresp()
    else:
        assert client.voidresp().startswith("226")
    assert client.size("part.gcode.3mf") == 100_000
    client.put("part.gcode.3mf", DATA)
    assert client.size("part.gcode.3mf") == len(DATA)


def test_a_late_226_comes_before_the_next_answer(printer, client):
    printer.fault("B20", delay_s=0.5)
    since = time.monotonic()
    assert client.put("part.gcode.3mf", DATA).startswith("226")
    assert time.monotonic() - since > 0.4
    assert client.size("part.gcode.3mf") == len(DATA)


def test_a_226_that_never_comes_leaves_a_whole_file(printer):
    client = FtpsClient(printer)
    printer.fault("B20")
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.put("part.gcode.3mf", DATA)
    client.close()
    again = FtpsClient(printer)
    assert again.size("part.gcode.3mf") == len(DATA)
    again.close()


def test_waiting_for_the_goodbye_of_b21_is_in_vain(printer, client):
    printer.fault("B21")
    with client.transfercmd("STOR part.gcode.3mf") as connection:
        connection.sendall(DATA)
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.unwrap()
    assert client.voidresp().startswith("226")
    assert card(printer, "part.gcode.3mf") == DATA


def test_a_slow_printer_takes_its_time(printer, client):
    printer.fault("B23", bytes_per_s=200_000)
    since = time.monotonic()
    client.put("part.gcode.3mf", DATA[:200_000])
    assert time.monotonic() - since > 0.7
    assert card(printer, "part.gcode.3mf") == DATA[:200_000]


def test_a_changed_code_counts_from_the_next_sign_in(printer):
    old = printer.access_code
    printer.fault("B13", access_code="abcd1234")
    wait_until(lambda: printer.access_code == "abcd1234")
    with pytest.raises(ftplib.error_perm, match="530"):
        FtpsClient(printer, code=old)
    FtpsClient(printer, code="abcd1234").close()
