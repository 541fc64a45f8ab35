"""Which filament a slot means, said after the file was saved."""

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament.models import Filament
from printfarm.filament.service import add_filament
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.queue.service import add_jobs
from tests.support.factories import make_plate


@pytest.fixture
def plate(ctx, alice) -> Plate:
    with unit_of_work(alice.shop_id) as db:
        return make_plate(db, needs={1: (None, 20_000)})


@pytest.fixture
def red(ctx, alice) -> Filament:
    with unit_of_work(alice.shop_id) as db:
        return add_filament(db, brand="Acme", material="PLA", colour_name="Red", colour_hex="#FF0000")


def chosen(plate: Plate):
    with read_only(plate.shop_id) as db:
        return db.query(FilamentRequirement).filter_by(plate_id=plate.id).one().filament_id


def test_what_was_left_for_later_is_decided_on_its_page(olga, plate, red) -> None:
    shown = olga.get(f"/library/variants/{plate.variant_id}")
    assert "Not decided" in shown.text
    way = shown.one("a[href*='/filaments#slot-1']")["href"].split("#")[0]
    assert "PLA · Acme · Red" in olga.get(way).text
    assert olga.post(way, {"slot-1-choice": str(red.id)}).status == 303
    assert chosen(plate) == red.id
    assert "Not decided" not in olga.get(f"/library/variants/{plate.variant_id}").text
    olga.post(way, {"slot-1-choice": "later"})
    assert chosen(plate) is None


def test_jobs_that_wait_are_promised_what_was_decided(olga, plate, red) -> None:
    with unit_of_work(plate.shop_id) as db:
        add_jobs(db, plate.id, quantity=2)
    olga.post(
        f"/library/variants/{plate.variant_id}/filaments", {"slot-1-choice": "other", "slot-1-other": str(red.id)}
    )
    with read_only(plate.shop_id) as db:
        assert filament_queries.promised_by_filament(db) == {red.id: 40_000}


@pytest.mark.parametrize("sent", [{}, {"slot-1-choice": "x"}, {"slot-9-choice": "later"}, {"slot-1-choice": "other"}])
def test_what_says_nothing_changes_nothing(olga, plate, red, sent) -> None:
    olga.post(f"/library/variants/{plate.variant_id}/filaments", {"slot-1-choice": str(red.id)})
    assert olga.post(f"/library/variants/{plate.variant_id}/filaments", sent).status == 303
    assert chosen(plate) == red.id


def test_a_viewer_decides_nothing_and_another_shop_finds_nothing(bob, charlie, plate, red) -> None:
    way, said = f"/library/variants/{plate.variant_id}/filaments", {"slot-1-choice": str(red.id)}
    assert bob.post(way, said).status == 403
    assert charlie.post(way, said).status == 404
    assert chosen(plate) is None
