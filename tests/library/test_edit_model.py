"""A person corrects what is known of a model, and of a variant."""

import pytest

from printfarm.core.work import read_only, unit_of_work
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
    assert (form["name"], form["designer"], form["category"]) == ("Fox", "Ann", "other")
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
    assert page.one("dd a[rel]")["href"] == "https://example.com/fox"


def test_wrong_input_comes_back_with_what_was_typed(olga, model) -> None:
    wrong = {**form_of(olga, model), "name": "", "description": "kept", "source_url": "javascript:alert(1)"}
    answer = olga.post(f"/library/models/{model.id}/edit", wrong)
    assert answer.status == 422
    assert "Give the model a name." in answer.text
    assert "kept" in answer.one("textarea").get_text()
    assert olga.get(f"/library/models/{model.id}").one("h1").get_text() == "Fox"


def test_tags_are_small_words_each_once(olga, bob, model) -> None:
    typed = " Dragon, #Articulated;dragon ,, two  words"
    olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "tags": typed})
    chips = bob.get(f"/library/models/{model.id}").all(".chips .chip")
    assert [chip.get_text() for chip in chips] == ["articulated", "dragon", "two words"]
    assert form_of(olga, model)["tags"] == "articulated, dragon, two words"
    olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "tags": "dragon"})
    assert [chip.get_text() for chip in bob.get(f"/library/models/{model.id}").all(".chips .chip")] == ["dragon"]


@pytest.mark.parametrize("tags", ["x" * 41, ",".join(f"tag {n}" for n in range(21))])
def test_too_many_or_too_long_tags_come_back(olga, model, tags) -> None:
    answer = olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "tags": tags})
    assert answer.status == 422
    assert answer.one("#tags")["value"] == tags


def test_a_description_is_markdown(olga, bob, model) -> None:
    text = "## Care\n\n- **dry** it\n- [more](https://example.com)"
    olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "description": text})
    written = bob.get(f"/library/models/{model.id}").one(".written")
    assert written.h3.get_text() == "Care"
    assert written.strong.get_text() == "dry"
    assert written.a["rel"] == ["noopener", "noreferrer", "nofollow"]


def test_a_category_that_no_longer_exists_stays_choosable(olga, model) -> None:
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        find_model(db, model.id).category = "Old ones"
    assert form_of(olga, model)["category"] == "Old ones"
    saved = olga.post(f"/library/models/{model.id}/edit", {**form_of(olga, model), "name": "Still"})
    assert saved.status == 303


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
