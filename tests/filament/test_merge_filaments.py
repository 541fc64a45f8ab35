"""Two filaments that are one: everything of the first becomes the second's, and not a gram changes."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Promise, Spool, StockEntry
from printfarm.filament.models_shopping import ShoppingWish
from printfarm.filament.service import merging
from printfarm.filament.service.merging import merge_filaments, what_moves
from printfarm.filament.spoolman.changing import filament_of
from printfarm.library.demand import demand_came, drifted_demand
from printfarm.library.models import FilamentRequirement, Model, Variant
from printfarm.queue.service import add_jobs
from tests.filament.shelf import book, total_of
from tests.support.factories import make_plate


@pytest.fixture
def pair(ctx, alice) -> tuple[Filament, Filament]:
    """The same filament twice, each with a roll, a variant and a waiting job; of the first, grams wait for their roll."""
    with unit_of_work(alice.shop_id) as db:
        made = []
        for name, cost in (("Galaxy Black", Decimal("0.03")), ("Black", None)):
            facts = {"brand": "Prusament", "material": "PLA", "colour_hex": "#111111", "cost_per_gram": cost}
            one = service.add_filament(db, colour_name=name, note=f"note of {name}", **facts)
            spool = service.add_spool(db, one.id, weight_mg=800_000)
            plate = make_plate(db, needs={1: (one.id, 20_000)})
            variant = db.get_one(Variant, plate.variant_id)
            demand_came(db, variant, db.get_one(Model, variant.model_id))
            add_jobs(db, plate.id)
            service.wish_for(db, one.id, 2)
            book(db, spool, 5_000, onto=False) if not made else None
            made.append(one)
        return made[0], made[1]


def test_everything_moves_and_no_gram_changes(alice, pair):
    first, second = pair
    with read_only(alice.shop_id) as db:
        before, moving = total_of(db), what_moves(db, first.id)
    assert (moving.spools, moving.remaining_mg, moving.unassigned_mg) == (1, 800_000, 5_000)
    assert (moving.variants, moving.promised_mg) == (1, 20_000)
    with unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
    with read_only(alice.shop_id) as db:
        assert total_of(db) == before
        assert queries.find_drift(db) == []
        assert drifted_demand(db) == {}
        gone, stays = db.get_one(Filament, first.id), db.get_one(Filament, second.id)
        assert gone.archived_at is not None
        assert (gone.unassigned_mg, stays.unassigned_mg, gone.demand_count, stays.demand_count) == (0, 5_000, 0, 2)
        assert {one.filament_id for one in db.scalars(select(Spool))} == {second.id}
        assert {one.filament_id for one in db.scalars(select(FilamentRequirement))} == {second.id}
        assert (
            sum(one.needed_mg for one in db.scalars(select(Promise).where(Promise.filament_id == second.id))) == 40_000
        )
        assert [(one.filament_id, one.rolls) for one in db.scalars(select(ShoppingWish))] == [(second.id, 4)]
        assert filament_of(db, gone.number).id == second.id
        assert stays.cost_per_gram == Decimal("0.03")  # it said nothing itself
        assert stays.note == "note of Black"


def test_the_grams_that_waited_can_be_given_to_a_roll_afterwards(alice, pair):
    first, second = pair
    with unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
    with unit_of_work(alice.shop_id) as db:
        (waiting,) = queries.unassigned_entries(db).items
        rolls = queries.choices_for(db, [waiting])["rolls"][waiting.filament_id]
        assert len(rolls) == 2
        service.resolve_unassigned(db, waiting.id, rolls[0].id)
    with read_only(alice.shop_id) as db:
        assert queries.find_drift(db) == []
        assert queries.count_unassigned(db) == 0


def test_grams_that_were_given_to_the_wrong_roll_before_wait_again_with_the_filament_that_stays(alice, pair):
    first, second = pair
    with unit_of_work(alice.shop_id) as db:
        (waiting,) = queries.unassigned_entries(db).items
        roll = db.scalars(select(Spool).where(Spool.filament_id == first.id)).one()
        moved = service.resolve_unassigned(db, waiting.id, roll.id)
        merge_filaments(db, first.id, second.id)
    with unit_of_work(alice.shop_id) as db:
        service.undo_entry(db, moved.id)
    with read_only(alice.shop_id) as db:
        (waiting,) = queries.unassigned_entries(db).items
        assert waiting.filament_id == second.id
        assert (db.get_one(Filament, first.id).unassigned_mg, db.get_one(Filament, second.id).unassigned_mg) == (
            0,
            5_000,
        )
        assert len(queries.choices_for(db, [waiting])["rolls"][second.id]) == 2
        assert queries.find_drift(db) == []


def test_rolls_keep_the_price_and_the_empty_weight_that_their_filament_had(alice, pair):
    first, second = pair
    with unit_of_work(alice.shop_id) as db:
        db.get_one(Filament, second.id).cost_per_gram = Decimal("0.05")
        db.get_one(Filament, first.id).tare_mg = 200_000
        merge_filaments(db, first.id, second.id)
    with read_only(alice.shop_id) as db:
        told = {(one.cost_per_gram, one.tare_mg) for one in db.scalars(select(Spool))}
        assert told == {(Decimal("0.03"), 200_000), (None, None)}


def test_the_page_says_what_moves_and_does_it(olga, bob, pair):
    first, second = pair
    way = f"/filament/filaments/{first.id}/merge"
    assert olga.get(f"/filament/filaments/{first.id}").one(f"a[href='{way}']")
    chosen = olga.get(way).one(f"#into-{second.id} a.button")["href"]
    shown = olga.get(chosen).text
    assert "1 with 800 g" in shown
    assert "cannot be undone" in shown
    assert bob.post(way, {"into": str(second.id)}).status == 403
    answer = olga.post(way, {"into": str(second.id)})
    assert (answer.status, answer.location) == (303, f"/filament/filaments/{second.id}")
    assert olga.get(way).status == 200


@pytest.mark.parametrize("into", ["", "nonsense", "same", "nobody"])
def test_nonsense_is_refused(olga, pair, into):
    first, _ = pair
    target = {"same": str(first.id), "nobody": "00000000-0000-7000-8000-000000000000"}.get(into, into)
    assert olga.post(f"/filament/filaments/{first.id}/merge", {"into": target}).status in (404, 409, 422)
    with read_only(olga.shop_id) as db:
        assert db.get_one(Filament, first.id).archived_at is None


def test_what_is_archived_merged_or_of_another_diameter_is_refused(alice, pair):
    first, second = pair
    for facts in ({"diameter_mm": Decimal("2.85")}, {"archived_at": first.created_at}):
        with pytest.raises(DomainError), unit_of_work(alice.shop_id) as db:
            for name, value in facts.items():
                setattr(db.get_one(Filament, second.id), name, value)
            merge_filaments(db, first.id, second.id)
    with unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
        lines = len(db.scalars(select(StockEntry)).all())
    with pytest.raises(DomainError, match="already"), unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
    with read_only(alice.shop_id) as db:
        assert len(db.scalars(select(StockEntry)).all()) == lines


def test_a_roll_that_comes_while_two_are_merged_is_not_left_behind(alice, pair, monkeypatch):
    """Rolls are locked before filaments, so one may come in between."""
    first, second = pair
    lock, came = merging.lock_filament, []

    def lock_late(db, filament_id):
        if not came:
            came.append(service.add_spool(db, first.id, weight_mg=1_000))
        return lock(db, filament_id)

    monkeypatch.setattr(merging, "lock_filament", lock_late)
    with pytest.raises(DomainError, match="at this very moment"), unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
    with unit_of_work(alice.shop_id) as db:
        merge_filaments(db, first.id, second.id)
        assert {one.filament_id for one in db.scalars(select(Spool))} == {second.id}
