"""A person corrects what is known of a model, and of a variant."""

from uuid import UUID

import pytest

from printfarm.core.work import read_only
from printfarm.library.service import find_model, find_variant
from tests.support.uploads import add_variant, offered, sliced


@pytest.fixture
def model(olga, tmp_path):
    variant_id = add_variant(olga, sliced(tmp_path, title="Fox", designer="Ann"))
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        return find_model(db, find_variant(db, variant_id).model_id)


def form_of(person, model) -> dict[str, str]:
    return offered(person.get(f"/library/models/{model.id}/edit"), "main form")


def test_the_form_holds_what_is_known_and_saves_what_is_typed(olga, model) -> None:
    form = form_of(olga, model)
    assert (form["name"], form["designer"], UUID(form["picture"])) == ("Fox", "Ann", model.picture_id)
    changed = {
        **form,
        "name": "Red fox",
        "category": "toy",
        "licence": "CC BY 4.0",
        "source_url": "https://example.com/fox",
    }
    assert olga.post(f"/library/models/{model.id}/edit", changed).location == f"/library/models/{model.id}"
    page = olga.get(f"/library/models/{model.id}")
    assert page.one("h1").get_text() == "Red fox"
    assert "CC BY 4.0" in page.text
    assert page.one("dd a")["href"] == "https://example.com/fox"


def test_wrong_input_comes_back_with_what_was_typed(olga, model) -> None:
    wrong = {**form_of(olga, model), "name": "", "description": "kept", "source_url": "javascript:alert(1)"}
    answer = olga.post(f"/library/models/{model.id}/edit", wrong)
    assert answer.status == 422
    assert "Give the model a name." in answer.text
    assert "kept" in answer.one("textarea").get_text()
    assert olga.get(f"/library/models/{model.id}").one("h1").get_text() == "Fox"


def test_a_picture_of_another_model_is_refused(olga, model) -> None:
    answer = olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "picture": str(model.id)})
    assert answer.status == 409
    assert "belongs to no plate" in answer.text


def test_a_viewer_may_not(bob, model) -> None:
    assert bob.get(f"/library/models/{model.id}/edit").status == 403
    assert bob.post(f"/library/models/{model.id}/edit", {"name": "Mine"}).status == 403


def test_scripts_stay_text(olga, model) -> None:
    evil = "<script>alert(1)</script>"
    olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "name": evil, "description": evil})
    for url in (f"/library/models/{model.id}", "/library/"):
        page = olga.get(url)
        assert not page.all("script:not([src])")
        assert "alert(1)" in page.text
