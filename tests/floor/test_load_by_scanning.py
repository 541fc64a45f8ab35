"""This spool into which slot of which printer, with a phone: two scans in either order, without scripts."""

import time

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer, PrinterSlot
from tests.support.factories import load


@pytest.fixture
def slots(shelf, alice):
    """The printer has an AMS with two slots: ids by label."""
    with unit_of_work(alice.shop_id) as db:
        printer_id = db.scalars(select(Printer.id).where(Printer.code == shelf.printer_code)).one()
        load(db, printer_id, None, slot=0)
        load(db, printer_id, None, slot=1)
    with read_only(alice.shop_id) as db:
        places = db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer_id)).unique()
        return {one.label: one.id for one in places}


def lies_in(alice, shelf):
    with read_only(alice.shop_id) as db:
        spool = db.scalars(select(Spool).where(Spool.code == shelf.spool_code)).one()
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == spool.id)).unique().one_or_none()
        return slot.label if slot else None, spool.state


def press(person, page, label):
    """The slot's button: a plain form."""
    form = next(form for form in page.all("form") if form.select_one(".load-name") and label in form.get_text())
    values = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    return person.post(form["action"], values)


@pytest.mark.parametrize("order", ["spool first", "printer first"])
def test_two_scans_and_one_tap(olga, alice, shelf, slots, order):
    scans = [shelf.spool_code, shelf.printer_code]
    first, second = scans if order == "spool first" else reversed(scans)
    assert olga.get(f"/c/{first}").location in {shelf.spool, shelf.printer}
    assert "was scanned a moment ago" in olga.get("/scan").text
    answer = olga.get(f"/c/{second}")
    assert answer.status == 303
    assert answer.location.startswith("/load?")
    page = olga.get(answer.location)
    assert f"Into which slot of {shelf.printer_name}?" in page.text
    answer = press(olga, page, "A2")
    assert (answer.status, answer.location) == (303, shelf.printer)
    assert "is in A2." in olga.get(answer.location).text
    assert lies_in(alice, shelf) == ("A2", "loaded")
    assert "was scanned a moment ago" not in olga.get("/scan").text


def test_it_is_cancelled(olga, alice, shelf, slots):
    olga.get(f"/c/{shelf.spool_code}")
    answer = olga.post("/load/cancel", {"code": shelf.printer_code})
    assert answer.location == shelf.printer
    assert olga.get(f"/c/{shelf.printer_code}").location == shelf.printer
    assert lies_in(alice, shelf) == (None, "sealed")


def test_the_first_scan_is_forgotten_after_some_minutes(olga, shelf, monkeypatch):
    olga.get(f"/c/{shelf.spool_code}")
    later = time.time() + 301
    monkeypatch.setattr("printfarm.floor.remembering.time.time", lambda: later)
    assert olga.get(f"/c/{shelf.printer_code}").location == shelf.printer


def test_the_same_kind_twice_is_no_pair(olga, shelf):
    assert olga.get(f"/c/{shelf.spool_code}").location == shelf.spool
    assert olga.get(f"/c/{shelf.spool_code}").location == shelf.spool


def test_a_viewer_only_looks(bob, shelf):
    bob.get(f"/c/{shelf.spool_code}")
    assert bob.get(f"/c/{shelf.printer_code}").location == shelf.printer
    assert "Load" not in [link.get_text(strip=True) for link in bob.get("/scan").all("a")]


def test_what_cannot_be_scanned_is_chosen(olga, alice, shelf, slots):
    page = olga.get(olga.get(shelf.spool).one("a[href^='/load?']")["href"])
    assert "Scan the printer" in page.text
    link = next(one["href"] for one in page.all("a") if shelf.printer_name in one.get_text())
    assert press(olga, olga.get(link), "A1").status == 303
    assert lies_in(alice, shelf) == ("A1", "loaded")
    page = olga.get(f"/load?printer={shelf.printer_code}&q=galaxy")
    assert any(shelf.spool_code in one["href"] for one in page.all("a[href^='/load?']"))


def test_the_page_says_what_comes_out(olga, alice, shelf, slots):
    page = olga.get(f"/load?spool={shelf.spool_code}&printer={shelf.printer_code}")
    press(olga, page, "A1")
    again = olga.get(f"/load?spool={shelf.spool_code}&printer={shelf.printer_code}")
    assert "lies here already" in again.text
    assert press(olga, again, "A2").status == 303
    assert lies_in(alice, shelf) == ("A2", "loaded")


@pytest.mark.parametrize(
    "query",
    ["spool=K7M2QX", "spool=x", "printer=ZZZZZ", "spool={printer}", "printer={spool}", "spool={spool}&printer=22222"],
)
def test_labels_of_nothing(olga, shelf, query):
    query = query.format(spool=shelf.spool_code, printer=shelf.printer_code)
    assert olga.get(f"/load?{query}").status == 404


def test_nothing_named_leads_to_the_scanner(olga, shelf):
    assert olga.get("/load").location == "/scan"


@pytest.mark.parametrize("form", [{}, {"spool_id": "x", "slot_id": "y"}])
def test_bad_forms(olga, shelf, form):
    assert olga.post("/load", form).status == 409


def test_another_shop_sees_nothing_of_it(charlie, olga, alice, shelf, slots):
    assert charlie.get(f"/load?spool={shelf.spool_code}&printer={shelf.printer_code}").status == 404
    spool_id = shelf.spool.rpartition("/")[2]
    assert charlie.post("/load", {"spool_id": spool_id, "slot_id": str(slots["A1"])}).status == 404
    assert lies_in(alice, shelf) == (None, "sealed")
