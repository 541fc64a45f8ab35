"""One variant: its plates, its file, its metadata, and what upper areas add to it."""

import pytest
from jinja2 import DictLoader

from tests.support.uploads import add_variant, offered, sliced


@pytest.fixture
def variant(olga, tmp_path):
    return add_variant(
        olga, sliced(tmp_path, title="Fox", extra_settings={"wall_loops": "7", "evil": "<script>x</script>"})
    )


def test_everybody_of_the_shop_sees_it(bob, variant) -> None:
    page = bob.get(f"/library/variants/{variant}")
    for words in ("Textured PEI Plate", "Bambu Lab P1S", "20 min", "20 of 0.2 mm", "BambuStudio", "Fox.gcode.3mf"):
        assert words in page.text


def test_nobody_else_does(charlie, variant) -> None:
    for path in ("", "/edit", "/file", "/metadata", f"/compare/{variant}", f"/compare?other={variant}"):
        assert charlie.get(f"/library/variants/{variant}{path}").status == 404
    assert charlie.post(f"/library/variants/{variant}/edit", {"note": "x"}).status == 404


def test_it_says_where_its_values_were_read(bob, variant) -> None:
    facts = bob.get(f"/library/variants/{variant}").one("[id^=sources-]")
    assert "Time the file's list of plates" in " ".join(facts.get_text(" ").split())


def test_the_note_and_the_names_of_plates_can_be_changed(olga, variant) -> None:
    url = f"/library/variants/{variant}/edit"
    form = offered(olga.get(url), "main form")
    assert olga.post(url, {**form, "note": "Prints best in the morning.", "plate-1": "Body"}).status == 303
    page = olga.get(f"/library/variants/{variant}")
    assert "Prints best in the morning." in page.text
    assert page.one("[id^=plate-] h2").get_text() == "Body"


def test_too_long_a_note_comes_back(olga, variant) -> None:
    answer = olga.post(f"/library/variants/{variant}/edit", {"note": "x" * 6000})
    assert answer.status == 422


def test_a_viewer_may_not_change_it_but_download(bob, variant) -> None:
    assert bob.get(f"/library/variants/{variant}/edit").status == 403
    assert bob.post(f"/library/variants/{variant}/edit", {"note": "x"}).status == 403
    assert bob.get(f"/library/variants/{variant}/file").status == 303


def test_upper_areas_add_what_can_be_done_with_a_plate(app, olga, variant, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "printfarm.variant_actions", ["added.html"])
    templates = DictLoader({"added.html": "<p class='added'>{{ plate.number }} of {{ variant.name }}</p>"})
    monkeypatch.setattr(app.jinja_env.loader, "get_source", _first(templates, app.jinja_env.loader))
    assert olga.get(f"/library/variants/{variant}").one(".added").get_text() == "1 of P1S 0.2 mm"


def _first(extra, usual):
    known = usual.get_source
    return lambda env, name: extra.get_source(env, name) if name in extra.mapping else known(env, name)
