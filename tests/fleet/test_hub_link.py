"""A hub signs in, is told its printers, and what it says is stored once."""

import json
import socket
import struct
import threading
import time
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from hub import protocol
from printfarm.core.errors import DomainError
from printfarm.core.events import reacts_to
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet import line, queries, service
from printfarm.fleet.events import CommandAnswered, RunReported
from printfarm.fleet.models import Command, Hub, RunReport
from tests.fleet.conftest import add_printer, settings_for
from tests.support.hubs import FakeHub, HubRefused, now


def soon(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def the_hub(app, shop, hub):
    with app.app_context(), read_only(shop.id) as db:
        return db.get(Hub, hub.id)


def commands(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return list(db.scalars(select(Command).order_by(Command.created_at)))


def control(app, shop, printer, action="pause", **more):
    with app.app_context(), unit_of_work(shop.id) as db:
        return service.control(db, printer.id, action, **more)


def reports(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return list(db.scalars(select(RunReport).order_by(RunReport.seq)))


def test_it_signs_in_and_is_told_its_printers(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        told = fake.hear(protocol.SyncPrinters)
        assert [(one.id, one.serial, one.access_code) for one in told.printers] == [
            (str(printer.id), printer.serial, printer.access_code)
        ]
        assert the_hub(app, shop, hub).is_connected()
        assert the_hub(app, shop, hub).version == "0.0.0-test"
    soon(lambda: not the_hub(app, shop, hub).is_connected())


def test_a_wrong_secret_is_refused_with_a_sentence(app, shop, hub, served):
    with pytest.raises(HubRefused, match="Enrol the hub again"):
        FakeHub(served.url, hub.id, "another secret").sign_in()
    assert not the_hub(app, shop, hub).is_connected()


def test_an_unknown_hub_gets_the_same_answer(shop, served):
    with pytest.raises(HubRefused, match="Enrol the hub again"):
        FakeHub(served.url, uuid4(), "secret").sign_in()


def test_an_archived_hub_is_refused(app, shop, hub, served):
    with app.app_context(), unit_of_work(shop.id) as db:
        service.archive_hub(db, hub.id)
    with pytest.raises(HubRefused):
        FakeHub(served.url, hub.id, hub.secret).sign_in()


@pytest.mark.parametrize("skew", [-1, 0, 1])
def test_one_version_of_skew_is_tolerated(hub, served, skew):
    with FakeHub(served.url, hub.id, hub.secret, speaks=protocol.PROTOCOL_VERSION + skew) as fake:
        fake.hear(protocol.SyncPrinters)


@pytest.mark.parametrize(("skew", "who"), [(-2, "Update the hub"), (2, "Update the server")])
def test_more_skew_is_refused_with_what_to_do(hub, served, skew, who):
    with pytest.raises(HubRefused, match=who):
        FakeHub(served.url, hub.id, hub.secret, speaks=protocol.PROTOCOL_VERSION + skew).sign_in()


def test_a_hub_that_says_something_else_first_is_refused(hub, served):
    fake = FakeHub(served.url, hub.id, hub.secret)
    fake.open()
    fake.status(uuid4())
    assert isinstance(fake._read(5), protocol.Refused)
    assert fake.closes() == 1008


@pytest.fixture
def nobody_looks(monkeypatch):
    """The line does not look at its rows by itself."""
    monkeypatch.setattr(line, "LOOK_S", 3600)


def test_a_new_printer_is_told_at_once(app, shop, hub, nobody_looks, connected):
    other = add_printer(app, shop, hub, name="Berta", serial="01P00A000000002")
    told = connected.hear(protocol.SyncPrinters)
    assert {one.id for one in told.printers} >= {str(other.id)}


def test_a_changed_printer_is_told(app, shop, hub, printer, connected):
    with app.app_context(), unit_of_work(shop.id) as db:
        service.edit_printer(db, printer.id, settings_for(hub, address="192.0.2.77", access_code=""))
    told = connected.hear(protocol.SyncPrinters)
    assert [(one.address, one.access_code) for one in told.printers] == [("192.0.2.77", "s3cr3t-1")]


def test_an_archived_printer_is_forgotten(app, shop, printer, connected):
    with app.app_context(), unit_of_work(shop.id) as db:
        service.archive_printer(db, printer.id)
    assert connected.hear(protocol.SyncPrinters).printers == []


def test_a_command_reaches_the_hub_within_a_second_and_its_answer_is_kept(app, shop, printer, connected):
    control(app, shop, printer, "light_on")
    heard = connected.hear(protocol.PrinterCommand, within_s=1.5)
    assert (heard.printer_id, heard.action) == (str(printer.id), "light_on")
    assert commands(app, shop)[0].state == "sent"
    connected.ack(heard)
    assert commands(app, shop)[0].state == "acknowledged"


def test_a_refused_command_keeps_the_hubs_sentence(app, shop, printer, connected):
    control(app, shop, printer)
    heard = connected.hear(protocol.PrinterCommand)
    connected.ack(heard, success=False, code="not_printing", sentence="The printer does not print.")
    kept = commands(app, shop)[0]
    assert (kept.state, kept.code, kept.sentence) == ("failed", "not_printing", "The printer does not print.")


def test_unacknowledged_commands_are_sent_again_in_order(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        first = control(app, shop, printer, "light_on")
        second = control(app, shop, printer, "light_off")
        assert fake.hear(protocol.PrinterCommand).command_id == str(first.id)
        fake.ack(fake.hear(protocol.PrinterCommand, where=lambda said: said.command_id == str(second.id)))
    third = control(app, shop, printer, "stop")
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        assert [fake.hear(protocol.PrinterCommand).command_id for _ in range(2)] == [str(first.id), str(third.id)]
        fake.hear_nothing(protocol.PrinterCommand, for_s=1)


def test_a_command_is_sent_once_on_one_connection(app, shop, printer, connected):
    control(app, shop, printer, "light_on")
    connected.hear(protocol.PrinterCommand)
    connected.hear_nothing(protocol.PrinterCommand, for_s=4)


def test_what_was_never_sent_is_given_up(app, shop, printer):
    command = control(app, shop, printer, "pause")
    with app.app_context(), unit_of_work(shop.id) as db:
        service.expire_command(db, command.id)
    assert commands(app, shop)[0].state == "pending"  # its time has not come
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get(Command, command.id).expires_at = now()
        service.expire_command(db, command.id)
    kept = commands(app, shop)[0]
    assert (kept.state, kept.code) == ("failed", "never_sent")
    assert "nothing was sent" in kept.sentence


def test_what_was_sent_is_never_given_up(app, shop, printer, connected):
    command = control(app, shop, printer, "pause")
    connected.hear(protocol.PrinterCommand)
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get(Command, command.id).expires_at = now()
        service.expire_command(db, command.id)
    assert commands(app, shop)[0].state == "sent"


def test_a_run_report_is_stored_before_it_is_received_and_only_once(app, shop, printer, connected):
    report = protocol.RunReport(
        seq=connected.next_seq(),
        printer_id=str(printer.id),
        run_code="RUN-0001",
        state="running",
        sentence="Printing.",
        percent=3,
        at=now(),
        evidence={"gcode_state": "RUNNING"},
    )
    connected.store(report)
    connected.store(report)  # the hub did not hear us the first time
    kept = reports(app, shop)
    assert [(one.run_code, one.state, one.percent, one.evidence) for one in kept] == [
        ("RUN-0001", "running", 3, {"gcode_state": "RUNNING"})
    ]


def test_the_welcome_says_what_is_stored(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.last_seq = 1000
        fake.run_report(printer.id, "RUN-0001", "running")
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        assert fake.welcome.last_seq == 1001


def test_a_newer_connection_replaces_the_older_which_can_store_nothing_more(app, shop, hub, printer, served):
    with FakeHub(served.url, hub.id, hub.secret) as old, FakeHub(served.url, hub.id, hub.secret) as new:
        assert old.closes() == 4409
        new.run_report(printer.id, "RUN-0001", "running")
        time.sleep(0.5)
        assert the_hub(app, shop, hub).is_connected()  # the older one's goodbye did not touch it
    assert len(reports(app, shop)) == 1


def test_bad_messages_are_counted_and_end_the_connection(hub, connected):
    for text in ("no json", "[]", '{"type": "run_report"}', '{"type": "printer_status", "at": 1}', "{}"):
        connected.say_raw(text)
    assert connected.closes() == 1008


def test_an_unknown_kind_of_message_is_dropped(app, shop, printer, connected):
    for _ in range(20):
        connected.say_raw('{"type": "from_the_future", "seq": 5}')
    connected.run_report(printer.id, "RUN-0001", "running")
    assert len(reports(app, shop)) == 1


def test_an_oversized_message_ends_the_connection(connected):
    connected.say_raw('{"type": "pong", "filler": "' + "x" * 70_000 + '"}')
    assert connected.closes() == 1009


def test_a_message_a_little_too_long_is_bad(app, shop, printer, connected):
    connected.say_raw('{"type": "pong", "filler": "' + "x" * 40_000 + '"}')
    connected.run_report(printer.id, "RUN-0001", "running")
    assert len(reports(app, shop)) == 1


def test_a_printer_of_another_shop_is_not_spoken_for(app, shop, charlie, connected):
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        theirs = service.add_printer(db, settings_for(service.add_hub(db, "Theirs")))
    connected.run_report(theirs.id, "RUN-0001", "completed")
    connected.status(theirs.id, state="printing")
    connected.run_report(theirs.id, "RUN-0001", "completed")
    for shop_id in (shop.id, charlie.shop_id):
        with app.app_context(), read_only(shop_id) as db:
            assert db.scalar(select(func.count()).select_from(RunReport)) == 0
    with app.app_context(), read_only(charlie.shop_id) as db:
        assert queries.printer_facts(db)[0].state == "offline"


def test_a_report_that_cannot_be_taken_in_is_kept_and_tried_again(app, shop, printer, connected):
    broken = threading.Event()
    broken.set()
    taken = []

    @reacts_to(RunReported)
    def sick(db, event):
        if broken.is_set():
            raise DomainError("this reaction is broken")
        taken.append(event.report_id)

    try:
        connected.run_report(printer.id, "RUN-0001", "completed")
        connected.run_report(printer.id, "RUN-0002", "running")
        kept = reports(app, shop)
        assert [one.run_code for one in kept] == ["RUN-0001", "RUN-0002"]
        assert not taken
        broken.clear()
        from jobs.fleet import handle_run_report

        with app.app_context():
            handle_run_report(str(shop.id), str(kept[0].id))
        assert taken == [kept[0].id]
    finally:
        from printfarm.core import events

        events._reactions[RunReported].remove(sick)


def test_an_answer_that_cannot_be_taken_in_is_kept_and_tried_again(app, shop, printer, connected):
    taken = []

    @reacts_to(CommandAnswered)
    def sick(db, event):
        if not taken:
            taken.append(None)
            raise DomainError("this reaction is broken")
        taken.append(event.command_id)

    try:
        command = control(app, shop, printer)
        connected.ack(connected.hear(protocol.PrinterCommand))
        connected.run_report(printer.id, "RUN-0001", "running")
        assert commands(app, shop)[0].state == "acknowledged"
        from jobs.fleet import handle_answer

        with app.app_context():
            handle_answer(str(shop.id), str(command.id))
        assert taken == [None, command.id]
    finally:
        from printfarm.core import events

        events._reactions[CommandAnswered].remove(sick)


def test_a_bug_on_the_line_closes_it_and_is_no_error_page(app, shop, printer, connected, monkeypatch):
    from printfarm.fleet import line

    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(line, "apply_status", broken)
    connected.status(printer.id)
    assert connected.closes() == 1011


def test_the_process_says_goodbye_when_it_stops(app, served, connected):
    app.extensions["printfarm.live"].shutdown()
    assert connected.closes() == 1012


def test_the_thread_budget_holds(app, hub, served):
    app.extensions["printfarm.live"].limit = 0
    fake = FakeHub(served.url, hub.id, hub.secret)
    fake.dial()
    assert fake.closes() == 1013


def test_the_built_in_hub_is_seen_by_readyz(app, shop, served):
    from printfarm.core.health import seen_lately
    from printfarm.fleet.service.hubs import enrol_built_in

    with app.app_context(), unit_of_work(shop.id) as db:
        built_in = enrol_built_in(db)
    with FakeHub(served.url, built_in.id, built_in.secret) as fake, app.app_context():
        fake.hear(protocol.SyncPrinters)
        soon(lambda: seen_lately("hub"))


def test_no_secret_is_logged(app, shop, hub, printer, served, caplog):
    caplog.set_level("DEBUG")
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        fake.say_raw('{"type": "hub_hello", "hub_id": "' + hub.secret + '"}')
        fake.run_report(printer.id, "RUN-0001", "running")
    written = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("printfarm"))
    assert "bad message" in written
    assert hub.secret not in written
    assert printer.access_code not in written


def test_a_command_whose_time_has_passed_is_not_sent_when_the_hub_comes_back(app, shop, hub, printer, served):
    command = control(app, shop, printer, "pause")
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get(Command, command.id).expires_at = now()
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        fake.hear_nothing(protocol.PrinterCommand, for_s=1)
    kept = commands(app, shop)[0]
    assert (kept.state, kept.code) == ("failed", "never_sent")


def test_only_a_stop_of_one_run_waits_for_ever(app, shop, printer):
    assert control(app, shop, printer, "stop").expires_at is not None
    assert control(app, shop, printer, "stop", run_code="PF-0001").expires_at is None


def test_a_text_with_a_nul_holds_nothing_up(app, shop, printer, connected):
    connected.run_report(printer.id, "RUN-0001", "running")
    report = {
        "type": "run_report",
        "seq": connected.next_seq(),
        "printer_id": str(printer.id),
        "run_code": "RUN-0001",
        "state": "paused",
        "sentence": "Ho\0ok",
        "at": now().isoformat(),
        "evidence": {"subtask_name": "Ho\0ok"},
    }
    connected.say_raw(json.dumps(report))
    slot = {"ams_unit": 0, "slot": 0, "material": "PL\0A", "empty": False}
    status = {"printer_id": str(printer.id), "connection": "online", "state": "idle", "confirmed": True}
    connected.say_raw(json.dumps({"type": "printer_status", "at": now().isoformat(), "slots": [slot], **status}))
    connected.run_report(printer.id, "RUN-0001", "completed")
    assert [(one.state, one.sentence) for one in reports(app, shop)][1] == ("paused", "Hook")
    assert reports(app, shop)[1].evidence == {"subtask_name": "Hook"}
    with app.app_context(), read_only(shop.id) as db:
        slots = queries.printer_facts(db)[0].slots
    assert [one.reported_material for one in slots if one.ams_unit == 0] == ["PLA"]


@pytest.mark.parametrize("slot", [{"ams_unit": 10**12, "slot": 0}, {"ams_unit": 0, "slot": -1}])
def test_a_status_that_cannot_be_is_dropped_and_the_line_stays(app, shop, printer, connected, slot):
    status = {"printer_id": str(printer.id), "connection": "online", "state": "idle", "confirmed": True}
    connected.say_raw(json.dumps({"type": "printer_status", "at": now().isoformat(), "slots": [slot], **status}))
    connected.run_report(printer.id, "RUN-0001", "running")
    assert len(reports(app, shop)) == 1


def test_a_visitor_that_goes_at_once_is_no_bug_of_ours(app, hub, served, caplog):
    of_others = set(threading.enumerate())
    for _ in range(20):
        visitor = FakeHub(served.url, hub.id, "not the secret")
        visitor.open()
        visitor.say_raw('{"type": "pong"}')
        slam(visitor.socket.socket)
        visitor.close()
    host, _, port = served.url.removeprefix("http://").rstrip("/").partition(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(UPGRADE % str(hub.id).encode())
            slam(raw)
    with FakeHub(served.url, hub.id, hub.secret):
        pass
    soon(
        lambda: not [one for one in set(threading.enumerate()) - of_others if "process_request" in one.name], seconds=30
    )
    assert "was refused" in caplog.text or "is gone" in caplog.text  # how far each one came is up to the system
    ours = [record for record in caplog.records if not record.name.startswith("websockets")]  # that is the visitor
    assert not [record for record in ours if record.exc_info or record.levelname == "ERROR"]


UPGRADE = (
    b"GET /ws/hub/%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def slam(line):
    """Close with a reset, as a machine does that was switched off and on."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
