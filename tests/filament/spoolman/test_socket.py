"""The change socket: what is kept is told, to who listens for it, and only in its own shop."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from tests.support.serving import serving


@pytest.fixture
def server(app):
    with serving(app) as made:
        yield made


def listen(server, token, path="/spool"):
    return connect(f"ws://{server.host}/spoolman/{token}/api/v1{path}", open_timeout=10)


def heard(ws):
    return json.loads(ws.recv(10))


def test_what_is_used_added_and_deleted_is_told(app, server, token, program, roll):
    with listen(server, token) as ws:
        ws.send("are you there")
        assert heard(ws) == {"status": "healthy"}
        program.put(f"/spool/{roll.number}/use", {"use_weight": 12})
        told = heard(ws)
        assert (told["type"], told["resource"]) == ("updated", "spool")
        assert told["date"].endswith("Z")
        assert told["payload"]["id"] == roll.number
        assert told["payload"]["remaining_weight"] == 988
        made = program.post("/spool", {"filament_id": roll.filament}).json
        assert (heard(ws)["type"], made["id"]) == ("added", roll.number + 1)
        program.delete(f"/spool/{made['id']}")
        gone = heard(ws)
        assert (gone["type"], gone["payload"]["id"]) == ("deleted", made["id"])


def test_one_hears_only_what_one_listens_for(app, shop, server, token, program, roll):
    with app.app_context(), unit_of_work(shop.id) as db:
        other = service.add_spool(db, roll.filament_id, weight_mg=500_000).number
    with listen(server, token, f"/spool/{other}") as one, listen(server, token, "/") as all_of_it:
        for ws in (one, all_of_it):
            ws.send("?")
            heard(ws)
        program.patch(f"/spool/{roll.number}", {"comment": "dried"})
        program.patch(f"/filament/{roll.filament}", {"comment": "good"})
        assert {heard(all_of_it)["resource"], heard(all_of_it)["resource"]} == {"spool", "filament"}
        program.patch(f"/spool/{other}", {"comment": "mine"})
        assert heard(one)["payload"]["comment"] == "mine"


def test_another_shops_socket_hears_nothing(server, stranger_program, program, roll):
    with listen(server, stranger_program.token, "/") as ws:
        ws.send("?")
        heard(ws)
        program.put(f"/spool/{roll.number}/use", {"use_weight": 12})
        with pytest.raises(TimeoutError):
            ws.recv(1.5)


def test_a_wrong_token_is_refused_before_the_handshake(server, token):
    with pytest.raises(InvalidStatus) as refusal, listen(server, "wrong"):
        pass
    assert refusal.value.response.status_code == 401


def test_a_revoked_token_loses_its_socket(app, shop, server, token, alice, monkeypatch):
    monkeypatch.setattr("printfarm.filament.spoolman.socket.RECHECK_S", 0.1)
    with listen(server, token) as ws:
        ws.send("?")
        heard(ws)
        revoke = next(one["action"] for one in alice.get("/tokens").all("form") if one["action"].endswith("/revoke"))
        alice.post(revoke)
        with pytest.raises(ConnectionClosed) as end:
            ws.recv(10)
        assert end.value.rcvd.code == 4401
