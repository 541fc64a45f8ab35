"""A roll that is of another filament than was said: it is put right, with its code, its grams and its history."""

from uuid import uuid4

import pytest

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Spool
from printfarm.filament.service.belonging import change_filament
from tests.filament.shelf import add_roll, book, held, lines


@pytest.fixture
def rolls(ctx, alice) -> tuple[Spool, Spool]:
    return add_roll(alice.shop_id, material="PETG"), add_roll(alice.shop_id, colour_name="White", colour_hex="#FFFFFF")


def filament_of(spool):
    with read_only(spool.shop_id) as db:
        return db.get_one(Spool, spool.id).filament_id


def test_it_is_found_and_chosen_without_javascript(olga, rolls):
    wrong, white = rolls
    way = f"/filament/spools/{wrong.id}/filament"
    assert olga.get(f"/filament/spools/{wrong.id}").one(f"a[href='{way}']")
    assert "as it is now" in olga.get(way).text
    form = olga.get(f"{way}?q=white").one(f"#filament-{white.filament_id} form")
    sent = {one["name"]: one["value"] for one in form.select("input[name]")}
    answer = olga.post(form["action"], sent)
    assert (answer.status, answer.location) == (303, f"/filament/spools/{wrong.id}")
    assert filament_of(wrong) == white.filament_id
    assert "It is Prusament PLA White, not Prusament PETG" in olga.get(f"/filament/spools/{wrong.id}").text
    assert olga.get(f"{way}?q=nothing-like-it").status == 200


def test_its_grams_count_for_the_other_filament_and_none_is_lost(alice, rolls):
    wrong, white = rolls
    with unit_of_work(alice.shop_id) as db:
        book(db, wrong, 250_000)
        change_filament(db, wrong.id, white.filament_id, user_id=alice.user_id)
        change_filament(db, wrong.id, white.filament_id, user_id=alice.user_id)
    assert held(wrong) == 750_000
    assert lines(wrong) == [("received", 1_000_000, False), ("print", -250_000, False), ("moved", 0, False)]
    with read_only(alice.shop_id) as db:
        assert queries.stock_by_filament(db) == {white.filament_id: 1_750_000}
        moved = queries.ledger_of(db, spool_id=wrong.id).items[0].entry
    assert alice.post(f"/filament/entries/{moved.id}/undo", {}).status == 409
    with unit_of_work(alice.shop_id) as db:  # what is booked from now on is the other filament's
        assert service.take_weight(db, wrong.id, 1_000).filament_id == white.filament_id


def test_what_cannot_be_is_refused(alice, bob, charlie, rolls):
    wrong, white = rolls
    foreign = add_roll(charlie.shop_id)
    way = f"/filament/spools/{wrong.id}/filament"
    for wanted, status in (("", 409), ("x", 409), (str(uuid4()), 404), (str(foreign.filament_id), 404)):
        assert alice.post(way, {"filament_id": wanted}).status == status
    assert bob.post(way, {"filament_id": str(white.filament_id)}).status == 403
    assert charlie.post(way, {"filament_id": str(foreign.filament_id)}).status == 404
    with unit_of_work(alice.shop_id) as db:
        service.archive_spool(db, white.id)
        service.archive_filament(db, white.filament_id)
        with pytest.raises(DomainError, match="archived"):
            change_filament(db, wrong.id, white.filament_id)
    assert filament_of(wrong) == wrong.filament_id
