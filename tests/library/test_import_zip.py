"""The same from the browser: a zip, its plan, its choices, its report; every page for every state, and for those who may."""

import io
from uuid import UUID

import pytest
from sqlalchemy import select

from printfarm.core.owed import Owed
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.files.sample_builder import SampleFilament
from printfarm.library.importing import demand, running, service
from printfarm.library.importing.models import Import
from printfarm.library.importing.sources import KIND
from printfarm.library.models import FilamentRequirement
from tests.library.importing import library, mesh_bytes, picture_bytes, sliced_bytes, states, work, zipped

ORANGE = SampleFilament(slot=1, colour="#FF6A13", grams=12.0)


def send(person, content: bytes, *, plan: bytes | None = None, name: str = "My models.zip", **more):
    files = {"zip": (io.BytesIO(content), name)}
    if plan is not None:
        files = {"plan": (io.BytesIO(plan), "plan.yaml"), **files}
    return person.post("/library/imports", files, content_type="multipart/form-data", **more)


def arrive(person, files: dict[str, bytes], **more) -> UUID:
    answer = send(person, zipped(files), **more)
    assert answer.status == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def page(person, import_id: UUID, more: str = ""):
    return person.get(f"/library/imports/{import_id}{more}")


def test_a_zip_is_planned_and_then_imported(olga, shop, app):
    import_id = arrive(
        olga, {"Fox/fox.gcode.3mf": sliced_bytes(ORANGE), "Fox/fox.png": picture_bytes(), "readme.txt": b"x"}
    )
    assert "Looking into it" in page(olga, import_id).text
    assert work(app, shop.id, import_id).state == "planned"
    planned = page(olga, import_id)
    assert "2 files would come in, as 1 model" in planned.text
    assert "Fox/fox.gcode.3mf → Fox / fox" in planned.text
    assert library(app, shop.id) == {}
    begun = olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    assert begun.status == 303
    work(app, shop.id, import_id)
    assert library(app, shop.id) == {"Fox": ["fox"]}
    assert "2 of 2 came in." in page(olga, import_id).text
    with app.app_context():
        with read_only(None) as db:
            assert db.scalar(select(Owed.id).where(Owed.kind == "forget-import"))
        running.forget_zip(shop.id, import_id)
        assert storage().size(storage_key(shop.id, KIND, import_id)) is None


def test_a_script_that_shows_a_bar_gets_an_address_or_a_sentence(olga, shop, app):
    script = {"Accept": "application/json"}
    sent = send(olga, zipped({"Fox/fox.obj": mesh_bytes()}), headers=script)
    assert sent.status == 201
    assert olga.get(sent.json["url"]).status == 200
    refused = send(olga, b"no zip at all", headers=script)
    assert (refused.status, "zip" in refused.json["error"]) == (422, True)


def test_the_same_zip_again_brings_nothing(olga, shop, app):
    files = {"Fox/fox.obj": mesh_bytes(), "Fox/fox.png": picture_bytes()}
    for _time in range(2):
        import_id = arrive(olga, files)
        work(app, shop.id, import_id)
        olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
        work(app, shop.id, import_id)
    assert library(app, shop.id) == {"Fox": ["fox"]}
    assert set(states(app, shop.id, import_id).values()) == {"duplicate"}


def test_the_page_says_of_each_state_what_it_is(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes(), "Fox/torn.gcode.3mf": b"PK\x03\x04 torn"})
    assert "Listing what is there" in page(olga, import_id).text
    olga.post(f"/library/imports/{import_id}/stop")
    assert "Stopped" in page(olga, import_id).text
    olga.post(f"/library/imports/{import_id}/start")
    work(app, shop.id, import_id)
    failed = page(olga, import_id, "?show=failed")
    assert "Fox/torn.gcode.3mf" in failed.text
    assert "Unreadable" in failed.text
    assert "Fox/fox.obj" not in failed.text
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    assert "1 could not be read" in page(olga, import_id).text
    assert "My models.zip" in olga.get("/library/imports").text


def test_a_choice_of_filament_is_kept_and_followed(olga, shop, app):
    with app.app_context(), unit_of_work(shop.id) as db:
        own = filament.add_filament(db, brand="Acme", material="PLA", colour_name="Pumpkin", colour_hex="#F06A10").id
    import_id = arrive(olga, {"Fox/fox.gcode.3mf": sliced_bytes(ORANGE)})
    work(app, shop.id, import_id)
    select_box = page(olga, import_id).one(".import-wishes select")
    assert select_box.select_one("option[selected]")["value"] == "later"
    kept = olga.post(f"/library/imports/{import_id}/filaments", {select_box["name"]: str(own)})
    assert kept.status == 303
    assert "Pumpkin (chosen)" in page(olga, import_id).text
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    report = page(olga, import_id, "/report")
    assert "Acme PLA Pumpkin" in report.text
    assert "not decided" not in report.text


def test_a_new_filament_is_added_when_it_is_imported_and_not_before(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.gcode.3mf": sliced_bytes(ORANGE)})
    work(app, shop.id, import_id)
    name = page(olga, import_id).one(".import-wishes select")["name"]
    olga.post(f"/library/imports/{import_id}/filaments", {name: "new"})
    assert "Orange" not in olga.get("/filament/").text
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    assert "Orange" in page(olga, import_id, "/report").text
    assert "not decided" not in page(olga, import_id, "/report").text


GREY = SampleFilament(slot=2, colour="#808080", grams=3.0)


@pytest.fixture
def taken_in(olga, shop, app) -> UUID:
    """Two variants want the same orange, one of them grey as well, and nobody has decided anything."""
    files = {"Fox/a.gcode.3mf": sliced_bytes(ORANGE), "Fox/b.gcode.3mf": sliced_bytes(ORANGE, GREY)}
    import_id = arrive(olga, files)
    work(app, shop.id, import_id)
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    return import_id


def choices(page) -> dict[str, str]:
    """The names of the selects, by the first words of their labels."""
    return {
        label.get_text(): select["name"]
        for label, select in zip(page.all(".import-wishes label"), page.all(".import-wishes select"), strict=True)
    }


def test_what_nobody_had_decided_is_decided_for_all_that_ask_for_the_same(olga, shop, app, taken_in):
    with app.app_context(), unit_of_work(shop.id) as db:
        own = filament.add_filament(db, brand="Acme", material="PLA", colour_name="Pumpkin", colour_hex="#F06A10").id
    before = page(olga, taken_in)
    assert "Filaments that nobody has decided" in before.text
    orange, grey = sorted(choices(before).items(), key=lambda one: "#808080" in one[0])
    sent = {orange[1]: str(own), grey[1]: "later"}
    assert olga.post(f"/library/imports/{taken_in}/filaments", sent).status == 303
    after = page(olga, taken_in)
    assert list(choices(after).values()) == [grey[1]]
    assert page(olga, taken_in, "/report").text.count("not decided") == 1
    with app.app_context(), read_only(shop.id) as db:
        assert list(db.scalars(select(FilamentRequirement.filament_id).where(FilamentRequirement.slot == 1))) == [
            own,
            own,
        ]
    olga.post(f"/library/imports/{taken_in}/filaments", {grey[1]: "new"})
    assert "not decided" not in page(olga, taken_in, "/report").text
    assert "Filaments that nobody has decided" not in page(olga, taken_in).text


def test_another_shops_filament_is_not_chosen_for_what_came_in(olga, charlie, app, taken_in):
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        theirs = filament.add_filament(db, brand="Acme", material="PLA", colour_name="P", colour_hex="#F06A10").id
    sent = dict.fromkeys(choices(page(olga, taken_in)).values(), str(theirs))
    assert olga.post(f"/library/imports/{taken_in}/filaments", sent).status == 404
    assert olga.post(f"/library/imports/{taken_in}/filaments", dict.fromkeys(sent, "red")).status == 422
    assert len(choices(page(olga, taken_in))) == 2


def test_the_plan_goes_out_and_comes_back(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes(), "Key.obj": mesh_bytes(2)})
    work(app, shop.id, import_id)
    text = page(olga, import_id, "/plan.yaml").response.get_data(as_text=True)
    edited = text.replace("name: Fox", "name: Red fox").replace("variant: fox", "variant: Standing")
    assert edited != text
    url = f"/library/imports/{import_id}/plan"
    sent = olga.post(url, {"plan": (io.BytesIO(edited.encode()), "plan.yaml")}, content_type="multipart/form-data")
    assert sent.status == 303
    work(app, shop.id, import_id)
    assert "Red fox / Standing" in page(olga, import_id).text
    bad = olga.post(url, {"plan": (io.BytesIO(b"models: [x"), "plan.yaml")}, content_type="multipart/form-data")
    assert bad.status == 422
    assert "This plan is no YAML" in bad.text


def test_a_long_plan_is_taken_and_a_forged_one_is_not(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes()})
    work(app, shop.id, import_id)
    url, long = (
        f"/library/imports/{import_id}/plan",
        b"# remark\n" * 150_000 + b"models: [{folder: Fox, name: Reineke}]\n",
    )

    def give(content: bytes, **more):
        return olga.post(url, {"plan": (io.BytesIO(content), "plan.yaml"), **more}, content_type="multipart/form-data")

    assert give(long, csrf_token="of somebody else").status == 400
    assert give(long).status == 303
    work(app, shop.id, import_id)
    assert "Reineke / fox" in page(olga, import_id).text
    assert give(long * 2).status in {413, 422}


def test_a_plan_may_come_with_the_zip(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes()}, plan=b"models: [{folder: Fox, name: Reineke}]")
    work(app, shop.id, import_id)
    assert "Reineke / fox" in page(olga, import_id).text


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(10), zipped({"a.stl": bytes(90_000_000)})])
def test_what_is_no_fair_zip_is_refused_on_the_page_and_leaves_nothing(olga, shop, app, content):
    refused = send(olga, content)
    assert refused.status == 422
    assert refused.one("[role=alert], .notice, .errors") is not None
    with app.app_context(), read_only(shop.id) as db:
        assert db.scalars(select(Import)).all() == []


def test_a_sixth_open_zip_is_refused(olga, shop, app):
    for number in range(5):
        arrive(olga, {"a.obj": mesh_bytes(number + 1)})
    refused = send(olga, zipped({"a.obj": mesh_bytes(9)}))
    assert refused.status == 409
    assert "5 zips wait" in refused.text


def test_removing_keeps_what_came_of_it(olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes()})
    at_work = olga.post(f"/library/imports/{import_id}/remove")
    assert at_work.status == 409
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    assert olga.post(f"/library/imports/{import_id}/remove").status == 303
    assert page(olga, import_id).status == 404
    assert library(app, shop.id) == {"Fox": ["fox"]}


def test_a_viewer_looks_and_does_nothing(bob, olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes()})
    assert page(bob, import_id).status == 200
    assert send(bob, zipped({"a.obj": mesh_bytes(2)})).status == 403
    for action in ("start", "stop", "retry", "remove", "filaments", "plan"):
        assert bob.post(f"/library/imports/{import_id}/{action}").status == 403


def test_another_shop_finds_nothing(charlie, olga, shop, app):
    import_id = arrive(olga, {"Fox/fox.obj": mesh_bytes()})
    for more in ("", "/plan.yaml", "/report", "/report.csv"):
        assert page(charlie, import_id, more).status == 404
    for action in ("start", "stop", "retry", "remove", "filaments"):
        assert charlie.post(f"/library/imports/{import_id}/{action}").status == 404
    assert "My models" not in charlie.get("/library/imports").text


def test_two_shops_may_have_the_same_file(charlie, olga, shop, app):
    for person in (olga, charlie):
        import_id = arrive(person, {"Fox/fox.obj": mesh_bytes()})
        person.post(f"/library/imports/{import_id}/start", {"goal": "import"})
        work(app, person.shop_id, import_id)
        assert library(app, person.shop_id) == {"Fox": ["fox"]}


def test_the_demand_counts_each_plate_once_against_the_stock(olga, shop, app):
    with app.app_context(), unit_of_work(shop.id) as db:
        orange = filament.add_filament(db, brand="Acme", material="PLA", colour_name="Orange", colour_hex="#FF6A13")
        filament.add_spool(db, orange.id, weight_mg=20_000)
        filament.add_filament(db, brand="Acme", material="PETG", colour_name="=2+2", colour_hex="#00FF00")
    orange_wish = SampleFilament(slot=1, colour="#FF6A13", grams=12.0, vendor="")
    files = {f"Fox/{n}.gcode.3mf": sliced_bytes(orange_wish, layers=n) for n in (3, 4, 5)}
    import_id = arrive(olga, files)
    work(app, shop.id, import_id)

    def row():
        with app.app_context(), read_only(shop.id) as db:
            rows = demand.demand_of(db, service.find_import(db, import_id))
            [found] = [one for one in rows if one.colour_name == "Orange"]
            return (
                len(found.variants),
                found.plates,
                found.needed_mg,
                found.stock_mg,
                found.missing_mg,
                found.much_wanted,
            )

    planned = row()
    assert planned[:2] == (3, 3)
    assert planned[4] == planned[2] - 20_000 > 0
    olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
    work(app, shop.id, import_id)
    assert row() == planned
    assert planned[5]
    sheet = page(olga, import_id, "/report.csv")
    text = sheet.response.get_data().decode("utf-8")
    assert text.startswith("\ufeffBrand,Material,Colour")
    assert "Acme,PETG,'=2+2,#00FF00" in text
    assert "attachment" in sheet.headers["Content-Disposition"]


def test_markup_in_names_is_shown_as_text(olga, shop, app):
    import_id = arrive(olga, {"<img src=x onerror=alert(1)>/<b>fox.obj": mesh_bytes()}, name="<script>.zip")
    work(app, shop.id, import_id)
    shown = page(olga, import_id)
    assert not shown.all("img[src=x], b, script:not([src])")


def test_the_list_is_paged_in_a_fixed_number_of_statements(olga, shop, app):
    import_id = arrive(olga, {f"Model {n}/part {n}.obj": mesh_bytes(n + 1) for n in range(60)})
    with app.app_context():
        running.run_import(shop.id, import_id, for_s=0.01)
    first = page(olga, import_id)
    assert len(first.all(".import-line")) == 50
    assert "Page 1 of 2" in first.text
    assert len(page(olga, import_id, "?page=2").all(".import-line")) == 10
