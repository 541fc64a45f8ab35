"""Finding models: list, filters, pages, archive; and how many statements a list takes."""

import pytest
from sqlalchemy import event

from printfarm.core.database import db as database
from printfarm.core.work import unit_of_work
from printfarm.library import queries, service
from printfarm.library.service import ModelFacts
from tests.support.uploads import add_variant, sliced


def add_models(person, *names: str, category: str = "other") -> list:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return [service.add_model(db, ModelFacts(name=name, category=category, designer="Ann")).id for name in names]


def names(page) -> list[str]:
    return [link.get_text() for link in page.all("#model-list .card h2")]


def test_an_empty_library_says_what_to_do(bob) -> None:
    page = bob.get("/library/")
    assert "No models yet" in page.text
    assert page.one("#model-list .empty a")["href"] == "/files/"


def test_models_are_found_by_text_category_and_order(bob, olga) -> None:
    add_models(olga, "Zebra", "fox", "Anchor")
    add_models(olga, "Foxglove", category="decoration")
    assert names(bob.get("/library/?sort=name")) == ["Anchor", "fox", "Foxglove", "Zebra"]
    assert names(bob.get("/library/")) == ["Foxglove", "Anchor", "fox", "Zebra"]
    assert names(bob.get("/library/?q=FOX&sort=name")) == ["fox", "Foxglove"]
    assert names(bob.get("/library/?category=decoration")) == ["Foxglove"]
    assert names(bob.get("/library/?q=ann&category=decoration")) == ["Foxglove"]
    nothing = bob.get("/library/?q=100%")
    assert names(nothing) == []
    assert "No model fits" in nothing.text


def tagged(person, name: str, *tags: str, designer: str = "Ann"):
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return service.add_model(db, ModelFacts(name=name, designer=designer, tags=tags)).id


def test_models_are_found_by_tag_and_designer(bob, olga) -> None:
    tagged(olga, "Fox", "forest", "gift")
    tagged(olga, "Owl", "forest", designer="Ben & Co")
    tagged(olga, "Box", designer="Ben & Co")
    assert names(bob.get("/library/?tag=forest&sort=name")) == ["Fox", "Owl"]
    assert names(bob.get("/library/?tag=Forest&designer=Ann")) == ["Fox"]
    assert names(bob.get("/library/?designer=Ben+%26+Co&sort=name")) == ["Box", "Owl"]
    assert names(bob.get("/library/?q=GIF+fo")) == ["Fox"]
    page = bob.get("/library/?tag=forest")
    assert [option.get_text() for option in page.all("#tag option")] == ["All tags", "forest (2)", "gift (1)"]
    assert not page.all("#more-filters")
    link = bob.get("/library/?q=fox").one("#more-filters")
    assert bob.get(link["href"]).one("input[name=more]")
    fox = page.one(".model-card:has(a:-soup-contains('Fox'))")
    assert [chip.get_text() for chip in fox.select(".chip")] == ["forest", "gift"]
    assert fox.select_one(".chip")["href"] == "/library/?tag=forest"


def test_a_tag_that_nothing_carries_any_more_stays_to_be_seen(bob, olga) -> None:
    tagged(olga, "Fox", "gift")
    page = bob.get("/library/?tag=gone")
    assert page.one("#tag option[selected]")["value"] == "gone"
    assert "No model fits" in page.text


def test_tags_of_archived_models_are_offered_among_the_archived(bob, olga) -> None:
    model_id = tagged(olga, "Fox", "old")
    olga.post(f"/library/models/{model_id}/archive")
    assert not bob.get("/library/?more=1").all("#tag")
    assert len(bob.get("/library/?show=archived").all("#tag option")) == 2
    assert names(bob.get("/library/?show=archived&tag=old")) == ["Fox"]


def test_the_list_is_paged_by_the_database(bob, olga) -> None:
    add_models(olga, *(f"Model {number:03}" for number in range(queries.MODELS_PAGE + 1)))
    first = bob.get("/library/?sort=name")
    assert len(names(first)) == queries.MODELS_PAGE
    assert "sort=name" in first.one("a[rel=next]")["href"]
    assert names(bob.get("/library/?sort=name&page=2")) == ["Model 024"]
    assert names(bob.get("/library/?sort=name&page=99")) == ["Model 024"]


def test_htmx_gets_the_list_alone(bob, olga) -> None:
    add_models(olga, "Fox")
    part = bob.get("/library/?q=fox", htmx=True)
    assert part.soup.html is None
    assert names(part) == ["Fox"]
    assert "changed:library" in part.one("#model-list")["hx-trigger"]
    assert "q=fox" in part.one("#model-list")["hx-get"]


def test_many_models_take_as_many_statements_as_one(app, bob, olga) -> None:
    def statements() -> int:
        seen: list[str] = []
        with app.app_context():
            engine = database.engine

        def note(*call: object) -> None:
            seen.append(str(call[2]))

        event.listen(engine, "before_cursor_execute", note)
        bob.get("/library/")
        event.remove(engine, "before_cursor_execute", note)
        return len([one for one in seen if one.startswith("SELECT")])

    add_models(olga, "One")
    bob.get("/library/")
    alone = statements()
    assert alone > 0
    add_models(olga, *(f"Model {number}" for number in range(60)))
    for number in range(30):
        tagged(olga, f"Tagged {number}", "one", f"tag {number}", designer=f"Designer {number}")
    assert statements() == alone


def test_other_shops_see_nothing(charlie, olga) -> None:
    (model_id,) = add_models(olga, "Secret")
    assert names(charlie.get("/library/")) == []
    for path in ("", "/edit"):
        assert charlie.get(f"/library/models/{model_id}{path}").status == 404
    for path in ("/edit", "/archive", "/restore"):
        assert charlie.post(f"/library/models/{model_id}{path}", {"name": "Mine"}).status == 404


@pytest.mark.parametrize(
    "query", ["page=x", "page=-1", "sort=<script>", "category=%00", "q=" + "x" * 5000, "show=%ff", "more=x&tag=%00"]
)
def test_nonsense_in_the_address_is_no_error(query, bob) -> None:
    assert bob.get(f"/library/?{query}").status == 200


class TestArchive:
    def test_an_archived_model_leaves_the_lists_but_not_its_page(self, bob, olga) -> None:
        (model_id,) = add_models(olga, "Old fox")
        assert olga.post(f"/library/models/{model_id}/archive").status == 303
        assert names(bob.get("/library/")) == []
        assert names(bob.get("/library/?show=archived")) == ["Old fox"]
        assert "in the archive since" in bob.get(f"/library/models/{model_id}").text
        olga.post(f"/library/models/{model_id}/restore")
        assert names(bob.get("/library/")) == ["Old fox"]

    def test_a_viewer_may_not(self, bob, olga) -> None:
        (model_id,) = add_models(olga, "Fox")
        assert bob.post(f"/library/models/{model_id}/archive").status == 403
        assert bob.post(f"/library/models/{model_id}/restore").status == 403

    def test_it_is_not_offered_for_a_new_file(self, olga, tmp_path) -> None:
        add_variant(olga, sliced(tmp_path, title="Fox"))
        with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
            model = queries.model_named(db, "fox")
            service.archive_model(db, model.id)
            assert queries.model_named(db, "fox") is None
            assert queries.search_models(db, "fox") == []
