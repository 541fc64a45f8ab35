"""The entries of the fault catalogue that no other file of this folder meets, and a count that none is left out."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.adapters.base import Timings
from hub.protocol import ConfigurePrinter
from hub.simulators.bambu import CATALOGUE
from hub.simulators.spec import PrinterSpec
from tests.hub.rig import PRINT, RUN, large_file, printer_config, printer_id
from tests.hub.simulators.clients import sliced_file, wait_until

SLOTS = ("PLA", "PLA", "PETG", "")


def replies_of(printer, number):
    return [entry for entry in printer.transcript.of_kind("ftp reply") if entry["text"].startswith(number)]


def test_the_hub_meets_every_entry_of_the_catalogue():
    told = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    met = set(re.findall(r"\bB\d\d\b", " ".join(re.findall(r'"""\[(.*?)\]', told))))
    assert met == {name for name in CATALOGUE if name.startswith("B")}


def test_a_cut_cable_is_noticed_and_the_print_followed_to_its_end(hub, printer):
    """[B01] The connection dies without a word: no reset, no goodbye."""
    hub.start(printer, RUN, sliced_file(seconds=900))
    hub.wait_printing(printer)
    printer.fault("B01", silent=True)
    hub.wait_connection(printer_id(printer), "offline")
    printer.clear("B01")
    hub.wait_online(printer_id(printer))
    assert hub.wait_run(RUN, "completed", "unknown", "failed").state == "completed"
    assert hub.states(RUN).count("running") == 1


def test_progress_of_an_older_job_is_never_shown_for_the_new_one(hub, printer):
    """[B06]"""
    printer.fault("B06", percent=87, layer=190)
    hub.start(printer, RUN, PRINT)
    hub.wait_printing(printer)
    stale = [m for m in list(hub.shown) if m.type == "printer_status" and 190 in {m.layer, m.percent}]
    assert stale == []
    assert not [report for report in hub.reports(RUN) if report.percent == 87]


def test_a_changed_code_is_not_tried_over_and_over(hub, printer):
    """[B13]"""
    assert Timings().refused >= 60
    printer.fault("B13", access_code="87654321")
    hub.wait_connection(printer_id(printer), "refused")
    before = printer.status()["refused_connects"]
    time.sleep(2)
    assert printer.status()["refused_connects"] - before <= 2 / hub.timings.refused + 1


def test_a_printer_that_moved_is_found_again_with_its_certificate(hub, printer):
    """[B16]"""
    printer.fault("B16", host="127.0.0.2")
    hub.wait_connection(printer_id(printer), "offline", "connecting")
    assert printer.host == "127.0.0.2"
    hub.supervisor.take(ConfigurePrinter(command_id="c2", action="update", printer=printer_config(printer)))
    hub.wait_online(printer_id(printer))
    hub.start(printer, RUN, PRINT)
    assert hub.wait_run(RUN, "completed", "failed", "unknown").state == "completed"


def test_another_printer_at_the_new_address_is_refused(hub, printer):
    """[B16]"""
    printer.fault("B14")
    printer.fault("B16", host="127.0.0.2")
    hub.supervisor.take(
        ConfigurePrinter(command_id="c2", action="update", printer=printer_config(printer, address="127.0.0.2"))
    )
    hub.wait_connection(printer_id(printer), "refused")


def test_half_an_upload_without_any_reply_is_sent_again(hub, printer):
    """[B19] The 226 is missing and the file is short."""
    printer.fault("B19", bytes=1000, reply="none")
    hub.start(printer, RUN, large_file(100_000))
    hub.wait_run(RUN, "running")
    stored = [entry for entry in printer.transcript.of_kind("ftp command") if entry["text"].startswith("STOR")]
    assert len(stored) == 2
    wait_until(lambda: sum(printer.starts.values()) == 1, "the one start")


def test_data_connections_reuse_the_session_of_the_control_connection(hub, printer):
    """[B22]"""
    printer.fault("B22")
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    assert replies_of(printer, "522") == []
    assert len(replies_of(printer, "226")) >= 1


def test_a_printer_that_offers_tls_1_3_is_talked_to_as_well(hub, farm_of):
    """[B22] There a session cannot be reused in time, so the hub asks for TLS 1.2."""
    printer = farm_of(PrinterSpec(model="P1S", tls13=True)).printers[0]
    hub.add(printer)
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    assert replies_of(printer, "522") == []


def test_the_printers_own_clock_is_never_believed(hub, farm_of):
    """[B29]"""
    printer = farm_of("X1C").printers[0]
    hub.add(printer)
    printer.fault("B29")
    hub.start(printer, RUN, PRINT)
    end = hub.wait_run(RUN, "completed", "failed", "unknown")
    assert end.state == "completed"
    assert abs(datetime.now(UTC) - end.at) < timedelta(minutes=1)


def test_the_noise_of_a_shutdown_empties_no_slot(hub, farm_of):
    """[B30]"""
    printer = farm_of("X1C").printers[0]
    hub.add(printer)
    hub.wait_online(printer_id(printer))
    printer.fault("B30", off_s=60, boot_s=20)
    wait_until(lambda: printer.status()["power"] == "off", "the dark")
    hub.wait_connection(printer_id(printer), "offline", "connecting")
    wait_until(lambda: printer.status()["power"] == "on", "the light")
    hub.wait_online(printer_id(printer))
    seen = [m.slots for m in list(hub.shown) if m.type == "printer_status" and m.slots]
    assert {tuple(slot.material for slot in slots if slot.ams_unit == 0) for slots in seen} == {SLOTS}
