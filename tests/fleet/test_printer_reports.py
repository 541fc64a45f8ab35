"""What printers report: states, errors, prints that we did not start, and what the queue is told."""

import pytest
from sqlalchemy import select

from hub import protocol
from printfarm.core.work import read_only
from printfarm.fleet import queries
from printfarm.fleet.models import ForeignRun, Printer, PrinterError
from tests.fleet.test_hub_link import soon
from tests.support.hubs import FakeHub, now


def facts(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return queries.printer_facts(db)[0]


def rows(app, shop, kind):
    with app.app_context(), read_only(shop.id) as db:
        return list(db.scalars(select(kind).order_by(kind.id)))


def error(hub, printer, *, active, code="0300_8004"):
    hub.store(
        protocol.PrinterError(
            seq=hub.next_seq(),
            printer_id=str(printer.id),
            code=code,
            sentence="The filament ran out.",
            severity="serious",
            active=active,
            at=now(),
        )
    )


def foreign(hub, printer, state, key="job-1", **more):
    hub.store(
        protocol.ForeignRun(
            seq=hub.next_seq(), printer_id=str(printer.id), key=key, title="Benchy", state=state, at=now(), **more
        )
    )


def test_a_printer_is_known_from_its_first_full_report(app, shop, printer, connected):
    assert facts(app, shop).state == "offline"
    connected.status(printer.id, state="finished", confirmed=False, connection="online")
    soon(lambda: facts(app, shop).online)
    assert not facts(app, shop).confirmed
    connected.status(
        printer.id, state="finished", firmware="01.08", developer_mode=True, remaining_minutes=3, run_code="RUN-1"
    )
    soon(lambda: facts(app, shop).state == "finished")
    found = facts(app, shop)
    assert (found.developer_mode, found.run_code, found.remaining_minutes) == (True, "RUN-1", 3)
    assert "pause" in found.capabilities
    assert rows(app, shop, Printer)[0].firmware == "01.08"


def test_an_offline_printer_keeps_its_sentence(app, shop, printer, connected, bob):
    connected.status(
        printer.id, connection="refused", state="offline", confirmed=False, connection_sentence="Wrong access code."
    )
    soon(lambda: facts(app, shop).connection_sentence == "Wrong access code.")
    card = bob.get("/fleet").one(f"#printer-{printer.id}")
    assert "Refused" in card.get_text()
    assert "Wrong access code." in card.get_text()


def test_a_lost_hub_makes_its_printers_unreachable(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        fake.status(printer.id)
        soon(lambda: facts(app, shop).online)
    soon(lambda: not facts(app, shop).hub_connected)
    found = facts(app, shop)
    assert (found.online, found.state) == (False, "offline")
    assert "hub of this printer is not connected" in found.connection_sentence


def test_temperatures_write_nothing_to_the_database(app, shop, printer, connected, count_statements):
    connected.status(printer.id, state="printing", percent=1)
    soon(lambda: facts(app, shop).state == "printing")

    def talk():
        for percent in range(2, 30):
            connected.status(printer.id, state="printing", percent=percent, nozzle_c=200.0 + percent)
        connected.run_report(printer.id, "RUN-0001", "running")  # when this is received, the others were too

    assert count_statements(talk) < 30


def test_errors_come_and_go_once(app, shop, printer, connected):
    error(connected, printer, active=True)
    error(connected, printer, active=True)
    assert [(one.code, one.ended_at) for one in rows(app, shop, PrinterError)] == [("0300_8004", None)]
    error(connected, printer, active=False)
    error(connected, printer, active=False)
    assert rows(app, shop, PrinterError)[0].ended_at is not None
    error(connected, printer, active=True)
    assert len(rows(app, shop, PrinterError)) == 2


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "unknown"])
def test_a_print_that_we_did_not_start_needs_the_bed_cleared(app, shop, bob, printer, connected, end):
    connected.status(printer.id, state="printing", percent=10)
    foreign(connected, printer, "running", percent=10)
    soon(lambda: facts(app, shop).state == "printing")
    card = bob.get("/fleet").one(f"#printer-{printer.id}").get_text(" ", strip=True)
    assert "Benchy" in card
    assert "Started at the printer or from a slicer." in card
    assert facts(app, shop).bed_cleared
    foreign(connected, printer, end, percent=100)
    assert not facts(app, shop).bed_cleared
    assert [(one.state, one.ended_at is not None) for one in rows(app, shop, ForeignRun)] == [(end, True)]


def test_a_print_that_is_seen_again_goes_on(app, shop, printer, connected):
    foreign(connected, printer, "unknown")
    foreign(connected, printer, "running")
    assert [(one.state, one.ended_at) for one in rows(app, shop, ForeignRun)] == [("running", None)]
    foreign(connected, printer, "completed")
    assert rows(app, shop, ForeignRun)[0].ended_at is not None


def test_an_ended_foreign_print_asks_once(app, shop, olga, printer, connected):
    foreign(connected, printer, "completed")
    olga.post(f"/fleet/printers/{printer.id}/clear-bed")
    foreign(connected, printer, "completed")
    assert facts(app, shop).bed_cleared


def test_two_foreign_prints_are_two(app, shop, printer, connected):
    foreign(connected, printer, "completed")
    foreign(connected, printer, "running", key="job-2")
    assert len(rows(app, shop, ForeignRun)) == 2


def test_file_progress_is_telemetry(app, shop, printer, connected):
    from printfarm.core.bus import recall_telemetry

    connected.say(
        protocol.FileProgress(run_code="RUN-0001", printer_id=str(printer.id), bytes_sent=50, bytes_total=200)
    )

    def known():
        with app.app_context():
            return recall_telemetry(shop.id, "file", ["RUN-0001"])

    soon(known)
    assert known()["RUN-0001"]["bytes_sent"] == 50


def test_screens_hear_at_most_twice_a_second(app, shop, printer, connected):
    import json
    import time

    from printfarm.core import bus

    with app.app_context(), bus.redis().pubsub(ignore_subscribe_messages=True) as ears:
        ears.subscribe(f"shop:{shop.id}")
        ears.get_message(timeout=1)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            connected.status(printer.id, state="printing", percent=1)
            time.sleep(0.02)
        heard = []
        while (message := ears.get_message(timeout=0.7)) is not None:
            heard.append(json.loads(message["data"])["kind"])
    assert 2 <= heard.count("PrinterMoved") <= 6


def test_no_printer_id_of_nonsense_breaks_the_line(app, shop, printer, connected):
    connected.status("not-an-id")
    connected.run_report("not-an-id", "RUN-0001", "running")
    connected.ack(protocol.PrinterCommand(command_id="nonsense", printer_id=str(printer.id), action="stop"))
    connected.run_report(printer.id, "RUN-0002", "running")


def test_what_was_known_before_a_hub_came_back_does_not_count(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        fake.status(printer.id)
        soon(lambda: facts(app, shop).confirmed)
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        assert facts(app, shop).hub_connected
        assert (facts(app, shop).online, facts(app, shop).confirmed) == (False, False)
        fake.status(printer.id)
        soon(lambda: facts(app, shop).confirmed)


def test_telemetry_comes_back_after_redis_lost_it(app, shop, hub, printer, served, settings_environ, monkeypatch):
    from printfarm.fleet import line
    from tests.support import valkey

    monkeypatch.setattr(line, "REMIND_S", 1.0)
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        fake.status(printer.id)
        soon(lambda: facts(app, shop).confirmed)
        valkey.flush(settings_environ["PRINTFARM_REDIS_URL"])
        soon(lambda: facts(app, shop).confirmed)
