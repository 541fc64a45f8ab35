"""A person says what an uploaded file is, and it becomes a variant."""

import threading
import zipfile
from html import escape
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament
from printfarm.filament.service import add_filament, archive_filament
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries
from printfarm.library.counted import split_mg
from printfarm.library.events import VariantAdded
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant, VariantMetadata
from tests.support.browser import Browser
from tests.support.uploads import add_variant, arrive_and_read, count, offered, save, sliced, state_of

RED = SampleFilament(slot=1, colour="#C62828", grams=8.0)
BLUE = SampleFilament(slot=2, colour="#1565C0", grams=2.0)
TWO_PLATES = (
    PlateSpec(index=1, name="Body", filaments=(RED,), layers=24),
    PlateSpec(index=2, name="Eyes", filaments=(RED, BLUE), time_total_s=600),
)


def rows(person, kind, *where):
    with person.app.app_context(), read_only(person.shop_id) as db:
        return list(db.scalars(select(kind).where(*where)))


def shelf(person, **facts: str) -> UUID:
    known = {"brand": "Bambu Lab", "material": "PLA", "colour_name": "Red", "colour_hex": "#C62828", **facts}
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return add_filament(db, **known).id


def test_a_sliced_file_becomes_a_variant_with_its_plates(olga, tmp_path: Path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=TWO_PLATES, title="Fox", designer="Ann"))
    saved = save(olga, upload_id)
    assert saved.status == 303, saved.text
    page = olga.get(saved.location)
    assert page.one("h1").get_text() == "P1S 0.2 mm"
    assert [h.get_text() for h in page.all("[id^=plate-] h2")] == ["Body", "Eyes"]
    assert "8.0 g" in page.text
    assert len(page.all(".grid img[src*='/files/pictures/']")) == 2
    assert "Fox" in olga.get("/library/").text
    assert state_of(olga.app, olga.shop_id, upload_id).state == "done"
    assert olga.get(f"/library/uploads/{upload_id}").location == saved.location


def test_every_plate_keeps_its_own(olga, tmp_path) -> None:
    add_variant(olga, sliced(tmp_path, plates=TWO_PLATES))
    body, eyes = sorted(rows(olga, Plate), key=lambda plate: plate.number)
    assert (body.name, body.layers, body.duration_s) == ("Body", 24, 1200)
    assert (eyes.name, eyes.layers, eyes.duration_s) == ("Eyes", 20, 600)
    assert body.printable
    assert body.gcode_path == "Metadata/plate_1.gcode"
    assert body.printer_model_id == "C12"
    assert body.picture_id != eyes.picture_id


def test_what_each_slot_needs_adds_up_to_the_slicers_sum(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=TWO_PLATES))
    count(olga, upload_id)
    save(olga, upload_id)
    needs = rows(olga, FilamentRequirement)
    assert sorted((need.slot, need.total_mg) for need in needs) == [(1, 8000), (1, 8000), (2, 2000)]
    for need in needs:
        assert need.model_mg + need.purge_mg + need.waste_mg == need.total_mg
        assert need.length_mm > 0


@pytest.mark.parametrize(
    ("total_mg", "split", "parts"),
    [
        (10_000, {"model": 8.0, "support": 1.0, "purge": 0.5, "tower": 0.5}, (9_000, 500, 500)),
        (9_999, {"model": 1.0, "support": 1.0, "purge": 1.0, "tower": 1.0}, (4_999, 2_500, 2_500)),
        (500, {"model": 0.0, "support": 0.0, "purge": 0.0, "tower": 0.0}, (500, 0, 0)),
        (None, {"model": 1.0, "support": 0.0, "purge": 0.0, "tower": 0.0}, (None, None, None)),
        (500, None, (None, None, None)),
    ],
)
def test_a_split_is_scaled_to_the_sum(total_mg, split, parts) -> None:
    assert split_mg(total_mg, split) == parts


def test_the_whole_metadata_is_kept(olga, tmp_path) -> None:
    add_variant(olga, sliced(tmp_path, extra_settings={"wall_loops": "7"}))
    (kept,) = rows(olga, VariantMetadata)
    assert '"wall_loops": "7"' in str(kept.raw).replace("'", '"')


def test_a_new_file_under_the_same_name_is_the_next_version(olga, tmp_path) -> None:
    first = add_variant(olga, sliced(tmp_path, title="Fox"))
    upload_id = arrive_and_read(olga, sliced(tmp_path, title="Fox", extra_settings={"wall_loops": "3"}))
    form = offered(olga.get(f"/library/uploads/{upload_id}"))
    (model,) = rows(olga, Model)
    assert form["model"] == str(model.id)
    second = save(olga, upload_id)
    assert "version 2" in olga.get(second.location).text
    assert "There is a newer version" in olga.get(f"/library/variants/{first}").text
    assert len(rows(olga, Model)) == 1


def test_every_screen_hears_of_it(app, bob, olga, tmp_path) -> None:
    variant_id = add_variant(olga, sliced(tmp_path))
    (variant,) = rows(olga, Variant)
    event = VariantAdded(shop_id=olga.shop_id, model_id=variant.model_id, variant_id=variant_id)
    assert "library" in render_events(app, olga.shop_id, [event])[1]
    assert bob.get("/library/", htmx=True).one(f"#model-{variant.model_id}")


class TestFilaments:
    def test_the_same_colour_and_brand_is_chosen_at_first(self, olga, tmp_path) -> None:
        red = shelf(olga)
        shelf(olga, brand="Elsewhere", colour_name="Green", colour_hex="#00FF00")
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),)))
        assert offered(olga.get(f"/library/uploads/{upload_id}"))["slot-1-choice"] == str(red)
        save(olga, upload_id)
        assert [need.filament_id for need in rows(olga, FilamentRequirement)] == [red]

    def test_an_unknown_one_is_offered_as_new_and_added(self, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),)))
        form = offered(olga.get(f"/library/uploads/{upload_id}"))
        assert (form["slot-1-choice"], form["slot-1-material"], form["slot-1-colour_name"]) == ("new", "PLA", "Red")
        save(olga, upload_id, **{"slot-1-brand": "Prusament", "slot-1-colour_name": "Lipstick"})
        (made,) = rows(olga, Filament)
        assert (made.brand, made.colour_name, made.colour_hex) == ("Prusament", "Lipstick", "#C62828")
        assert [need.filament_id for need in rows(olga, FilamentRequirement)] == [made.id]

    def test_the_same_new_one_twice_is_one(self, olga, tmp_path) -> None:
        other = SampleFilament(slot=2, colour="#C62828", grams=2.0)
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED, other)),)))
        assert save(olga, upload_id).status == 303
        assert len(rows(olga, Filament)) == 1

    def test_a_new_one_that_lies_in_the_archive_comes_back(self, olga, tmp_path) -> None:
        red = shelf(olga)
        with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
            archive_filament(db, red)
        save(olga, arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),))))
        (same,) = rows(olga, Filament)
        assert (same.id, same.archived_at) == (red, None)

    def test_another_of_the_shop_may_be_named(self, olga, tmp_path) -> None:
        petg = shelf(olga, material="PETG")
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),)))
        save(olga, upload_id, **{"slot-1-choice": "other", "slot-1-other": str(petg)})
        assert [need.filament_id for need in rows(olga, FilamentRequirement)] == [petg]

    def test_deciding_later_is_an_answer(self, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),)))
        saved = save(olga, upload_id, **{"slot-1-choice": "later"})
        assert "Not decided" in olga.get(saved.location).text
        assert rows(olga, Filament) == []

    def test_another_shops_filament_is_refused(self, olga, charlie, tmp_path) -> None:
        theirs = shelf(charlie)
        upload_id = arrive_and_read(olga, sliced(tmp_path, plates=(PlateSpec(filaments=(RED,)),)))
        answer = save(olga, upload_id, **{"slot-1-choice": str(theirs)})
        assert answer.status == 422
        assert "This filament is not here" in answer.text
        assert rows(olga, Variant) == []
        assert rows(olga, Model) == []


class TestWhatIsTyped:
    def test_leaving_and_coming_back_loses_nothing(self, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path))
        url = f"/library/uploads/{upload_id}"
        typed = {**offered(olga.get(url)), "model_name": "Fox, sitting", "note": "two\nlines", "category": "toy"}
        assert olga.post(url, {**typed, "action": "later"}).location == "/files/"
        again = offered(olga.get(url))
        assert (again["model_name"], again["note"].split(), again["category"]) == (
            "Fox, sitting",
            ["two", "lines"],
            "toy",
        )
        assert rows(olga, Variant) == []

    def test_a_wrong_form_comes_back_with_its_messages_and_keeps_the_rest(self, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path))
        answer = save(olga, upload_id, variant_name="", note="do not lose me", source_url="javascript:alert(1)")
        assert answer.status == 422
        assert "Give the variant a name." in answer.text
        assert "https://" in answer.one("#source_url-error").get_text()
        assert offered(olga.get(f"/library/uploads/{upload_id}"))["note"] == "do not lose me"

    def test_htmx_sends_it_in_passing(self, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path))
        url = f"/library/uploads/{upload_id}"
        form = olga.get(url).one("#answer")
        assert form["hx-post"] == f"{url}/typed"
        assert olga.post(f"{url}/typed", {**offered(olga.get(url)), "variant_name": "Fine"}, htmx=True).status == 204
        assert offered(olga.get(url))["variant_name"] == "Fine"

    def test_looking_for_a_model_keeps_it_too(self, olga, tmp_path) -> None:
        add_variant(olga, sliced(tmp_path, title="Dragon"))
        (dragon,) = rows(olga, Model)
        upload_id = arrive_and_read(olga, sliced(tmp_path, title="Fox"))
        url = f"/library/uploads/{upload_id}"
        found = olga.post(url, {**offered(olga.get(url)), "find": "drag", "variant_name": "Mine", "action": "find"})
        page = olga.get(found.location)
        assert page.one(f"#model-{dragon.id}")
        assert offered(page)["variant_name"] == "Mine"
        save(olga, upload_id, model=str(dragon.id))
        assert len(rows(olga, Variant, Variant.model_id == dragon.id)) == 2

    @pytest.mark.parametrize("value", ["\x00", "x" * 200_000, "\u202eevil", "<script>alert(1)</script>"])
    def test_strange_text_is_text(self, value, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path))
        answer = save(olga, upload_id, note=value, variant_name=value)
        assert answer.status in {303, 422}
        assert not olga.get(f"/library/uploads/{upload_id}").all("script:not([src])")

    @pytest.mark.parametrize(
        ("field", "value"), [("model", "x"), ("category", "weapon"), ("slot-1-choice", "1"), ("model_name", "")]
    )
    def test_what_is_not_offered_is_refused(self, field, value, olga, tmp_path) -> None:
        upload_id = arrive_and_read(olga, sliced(tmp_path))
        assert save(olga, upload_id, **{"model": "new", field: value}).status == 422
        assert rows(olga, Model) == []


def test_a_viewer_may_look_but_not_answer(bob, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    assert bob.get(f"/library/uploads/{upload_id}").status == 200
    assert save(bob, upload_id).status == 403
    assert bob.post(f"/library/uploads/{upload_id}/typed", {"note": "x"}).status == 403


def test_another_shops_model_is_refused(olga, charlie, tmp_path) -> None:
    add_variant(charlie, sliced(tmp_path, title="Theirs"))
    (theirs,) = rows(charlie, Model)
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    answer = save(olga, upload_id, model=str(theirs.id))
    assert answer.status == 422
    assert "This model is not here" in answer.text
    assert charlie.get(f"/library/uploads/{upload_id}").status == 404


def test_saving_twice_makes_one_variant(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    url = f"/library/uploads/{upload_id}"
    form = {**offered(olga.get(url)), "action": "save"}
    start, answers = threading.Barrier(2), []

    def answer() -> None:
        browser = Browser(app).signed_in(olga.user_id, olga.shop_id)
        start.wait()
        answers.append(browser.post(url, form))

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status for one in answers] == [303, 303]
    assert len({one.location for one in answers}) == 1
    with app.app_context(), read_only(olga.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(Variant)) == 1


def test_a_removed_upload_cannot_be_answered(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    url = f"/library/uploads/{upload_id}"
    form = offered(olga.get(url))
    olga.post(f"/files/uploads/{upload_id}/discard")
    assert olga.post(url, {**form, "action": "save"}).status == 422
    assert rows(olga, Variant) == []


def test_an_unsliced_project_is_kept_and_says_that_it_must_be_sliced(olga, tmp_path) -> None:
    kept = {
        name: content
        for name, content in sliced_3mf_entries(TWO_PLATES).items()
        if ".gcode" not in name and name != "Metadata/slice_info.config"
    }
    project = tmp_path / "Fox.3mf"
    with zipfile.ZipFile(project, "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
    upload_id = arrive_and_read(olga, project)
    assert "This file is not sliced" in olga.get(f"/library/uploads/{upload_id}").text
    page = olga.get(save(olga, upload_id).location)
    assert "must be sliced before it can be printed" in page.text
    assert not rows(olga, Variant)[0].sliced


def test_what_the_file_says_of_its_model_is_filled_in(olga, bob, tmp_path: Path) -> None:
    """Bambu Studio writes HTML, escaped twice; licence and designer are plain."""
    said = escape(escape("<p>A <b>red</b> fox.</p><ul><li>No supports</li></ul><script>alert(1)</script>"))
    entries = sliced_3mf_entries([PlateSpec()], title="Fox", designer="Ann")
    about = f'<metadata name="Description">{said}</metadata><metadata name="License">BY-NC-ND</metadata>'
    model = entries["3D/3dmodel.model"].decode()
    entries["3D/3dmodel.model"] = model.replace("<metadata ", f"{about}<metadata ", 1).encode()
    path = tmp_path / "fox.gcode.3mf"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    upload_id = arrive_and_read(olga, path)
    form = offered(olga.get(f"/library/uploads/{upload_id}"))
    assert form["description"].replace("\r\n", "\n") == "A **red** fox.\n\n- No supports"
    assert (form["licence"], form["designer"], form["model_name"]) == ("BY-NC-ND", "Ann", "Fox")
    save(olga, upload_id, tags="Forest, gift")
    (link,) = bob.get("/library/").all("#model-list h2 a")
    page = bob.get(link["href"])
    assert page.one(".written strong").get_text() == "red"
    assert [chip.get_text() for chip in page.all(".chip")] == ["forest", "gift"]
    assert "alert(1)" not in page.text
