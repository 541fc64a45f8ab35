"""A machine uses filament: by weight or length, in small pieces, repeated, and more than there is."""

import math
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Filament, Spool, StockEntry
from tests.filament.spoolman.program import Program

MM3_PER_MM = math.pi * 0.875**2


def lines(db, roll):
    mine = select(StockEntry).where(StockEntry.filament_id == roll.filament_id).order_by(StockEntry.id)
    return [(one.cause, one.delta_mg) for one in db.scalars(mine)]


def test_a_length_is_weighed_by_density_and_diameter(program, roll):
    told = program.put(f"/spool/{roll.number}/use", {"use_length": 10_000}).json
    assert told["used_weight"] == pytest.approx(10_000 * MM3_PER_MM * 1.24 / 1000, abs=0.001)
    assert told["used_length"] == pytest.approx(10_000, abs=0.5)
    assert told["remaining_weight"] + told["used_weight"] == pytest.approx(1000)


def test_small_pieces_become_one_line_and_lose_nothing(app, shop, program, roll, in_shop):
    """Moonraker reports every few seconds; each piece alone would be rounded, and a line each would fill the ledger."""
    piece = 3.3333
    for number in range(300):
        answer = program.put(f"/spool/{roll.number}/use", {"use_length": piece + number / 1e6})
        assert answer.status_code == 200
    exact = sum(piece + number / 1e6 for number in range(300)) * MM3_PER_MM * 1.24
    with unit_of_work(shop.id) as db:
        service.book_reported(db, roll.id)
    booked = lines(in_shop, roll)
    assert len(booked) == 2
    assert booked[1][0] == "print"
    assert -booked[1][1] == pytest.approx(exact, abs=1)


def test_what_is_reported_comes_before_what_a_person_weighs(app, shop, program, roll, in_shop):
    program.put(f"/spool/{roll.number}/use", {"use_weight": 2})
    with unit_of_work(shop.id) as db:
        service.set_weight(db, roll.id, 500_000)
    with unit_of_work(shop.id) as db:
        service.book_reported(db, roll.id)
    assert lines(in_shop, roll) == [("received", 1_000_000), ("print", -2000), ("correction", -498_000)]
    assert program.get(f"/spool/{roll.number}").json["remaining_weight"] == 500


def test_after_ten_minutes_a_piece_is_booked(program, roll, in_shop):
    program.put(f"/spool/{roll.number}/use", {"use_weight": 1})
    with time_machine.travel(utc_now() + timedelta(minutes=11), tick=True):
        program.put(f"/spool/{roll.number}/use", {"use_weight": 1.5})
    assert lines(in_shop, roll)[1:] == [("print", -2500)]


def test_a_repeated_report_counts_once(program, roll):
    """OctoPrint's plugin waits a second for an answer, then asks again."""
    for _ in range(3):
        told = program.put(f"/spool/{roll.number}/use", {"use_length": 1234.5678}).json
    once = 1234.5678 * MM3_PER_MM * 1.24 / 1000
    assert told["used_weight"] == pytest.approx(once, abs=0.001)


def test_the_same_again_later_is_no_repeat(program, roll):
    program.put(f"/spool/{roll.number}/use", {"use_weight": 10})
    with time_machine.travel(utc_now() + timedelta(seconds=5), tick=True):
        told = program.put(f"/spool/{roll.number}/use", {"use_weight": 10}).json
    assert told["used_weight"] == 20


def test_what_the_spool_lacks_waits_for_a_person(program, roll, in_shop):
    told = program.put(f"/spool/{roll.number}/use", {"use_weight": 1100}).json
    assert told["remaining_weight"] == 0
    assert lines(in_shop, roll)[1:] == [("print", -1_000_000), ("print", -100_000)]
    assert in_shop.get(Filament, roll.filament_id).unassigned_mg == 100_000
    assert in_shop.get(Spool, roll.id).remaining_mg == 0


def test_less_than_nothing_gives_back_what_was_used_and_no_more(program, roll):
    program.put(f"/spool/{roll.number}/use", {"use_weight": 50})
    assert program.put(f"/spool/{roll.number}/use", {"use_weight": -20}).json["used_weight"] == 30
    assert program.put(f"/spool/{roll.number}/use", {"use_weight": -500}).json["used_weight"] == 0


def test_nonsense_changes_nothing(program, roll, in_shop):
    for body, status in (
        ({}, 400),
        ({"use_length": 1, "use_weight": 1}, 400),
        ({"use_weight": 1e9}, 422),
        ({"use_length": 1e12}, 422),
        ({"use_weight": "much"}, 422),
        ([1], 422),
    ):
        assert program.put(f"/spool/{roll.number}/use", body).status_code == status, body
    for text in (b'{"use_weight": NaN}', b'{"use_weight": Infinity}', b"{", b"[" * 50_000, b"\xff\xfe"):
        answer = program.ask("PUT", f"/spool/{roll.number}/use", data=text, content_type="application/json")
        assert answer.status_code == 422, text[:20]
        assert answer.json["detail"][0]["loc"][0] == "body"
    assert len(lines(in_shop, roll)) == 1


def test_octoprints_plugin_finds_its_spools_and_books_what_they_used(app, token, roll):
    """Its requests, as it makes them: no header, all spools at once, a length after each pause and at the end."""
    plugin = Program(app, token, in_path=True)
    (spool,) = plugin.get("/spool").json
    assert (spool["id"], spool["filament"]["vendor"]["name"]) == (roll.number, "Prusament")
    for length in (1500.25, 0, 2750.5):
        answer = plugin.put(f"/spool/{spool['id']}/use", {"use_length": length})
        assert answer.status_code == 200
    assert answer.json["used_length"] == pytest.approx(4250.75, abs=0.5)
    assert plugin.put("/spool/99/use", {"use_length": 1}).status_code == 404


def test_too_much_is_not_read(program, roll):
    answer = program.ask("PUT", f"/spool/{roll.number}/use", data=b" " * 200_000, content_type="application/json")
    assert answer.status_code == 413
    assert "message" in answer.json
