"""The shop's own categories: added, renamed, removed; models follow."""

from uuid import UUID

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.library import service
from printfarm.library.models import CATEGORIES, Category, Model
from printfarm.library.service import ModelFacts


def add(person, name: str) -> UUID:
    assert person.post("/library/categories", {"name": name}).status == 303
    with person.app.app_context(), read_only(person.shop_id) as db:
        return db.scalars(select(Category.id).where(Category.name == name)).one()


def add_model(person, category: str) -> UUID:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return service.add_model(db, ModelFacts(name="Fox", category=category)).id


def category_of(person, model_id) -> str:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return db.get_one(Model, model_id).category


def test_an_own_category_is_offered_everywhere(olga, bob) -> None:
    add(olga, "Spare parts")
    model_id = add_model(olga, "Spare parts")
    offered = [option.get_text() for option in olga.get(f"/library/models/{model_id}/edit").all("#category option")]
    assert offered[0] == "Spare parts"
    assert {"Keychain", "Earring", "Decoration", "Functional"} < set(offered)
    page = bob.get("/library/?category=Spare parts")
    assert [link.get_text() for link in page.all("#model-list h2")] == ["Fox"]


def test_renaming_takes_the_models_along(olga) -> None:
    category_id = add(olga, "Spares")
    model_id = add_model(olga, "Spares")
    assert olga.post(f"/library/categories/{category_id}", {"name": "Spare parts"}).status == 303
    assert category_of(olga, model_id) == "Spare parts"


def test_one_in_use_is_removed_only_by_saying_where_its_models_go(olga) -> None:
    category_id = add(olga, "Spares")
    model_id = add_model(olga, "Spares")
    page = olga.get("/library/categories")
    assert page.one(f"#move-{category_id} option[selected]")["value"] == "other"
    assert "Its model goes to" in page.text
    url = f"/library/categories/{category_id}/remove"
    for nowhere in ("", "Spares", "no such"):
        refused = olga.post(url, {"move_to": nowhere})
        assert refused.status == 409
        assert "1 model is in “Spares”" in refused.text
    assert category_of(olga, model_id) == "Spares"
    assert olga.post(url, {"move_to": "tool"}).status == 303
    assert category_of(olga, model_id) == "tool"
    assert "1 model moved" in olga.get("/library/categories").text
    assert olga.post(url, {"move_to": "tool"}).status == 404


def test_an_empty_one_just_goes(olga) -> None:
    category_id = add(olga, "Spares")
    assert not olga.get("/library/categories").all(f"#move-{category_id}")
    assert olga.post(f"/library/categories/{category_id}/remove").status == 303


@pytest.mark.parametrize("name", ["Toy", "tOOL", "SPARES", "Spares"])
def test_no_name_twice(name, olga) -> None:
    add(olga, "Spares")
    answer = olga.post("/library/categories", {"name": name})
    assert answer.status == 409
    assert "already" in answer.text


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_bad_name_comes_back(name, olga) -> None:
    assert olga.post("/library/categories", {"name": name}).status == 422
    category_id = add(olga, "Spares")
    assert olga.post(f"/library/categories/{category_id}", {"name": name}).status == 422


def test_only_the_case_of_a_name_may_be_changed(olga) -> None:
    category_id = add(olga, "spares")
    assert olga.post(f"/library/categories/{category_id}", {"name": "Spares"}).status == 303
    assert olga.post(f"/library/categories/{category_id}", {"name": CATEGORIES[0]}).status == 409


def test_a_script_stays_text(olga, bob) -> None:
    add(olga, "<script>alert(1)</script>")
    add_model(olga, "<script>alert(1)</script>")
    for page in (olga.get("/library/categories"), bob.get("/library/")):
        assert "<script>alert(1)</script>" in page.text
        assert not page.all("script:not([src])")


def test_a_viewer_and_another_shop_may_not(bob, charlie, olga) -> None:
    category_id = add(olga, "Spares")
    assert bob.get("/library/categories").status == 403
    assert bob.post("/library/categories", {"name": "Mine"}).status == 403
    assert bob.post(f"/library/categories/{category_id}/remove").status == 403
    assert "Spares" not in charlie.get("/library/categories").text
    assert charlie.post(f"/library/categories/{category_id}", {"name": "Mine"}).status == 404
    assert charlie.post(f"/library/categories/{category_id}/remove").status == 404
