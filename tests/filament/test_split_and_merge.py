"""Winding from roll to roll: two lines of the ledger, and the sum stays."""

from datetime import date
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.service.winding import merge_spools


@pytest.fixture
def black(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        return service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )


@pytest.fixture
def pair(black):
    """A whole roll and one with 200 g."""
    with unit_of_work(black.shop_id) as db:
        facts = service.SpoolFacts(batch="B7", location="Shelf 2")
        whole = service.add_spool(db, black.id, weight_mg=1_000_000, facts=facts)
        rest = service.add_spool(db, black.id, weight_mg=200_000, facts=service.SpoolFacts(initial_mg=1_000_000))
        return whole, rest


def now(spool) -> Spool:
    with read_only(spool.shop_id) as db:
        return db.get_one(Spool, spool.id)


def total(shop_id) -> int:
    with read_only(shop_id) as db:
        assert queries.drifted_spools(db) == []
        return int(db.scalar(select(func.sum(Spool.remaining_mg))))


def moved(shop_id) -> list[int]:
    with read_only(shop_id) as db:
        return sorted(db.scalars(select(StockEntry.delta_mg).where(StockEntry.cause == "moved")))


def test_a_part_goes_onto_a_bare_roll_with_the_same_facts(olga, pair):
    whole, _ = pair
    form = olga.get(f"/filament/spools/{whole.id}/split")
    token = form.one("input[name=token]")["value"]
    answer = olga.post(f"/filament/spools/{whole.id}/split", {"token": token, "grams": "250.5", "onto": "new"})
    assert answer.status == 303
    with read_only(whole.shop_id) as db:
        made = db.scalars(select(Spool).order_by(Spool.created_at.desc())).first()
    assert str(made.id) in answer.location
    assert (made.remaining_mg, made.initial_mg, made.batch, made.state) == (250_500, 250_500, "B7", "open")
    assert (now(whole).remaining_mg, now(whole).state) == (749_500, "open")
    assert made.code != whole.code
    assert moved(whole.shop_id) == [-250_500, 250_500]
    assert total(whole.shop_id) == 1_200_000
    again = olga.post(f"/filament/spools/{whole.id}/split", {"token": token, "grams": "250.5", "onto": "new"})
    assert again.location == answer.location
    assert moved(whole.shop_id) == [-250_500, 250_500]


def test_a_part_goes_onto_another_roll(olga, pair):
    whole, rest = pair
    answer = olga.post(f"/filament/spools/{whole.id}/split", {"grams": "100", "onto": str(rest.id)})
    assert answer.status == 303
    assert (now(whole).remaining_mg, now(rest).remaining_mg) == (900_000, 300_000)
    assert "Wound over from" in olga.get(answer.location).text


def test_merging_empties_the_other_roll(olga, pair):
    whole, rest = pair
    answer = olga.post(f"/filament/spools/{whole.id}/merge", {"other": str(rest.id)})
    assert answer.status == 303
    assert (now(whole).remaining_mg, now(rest).remaining_mg, now(rest).state) == (1_200_000, 0, "empty")
    assert total(whole.shop_id) == 1_200_000
    again = olga.post(f"/filament/spools/{whole.id}/merge", {"other": str(rest.id)})
    assert again.status == 422  # it is not offered any more
    assert moved(whole.shop_id) == [-200_000, 200_000]


@pytest.mark.parametrize(
    ("ours", "theirs", "held", "mixed"),
    [
        ("0.02", "0.06", 600_000, "0.03"),
        (None, "0.06", 600_000, "0.03"),  # as its filament
        ("0.02", None, 600_000, None),
        ("0.05", "0.06", 0, "0.06"),  # what was on it before is no more
    ],
)
def test_what_is_wound_together_is_worth_what_both_were(pair, black, ours, theirs, held, mixed):
    roll, other = pair
    with unit_of_work(roll.shop_id) as db:
        db.get_one(Filament, black.id).cost_per_gram = Decimal("0.02")
        for spool, cost in ((roll, ours), (other, theirs)):
            db.get_one(Spool, spool.id).cost_per_gram = Decimal(cost) if cost else None
        service.set_weight(db, roll.id, held)
        before = sum(queries.value_of(db.get_one(Spool, one.id)) for one in pair)
        merge_spools(db, roll.id, other.id)
    cost = now(roll).cost_per_gram
    assert (cost or Decimal("0.02")) == Decimal(mixed or "0.02")
    with read_only(roll.shop_id) as db:
        assert sum(queries.value_of(db.get_one(Spool, one.id)) for one in pair) == before


@pytest.mark.parametrize(
    ("held", "ours", "theirs", "mixed"),
    [
        # opened, dried, expires: of the roll that takes, of the one that gives, of what becomes of both
        (
            500_000,
            ("2026-06-01", None, "2027-12-01"),
            ("2026-01-01", "2026-03-01", "2027-06-01"),
            ("2026-01-01", "2026-03-01", "2027-06-01"),
        ),
        (
            500_000,
            ("2026-01-01", None, "2027-06-01"),
            ("2026-02-01", "2026-09-01", None),
            ("2026-01-01", None, "2027-06-01"),
        ),
        (500_000, ("2026-06-01", None, None), (None, None, None), ("2026-06-01", None, None)),
        (
            0,
            ("2026-01-01", None, "2026-06-01"),
            ("2026-02-01", "2026-09-01", "2027-06-01"),
            ("2026-02-01", "2026-09-01", "2027-06-01"),
        ),
    ],
)
def test_what_is_wound_together_is_as_damp_as_the_damper_and_as_old_as_the_older(black, held, ours, theirs, mixed):
    def made(db, dates, mg):
        opened, dried, expires = (date.fromisoformat(one) if one else None for one in dates)
        facts = service.SpoolFacts(initial_mg=1_000_000, opened_on=opened, dried_on=dried, expires_on=expires)
        return service.add_spool(db, black.id, weight_mg=mg, facts=facts)

    with unit_of_work(black.shop_id) as db:
        onto, other = made(db, ours, 500_000), made(db, theirs, 200_000)
        if theirs[0] is None:
            db.get_one(Spool, other.id).opened_on = None
        service.set_weight(db, onto.id, held)
        merge_spools(db, onto.id, other.id)
    found = now(onto)
    assert tuple(str(one) if one else None for one in (found.opened_on, found.dried_on, found.expires_on)) == mixed


def test_a_roll_out_of_its_bag_onto_which_a_damp_one_is_wound_is_damp(black):
    with unit_of_work(black.shop_id) as db:
        onto = service.add_spool(db, black.id, weight_mg=500_000)
        damp = service.SpoolFacts(initial_mg=1_000_000, opened_on=date(2026, 1, 1))
        other = service.add_spool(db, black.id, weight_mg=200_000, facts=damp)
        merge_spools(db, onto.id, other.id)
    assert (now(onto).state, now(onto).opened_on) == ("open", date(2026, 1, 1))


def test_a_roll_is_alone_and_the_page_says_so(olga, black):
    with unit_of_work(black.shop_id) as db:
        only = service.add_spool(db, black.id, weight_mg=1_000_000)
    assert "No other roll" in olga.get(f"/filament/spools/{only.id}/merge").text


@pytest.mark.parametrize(
    ("grams", "status"), [("0", 409), ("-1", 422), ("NaN", 422), ("1000000000", 422), ("1000.001", 409), ("", 422)]
)
def test_what_cannot_be_wound_is_refused(olga, pair, grams, status):
    whole, _ = pair
    answer = olga.post(f"/filament/spools/{whole.id}/split", {"grams": grams, "onto": "new"})
    assert answer.status == status
    assert moved(whole.shop_id) == []


def test_what_is_refused_stands_beside_what_was_typed(olga, pair):
    """Without scripts the form comes again; htmx leaves it where it is, and a toast says why."""
    whole, rest = pair
    split, merge = (f"/filament/spools/{whole.id}/{deed}" for deed in ("split", "merge"))
    typed = {"grams": "1000.001", "onto": str(rest.id)}
    again = olga.post(split, typed)
    assert "There is not that much on the roll" in again.one("form [name=grams]").find_parent(class_="field").get_text()
    assert again.one("[name=grams]")["value"] == "1000.001"
    assert again.one("[name=onto] [selected]")["value"] == str(rest.id)
    said = olga.post(split, typed, htmx=True)
    assert (said.status, said.soup.select("form")) == (409, [])
    with unit_of_work(whole.shop_id) as db:
        service.set_weight(db, rest.id, 49_500_000)
    heavy = olga.post(merge, {"other": str(rest.id)})
    assert heavy.status == 409
    assert "cannot be right" in heavy.one("[name=other]").find_parent(class_="field").get_text()
    assert olga.post(merge, {"other": str(rest.id)}, htmx=True).status == 409


def test_only_the_same_filament_is_wound_together(olga, pair):
    whole, _ = pair
    with unit_of_work(whole.shop_id) as db:
        red = service.add_filament(db, brand="P", material="PLA", colour_name="Red", colour_hex="#FF0000")
        other = service.add_spool(db, red.id, weight_mg=500_000)
    assert olga.post(f"/filament/spools/{whole.id}/split", {"grams": "1", "onto": str(other.id)}).status == 422
    assert olga.post(f"/filament/spools/{whole.id}/merge", {"other": str(other.id)}).status == 422
    for act in (
        lambda db: service.split_spool(db, whole.id, 1, onto_id=other.id),
        lambda db: service.merge_spools(db, whole.id, other.id),
    ):
        with pytest.raises(DomainError, match="different filaments"), unit_of_work(whole.shop_id) as db:
            act(db)
    with pytest.raises(DomainError, match="same roll"), unit_of_work(whole.shop_id) as db:
        service.merge_spools(db, whole.id, whole.id)


def test_nothing_is_wound_onto_what_is_away_or_not_here_yet(pair, black):
    whole, rest = pair
    with unit_of_work(black.shop_id) as db:
        service.discard_spool(db, rest.id)
        ordered = service.order_spool(db, black.id, facts=service.SpoolFacts())
    with pytest.raises(DomainError, match="archived"), unit_of_work(black.shop_id) as db:
        service.split_spool(db, whole.id, 1_000, onto_id=rest.id)
    with pytest.raises(DomainError, match="not come yet"), unit_of_work(black.shop_id) as db:
        service.split_spool(db, whole.id, 1_000, onto_id=ordered.id)
    assert moved(black.shop_id) == []


def test_a_roll_too_heavy_to_be_one_is_not_made(pair, black):
    whole, _ = pair
    with unit_of_work(black.shop_id) as db:
        huge = service.add_spool(db, black.id, weight_mg=50_000_000)
    with pytest.raises(DomainError, match="cannot be right"), unit_of_work(black.shop_id) as db:
        service.merge_spools(db, huge.id, whole.id)


def test_a_viewer_and_another_shop_wind_nothing(bob, charlie, pair):
    whole, rest = pair
    for person, status in ((bob, 403), (charlie, 404)):
        assert person.post(f"/filament/spools/{whole.id}/split", {"grams": "1", "onto": "new"}).status == status
        assert person.post(f"/filament/spools/{whole.id}/merge", {"other": str(rest.id)}).status == status
    assert moved(whole.shop_id) == []


def test_two_people_who_wind_to_and_fro_wait_for_nobody_and_lose_nothing(app, pair):
    whole, rest = pair
    barrier, wrong = Barrier(2), []

    def wind(one, other) -> None:
        with app.app_context():
            barrier.wait()
            for _ in range(15):
                try:
                    with unit_of_work(one.shop_id) as db:
                        service.split_spool(db, one.id, 1_000, onto_id=other.id)
                except DomainError as problem:
                    wrong.append(problem.sentence)

    people = [Thread(target=wind, args=pair), Thread(target=wind, args=pair[::-1])]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert wrong == []
    assert (now(whole).remaining_mg, now(rest).remaining_mg) == (1_000_000, 200_000)
    assert len(moved(whole.shop_id)) == 60


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["split", "onto", "merge"]), st.integers(0, 3), st.integers(1, 1_300_000)), max_size=8
    )
)
def test_however_they_are_wound_the_sum_stays(pair, black, steps):
    before = total(black.shop_id)
    for what, which, mg in steps:
        with read_only(black.shop_id) as db:
            ids = list(db.scalars(select(Spool.id).order_by(Spool.created_at, Spool.id)))
        one, other = ids[which % len(ids)], ids[(which + 1) % len(ids)]
        try:
            with unit_of_work(black.shop_id) as db:
                if what == "merge":
                    service.merge_spools(db, one, other)
                else:
                    service.split_spool(db, one, mg, onto_id=other if what == "onto" else None)
        except DomainError:
            continue
    assert total(black.shop_id) == before
