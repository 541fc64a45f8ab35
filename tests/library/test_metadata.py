"""The raw metadata of a variant: searched, in groups, by pages; and what differs between two."""

import pytest

from printfarm.core.work import unit_of_work
from printfarm.library.metadata import (
    FILAMENT,
    PRINT,
    PRINTER,
    SCRIPTS,
    group_of,
    lines_of,
    means_the_same,
    settings_of,
)
from printfarm.library.models import VariantMetadata
from printfarm.library.queries.metadata import LINES_PAGE
from tests.support.uploads import add_variant, sliced

EVIL = "<script>x</script>"


@pytest.fixture
def variant(olga, tmp_path):
    return add_variant(olga, sliced(tmp_path, title="Fox", extra_settings={"wall_loops": "7", "evil": EVIL}))


def rows(page) -> dict[str, str]:
    return {row.th.contents[0]: row.td.get_text() for row in page.all("#lines tbody tr")}


def say(person, variant_id, raw) -> None:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        kept = db.query(VariantMetadata).filter_by(variant_id=variant_id).one()
        kept.raw = raw


def test_everything_is_there_in_groups(bob, variant) -> None:
    page = bob.get(f"/library/variants/{variant}/metadata")
    assert rows(page)["wall_loops"] == "7"
    titles = [title.get_text() for title in page.all("#lines h2")]
    assert titles[:2] == ["Print settings", "Filament"]
    assert len(titles) == len(set(titles))


def test_it_can_be_searched_without_script(bob, variant) -> None:
    assert rows(bob.get(f"/library/variants/{variant}/metadata?q=wall_LOOPS")) == {"wall_loops": "7"}
    assert "Nothing speaks of “zzz”" in bob.get(f"/library/variants/{variant}/metadata?q=zzz").text


def test_a_group_alone(bob, variant) -> None:
    page = bob.get(f"/library/variants/{variant}/metadata?group=Print+settings")
    assert [title.get_text() for title in page.all("#lines h2")] == ["Print settings"]
    assert page.one("#group option[selected]")["value"] == "Print settings"
    assert bob.get(f"/library/variants/{variant}/metadata?group=nonsense").status == 200


def test_htmx_gets_the_lines_alone(bob, variant) -> None:
    part = bob.get(f"/library/variants/{variant}/metadata?q=evil", htmx=True)
    assert part.soup.html is None
    assert EVIL in rows(part)["evil"]
    assert not part.all("script")


def test_six_hundred_keys_are_paged(olga, bob, variant) -> None:
    say(olga, variant, {"project_settings": {f"key_{number:03}": str(number) for number in range(600)}})
    first = bob.get(f"/library/variants/{variant}/metadata")
    assert len(rows(first)) == LINES_PAGE
    assert "600 values" in first.text
    last = bob.get(f"/library/variants/{variant}/metadata?page=99")
    assert "key_599" in rows(last)
    assert rows(bob.get(f"/library/variants/{variant}/metadata?q=key_59&page=1")).keys() == {
        f"key_59{n}" for n in range(10)
    }


def test_a_file_that_says_nothing(olga, bob, variant) -> None:
    say(olga, variant, {})
    assert "says nothing about itself" in bob.get(f"/library/variants/{variant}/metadata").text


@pytest.mark.parametrize(
    "raw", [{"x": None}, {"gcode": []}, {"gcode": {"1": 5}}, {"slice_info": "text"}, {"a": [[1], {"b": []}]}]
)
def test_metadata_of_a_strange_shape_is_shown_all_the_same(raw, olga, bob, variant) -> None:
    say(olga, variant, raw)
    assert bob.get(f"/library/variants/{variant}/metadata").status == 200


class TestGroups:
    @pytest.mark.parametrize(
        ("key", "group"),
        [
            ("layer_height", PRINT),
            ("wall_loops", PRINT),
            ("sparse_infill_density", PRINT),
            ("support_type", PRINT),
            ("prime_tower_width", PRINT),
            ("filament_type", FILAMENT),
            ("nozzle_temperature", FILAMENT),
            ("textured_plate_temp", FILAMENT),
            ("fan_max_speed", FILAMENT),
            ("nozzle_diameter", PRINTER),
            ("machine_max_acceleration_x", PRINTER),
            ("printer_model", PRINTER),
            ("retraction_length", PRINTER),
            ("machine_start_gcode", SCRIPTS),
            ("filament_end_gcode", SCRIPTS),
            ("layer_change_gcode", SCRIPTS),
            ("post_process", SCRIPTS),
            ("gcode_flavor", PRINTER),
        ],
    )
    def test_a_key_tells_its_group(self, key, group) -> None:
        assert group_of(key) == group

    def test_the_projects_settings_come_before_those_of_the_g_code(self) -> None:
        raw = {"gcode": {"1": {"config": {"a": "1", "b": "2"}, "header": {"x": "9"}}}, "project_settings": {"a": "3"}}
        assert {key: line.value for key, line in settings_of(raw).items()} == {"a": "3", "b": "2"}

    def test_a_config_that_repeats_another_plates_is_left_out(self) -> None:
        raw = {"gcode": {"1": {"config": {"a": "1"}}, "2": {"config": {"same_as_plate": 1}}}}
        assert [line.key for line in lines_of(raw)] == ["a"]

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("0.20", "0.2", True),
            ("220, 220", "220,220", True),
            ("1;2", "1,2", True),
            ("1, 1", "1", True),
            ('"A"', "A", True),
            ("1,2", "2,1", False),
            ("G28\nG1", "G28", False),
            ("", "0", False),
            ("7", "07a", False),
        ],
    )
    def test_what_means_the_same_is_no_difference(self, one, other, same) -> None:
        assert means_the_same(one, other) is same
        assert means_the_same(other, one) is same


class TestCompare:
    @pytest.fixture
    def newer(self, olga, variant, tmp_path):
        return add_variant(
            olga, sliced(tmp_path, "Fox2.gcode.3mf", title="Fox", extra_settings={"wall_loops": "3", "evil": EVIL})
        )

    def test_only_what_differs_is_shown(self, bob, variant, newer) -> None:
        page = bob.get(f"/library/variants/{newer}/compare/{variant}")
        found = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in page.all(".keys-two tbody tr")]
        assert ["wall_loops", "3", "7"] in found
        assert "evil" not in [row[0] for row in found]
        figures = {row.th.get_text(): row.all for row in page.all("#figures tbody tr")}
        assert list(figures) == ["Time", "Filament", "Cost to produce", "Prints that succeeded"]

    def test_it_is_offered_on_the_variants_page(self, bob, variant, newer) -> None:
        page = bob.get(f"/library/variants/{newer}")
        assert f"/library/variants/{newer}/compare/{variant}" in str(page.one("#versions"))
        assert page.one("#other option")["value"] == str(variant)
        leads = bob.get(f"/library/variants/{newer}/compare?other={variant}")
        assert leads.location == f"/library/variants/{newer}/compare/{variant}"

    def test_a_variant_with_itself_differs_in_nothing(self, bob, newer) -> None:
        assert "No setting differs" in bob.get(f"/library/variants/{newer}/compare/{newer}").text

    @pytest.mark.parametrize("other", ["", "x", "00000000-0000-0000-0000-000000000000"])
    def test_nothing_to_compare_with(self, other, bob, newer) -> None:
        assert bob.get(f"/library/variants/{newer}/compare?other={other}").status in {404, 409}

    def test_two_files_of_six_hundred_keys(self, olga, bob, variant, newer) -> None:
        say(olga, variant, {"project_settings": {f"key_{n:03}": "1" for n in range(600)}})
        say(olga, newer, {"gcode": {"1": {"config": {f"key_{n:03}": "2" for n in range(300, 900)}}}})
        page = bob.get(f"/library/variants/{newer}/compare/{variant}")
        assert "900 of 900 settings" in page.text
        assert len(page.all(".keys-two tbody tr")) == 900
