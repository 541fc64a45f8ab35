"""A variant whose filaments nobody has decided, and whose file does not say what they weigh, is completed later."""

from uuid import UUID

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Promise
from printfarm.library import deciding
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.queue.models import PrintJob
from tests.files.readers.text_builders import kisslicer
from tests.support.uploads import add_variant, offered, sliced


def edit(person, variant: UUID, **changes: str):
    url = f"/library/variants/{variant}/edit"
    return person.post(url, {**offered(person.get(url), "main form"), **changes})


def a_filament(person, name: str = "Pumpkin", material: str = "PLA") -> UUID:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        made = filament.add_filament(
            db, brand="Acme", material=material, colour_name=name, colour_hex="#F06A10", cost_per_gram="0.02"
        )
        return made.id


def needs(person) -> list[FilamentRequirement]:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return list(db.scalars(select(FilamentRequirement).order_by(FilamentRequirement.slot)))


def promised(person) -> dict[UUID, int]:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return {row.filament_id: row.needed_mg for row in db.scalars(select(Promise))}


@pytest.fixture
def undecided(olga, tmp_path) -> UUID:
    return add_variant(olga, sliced(tmp_path), **{"slot-1-choice": "later"})


@pytest.fixture
def silent(olga, tmp_path) -> UUID:
    path = tmp_path / "key tag.gcode"
    path.write_text(kisslicer())
    return add_variant(olga, path, **{"slot-1-choice": "later"})


def test_the_page_leads_to_where_it_is_decided(olga, bob, undecided):
    link = olga.get(f"/library/variants/{undecided}").one("a[href*='/edit#slot-1']")
    assert link.get_text() == "Choose the filament"
    chosen = a_filament(olga)
    assert edit(olga, undecided, **{"slot-1-filament": str(chosen)}).status == 303
    assert [need.filament_id for need in needs(olga)] == [chosen]
    after = bob.get(f"/library/variants/{undecided}").text
    assert "Acme PLA Pumpkin" in after
    assert "Not decided" not in after
    assert "It is not decided which filament it is." not in after


def test_it_can_be_changed_and_taken_back(olga, undecided):
    one, two = a_filament(olga), a_filament(olga, "Carrot", "PETG")
    for chosen in (str(one), str(two), ""):
        assert edit(olga, undecided, **{"slot-1-filament": chosen}).status == 303
        assert [str(need.filament_id or "") for need in needs(olga)] == [chosen]


def test_what_was_chosen_stays_however_many_others_there_are(olga, undecided, monkeypatch):
    monkeypatch.setattr(deciding, "MOST_OFFERED", 1)
    chosen = a_filament(olga, "Zebra")
    a_filament(olga, "Apple")
    edit(olga, undecided, **{"slot-1-filament": str(chosen)})
    assert edit(olga, undecided, note="Slowly.").status == 303
    assert [need.filament_id for need in needs(olga)] == [chosen]


def test_what_waits_in_the_queue_is_promised_it(olga, undecided):
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        plate = db.scalar(select(Plate.id).where(Plate.variant_id == undecided))
    assert olga.post("/queue/jobs", {"plate_id": str(plate), "quantity": "1"}).status == 303
    assert promised(olga) == {}
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        job = olga.get(f"/queue/jobs/{db.scalar(select(PrintJob.id))}")
    assert "Not decided" in [link.get_text(strip=True) for link in job.all(f"a[href$='/variants/{undecided}']")]
    chosen = a_filament(olga)
    edit(olga, undecided, **{"slot-1-filament": str(chosen)})
    assert promised(olga) == {chosen: needs(olga)[0].total_mg}
    edit(olga, undecided, **{"slot-1-filament": ""})
    assert promised(olga) == {}


def test_a_weight_is_asked_for_only_where_the_file_says_none(olga, undecided, silent):
    assert "slot-1-plate-1-grams" not in offered(olga.get(f"/library/variants/{undecided}/edit"), "main form")
    assert olga.get(f"/library/variants/{silent}/edit").one("input[name=slot-1-plate-1-grams]")
    assert edit(olga, silent, **{"slot-1-plate-1-grams": "4.3"}).status == 303
    page = olga.get(f"/library/variants/{silent}")
    assert "4.3 g" in page.text
    assert "typed by hand" in page.text
    assert "Enter it by hand" not in page.text
    edit(olga, silent, **{"slot-1-plate-1-grams": ""})
    assert "typed by hand" not in olga.get(f"/library/variants/{silent}").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slot-1-plate-1-grams": "heavy"}, "Write a number"),
        ({"slot-1-plate-1-grams": "-4"}, "In grams, up to 50,000."),
        ({"slot-1-plate-1-grams": "1e9"}, "In grams, up to 50,000."),
        ({"slot-1-filament": "red"}, "Choose a filament of the list."),
    ],
)
def test_what_makes_no_sense_comes_back_with_a_reason(olga, silent, changes, words):
    before = [(need.filament_id, need.total_mg) for need in needs(olga)]
    answer = edit(olga, silent, **changes)
    assert answer.status == 422
    assert words in answer.text
    assert [(need.filament_id, need.total_mg) for need in needs(olga)] == before


def test_another_shops_filament_is_not_here(olga, charlie, undecided):
    theirs = a_filament(charlie)
    assert edit(olga, undecided, **{"slot-1-filament": str(theirs)}).status == 404
    assert [need.filament_id for need in needs(olga)] == [None]


def test_a_form_that_speaks_of_other_things_changes_none_of_it(olga, undecided):
    chosen = a_filament(olga)
    edit(olga, undecided, **{"slot-1-filament": str(chosen)})
    assert olga.post(f"/library/variants/{undecided}/edit", {"note": "Slowly."}).status == 303
    assert [need.filament_id for need in needs(olga)] == [chosen]
