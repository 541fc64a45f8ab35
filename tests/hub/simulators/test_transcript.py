"""What a simulated printer writes down."""

import json

from hub.simulators import transcript


def test_a_long_transcript_starts_over_and_keeps_the_part_before(tmp_path, monkeypatch):
    monkeypatch.setattr(transcript, "FILE_LIMIT_BYTES", 2000)
    path = tmp_path / "printer.jsonl"
    notes = transcript.Transcript(path)
    for number in range(100):
        notes.note("report", f"message {number}")
    notes.close()
    assert path.stat().st_size < 2100
    old = [json.loads(line)["text"] for line in (tmp_path / "printer.jsonl.old").read_text().splitlines()]
    new = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    assert (old + new)[-1] == "message 99"
    assert len(notes.of_kind("report")) == 100


def test_a_long_message_is_shortened(tmp_path):
    notes = transcript.Transcript(tmp_path / "printer.jsonl")
    notes.note("report", "x" * 10_000)
    notes.close()
    assert len(json.loads((tmp_path / "printer.jsonl").read_text())["text"]) == transcript.SHOWN_CHARACTERS
