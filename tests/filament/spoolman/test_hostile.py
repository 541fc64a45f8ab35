"""A Spoolman that means harm, or is none: the import ends soon, with a sentence, and nothing is asked that must not be."""

import gzip
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from sqlalchemy import select

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool
from printfarm.filament.models_spoolman import SpoolmanImport
from printfarm.filament.spoolman import reading, visiting
from printfarm.filament.spoolman.visiting import Unreadable, Visit, refuse_peer
from tests.filament.spoolman.test_import import SPOOL, as_json, counts, send, take_in, work

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback, one line at a time: its address, and what it was asked."""
    heard: list[bytes] = []

    def serve() -> None:
        while True:
            with suppress(OSError):
                line, _ = place.accept()
                with line:
                    asked = line.recv(65_536)
                    if asked:
                        heard.append(asked)
                        answer(line, asked)
                continue
            return

    with closing(socket.create_server(("127.0.0.1", 0))) as place:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{place.getsockname()[1]}", heard
        place.shutdown(socket.SHUT_RDWR)


def says(body: bytes, more: bytes = b"") -> Callable[[socket.socket, bytes], None]:
    return lambda line, _asked: line.sendall(HEAD + more + b"\r\n" + body)


@pytest.mark.parametrize(
    ("peer", "is_refused"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("0.0.0.0", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("192.168.1.20", False),
        ("::1", False),
    ],
)
def test_a_clouds_own_services_are_known(peer, is_refused):
    if is_refused:
        with pytest.raises(Unreadable):
            refuse_peer(peer)
    else:
        refuse_peer(peer)


def test_what_must_not_be_asked_is_not_asked(monkeypatch):
    """Where a name leads is seen when the line is there; not a byte was said on it then."""

    def refuse(_peer: str) -> None:
        raise Unreadable("Not there.")

    monkeypatch.setattr(visiting, "refuse_peer", refuse)
    with answering(says(b"[]")) as (url, heard), pytest.raises(Unreadable, match="Not there"):
        reading.read_address(url)
    assert heard == []


def test_no_redirect_is_followed():
    def lead_on(line: socket.socket, _asked: bytes) -> None:
        line.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    with answering(lead_on) as (url, heard), pytest.raises(Unreadable, match="status 302"):
        reading.read_address(url)
    assert len(heard) == 1


def test_what_is_packed_is_not_unpacked():
    """Packed twice, thirty kilobytes are thirty megabytes, and three times more than any machine has."""
    packed = gzip.compress(gzip.compress(b" " * 5_000_000))
    with answering(says(packed, b"Content-Encoding: gzip, gzip\r\n")) as (url, heard):
        with pytest.raises(Unreadable, match="packed"):
            reading.read_address(url)
        assert b"accept-encoding: identity" in heard[0].lower()


def test_an_answer_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(visiting, "MOST_BYTES", 100_000)

    def go_on(line: socket.socket, _asked: bytes) -> None:
        line.sendall(HEAD + b"\r\n[")
        with suppress(OSError):
            while True:
                line.sendall(b"1," * 20_000)

    with answering(go_on) as (url, _), pytest.raises(Unreadable, match="more than can be taken in"):
        reading.read_address(url)


@pytest.mark.parametrize("began", [b"HTTP/1.1 200 OK\r\nX-A: ", HEAD + b"\r\n["], ids=["in its head", "in its body"])
def test_a_server_that_sends_letter_by_letter_is_given_up(began):
    """Each letter comes in time, so that nothing but the time of the whole ends it."""
    is_over = threading.Event()

    def creep(line: socket.socket, _asked: bytes) -> None:
        line.sendall(began)
        with suppress(OSError):
            while not is_over.wait(0.05):
                line.sendall(b"1")

    with answering(creep) as (url, _):
        begun = time.monotonic()
        with Visit(0.6) as visit, pytest.raises(Unreadable, match="too slowly"):
            visit.get(f"{url}/api/v1/spool", {})
        is_over.set()
    assert time.monotonic() - begun < visiting.TIMEOUT.read  # the line itself was never silent for so long


def test_one_that_knows_no_pieces_is_asked_once(monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    every = [{**SPOOL, "id": number} for number in range(1, 6)]
    with answering(says(json.dumps(every).encode())) as (url, heard):
        found = reading.read_address(url)
    assert sorted(found.rows["spool"]) == [1, 2, 3, 4, 5]
    assert len(heard) == 6  # rows and definitions, of each kind


def test_rows_that_are_none_count_too(alice, monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 500)
    url = send(alice, "a.json", json.dumps([{}] * 501).encode())
    assert "There are more than 500 rows in it" in alice.get(url).text


def test_tables_of_those_names_without_their_columns(alice, tmp_path):
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db, db:
        for name in ("vendor", "filament", "spool", "spool_field"):
            db.execute(f"CREATE TABLE {name} (a)")
            db.execute(f"INSERT INTO {name} VALUES (1)")
    url = send(alice, "a.db", path.read_bytes())
    assert [(new, changed, same) for new, changed, same, _ in counts(alice, url)] == [(0, 0, 0)] * 3
    assert "Left out" in alice.get(url).text


def test_what_cannot_be_read_for_any_reason_ends_and_is_not_tried_for_ever(alice, monkeypatch, in_shop):
    monkeypatch.setattr(reading, "read_file", lambda _path: {}["no such thing"])
    url = send(alice, "a.json", as_json(SPOOL))
    assert "This could not be read." in alice.get(url).text
    assert in_shop.scalars(select(SpoolmanImport.state)).all() == ["failed"]


def test_definitions_that_are_none_or_too_many_stop_nothing(alice, app, in_shop):
    """The rows come all the same; of the definitions those that are any, as many as can be kept."""
    choices = [f"{number:060}" for number in range(200)]
    wide = {"name": "Wide", "field_type": "choice", "choices": choices, "multi_choice": False}
    defined = [
        "none",
        {"key": "no\x00ne", "name": "N", "field_type": "text"},
        {"key": "\ud800", "name": "N", "field_type": "text"},
        {"key": "rack", "name": "Rack\x00", "field_type": "text"},
        {"key": "shelf", "name": "Shelf", "field_type": "text"},
        *({**wide, "key": f"wide_{number}"} for number in range(30)),
    ]
    answers = {b"/api/v1/field/spool": defined, b"/api/v1/spool?": [SPOOL]}

    def answer(line: socket.socket, asked: bytes) -> None:
        found = next((body for path, body in answers.items() if asked.startswith(b"GET " + path)), [])
        line.sendall(HEAD + b"\r\n" + json.dumps(found).encode())

    with answering(answer) as (address, _):
        sent = alice.post("/filament/spoolman", {"url": address}, content_type="multipart/form-data")
        url = work(alice, sent.location)
    assert "Done." in take_in(alice, url).text
    assert in_shop.scalars(select(Spool.remaining_mg)).all() == [749_500]


def test_a_roll_that_is_discarded_here_is_left_and_the_plan_says_so(alice, in_shop):
    take_in(alice, send(alice, "a.json", as_json(SPOOL)))
    with unit_of_work(alice.shop_id) as db:
        service.discard_spool(db, db.scalars(select(Spool.id)).one())
    url = send(alice, "b.json", as_json({**SPOOL, "used_weight": 300.5}))
    assert counts(alice, url)[2] == (0, 0, 0, 1)
    assert "discarded or removed here" in alice.get(f"{url}?show=skipped").text
    take_in(alice, url)
    assert counts(alice, url)[2] == (0, 0, 0, 1)
