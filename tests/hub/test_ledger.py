import sqlite3
from datetime import UTC, datetime

import pytest

from hub import protocol as p
from hub.ledger import Ledger, Run
from hub.outbox import LedgerError

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CONFIG = p.PrinterConfig(id="p1", address="192.0.2.7", serial="01P00A0", access_code="very-secret")


@pytest.fixture
def open_ledger(tmp_path):
    ledgers = []

    def open_it(secret="secret", path=None):
        ledger = Ledger(path or tmp_path / "ledger.sqlite3", secret)
        ledgers.append(ledger)
        return ledger

    yield open_it
    for ledger in ledgers:
        ledger.close()


def run(**changes):
    fields = {"run_code": "PF-0001", "printer_id": "p1", "command_id": "c1", "job_id": "7", "job_name": "PF-0001"}
    return Run(**{**fields, "remote_name": "a.gcode.3mf", "size_bytes": 5, **changes})


def test_a_command_is_begun_once_and_its_answer_is_kept(open_ledger):
    ledger = open_ledger()
    assert ledger.begin("c1", "print_command", "body")
    assert not ledger.begin("c1", "print_command", "body")
    ledger.finish("c1", success=True, code="done")
    ledger.received(ledger.waiting(0)[-1][0])
    ledger.repeat("c1")
    ledger.repeat("c1")
    assert len(ledger.waiting(0)) == 1, "the same answer need not wait twice"
    answer = p.parse_from_hub(ledger.waiting(0)[0][1])
    assert (answer.command_id, answer.success) == ("c1", True)


def test_a_run_is_added_once_whatever_the_command(open_ledger):
    ledger = open_ledger()
    assert ledger.add_run(run())
    assert not ledger.add_run(run(command_id="c2"))
    ledger.save_run(run(), phase="done")
    assert not ledger.add_run(run(command_id="c3"))
    assert ledger.open_runs("p1") == []


def test_numbers_only_grow_also_when_everything_was_received_and_after_a_restart(open_ledger):
    ledger = open_ledger()
    first = ledger.say(p.CommandAck, command_id="c", success=True).seq
    ledger.received(first)
    ledger.close()
    assert open_ledger().say(p.CommandAck, command_id="c", success=True).seq == first + 1


def test_a_lost_ledger_counts_on_above_what_web_has(open_ledger, tmp_path):
    old = open_ledger()
    last = old.say(p.CommandAck, command_id="c", success=True).seq
    fresh = open_ledger(path=tmp_path / "fresh.sqlite3")
    fresh.say(p.CommandAck, command_id="d", success=True)
    fresh.meet(last + 1000)
    seqs = [seq for seq, _ in fresh.waiting(0)]
    assert seqs == [last + 1001]
    assert p.parse_from_hub(fresh.waiting(0)[0][1]).seq == last + 1001
    assert fresh.say(p.CommandAck, command_id="e", success=True).seq == last + 1002


def test_what_a_failed_transaction_said_was_never_said(open_ledger):
    ledger = open_ledger()
    with pytest.raises(RuntimeError), ledger.transaction():
        ledger.begin("c1", "print_command")
        ledger.finish("c1", success=True, code="done")
        raise RuntimeError
    assert ledger.command("c1") is None
    assert ledger.waiting(0) == []
    assert ledger.begin("c1", "print_command"), "the ledger works on"


def test_access_codes_are_not_readable_in_the_file(open_ledger, tmp_path):
    ledger = open_ledger()
    ledger.save_printer(CONFIG)
    assert ledger.printers() == [CONFIG]
    ledger.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite3*"))
    assert b"very-secret" not in content
    assert (tmp_path / "ledger.sqlite3").stat().st_mode & 0o077 == 0


def test_a_ledger_of_another_secret_forgets_its_printers_and_keeps_its_messages(open_ledger):
    ledger = open_ledger()
    ledger.save_printer(CONFIG)
    ledger.say(p.CommandAck, command_id="c", success=True)
    ledger.close()
    other = open_ledger(secret="another")
    assert other.printers() == []
    assert len(other.waiting(0)) == 1


def test_a_pin_belongs_to_the_serial_and_web_has_the_last_word(open_ledger):
    ledger = open_ledger()
    ledger.save_pin(CONFIG, "a" * 64)
    assert ledger.pin(CONFIG) == "a" * 64
    assert ledger.pin(CONFIG.model_copy(update={"serial": "01P00A1"})) is None
    assert ledger.pin(CONFIG.model_copy(update={"certificate_sha256": "b" * 64})) == "b" * 64


def test_a_newer_ledger_is_refused_with_a_sentence(open_ledger, tmp_path):
    open_ledger().close()
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="newer hub"):
        open_ledger()


def test_printer_errors_give_way_when_web_stays_away_and_runs_do_not(open_ledger, monkeypatch):
    monkeypatch.setattr("hub.outbox.MOST_WAITING_MESSAGES", 50)
    ledger = open_ledger()
    ledger.say(p.RunReport, printer_id="p1", run_code="PF-0001", state="completed", at=NOW)
    for number in range(300):
        error = p.ActiveError(code=f"E{number}", sentence="", severity="info")
        ledger.say_error("p1", error, active=True)
    waiting = [p.parse_from_hub(text) for _, text in ledger.waiting(0, 1000)]
    assert len(waiting) <= 51
    assert waiting[0].type == "run_report"
    assert waiting[-1].code == "E299"
