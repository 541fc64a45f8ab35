"""Putting a roll into a place and putting it away at the same moment: rolls are locked before places, so both get through."""

from threading import Barrier, Thread

from printfarm.core.errors import DomainError, Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.fleet import service
from printfarm.fleet.models import PrinterSlot
from tests.fleet.rolls import CHIP, OTHER_CHIP, make_roll, place, say
from tests.support.factories import load, make_printer

ROUNDS = 8


def at_once(app, *deeds) -> list[Exception]:
    barrier, wrong = Barrier(len(deeds)), []

    def run(deed) -> None:
        with app.app_context():
            barrier.wait()
            try:
                deed()
            except Unavailable as problem:  # each waited for the other
                wrong.append(problem)
            except DomainError:
                pass

    threads = [Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_a_roll_is_moved_and_thrown_away_at_once(app, shop):
    with app.app_context():
        roll = make_roll(shop.id, "Black", "#111111")
        with unit_of_work(shop.id) as db:
            slots = [load(db, make_printer(db).id, None).id for _ in range(2)]
        for number in range(ROUNDS):
            with unit_of_work(shop.id) as db:
                service.assign_spool(db, slots[number % 2], roll.id)

            def move(to=slots[1 - number % 2]) -> None:
                with unit_of_work(shop.id) as db:
                    service.assign_spool(db, to, roll.id)

            def throw_away() -> None:
                with unit_of_work(shop.id) as db:
                    filament.discard_spool(db, roll.id)

            assert at_once(app, move, throw_away) == []
            with unit_of_work(shop.id) as db:
                if db.get_one(Spool, roll.id).state == "discarded":
                    filament.restore_spool(db, roll.id)


def test_a_chip_is_read_while_its_roll_is_thrown_away(app, shop):
    with app.app_context():
        rolls = [make_roll(shop.id, name, "#111111", tag=tag) for name, tag in (("Black", CHIP), ("Ink", OTHER_CHIP))]
        with unit_of_work(shop.id) as db:
            printer = make_printer(db)
        say(shop.id, printer.id, place(0, tag=CHIP))
        for number in range(ROUNDS):
            tag, lying = (OTHER_CHIP, rolls[0]) if number % 2 == 0 else (CHIP, rolls[1])

            def read(tag=tag) -> None:
                say(shop.id, printer.id, place(0, tag=tag))

            def throw_away(spool=lying) -> None:
                with unit_of_work(shop.id) as db:
                    filament.discard_spool(db, spool.id)

            assert at_once(app, read, throw_away) == []
            with unit_of_work(shop.id) as db:
                if db.get_one(Spool, lying.id).state == "discarded":
                    filament.restore_spool(db, lying.id)
        with read_only(shop.id) as db:
            assert db.query(PrinterSlot).count() >= 1
