"""Which spools and printers get a label: one, several, all that are shown, what was just added."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool
from printfarm.floor.queries import MOST_LABELS
from tests.support.factories import make_printer


@pytest.fixture
def second(alice, shelf) -> str:
    """The code of a spool that was added two days ago."""
    with unit_of_work(alice.shop_id) as db:
        red = service.add_filament(db, brand="Sunlu", material="PLA", colour_name="Red", colour_hex="#CC0000")
        spool = service.add_spool(db, red.id, weight_mg=500_000)
        db.get_one(Spool, spool.id).created_at = utc_now() - timedelta(days=2)
        return spool.code


def printed(page) -> list[str]:
    return ["".join(span.text for span in code.select("span")) for code in page.all(".label-code")]


def offered(page) -> set[str]:
    return {box["value"] for box in page.all("input[name=code]")}


def test_one_label_from_its_own_page(bob, shelf):
    for url, code in ((shelf.spool, shelf.spool_code), (shelf.printer, shelf.printer_code)):
        link = next(link for link in bob.get(url).all("main a") if link.text.strip() == "Label")
        assert printed(bob.get(link["href"])) == [code]


def test_what_stands_on_a_label(alice, shelf):
    page = alice.get(f"/labels?code={shelf.spool_code}&code={shelf.printer_code}&paper=62")
    spool, printer = page.all(".label")
    for word in ("Galaxy Black", "PETG", "Prusament", "Opened"):
        assert word in spool.text
    assert shelf.printer_name in printer.text
    assert "Bambu Lab P1S" in printer.text
    assert "Opened" not in printer.text


def test_the_list_of_spools_leads_to_the_chooser_with_its_filter(bob, shelf, second):
    spools = bob.get("/filament/spools?material=PLA")
    link = next(link for link in spools.all("main a") if link.text.strip() == "Print labels")
    assert offered(bob.get(link["href"])) == {second}


def test_several_are_ticked_or_all_that_are_shown_are_taken(bob, shelf, second):
    page = bob.get("/labels")
    assert offered(page) == {shelf.spool_code, second}
    everything = next(link for link in page.all("main a") if link.text.strip() == "All 2")
    assert set(printed(bob.get(everything["href"]))) == {shelf.spool_code, second}
    assert printed(bob.get(f"/labels?what=spools&chosen=1&code={second}")) == [second]


def test_ticking_nothing_says_what_to_do(bob, shelf):
    page = bob.get("/labels?what=spools&chosen=1")
    assert "Tick what should get a label" in page.text
    assert offered(page) == {shelf.spool_code}


def test_what_was_just_added(bob, shelf, second):
    assert offered(bob.get("/labels?added=1")) == {shelf.spool_code}
    assert offered(bob.get("/labels?what=printers&added=1")) == {shelf.printer_code}


def test_printers_by_name(bob, alice, shelf):
    with unit_of_work(alice.shop_id) as db:
        other = make_printer(db, name="Zoe").code
    assert offered(bob.get("/labels?what=printers")) == {shelf.printer_code, other}
    assert offered(bob.get("/labels?what=printers&q=zoe")) == {other}
    assert "Nothing fits" in bob.get("/labels?what=printers&q=nobody").text


def test_a_code_that_is_gone_is_left_out_and_said(bob, shelf):
    page = bob.get(f"/labels?code={shelf.spool_code}&code=ZZZZZZ&code=nonsense")
    assert printed(page) == [shelf.spool_code]
    assert "One of the codes leads nowhere in this shop and is left out." in page.text
    assert "Nothing to print" in bob.get("/labels?code=ZZZZZZ").text


def test_another_shop_prints_no_label_of_it(charlie, shelf):
    page = charlie.get(f"/labels?code={shelf.spool_code}&code={shelf.printer_code}")
    assert printed(page) == []
    assert "Galaxy Black" not in page.text
    assert offered(charlie.get("/labels")) == set()


def test_the_paper_is_remembered(bob, shelf):
    assert bob.get(f"/labels?code={shelf.spool_code}&paper=40x30").one(".labels-40x30")
    assert bob.get(f"/labels?code={shelf.spool_code}").one(".labels-40x30")
    assert bob.get(f"/labels?code={shelf.spool_code}&paper=papyrus").one(".labels-62")


@pytest.mark.parametrize(("asked", "empty"), [("1", 0), ("5", 4), ("0", 0), ("-3", 0), ("999", 23), ("x", 0)])
def test_a_sheet_that_was_begun(bob, shelf, asked, empty):
    page = bob.get(f"/labels?code={shelf.spool_code}&paper=a4&start={asked}")
    assert len(page.all(".label-none")) == empty
    assert printed(page) == [shelf.spool_code]


def test_the_code_leads_where_the_owner_says_the_site_is(app, bob, shelf):
    """PRINTFARM_PUBLIC_URL, else the address by which this browser found us."""
    from printfarm.floor.labels import qr_svg

    for public, root in ((None, "http://localhost"), ("https://farm.example", "https://farm.example")):
        object.__setattr__(app.config["SETTINGS"], "public_url", public)
        page = bob.get(f"/labels?code={shelf.spool_code}&paper=62")
        drawn = str(page.one("svg.qr").find_all("path")[-1]["d"])
        assert drawn in str(qr_svg(f"{root}/c/{shelf.spool_code}"))


def test_before_printing_it_says_when_no_phone_can_open_the_address(app, bob, shelf):
    url = f"/labels?code={shelf.spool_code}&paper=62"
    for site in ("http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"):
        settings = app.config["SETTINGS"]
        object.__setattr__(settings, "public_url", site)
        assert f"They lead to {site}, which means this computer and no other." in bob.get(url).one(".notice").text
    for site in ("http://192.168.1.20:8080", "https://farm.example"):
        object.__setattr__(settings, "public_url", site)
        page = bob.get(url)
        assert f"The codes lead to {site}." in page.text
        assert not page.all(".notice")


def test_thirty_labels_cost_as_many_statements_as_one(ctx, bob, alice, shelf):
    with unit_of_work(alice.shop_id) as db:
        many = [service.add_spool(db, shelf.filament_id, weight_mg=1_000).code for _ in range(30)]
    asked = ["&".join(f"code={code}" for code in codes) for codes in (many[:1], many)]
    bob.get("/labels")  # so that connections are open
    counts = [statements(lambda query=query: bob.get(f"/labels?{query}")) for query in asked]
    assert counts[0] == counts[1]
    assert len(printed(bob.get(f"/labels?{asked[1]}"))) == 30 <= MOST_LABELS


def statements(act) -> int:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    act()
    event.remove(database.engine, "before_cursor_execute", note)
    return len(seen)
