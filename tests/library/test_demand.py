"""How many variants want a filament: kept with every change, and always what a fresh count says."""

import random
import threading

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament
from printfarm.filament.service import add_filament
from printfarm.library.deciding import decide_filaments
from printfarm.library.demand import check_demand, demand_came, drifted_demand
from printfarm.library.models import Model, Plate, Variant
from printfarm.library.service import archive_model, restore_model
from tests.support.factories import make_plate


def filaments(db, how_many: int) -> list[Filament]:
    names = [f"Colour {number}" for number in range(how_many)]
    return [add_filament(db, brand="Acme", material="PLA", colour_name=name, colour_hex="#00FF00") for name in names]


def add(db, needs: dict[int, object]) -> Plate:
    """A variant with one plate, as the intake ends."""
    plate = make_plate(db, needs={slot: (filament_id, 1000) for slot, filament_id in needs.items()})
    variant = db.get_one(Variant, plate.variant_id)
    demand_came(db, variant, db.get_one(Model, variant.model_id))
    return plate


def demand(shop_id, filament_id) -> int:
    with read_only(shop_id) as db:
        return db.get_one(Filament, filament_id).demand_count


@pytest.mark.parametrize("seed", range(4))
def test_after_anything_at_random_it_is_what_a_fresh_count_says(alice, ctx, seed: int) -> None:
    dice = random.Random(seed)
    with unit_of_work(alice.shop_id) as db:
        colours = [one.id for one in filaments(db, 4)]
        variants = [add(db, {1: dice.choice([*colours, None]), 2: dice.choice(colours)}).variant_id for _ in range(4)]
        models = [db.get_one(Variant, one).model_id for one in variants]
    for _ in range(25):
        with unit_of_work(alice.shop_id) as db:
            what = dice.choice(("add", "archive", "restore", "decide", "decide"))
            if what == "add":
                plate = add(db, {slot: dice.choice([*colours, None]) for slot in (1, 2, 3)})
                variants.append(plate.variant_id)
                models.append(db.get_one(Variant, plate.variant_id).model_id)
            elif what == "archive":
                archive_model(db, dice.choice(models))
            elif what == "restore":
                restore_model(db, dice.choice(models))
            else:
                chosen = {slot: dice.choice([*colours, None]) for slot in dice.sample((1, 2, 3), 2)}
                decide_filaments(db, dice.choice(variants), chosen)
        with read_only(alice.shop_id) as db:
            assert drifted_demand(db) == {}


def test_one_variant_counts_once_however_many_slots_of_it_want_the_same(alice, ctx) -> None:
    with unit_of_work(alice.shop_id) as db:
        (green,) = filaments(db, 1)
        plate = add(db, {1: green.id, 2: green.id})
    assert demand(alice.shop_id, green.id) == 1
    with unit_of_work(alice.shop_id) as db:
        decide_filaments(db, plate.variant_id, {1: None})
    assert demand(alice.shop_id, green.id) == 1
    with unit_of_work(alice.shop_id) as db:
        decide_filaments(db, plate.variant_id, {2: None})
    assert demand(alice.shop_id, green.id) == 0


def test_an_archived_model_wants_nothing(alice, ctx) -> None:
    with unit_of_work(alice.shop_id) as db:
        (green,) = filaments(db, 1)
        plate = add(db, {1: green.id})
        model_id = db.get_one(Variant, plate.variant_id).model_id
    for change, left in ((archive_model, 0), (archive_model, 0), (restore_model, 1), (restore_model, 1)):
        with unit_of_work(alice.shop_id) as db:
            change(db, model_id)
        assert demand(alice.shop_id, green.id) == left


def test_many_at_once_lose_none(alice, app) -> None:
    with app.app_context(), unit_of_work(alice.shop_id) as db:
        (green,) = filaments(db, 1)
        made = [add(db, {1: None}) for _ in range(8)]

    def decide(plate: Plate) -> None:
        with app.app_context(), unit_of_work(alice.shop_id) as db:
            decide_filaments(db, plate.variant_id, {1: green.id})

    threads = [threading.Thread(target=decide, args=(plate,)) for plate in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert demand(alice.shop_id, green.id) == 8


def test_every_night_a_figure_that_drifted_is_put_right(ctx, alice, caplog):
    with unit_of_work(alice.shop_id) as db:
        (made,) = filaments(db, 1)
        made.demand_count = 7
    assert check_demand(alice.shop_id) == 1
    assert check_demand(alice.shop_id) == 0
    assert "wanted by 7 variants by its figure, by 0" in caplog.text
    with read_only(alice.shop_id) as db:
        assert db.get_one(Filament, made.id).demand_count == 0
