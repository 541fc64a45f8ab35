"""One variant: its plates, its file, its metadata, and what upper areas add to it."""

from decimal import Decimal

import pytest
from jinja2 import DictLoader
from sqlalchemy import select

from printfarm.core.work import unit_of_work
from printfarm.filament.models import Filament
from printfarm.library.models import FilamentRequirement
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
    for path in ("", "/edit", "/file"):
        assert charlie.get(f"/library/variants/{variant}{path}").status == 404
    assert charlie.post(f"/library/variants/{variant}/edit", {"note": "x"}).status == 404


def test_the_metadata_can_be_searched_without_script(bob, variant) -> None:
    page = bob.get(f"/library/variants/{variant}?metadata=wall_LOOPS")
    assert page.one("#all-metadata").has_attr("open")
    assert {cell.get_text(strip=True) for cell in page.all("#metadata tbody td")} == {"7"}


def test_htmx_gets_the_metadata_alone(bob, variant) -> None:
    part = bob.get(f"/library/variants/{variant}?metadata=evil", htmx=True, headers={"HX-Target": "metadata"})
    assert part.soup.html is None
    assert part.one("#metadata")
    assert "<script>x</script>" in part.text
    assert not part.all("script")


def test_a_search_without_result_says_so(bob, variant) -> None:
    assert "Nothing speaks of “zzz”" in bob.get(f"/library/variants/{variant}?metadata=zzz").text


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


def test_two_versions_are_compared(bob, charlie, olga, variant, tmp_path) -> None:
    newer = add_variant(
        olga,
        sliced(
            tmp_path, "Fox2.gcode.3mf", title="Fox", extra_settings={"wall_loops": "3", "evil": "<script>x</script>"}
        ),
    )
    assert f"/library/variants/{newer}/compare/{variant}" in str(bob.get(f"/library/variants/{newer}").one("#versions"))
    page = bob.get(f"/library/variants/{newer}/compare/{variant}")
    rows = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in page.all("tbody tr")]
    assert ["project_settings › wall_loops", "3", "7"] in rows
    assert "Nothing differs" in bob.get(f"/library/variants/{newer}/compare/{newer}").text
    assert charlie.get(f"/library/variants/{newer}/compare/{variant}").status == 404


def test_the_cost_of_its_filament_is_said_when_every_price_is_known(olga, variant) -> None:
    page = olga.get(f"/library/variants/{variant}")
    costs = page.one("dt:-soup-contains('Filament costs') + dd")
    assert costs.get_text() == "–"
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        (filament,) = db.scalars(select(Filament))
        filament.cost_per_gram = Decimal("0.025")
        (need,) = db.scalars(select(FilamentRequirement))
        need.total_mg = 100_000
    assert "2.50" in olga.get(f"/library/variants/{variant}").one("dt:-soup-contains('Filament costs') + dd").get_text()
