"""The fleet page: every printer with its state in a word, and what a person can do about it."""

import pytest

from printfarm.core.bus import remember_telemetry
from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.fleet import queries, service
from printfarm.fleet.events import PrinterMoved
from printfarm.fleet.models import Hub, Printer, PrinterError
from tests.fleet.conftest import add_printer
from tests.support.hubs import now


@pytest.fixture
def online(app, shop, hub, printer):
    """Anna is online and idle, as if her hub were connected."""

    def become(state="idle", **live):
        with app.app_context(), unit_of_work(shop.id) as db:
            row = db.get(Hub, hub.id)
            row.connected_at = row.last_seen_at = now()
            anna = db.get(Printer, printer.id)
            anna.connection, anna.state = "online", state
        telemetry = {
            "confirmed": True,
            "capabilities": ["pause", "resume", "stop", "clear_error", "refresh", "light"],
            "layer": None,
            "total_layers": None,
            "remaining_minutes": None,
            **live,
        }
        with app.app_context():
            remember_telemetry(shop.id, "printer", printer.id, telemetry)

    return become


def test_it_says_what_to_do_when_there_is_none(alice):
    page = alice.get("/fleet")
    assert page.status == 200
    assert "No printer yet" in page.text


def test_a_lost_hub_is_said_once_and_its_printers_are_quiet(bob, printer):
    page = bob.get("/fleet")
    assert "Shelf is not connected" in page.one(".notice").get_text()
    assert page.one(f"#printer-{printer.id} .state").get_text(strip=True) == "Hub not connected"


def test_a_printer_at_work_shows_progress_layers_and_time(bob, printer, online):
    online("printing", percent=42, layer=12, total_layers=80, remaining_minutes=84, nozzle_c=219.6, bed_c=60.0)
    page = bob.get("/fleet")
    card = page.one(f"#printer-{printer.id}")
    assert card.select_one("progress")["value"] == "42"
    assert "Layer 12 of 80 · 1 h 24 min left" in card.get_text(" ", strip=True)
    assert "nozzle 220 °C" in card.get_text(" ", strip=True)
    assert "1 at work" in page.text


def test_progress_of_a_resting_printer_is_not_shown(bob, printer, online):
    online("finished", percent=100, layer=80, total_layers=80)
    assert not bob.get("/fleet").all("progress")


def test_unknown_numbers_are_left_out(bob, printer, online):
    online("preparing", percent=None)
    card = bob.get("/fleet").one(f"#printer-{printer.id}")
    assert card.select_one("progress").get("value") is None
    assert "Layer" not in card.get_text()
    assert "None" not in card.get_text()


def test_errors_stand_on_the_card_in_words(app, shop, bob, printer, online):
    online("attention")
    with app.app_context(), unit_of_work(shop.id) as db:
        db.add(
            PrinterError(
                printer_id=printer.id, code="0300_8004", sentence="The filament ran out in A1.", severity="serious"
            )
        )
    card = bob.get("/fleet").one(f"#printer-{printer.id}")
    assert "The filament ran out in A1." in card.get_text()
    assert card.select_one(".state").get_text(strip=True) == "Needs you"


def test_the_bed_is_cleared_with_who_and_when(app, shop, olga, printer, online):
    online("finished")
    with app.app_context(), unit_of_work(shop.id) as db:
        service.needs_clearing(db, printer.id)
    page = olga.get("/fleet")
    assert page.one(f"#printer-{printer.id} .state").get_text(strip=True) == "Bed to clear"
    assert "1 bed to clear" in page.text
    answer = olga.post(f"/fleet/printers/{printer.id}/clear-bed", {"from": "fleet"})
    assert answer.status == 303
    assert answer.location.startswith("/fleet")
    with app.app_context(), read_only(shop.id) as db:
        anna = db.get(Printer, printer.id)
        assert anna.bed_cleared
        assert anna.bed_cleared_by == olga.user_id
    assert "said Olga" in olga.get(f"/fleet/printers/{printer.id}").text


def test_the_bed_of_a_printer_that_is_off_can_be_cleared(app, shop, olga, printer):
    with app.app_context(), unit_of_work(shop.id) as db:
        service.needs_clearing(db, printer.id)
    card = olga.post(f"/fleet/printers/{printer.id}/clear-bed", {"from": "fleet"}, htmx=True)
    assert card.status == 200
    assert card.one(f"#printer-{printer.id}")
    with app.app_context(), read_only(shop.id) as db:
        assert queries.printer_facts(db)[0].bed_cleared


def test_a_viewer_clears_nothing(bob, printer):
    assert bob.post(f"/fleet/printers/{printer.id}/clear-bed").status == 403


def test_another_shop_sees_nothing(charlie, printer):
    assert "Anna" not in charlie.get("/fleet").text
    assert charlie.get(f"/fleet/printers/{printer.id}").status == 404
    for deed in ("clear-bed", "control", "maintenance", "move", "archive", "trust", "edit"):
        form = {"action": "stop", "on": "1"}
        assert charlie.post(f"/fleet/printers/{printer.id}/{deed}", form).status in {404, 422}, deed


def test_strangers_are_sent_to_sign_in(stranger, printer):
    assert stranger.get("/fleet").status == 303


def test_htmx_gets_the_list_alone(bob, printer):
    page = bob.get("/fleet", htmx=True)
    assert page.soup.html is None
    assert page.one("#fleet")


def test_without_javascript_the_page_refreshes_itself(bob):
    assert bob.get("/fleet").one('noscript meta[http-equiv="refresh"]')


def test_a_pushed_card_is_the_pages_card(app, shop, bob, printer, online):
    online("printing", percent=7)
    html, _topics = render_events(app, shop.id, [PrinterMoved(shop_id=shop.id, printer_id=printer.id)])
    assert f'id="printer-{printer.id}"' in html
    assert 'hx-swap-oob="true"' in html
    assert 'value="7"' in html


def test_many_printers_cost_no_more_statements_than_one(app, shop, hub, printer, bob, count_statements):
    with app.app_context(), unit_of_work(shop.id) as db:
        black = filament.add_filament(db, brand="P", material="PLA", colour_name="Black", colour_hex="#111111")
        spools = [filament.add_spool(db, black.id, weight_mg=1_000_000).id for _ in range(13)]
    load(app, shop, printer, spools.pop())
    bob.get("/fleet")
    one = count_statements(lambda: bob.get("/fleet"))
    for number, spool_id in enumerate(spools, start=2):
        load(app, shop, add_printer(app, shop, hub, name=f"P{number}", serial=f"01P00A0000000{number:02}"), spool_id)
    assert count_statements(lambda: bob.get("/fleet")) == one


def load(app, shop, printer, spool_id):
    with app.app_context(), unit_of_work(shop.id) as db:
        service.assign_spool(db, queries.facts_of(db, printer.id).slots[0].id, spool_id)
