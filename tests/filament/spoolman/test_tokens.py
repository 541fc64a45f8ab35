"""Tokens for programs: made and shown once, in the path or the header, revoked, counted, and in no log."""

import logging

import pytest

from printfarm.processes.logs import HidesTokens
from tests.filament.spoolman.program import Program


def make(person, name="Moonraker", scope="stock"):
    page = person.post("/tokens", {"name": name, "scope": scope})
    return page, page.one("#new-token")["value"]


def test_a_token_is_shown_once_with_the_address_for_clients(alice, app):
    page, token = make(alice)
    assert page.one("#spoolman-url")["value"].endswith(f"/spoolman/{token}")
    again = alice.get("/tokens")
    assert token not in again.response.get_data(as_text=True)
    assert "never used" in again.one("#tokens").get_text()
    assert Program(app, token).get("/health").json == {"status": "healthy"}
    assert Program(app, token, in_path=True).get("/info").json["version"]
    assert "never used" not in alice.get("/tokens").one("#tokens").get_text()


def test_revoking_shuts_one_program_out_and_no_other(alice, app):
    _, first = make(alice, "First")
    _, second = make(alice, "Second")
    form = alice.get("/tokens").all("form[action$='/revoke']")[-1]
    assert "First no longer works" in alice.get(alice.post(form["action"]).location).text
    assert Program(app, first, in_path=True).get("/spool").status_code == 401
    assert Program(app, second).get("/spool").status_code == 200


@pytest.mark.parametrize(
    "form", [{"name": "", "scope": "stock"}, {"name": "x" * 81, "scope": "read"}, {"name": "x", "scope": "all"}]
)
def test_a_token_needs_a_name_and_a_scope(alice, form):
    assert alice.post("/tokens", form).status == 422


def test_only_admins_make_tokens(adam, olga, bob):
    assert adam.get("/tokens").status == 200
    assert olga.get("/tokens").status == 403
    assert bob.post("/tokens", {"name": "x", "scope": "read"}).status == 403


def test_guessing_is_slowed_down(app, shop):
    answers = [Program(app, f"guess{n}").get("/spool").status_code for n in range(70)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_program_that_asks_too_often_is_told_to_wait(program, monkeypatch):
    monkeypatch.setattr("printfarm.accounts.machines.PER_MINUTE", 3)
    answers = [program.get("/health") for _ in range(5)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_no_log_tells_a_token(app, program, token, caplog, monkeypatch):
    monkeypatch.setattr("printfarm.filament.spoolman.finding.find_spools", lambda *_: 1 / 0)
    answer = Program(app, token, in_path=True).get("/spool")
    assert answer.status_code == 500
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text
    assert token not in answer.get_data(as_text=True)


def test_the_servers_own_lines_are_cleaned(token):
    hides = HidesTokens()
    line = logging.LogRecord("gunicorn", logging.INFO, "", 0, "GET %s", (f"/spoolman/{token}/api/v1/spool",), None)
    hides.filter(line)
    assert line.getMessage() == "GET /spoolman/…/api/v1/spool"
    access = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, "%(r)s %(U)s", (), None)
    access.args = {"r": f"GET /spoolman/{token}/api/v1/spool?x=1 HTTP/1.1", "U": "/spoolman/api/v1/spool", "s": 200}
    hides.filter(access)
    assert access.getMessage() == "GET /spoolman/…/api/v1/spool?x=1 HTTP/1.1 /spoolman/api/v1/spool"
