"""One search box for everything in the shop: words in any order, short codes, and only what is one's own."""

from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event

from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer
from printfarm.insight.search import SHOWN
from printfarm.library.models import Model
from printfarm.queue.models import PrintRun
from printfarm.queue.service import add_jobs
from tests.support.factories import make_plate, make_world


@pytest.fixture
def things(ctx, alice) -> SimpleNamespace:
    """A spool of black PLA on shelf 3 that lies in A1 of Anna, a model "Chess pawns" with a variant, and a job of it."""
    with unit_of_work(alice.shop_id) as db:
        world = make_world(db, alice.shop_id)
        spool, printer = db.get_one(Spool, world.spool_id), db.get_one(Printer, world.printer_id)
        spool.location, spool.code, printer.code, printer.name = "Shelf 3", "K7DCAN", "P4NNAX", "Anna"
        printer.location = "Back room"
        plate = make_plate(db, needs={1: (world.filament_id, 20_000)}, name="Chess pawns")
        (job,) = add_jobs(db, plate.id, quantity=1, note="for Mia", user_id=None)
        return SimpleNamespace(
            spool=spool.id, printer=printer.id, job=job.id, plate=plate.id, filament=world.filament_id
        )


def found(page) -> dict[str, list[str]]:
    """The names under each heading of the results."""
    return {
        card.h2.get_text(): [name.get_text(strip=True) for name in card.select(".row-name")]
        for card in page.all("#results .card")
    }


def search(who, text: str, **kwargs):
    return who.get("/search", query_string={"q": text}, **kwargs)


@pytest.mark.parametrize("text", ["black", "PRUSAMENT pla", "pla black prus", "shelf 3", "k7d", "anna black"])
def test_a_spool_is_found_by_what_it_is_and_where_it_lies(alice, things, text):
    page = search(alice, text)
    assert page.status == 200
    (name,) = found(page)["Spools"]
    assert name.startswith("Black")
    row = next(
        row for row in page.all("#results .row") if row.select_one("a.cover")["href"].endswith(str(things.spool))
    )
    assert "K7DCAN" in row.get_text()
    assert "A1 of Anna" in row.get_text()
    assert row.select_one(".row-figure").get_text(" ", strip=True).startswith("1.00 kg")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("prusament", "Filaments", "Black"),
        ("chess", "Models", "Chess pawns"),
        ("0.2 chess", "Variants", "0.2 mm"),
        ("chess", "Jobs", "Chess pawns"),
        ("mia", "Jobs", "Chess pawns"),
        ("ANNA", "Printers", "Anna"),
        ("back room", "Printers", "Anna"),
    ],
)
def test_each_kind_is_found_and_leads_to_its_page(alice, things, text, kind, name):
    page = search(alice, text)
    assert any(one.startswith(name) for one in found(page)[kind])
    for link in page.all("#results a.cover"):
        assert alice.get(link["href"]).status == 200


def test_the_code_that_a_printer_shows_finds_the_job(alice, things):
    with unit_of_work(alice.shop_id) as db:
        db.add(
            PrintRun(
                job_id=things.job, printer_id=things.printer, plate_id=things.plate, code="R3NC0DE7", state="failed"
            )
        )
    assert list(found(search(alice, "r3nc0de7"))) == ["Jobs"]
    assert found(search(alice, "r3nc0")) == {}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("K7DCAN", "spool"),
        (" k7dcan ", "spool"),
        ("K7D CAN", "spool"),  # as it stands on the label
        ("k7d-can", "spool"),
        ("p4nnax", "printer"),
        ("P4N NAX", "printer"),
    ],
)
def test_a_whole_code_leads_straight_to_its_record(alice, things, text, where):
    page = search(alice, text)
    assert page.status == 303
    assert page.location.endswith(str(getattr(things, where)))


def test_while_typing_nobody_is_led_away(alice, things):
    page = search(alice, "K7DCAN", htmx=True)
    assert page.status == 200
    assert list(found(page)) == ["Spools"]


def test_the_code_of_an_archived_spool_still_leads_to_it_but_no_list_shows_it(alice, things):
    with unit_of_work(alice.shop_id) as db:
        db.get_one(Spool, things.spool).archived_at = utc_now()
    assert "Spools" not in found(search(alice, "black"))
    assert search(alice, "K7DCAN").status == 303


def test_as_one_types_only_the_results_come_and_the_address_follows(alice, things):
    page = search(alice, "chess")
    field = page.one("main input[type=search]")
    assert (field["hx-get"], field["hx-replace-url"], field["hx-target"]) == ("/search", "true", "#results")
    assert "delay:200ms" in field["hx-trigger"]
    part = search(alice, "chess", htmx=True)
    assert part.soup.html is None
    assert found(part) == found(page)
    assert part.soup.title.get_text() == page.soup.title.get_text() == "“chess” · Search · Alice's Prints"
    assert part.headers["Vary"].count("HX-Request")


def test_without_scripts_it_is_a_form_with_a_button(alice, things):
    page = search(alice, "chess")
    form = page.one("main form[role=search]")
    assert form["action"] == "/search"
    assert form.select_one("input[name=q]")["value"] == "chess"
    assert form.select_one(".without-js button")


def test_an_empty_search_says_what_can_be_found(alice, things):
    for text in ("", "   ", "\x00"):
        page = search(alice, text)
        assert page.status == 200
        assert page.one("#results h2").get_text() == "What are you looking for?"


def test_no_result_says_what_to_do(alice, things):
    page = search(alice, "unobtainium <b>")
    assert page.one("#results h2").get_text() == "Nothing here speaks of “unobtainium <b>”"
    assert {link["href"] for link in page.all("#results a")} == {"/filament/spools", "/library/", "/queue/history"}


@pytest.mark.parametrize("sign", ["%", "_", "/", "\\", "'"])
def test_what_a_database_takes_for_a_wildcard_is_a_sign_like_others(alice, things, sign):
    assert found(search(alice, sign)) == {}
    with unit_of_work(alice.shop_id) as db:
        db.add(Model(name=f"Cube 50{sign}x"))
    assert found(search(alice, f"50{sign}x")) == {"Models": [f"Cube 50{sign}x"]}


def many(db, make: Callable[[int], object]) -> None:
    db.add_all([make(number) for number in range(SHOWN + 4)])


def test_each_kind_shows_a_few_and_the_way_to_all(alice, things):
    with unit_of_work(alice.shop_id) as db:
        many(db, lambda number: Model(name=f"Gear {number}"))
        many(db, lambda number: Model(name=f"Rack {number}", description="goes with a gear"))
    page = search(alice, "gear")
    assert len(found(page)["Models"]) == SHOWN
    assert page.one("#results [role=status]").get_text(strip=True) == f"{2 * (SHOWN + 4)} results."
    link = page.one("#results .card-head a")
    assert link.get_text(strip=True) == f"All {2 * (SHOWN + 4)}"
    all_of_them = alice.get(link["href"])
    assert len(found(all_of_them)["Models"]) == 2 * (SHOWN + 4)


def test_all_of_one_kind_is_leafed_through_and_keeps_its_words(alice, things):
    with unit_of_work(alice.shop_id) as db:
        db.add_all([Model(name=f"Gear {number:03}") for number in range(60)])
    first = alice.get("/search?q=gear&kind=model")
    second = alice.get(first.one("#results .pagination a[rel=next]")["href"])
    third = alice.get(second.one("#results .pagination a[rel=next]")["href"])
    names = [name for page in (first, second, third) for name in found(page)["Models"]]
    assert len(names) == len(set(names)) == 60
    assert not third.all("#results .pagination a[rel=next]")
    assert alice.get("/search?q=gear&kind=model&page=99").status == 200
    assert alice.get("/search?q=gear&kind=nonsense&page=x").status == 200


def test_it_takes_as_many_statements_for_many_as_for_few(alice, things):
    with unit_of_work(alice.shop_id) as db:
        plate = make_plate(db, needs={1: (things.filament, 20_000)}, name="Anna's black")
        add_jobs(db, plate.id, quantity=1, note="", user_id=None)
    search(alice, "black")
    few = statements(alice)
    with unit_of_work(alice.shop_id) as db:
        many(db, lambda number: Model(name=f"Black model {number}"))
        for number in range(SHOWN):
            plate = make_plate(db, needs={1: (things.filament, 20_000)}, name=f"Black {number}")
            add_jobs(db, plate.id, quantity=2, note="", user_id=None)
            filament.add_spool(db, things.filament, weight_mg=500_000)
    assert statements(alice) == few


def statements(who) -> int:
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    with who.app.app_context():
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            assert search(who, "black", htmx=True).status == 200
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    return sum(statement.lstrip().upper().startswith("SELECT") for statement in asked)


def test_every_role_may_search(bob, olga, things):
    for person in (bob, olga):
        assert "Spools" in found(search(person, "black"))


def test_a_stranger_signs_in_first_and_then_sees_it(stranger, things):
    page = search(stranger, "black")
    assert page.status == 303
    assert parse_qs(urlsplit(page.location).query)["next"] == ["/search?q=black"]


def test_another_shop_finds_nothing_of_it(charlie, things):
    for text in ("black", "chess", "anna", "mia", "prusament", "K7DCAN", "P4NNAX"):
        page = search(charlie, text)
        assert page.status == 200
        assert found(page) == {}


def test_the_box_of_every_page_shows_the_best_of_each_kind(alice, things):
    answer = alice.get("/search/peek", query_string={"q": "anna"}, htmx=True)
    assert "HX-Replace-Url" not in answer.headers
    assert answer.one(f'a[href="/fleet/printers/{things.printer}"]')
    assert answer.one('a[href="/search?q=anna"]').get_text(strip=True) == "All results"
    assert not answer.all("html")
    assert alice.get("/search/peek", query_string={"q": "anna"}).location.endswith("/search?q=anna")  # opened by hand


def test_the_box_says_when_nothing_is_found_and_is_empty_when_nothing_is_asked(alice, things):
    answer = alice.get("/search/peek", query_string={"q": "<b>zebra</b>"}, htmx=True)
    assert "Nothing here speaks of" in answer.text
    assert not answer.all("b")
    assert not alice.get("/search/peek", query_string={"q": " "}, htmx=True).text.strip()
