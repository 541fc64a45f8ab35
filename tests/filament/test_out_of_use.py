"""A roll is thrown away for a reason, a tag is forgotten where the roll is looked at, and a filament is put away."""

from datetime import date
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError, Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Filament, Spool, StockEntry
from tests.filament.shelf import add_roll, book


@pytest.fixture
def roll(ctx, alice):
    return add_roll(alice.shop_id)


def reasons(shop_id):
    with read_only(shop_id) as db:
        return list(db.scalars(select(StockEntry.reason).where(StockEntry.cause == "discarded")))


def test_the_reason_of_a_discarded_roll_stands_in_its_ledger(olga, roll):
    page = olga.get(f"/filament/spools/{roll.id}")
    form = page.one("form[action$='/discard']")
    assert form.select_one("input[name=reason]") is not None
    answer = olga.post(form["action"], {"reason": "  It fell into\nthe sink "})
    assert answer.status == 303
    assert reasons(roll.shop_id) == ["It fell into the sink"]
    assert "It fell into the sink" in olga.get(f"/filament/spools/{roll.id}").text


def test_no_reason_is_needed_and_one_without_end_is_refused(olga, roll):
    assert olga.post(f"/filament/spools/{roll.id}/discard", {"reason": "x" * 201}).status == 409
    assert reasons(roll.shop_id) == []
    assert olga.post(f"/filament/spools/{roll.id}/discard", {}).status == 303
    assert reasons(roll.shop_id) == [""]


def test_many_rolls_are_discarded_for_one_reason(olga, roll):
    other = add_roll(roll.shop_id)
    assert olga.get("/filament/spools").one("#bulk [name=reason]")["maxlength"] == "200"
    form = {"spool": [str(roll.id), str(other.id)], "deed": "discard", "reason": "Too old"}
    assert olga.post("/filament/spools/bulk", form).status == 303
    assert reasons(roll.shop_id) == ["Too old", "Too old"]


def test_a_tag_is_forgotten_on_the_page_of_its_roll(olga, bob, roll):
    assert olga.get(f"/filament/spools/{roll.id}").all("form[action$='/forget-chip']") == []
    with unit_of_work(roll.shop_id) as db:
        service.bind_tag(db, roll.id, "A1B2C3D4")
    form = olga.get(f"/filament/spools/{roll.id}").one("form[action$='/forget-chip']")
    assert bob.post(form["action"], {}).status == 403
    assert olga.post(form["action"], {}).status == 303
    with read_only(roll.shop_id) as db:
        assert db.get_one(Spool, roll.id).tag is None
    assert "A1B2C3D4" not in olga.get(f"/filament/spools/{roll.id}").text


def test_a_roll_that_comes_while_its_filament_is_put_away_is_never_hidden(app, shop):
    """Either the filament goes and the roll is refused, or the roll comes and the filament stays."""
    with app.app_context(), unit_of_work(shop.id) as db:
        made = service.add_filament(db, brand="Acme", material="PLA", colour_name="Sea", colour_hex="#123456")
        filament_id = made.id
    for _ in range(6):
        at_once, said = Barrier(2), []

        def act(deed, at_once=at_once, said=said):
            with app.app_context():
                at_once.wait()
                try:
                    with unit_of_work(shop.id) as db:
                        deed(db)
                except Unavailable:
                    raise  # each waited for the other
                except DomainError as problem:
                    said.append(problem.sentence)

        deeds = [
            lambda db: service.archive_filament(db, filament_id),
            lambda db: service.add_spool(db, filament_id, weight_mg=1_000),
        ]
        threads = [Thread(target=act, args=(deed,)) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with app.app_context(), unit_of_work(shop.id) as db:
            away = db.get_one(Filament, filament_id).archived_at is not None
            here = list(db.scalars(select(Spool).where(Spool.filament_id == filament_id, Spool.archived_at.is_(None))))
            assert not (away and here)
            assert len(said) == 1
            for one in here:
                service.archive_spool(db, one.id)
            service.restore_filament(db, filament_id)


def test_who_says_which_roll_it_was_sees_which_are_past_their_date(olga, roll):
    with unit_of_work(roll.shop_id) as db:
        db.get_one(Spool, roll.id).expires_on = date(2020, 1, 31)
        book(db, roll, 5_000, onto=False)
    offered = olga.get("/filament/unassigned").one(f"option[value='{roll.id}']").get_text()
    assert offered.startswith(f"{roll.code}, 1")
    assert "best before" in offered
