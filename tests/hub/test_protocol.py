import json
from datetime import UTC, datetime

import pytest

from hub import protocol as p

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CONFIG = {"id": "p1", "address": "192.0.2.7", "serial": "01P00A0", "access_code": "12345678"}


def start(**changes):
    fields = {
        "command_id": "c1",
        "printer_id": "p1",
        "run_id": "r1",
        "run_code": "PF-7K2M9Q",
        "file_url": "https://farm.example/f?s=1",
        "file_name": "ab.gcode.3mf",
        "sha256": "a" * 64,
        "md5": "B" * 32,
        "size_bytes": 10,
        "plate_index": 1,
        "title": "Hook",
    }
    return p.PrintCommand(**{**fields, **changes})


def test_messages_survive_the_wire_in_both_directions():
    for message in (
        p.CommandAck(seq=1, command_id="c1", success=True, code="done"),
        p.RunReport(seq=2, printer_id="p1", run_code="PF-7K2M9Q", state="running", at=NOW, evidence={"a": 1}),
        p.PrinterStatus(printer_id="p1", connection="online", state="printing", at=NOW),
        p.FileProgress(run_code="PF-7K2M9Q", printer_id="p1", bytes_sent=1, bytes_total=2),
        p.TryResult(seq=3, command_id="c1", steps=[p.TryStepResult(name="address", ok=None)]),
    ):
        assert p.parse_from_hub(p.dump(message)) == message
    for command in (start(), p.Ping(), p.Received(seq=4), p.SyncPrinters(command_id="c", printers=[CONFIG])):
        assert p.parse_from_web(p.dump(command)) == command


def test_fields_of_a_newer_version_are_ignored_and_new_types_are_told_apart_from_broken_messages():
    assert p.parse_from_web('{"type": "ping", "mood": "good"}') == p.Ping()
    with pytest.raises(p.UnknownMessageError):
        p.parse_from_web('{"type": "dance"}')
    for broken in ("", "[]", "{", '{"type": "received", "seq": -1}', '{"type": 3}', "\ud800"):
        with pytest.raises(p.ProtocolError):
            p.parse_from_web(broken)


def test_a_message_of_the_other_direction_is_refused():
    with pytest.raises(p.UnknownMessageError):
        p.parse_from_hub(p.dump(start()))


def test_messages_over_the_limit_are_refused_by_sender_and_receiver():
    long = p.RunReport(
        seq=1, printer_id="p", run_code="PF-1", state="unknown", at=NOW, evidence={"x": "y" * p.MAX_MESSAGE_BYTES}
    )
    with pytest.raises(p.ProtocolError, match="over the limit"):
        p.dump(long)
    with pytest.raises(p.ProtocolError, match="over the limit"):
        p.parse_from_hub(long.model_dump_json())


def test_a_run_code_cannot_carry_a_path_or_markup():
    for code in ("../../etc", "a b c d", "<b>x</b>", "abc", ""):
        with pytest.raises(ValueError, match="run_code"):
            start(run_code=code)


def test_the_access_code_does_not_show_in_logs():
    assert "12345678" not in repr(p.SyncPrinters(command_id="c", printers=[CONFIG]))


def test_each_side_proves_the_secret_and_neither_signature_serves_for_the_other():
    hello = p.HubHello(
        hub_id="h1",
        firmware="1",
        protocol=1,
        hub_nonce="n" * 32,
        signature=p.sign_hub("secret", "h1", "w" * 32, "n" * 32),
    )
    assert p.verify_hub("secret", hello, "w" * 32)
    assert not p.verify_hub("other", hello, "w" * 32)
    assert not p.verify_hub("secret", hello, "v" * 32)
    welcome = p.Welcome(signature=hello.signature, protocol=1, server_time=NOW, last_seq=0)
    assert not p.verify_web("secret", welcome, "h1", "w" * 32, "n" * 32)
    welcome = p.Welcome(
        signature=p.sign_web("secret", "h1", "w" * 32, "n" * 32), protocol=1, server_time=NOW, last_seq=0
    )
    assert p.verify_web("secret", welcome, "h1", "w" * 32, "n" * 32)


def test_a_list_of_many_printers_is_split_and_complete():
    many = [p.PrinterConfig(**{**CONFIG, "id": f"printer-{n}", "model": "X" * 100}) for n in range(300)]
    messages = p.sync_printers("c9", many)
    assert len(messages) > 1
    assert {(m.part, m.parts) for m in messages} == {(n, len(messages)) for n in range(1, len(messages) + 1)}
    assert [x for m in messages for x in m.printers] == many
    assert all(len(p.dump(m).encode()) <= p.MAX_MESSAGE_BYTES for m in messages)
    assert p.sync_printers("c", [])[0].printers == []


def test_one_version_of_skew_is_tolerated():
    assert p.speaks(p.PROTOCOL_VERSION)
    assert p.speaks(p.PROTOCOL_VERSION + 1)
    assert not p.speaks(p.PROTOCOL_VERSION + 2)


def test_the_wire_form_is_plain_json_with_the_type_in_it():
    assert json.loads(p.dump(p.Ping())) == {"type": "ping"}


def test_no_text_holds_what_a_database_refuses():
    text = (
        '{"type": "run_report", "seq": 1, "printer_id": "p", "run_code": "PF-0001", "state": "running",'
        ' "sentence": "a\\u0000b", "at": "2026-11-21T08:00:00Z", "evidence": {"na\\u0000me": "Ho\\u0000ok", "layer_num": 3}}'
    )
    report = p.parse_from_hub(text)
    assert (report.sentence, report.evidence) == ("ab", {"name": "Hook", "layer_num": 3})


@pytest.mark.parametrize(
    ("text", "read"), [("\\u0000", ""), ("\\\\u0000", "\\u0000"), ("\\\\\\u0000", "\\"), ("\\u0000\\u0000x", "x")]
)
def test_a_backslash_before_it_is_not_mistaken(text, read):
    assert p.parse_from_web('{"type": "refused", "reason": "' + text + '"}').reason == read


@pytest.mark.parametrize("changes", [{"seq": 2**60}, {"layer": 10**9}, {"layer": -1}, {"total_layers": 10**9}])
def test_numbers_that_no_database_holds_are_refused(changes):
    fields = {"type": "run_report", "seq": 1, "printer_id": "p", "run_code": "PF-0001", "state": "running"}
    text = json.dumps({**fields, "at": "2026-11-21T08:00:00Z", **changes})
    with pytest.raises(p.ProtocolError):
        p.parse_from_hub(text)


def test_a_hub_that_knows_no_tags_is_understood_and_one_that_says_more_too():
    older = p.SlotStatus.model_validate({"ams_unit": 0, "slot": 1, "material": "PLA"})
    assert older.tag is None
    newer = {"ams_unit": 0, "slot": 1, "material": "PLA", "tag": "ab" * 16, "dryness": 7}
    assert p.SlotStatus.model_validate(newer).tag == "AB" * 16


@pytest.mark.parametrize("remain", [-1, 1000, 10**12, "half", None, True, 3.5])
@pytest.mark.parametrize("tag", ["0" * 32, "f" * 16, "", "no hex", "A" * 65, 5, None])
def test_what_cannot_be_of_a_roll_is_not_known_and_the_rest_is(remain, tag):
    said = {"ams_unit": 128, "slot": 0, "material": "PA", "remain_percent": remain, "tag": tag}
    read = p.SlotStatus.model_validate(said)
    assert (read.material, read.remain_percent, read.tag) == ("PA", None, None)
