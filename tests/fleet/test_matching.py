"""Reports of printers and the shop's rolls: known by the chip once a person said so, by looks only as a question."""

import pytest

from hub import protocol
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.fleet import service
from printfarm.fleet.line import _facts_of
from tests.fleet.conftest import add_printer
from tests.fleet.rolls import CHIP, OTHER_CHIP, lying, make_roll, place, say, slot_id
from tests.support.hubs import now


@pytest.fixture
def anna(app, shop, printer):
    with app.app_context():
        yield printer


@pytest.fixture
def berta(app, shop, hub, printer):
    return add_printer(app, shop, hub, name="Berta", serial="01P00A000000002")


def row(person, printer, slot):
    return person.get(f"/fleet/printers/{printer.id}").one(f"#slot-{slot}")


def put(shop, slot, spool):
    with unit_of_work(shop.id) as db:
        service.assign_spool(db, slot, spool.id if spool else None)


def state_of(shop, spool):
    with read_only(shop.id) as db:
        return db.get_one(Spool, spool.id).state


def test_material_and_nearest_colour_are_a_question_with_one_answer(shop, anna, olga):
    make_roll(shop.id, "Jet", "#303030")
    black = make_roll(shop.id, "Galaxy Black", "#141414")
    make_roll(shop.id, "Black", "#111111", material="PETG")
    say(shop.id, anna.id, place(), place(1, ""))
    a1 = slot_id(shop.id, anna.id, "A1")
    asked = row(olga, anna, a1)
    assert f"Looks like spool {black.code}, Galaxy Black PLA." in asked.get_text(" ", strip=True)
    assert lying(shop.id, anna.id)["A1"] is None, "a suggestion is no assignment"
    answer = olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(black.id)})
    assert answer.status == 303
    assert lying(shop.id, anna.id)["A1"] == black.id
    assert state_of(shop, black) == "loaded"
    assert "Looks like" not in row(olga, anna, a1).get_text()
    with read_only(shop.id) as db:
        assert db.get_one(Spool, black.id).tag is None


def test_filaments_of_which_no_roll_is_there_stand_before_none(shop, anna, olga):
    """Four nearer ones are known to the shop, and all of their rolls are used up or gone."""
    for number in range(4):
        used_up = make_roll(shop.id, f"Black {number}", f"#11111{number}")
        with unit_of_work(shop.id) as db:
            (filament.empty_spool if number % 2 else filament.archive_spool)(db, used_up.id)
    black = make_roll(shop.id, "Galaxy Black", "#141414")
    say(shop.id, anna.id, place())
    asked = row(olga, anna, slot_id(shop.id, anna.id, "A1")).get_text(" ", strip=True)
    assert f"Looks like spool {black.code}, Galaxy Black PLA." in asked


@pytest.mark.parametrize("ours", ["PLA+", "Silk PLA", "PLA matte", "pla"])
def test_what_only_looks_otherwise_is_the_same_material(shop, anna, olga, ours):
    """Printers know presets; people write what stands on the box."""
    black = make_roll(shop.id, "Black", "#111111", material=ours)
    say(shop.id, anna.id, place())
    a1 = slot_id(shop.id, anna.id, "A1")
    assert f"Looks like spool {black.code}" in row(olga, anna, a1).get_text(" ", strip=True)
    put(shop, a1, black)
    assert f"holds PLA, but spool {black.code}" not in row(olga, anna, a1).get_text(" ", strip=True)


def test_nothing_is_asked_when_no_roll_is_near(shop, anna, olga):
    make_roll(shop.id, "White", "#FFFFFF")
    make_roll(shop.id, "Black", "#111111", material="PLA-CF")
    say(shop.id, anna.id, place())
    assert "Looks like" not in row(olga, anna, slot_id(shop.id, anna.id, "A1")).get_text()


def test_a_confirmed_chip_puts_the_roll_wherever_it_shows_up(shop, anna, berta, olga):
    roll = make_roll(shop.id, "Black", "#111111")
    say(shop.id, anna.id, place(tag=CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(roll.id), "tag": CHIP})
    assert "known by its chip" in row(olga, anna, a1).get_text()
    say(shop.id, anna.id, place(material=""))
    assert lying(shop.id, anna.id)["A1"] == roll.id, "it may be read again, or the printer shuts down"
    say(shop.id, berta.id, place(0, ""), place(1), place(2, tag=CHIP))
    assert lying(shop.id, berta.id)["A3"] == roll.id
    assert lying(shop.id, anna.id)["A1"] is None
    assert state_of(shop, roll) == "loaded"


def test_two_rolls_with_chips_change_places_by_themselves(shop, anna):
    one, two = make_roll(shop.id, "One", "#111111", tag=CHIP), make_roll(shop.id, "Two", "#222222", tag=OTHER_CHIP)
    say(shop.id, anna.id, place(0, tag=CHIP), place(1, tag=OTHER_CHIP))
    assert lying(shop.id, anna.id) == {"A1": one.id, "A2": two.id, "External": None}
    say(shop.id, anna.id, place(0, tag=OTHER_CHIP), place(1, tag=CHIP))
    assert lying(shop.id, anna.id) == {"A1": two.id, "A2": one.id, "External": None}
    assert state_of(shop, one) == state_of(shop, two) == "loaded"


def test_the_chip_of_an_ams_ht_counts_too(shop, anna):
    roll = make_roll(shop.id, "Carbon", "#111111", material="PA-CF", tag=CHIP)
    say(shop.id, anna.id, place(0, "PA-CF", ams_unit=128, tag=CHIP))
    assert lying(shop.id, anna.id)["HT A"] == roll.id


def test_a_roll_that_a_person_put_there_is_never_silently_replaced(shop, anna, olga):
    by_hand, chipped = make_roll(shop.id, "Hand", "#111111"), make_roll(shop.id, "Chip", "#222222", tag=CHIP)
    say(shop.id, anna.id, place())
    a1 = slot_id(shop.id, anna.id, "A1")
    put(shop, a1, by_hand)
    say(shop.id, anna.id, place(tag=CHIP))
    assert lying(shop.id, anna.id)["A1"] == by_hand.id
    said = row(olga, anna, a1).get_text(" ", strip=True)
    assert f"The chip in A1 is that of spool {chipped.code}" in said
    assert f"Its chip says: spool {chipped.code}" in said
    assert by_hand.code in olga.get("/needs").text
    olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(chipped.id), "tag": CHIP})
    assert lying(shop.id, anna.id)["A1"] == chipped.id
    assert state_of(shop, by_hand) == "open"


def test_an_unknown_chip_where_a_known_one_was_is_a_warning(shop, anna, olga):
    roll = make_roll(shop.id, "Black", "#111111", tag=CHIP)
    say(shop.id, anna.id, place(tag=CHIP))
    say(shop.id, anna.id, place(tag=OTHER_CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    assert lying(shop.id, anna.id)["A1"] == roll.id
    assert "another roll lies there" in row(olga, anna, a1).get_text()
    assert "another roll lies there" in olga.get("/needs").text


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        (place(colour="FFFFFF"), "another colour"),
        (place(material="PETG"), "holds PETG"),
        (place(material=""), "is empty"),
    ],
)
def test_another_colour_or_material_is_a_warning_and_a_need(shop, anna, olga, said, warning):
    roll = make_roll(shop.id, "Black", "#111111")
    say(shop.id, anna.id, place())
    put(shop, slot_id(shop.id, anna.id, "A1"), roll)
    assert roll.code not in olga.get("/needs").text
    say(shop.id, anna.id, said)
    assert lying(shop.id, anna.id)["A1"] == roll.id
    assert warning in row(olga, anna, slot_id(shop.id, anna.id, "A1")).get_text()
    assert warning in olga.get("/needs").text


def test_a_gradient_roll_is_no_contradiction_when_one_of_its_colours_is_reported(shop, anna, olga):
    roll = make_roll(shop.id, "Rainbow", "#FF0000,#00FF00,#0000FF")
    say(shop.id, anna.id, place(colour="0000FF"))
    a1 = slot_id(shop.id, anna.id, "A1")
    put(shop, a1, roll)
    assert "another colour" not in row(olga, anna, a1).get_text()


def test_the_chip_of_a_roll_that_lies_there_already_is_asked_about_once(shop, anna, olga):
    roll = make_roll(shop.id, "Black", "#111111")
    say(shop.id, anna.id, place(tag=CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    put(shop, a1, roll)
    assert "Is the chip that the printer reads here that of spool" in row(olga, anna, a1).get_text()
    olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(roll.id), "tag": CHIP})
    assert "Is the chip" not in row(olga, anna, a1).get_text()


def test_a_wrong_chip_is_forgotten_and_given_to_another_roll(shop, anna, olga):
    wrong, right = make_roll(shop.id, "Wrong", "#111111", tag=CHIP), make_roll(shop.id, "Right", "#121212")
    say(shop.id, anna.id, place(tag=CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    assert "forget it" in olga.get(f"/fleet/slots/{a1}").text
    olga.post(f"/fleet/slots/{a1}/forget-chip", {"spool_id": str(wrong.id)})
    assert lying(shop.id, anna.id)["A1"] == wrong.id, "where it lies is another question"
    olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(right.id), "tag": CHIP})
    assert lying(shop.id, anna.id)["A1"] == right.id
    olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(wrong.id), "tag": CHIP})
    with read_only(shop.id) as db:
        assert (db.get_one(Spool, wrong.id).tag, db.get_one(Spool, right.id).tag) == (CHIP, None)


def test_the_chip_of_an_archived_roll_brings_nothing(shop, anna, olga):
    roll = make_roll(shop.id, "Black", "#111111", tag=CHIP)
    with unit_of_work(shop.id) as db:
        filament.archive_spool(db, roll.id)
    say(shop.id, anna.id, place(tag=CHIP))
    assert lying(shop.id, anna.id)["A1"] is None
    assert roll.code not in row(olga, anna, slot_id(shop.id, anna.id, "A1")).get_text()


def test_a_stale_page_binds_no_other_chip(shop, anna, olga):
    roll = make_roll(shop.id, "Black", "#111111")
    say(shop.id, anna.id, place(tag=OTHER_CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    answer = olga.post(f"/fleet/slots/{a1}/confirm", {"spool_id": str(roll.id), "tag": CHIP})
    assert answer.status == 409
    assert "another chip" in answer.text
    assert lying(shop.id, anna.id)["A1"] is None


@pytest.mark.parametrize("form", [{}, {"spool_id": "x"}, {"tag": CHIP}, {"spool_id": "0" * 8, "tag": "<b>"}])
def test_bad_forms_change_nothing(shop, anna, olga, form):
    say(shop.id, anna.id, place(tag=CHIP))
    a1 = slot_id(shop.id, anna.id, "A1")
    assert olga.post(f"/fleet/slots/{a1}/confirm", form).status == 409
    assert olga.post(f"/fleet/slots/{a1}/forget-chip", form).status in {404, 409}


def test_remain_is_remembered_and_books_nothing(shop, anna, olga):
    roll = make_roll(shop.id, "Black", "#111111", tag=CHIP)
    for remain in (80, 3, -1, 1000, 100):
        say(shop.id, anna.id, place(tag=CHIP, remain_percent=remain))
    assert "100 % says the printer" in row(olga, anna, slot_id(shop.id, anna.id, "A1")).get_text()
    with read_only(shop.id) as db:
        assert db.get_one(Spool, roll.id).remaining_mg == 1_000_000


def test_all_rolls_are_on_one_page_that_needs_no_script(shop, anna, berta, olga, bob):
    one, two = make_roll(shop.id, "One", "#111111", tag=CHIP), make_roll(shop.id, "Two", "#EEEEEE")
    say(shop.id, anna.id, place(tag=CHIP))
    say(shop.id, berta.id, place(1, colour="EEEEEE"))
    page = bob.get("/fleet/rolls")
    assert one.code in page.text
    assert f"Looks like spool {two.code}" in page.text
    b2 = slot_id(shop.id, berta.id, "A2")
    answer = olga.post(f"/fleet/slots/{b2}/confirm", {"spool_id": str(two.id), "from": "rolls"})
    assert (answer.status, answer.location.partition("?")[0]) == (303, "/fleet/rolls")
    assert lying(shop.id, berta.id)["A2"] == two.id


def test_the_page_of_all_rolls_asks_no_more_for_more_printers(app, shop, hub, anna, olga, count_statements):
    say(shop.id, anna.id, place(), place(1), place(2, tag=CHIP))
    make_roll(shop.id, "One", "#111111")
    few = count_statements(lambda: olga.get("/fleet/rolls"))
    for number in range(5):
        more = add_printer(app, shop, hub, name=f"P{number}", serial=f"01P00B00000000{number}")
        say(shop.id, more.id, place(), place(1, colour="EEEEEE"), place(2))
    assert count_statements(lambda: olga.get("/fleet/rolls")) <= few + 1


def test_what_feeds_and_what_is_left_is_told_but_decides_nothing():
    """Each change of colour in a print is news for its run, and no reason to work out anew what can be printed."""

    def facts(*slots, layer=5):
        return _facts_of(
            protocol.PrinterStatus(
                printer_id="p",
                connection="online",
                state="printing",
                confirmed=True,
                run_code="PF-12345",
                layer=layer,
                at=now(),
                slots=list(slots),
            )
        )

    first, second = facts(place(0, loaded=True), place(1)), facts(place(0), place(1, loaded=True))
    assert first[0] == second[0]
    assert first[1] != second[1]
    lighter = facts(place(0, loaded=True, remain_percent=40), place(1))
    assert (lighter[0] == first[0], lighter[1] == first[1]) == (True, False)
    assert facts(place(0, loaded=True), place(1), layer=6) == first
    assert facts(place(0, loaded=True), place(1), layer=0)[1] != first[1]
    assert facts(place(0, tag=CHIP, loaded=True), place(1))[0] != first[0]
