"""A person says what a spool weighs: why grams came or went, what a scale shows, and that the ledger was wrong."""

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Brand, Filament, Spool, StockEntry
from printfarm.filament.service.stock import in_grams, write_unassigned
from printfarm.filament.service.winding import split_spool
from tests.filament.shelf import add_roll, book, held, lines


@pytest.fixture
def spool(ctx, alice):
    return add_roll(alice.shop_id)


@pytest.fixture
def nearly_empty(ctx, alice):
    return add_roll(alice.shop_id, 50_000)


def weigh(person, spool, **form):
    return person.post(f"/filament/spools/{spool.id}/weigh", form)


def tare_known(of, **where):
    """What an empty spool weighs by the brand, the filament, or the spool itself."""
    with unit_of_work(of.shop_id) as db:
        rows = {
            "brand": db.scalars(select(Brand).where(Brand.name == "Prusament")).one_or_none(),
            "filament": db.get_one(Filament, of.filament_id),
            "spool": db.get_one(Spool, of.id),
        }
        for name, mg in where.items():
            rows[name].tare_mg = mg


@pytest.mark.parametrize(
    ("what", "cause", "kept"),
    [
        ("subtract", "", "correction"),
        ("subtract", "purge", "purge"),
        ("subtract", "failed print", "failed print"),
        ("subtract", "discarded", "discarded"),
        ("add", "received", "received"),
        ("set", "purge", "purge"),
    ],
)
def test_why_grams_came_or_went_is_chosen(olga, spool, what, cause, kept):
    grams = "900" if what == "set" else "20"
    assert weigh(olga, spool, what=what, grams=grams, cause=cause).status == 303
    assert lines(spool)[-1][0] == kept


@pytest.mark.parametrize(("what", "cause"), [("add", "purge"), ("add", "discarded"), ("subtract", "received")])
def test_a_reason_that_cannot_be_is_refused(olga, spool, what, cause):
    answer = weigh(olga, spool, what=what, grams="20", cause=cause)
    assert answer.status == 409
    assert "cannot be booked as" in answer.text
    assert held(spool) == 1_000_000


def test_a_cause_that_nobody_offers_is_refused(olga, spool):
    assert weigh(olga, spool, what="subtract", grams="20", cause="print").status == 422
    assert held(spool) == 1_000_000


class TestOnTheScale:
    def test_the_spools_own_weight_goes_before_its_filaments_and_that_before_its_brands(self, olga, spool):
        for where, mg, left in (
            ("brand", 200_000, 500_000),
            ("filament", 210_000, 490_000),
            ("spool", 261_000, 439_000),
        ):
            tare_known(spool, **{where: mg})
            assert weigh(olga, spool, what="scale", grams="700").status == 303
            assert held(spool) == left
        assert lines(spool)[-1][0] == "weighed"
        assert "700 g on the scale, less 261 g for the empty spool" in olga.get(f"/filament/spools/{spool.id}").text

    def test_an_unknown_empty_spool_is_asked_for_on_the_same_form(self, olga, spool):
        asked = weigh(olga, spool, what="scale", grams="700")
        assert asked.status == 409
        assert "empty spool is not known" in asked.one("#tare-error").get_text()
        assert asked.one("input[name=grams]")["value"] == "700"
        assert weigh(olga, spool, what="scale", grams="700", tare="250").status == 303
        assert held(spool) == 450_000
        with read_only(spool.shop_id) as db:
            assert db.get_one(Spool, spool.id).tare_mg is None

    def test_it_is_kept_on_the_spool_when_the_person_says_so(self, olga, spool):
        weigh(olga, spool, what="scale", grams="700", tare="250", keep_tare="y")
        weigh(olga, spool, what="scale", grams="500")
        assert held(spool) == 250_000

    def test_a_scale_that_shows_less_than_the_empty_spool_says_so(self, olga, spool):
        tare_known(spool, spool=250_000)
        answer = weigh(olga, spool, what="scale", grams="240")
        assert answer.status == 409
        assert "less than the empty spool weighs (250 g)" in answer.one("#tare-error").get_text()
        assert held(spool) == 1_000_000

    def test_with_htmx_the_form_comes_back_in_its_place(self, olga, spool):
        answer = olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "scale", "grams": "7"}, htmx=True)
        assert answer.status == 422
        assert answer.soup.html is None
        assert answer.one("#tare-error")


class TestMoreThanTheLedgerKnows:
    def test_taking_it_is_refused_and_asked_about(self, olga, nearly_empty):
        refused = weigh(olga, nearly_empty, what="subtract", grams="80", reason="big test", cause="purge")
        assert refused.status == 409
        assert "holds 50 g by the ledger, 30 g less than that" in refused.text
        assert held(nearly_empty) == 50_000
        form = refused.one("form.weigh")
        assert form.select_one("input[name=grams]")["value"] == "80"
        assert form.select_one("button[name=agreed]")["value"] == "30000"

    def test_who_confirms_books_it_and_the_difference_is_shown_as_a_discrepancy(self, olga, bob, nearly_empty):
        form = weigh(olga, nearly_empty, what="subtract", grams="80", reason="big test", cause="purge").one(
            "form.weigh"
        )
        typed = {
            one["name"]: one.get("value", "")
            for one in form.select("input:not([type=radio], [type=checkbox], [type=hidden])")
        }
        typed |= {"what": form.select_one("input[name=what][checked]")["value"], "cause": "purge"}
        agreed = {"agreed": form.select_one("button[name=agreed]")["value"]}
        assert olga.post(form["action"], {**typed, **agreed}).status == 303
        assert held(nearly_empty) == 0
        assert lines(nearly_empty)[1:] == [("weighed", 30_000, True), ("purge", -80_000, False)]
        shown = bob.get(f"/filament/spools/{nearly_empty.id}")
        assert "1 discrepancy" in shown.text
        listed = bob.get("/filament/ledger?discrepancies=1")
        assert len(listed.all("li.ledger")) == 1
        assert "+30.0 g" in listed.text

    def test_agreeing_to_less_than_is_missing_by_now_is_asked_again(self, olga, nearly_empty):
        weigh(olga, nearly_empty, what="subtract", grams="40")  # somebody else was quicker
        again = weigh(olga, nearly_empty, what="subtract", grams="80", agreed="30000")
        assert again.status == 409
        assert again.one("button[name=agreed]")["value"] == "70000"
        assert held(nearly_empty) == 10_000

    @pytest.mark.parametrize("agreed", ["-5", "all", "9" * 30])
    def test_a_strange_agreement_is_none(self, olga, nearly_empty, agreed):
        answer = weigh(olga, nearly_empty, what="subtract", grams="50000", agreed=agreed)
        assert answer.status in {303, 409, 422}
        assert held(nearly_empty) in {50_000, 0}

    def test_undoing_what_has_been_used_since_is_asked_about(self, olga, nearly_empty):
        with unit_of_work(nearly_empty.shop_id) as db:
            added = service.add_weight(db, nearly_empty.id, 100_000)
            service.take_weight(db, nearly_empty.id, 120_000)
        asked = olga.post(f"/filament/entries/{added.id}/undo")
        assert asked.status == 409
        assert held(nearly_empty) == 30_000
        form = asked.one(".notice form")
        sent = {one["name"]: one["value"] for one in form.select("input") if one["name"] != "csrf_token"}
        assert olga.post(form["action"], sent).status == 303
        assert held(nearly_empty) == 0
        assert lines(nearly_empty)[-2:] == [("weighed", 70_000, True), ("undo", -100_000, False)]

    @pytest.mark.parametrize("htmx", [False, True])
    def test_a_spool_that_lacks_what_a_print_used_is_asked_about(self, olga, nearly_empty, htmx):
        with unit_of_work(nearly_empty.shop_id) as db:
            (entry,) = book(db, nearly_empty, 60_000, onto=False)
        url = f"/filament/entries/{entry.id}/resolve"
        asked = olga.post(url, {"spool_id": str(nearly_empty.id)}, htmx=htmx)
        assert asked.status == (422 if htmx else 409)
        form = asked.one(".notice form")
        sent = {one["name"]: one["value"] for one in form.select("input") if one["name"] != "csrf_token"}
        assert olga.post(form["action"], sent, htmx=htmx).status == (200 if htmx else 303)
        assert held(nearly_empty) == 0
        assert lines(nearly_empty)[1:] == [("weighed", 10_000, True), ("moved", -60_000, False)]

    def test_a_discrepancy_is_taken_back_like_any_line(self, olga, nearly_empty):
        with unit_of_work(nearly_empty.shop_id) as db:
            taken = service.take_weight(db, nearly_empty.id, 80_000, agreed_mg=30_000)
            service.undo_entry(db, taken.id)
        found = olga.get("/filament/ledger?discrepancies=1").one("li.ledger form[action$='/undo']")
        assert olga.post(found["action"]).status == 303
        assert held(nearly_empty) == 50_000
        assert "1 discrepancy" not in olga.get(f"/filament/spools/{nearly_empty.id}").text


class TestUndo:
    def test_an_undo_is_not_undone(self, olga, spool):
        with unit_of_work(spool.shop_id) as db:
            counter = service.undo_entry(db, service.take_weight(db, spool.id, 1_000).id)
        answer = olga.post(f"/filament/entries/{counter.id}/undo")
        assert answer.status == 409
        assert "An undo is not undone" in answer.text

    def test_what_a_spool_began_with_and_what_was_wound_over_stay(self, spool):
        with unit_of_work(spool.shop_id) as db:
            split_spool(db, spool.id, 5_000)
            began, wound = db.scalars(select(StockEntry).where(StockEntry.spool_id == spool.id).order_by(StockEntry.id))
        for line, why in ((wound, "moved"), (began, "began with")):
            with pytest.raises(DomainError, match=why), unit_of_work(spool.shop_id) as db:
                service.undo_entry(db, line.id)

    def test_what_was_received_onto_a_roll_by_mistake_is_taken_back(self, olga, spool):
        """Not so what the roll began with."""
        form = {"what": "add", "grams": "250", "cause": "received"}
        assert olga.post(f"/filament/spools/{spool.id}/weigh", form).status == 303
        buttons = olga.get(f"/filament/spools/{spool.id}").all("li.ledger form[action$='/undo']")
        assert len(buttons) == 1
        assert olga.post(buttons[0]["action"], {}).status == 303
        assert held(spool) == 1_000_000
        assert not olga.get(f"/filament/spools/{spool.id}").all("li.ledger form[action$='/undo']")

    def test_who_named_the_wrong_spool_takes_it_back_and_names_another(self, olga, spool):
        with unit_of_work(spool.shop_id) as db:
            (waits,) = book(db, spool, 5_000, onto=False, cause="failed print")
            right = service.add_spool(db, spool.filament_id, weight_mg=100_000)
            service.resolve_unassigned(db, waits.id, spool.id)
        undo = olga.get(f"/filament/spools/{spool.id}").one("form[action$='/undo']")
        assert olga.post(undo["action"]).status == 303
        assert held(spool) == 1_000_000
        again = olga.get("/filament/unassigned").one("form[action$='/resolve']")
        assert olga.post(again["action"], {"spool_id": str(right.id)}).status == 303
        assert (held(spool), held(right)) == (1_000_000, 95_000)
        assert "Every gram has its spool" in olga.get("/filament/unassigned").text

    def test_so_does_who_named_it_for_what_a_machine_reported(self, olga, spool):
        """Such grams are of no print of ours."""
        with unit_of_work(spool.shop_id) as db:
            filament = service.find_filament(db, spool.filament_id)
            write_unassigned(db, filament, -5_000, cause="print", reason="Reported by Voron: it had no more")
            right = service.add_spool(db, spool.filament_id, weight_mg=100_000)
        for wrong in (1, 2):  # it may be named wrongly more than once
            again = olga.get("/filament/unassigned").one("form[action$='/resolve']")
            olga.post(again["action"], {"spool_id": str(spool.id)})
            assert held(spool) == 995_000, wrong
            undo = olga.get(f"/filament/spools/{spool.id}").one("form[action$='/undo']")
            assert olga.post(undo["action"]).status == 303
            assert held(spool) == 1_000_000
        again = olga.get("/filament/unassigned").one("form[action$='/resolve']")
        assert olga.post(again["action"], {"spool_id": str(right.id)}).status == 303
        assert (held(spool), held(right)) == (1_000_000, 95_000)

    def test_first_and_last_use_follow_the_lines_that_stand(self, spool):
        def used():
            with read_only(spool.shop_id) as db:
                now = db.get_one(Spool, spool.id)
                return now.first_used_at, now.last_used_at

        with unit_of_work(spool.shop_id) as db:
            service.take_weight(db, spool.id, 1_000)
        assert used() == (None, None)  # a correction is no use
        taken = []
        for _ in range(3):
            with unit_of_work(spool.shop_id) as db:
                taken += book(db, spool, 1_000)
        times = [one.created_at for one in taken]
        assert used() == (times[0], times[2])
        for undone, left in ((2, (times[0], times[1])), (0, (times[1], times[1])), (1, (None, None))):
            with unit_of_work(spool.shop_id) as db:
                service.undo_entry(db, taken[undone].id)
            assert used() == left


@pytest.mark.parametrize("grams", ["-1", "NaN", "Infinity", "1000000000", "1e99", "fifty", "0,5", ""])
@pytest.mark.parametrize("what", ["set", "add", "subtract", "scale"])
def test_no_number_that_cannot_be_is_booked(olga, spool, what, grams):
    tare_known(spool, spool=1_000)
    answer = weigh(olga, spool, what=what, grams=grams)
    assert answer.status == 422
    assert answer.one(".field-error").get_text().strip()
    assert held(spool) == 1_000_000


@pytest.mark.parametrize("mg", [-1, 0, 10**12])
def test_nor_by_whoever_goes_round_the_form(spool, mg):
    for book_it in (service.add_weight, service.take_weight):
        with pytest.raises(DomainError), unit_of_work(spool.shop_id) as db:
            book_it(db, spool.id, mg, **({"agreed_mg": 10**15} if book_it is service.take_weight else {}))
    assert held(spool) == 1_000_000


def test_nothing_to_take_away_is_said_plainly(olga, spool):
    answer = weigh(olga, spool, what="subtract", grams="0")
    assert answer.status == 409
    assert "more than zero" in answer.text


def test_grams_are_said_whole():
    assert [in_grams(mg) for mg in (0, 1, 12_340, 250_000, 1_000_000)] == [
        "0 g",
        "0.001 g",
        "12.34 g",
        "250 g",
        "1000 g",
    ]
