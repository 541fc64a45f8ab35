"""Numbers are given once, also when two count at the same moment or a row is gone again."""

import threading

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool


def test_two_who_add_at_once_get_different_numbers(app, shop, roll):
    made, problems = [], []

    def add():
        try:
            with app.app_context(), unit_of_work(shop.id) as db:
                made.append(service.add_spool(db, roll.filament_id, weight_mg=1000).number)
        except Exception as problem:  # noqa: BLE001  # whatever it is, the test tells it
            problems.append(problem)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert problems == []
    assert sorted(made) == list(range(roll.number + 1, roll.number + 9))


def test_each_shop_counts_its_own(app, shop, charlie, roll):
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        red = service.add_filament(db, brand="B", material="PLA", colour_name="Red", colour_hex="#FF0000")
        assert service.add_spool(db, red.id, weight_mg=1000).number == roll.number == 1


def test_machines_that_report_at_once_lose_nothing(app, shop, program, roll):
    answers = []

    def use(number):
        from tests.filament.spoolman.program import Program

        for piece in range(5):
            body = {"use_weight": 0.5 + number / 1000 + piece / 10_000}
            answers.append(Program(app, program.token).put(f"/spool/{roll.number}/use", body).status_code)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert answers == [200] * 30
    exact = sum(0.5 + number / 1000 + piece / 10_000 for number in range(6) for piece in range(5))
    with app.app_context(), unit_of_work(shop.id) as db:
        service.book_reported(db, roll.id)
        left = db.get_one(Spool, roll.id).remaining_mg
    assert 1_000_000 - left == int(exact * 1000 + 1e-6)
