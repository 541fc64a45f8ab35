"""What a sheet says of rolls that are here: own facts, their state, their filament. Nothing is passed over in silence."""

import pytest

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.sheets.columns import SPOOLMAN
from tests.filament.sheets import SPOOLMANS, said, send, sheet_of, spools, table, take_in
from tests.filament.shelf import held


@pytest.fixture
def black(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        one = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111", finish="matte"
        )
        facts = service.SpoolFacts(location="Shelf 1", note="=cmd|' /C calc'!A0", batch="-7")
        return service.add_spool(db, one.id, weight_mg=850_500, facts=facts)


def test_own_fields_come_with_spoolmans_columns_too(olga, alice, black):
    own = {"Rack": '"7"', "dry": "true"}
    with unit_of_work(alice.shop_id) as db:
        service.edit_spool(db, black.id, service.SpoolFacts(extra=own, note="two\nlines"))
        service.find_filament(db, black.filament_id).extra = {"lot": "[1, 2]"}
    rows = table(olga, "columns=spoolman")
    assert list(rows[0]) == [*SPOOLMAN, "extra.Rack", "extra.dry", "filament.extra.lot"]
    assert (rows[0]["extra.Rack"], rows[0]["extra.dry"], rows[0]["filament.extra.lot"]) == ('"7"', "true", "[1, 2]")
    assert said(olga, send(olga, sheet_of(rows)))[2] == ("same", "")
    theirs = SPOOLMANS.replace("archived\n", "archived,extra.rack,filament.extra.lot\n")
    take_in(olga, send(olga, theirs.replace("False\n", 'False,"""A1""",7\n').replace("True\n", "True,,\n")))
    made = next(one for one in spools(olga) if one.location == "Shelf A")
    assert (made.extra, made.filament.extra) == ({"rack": '"A1"'}, {"lot": "7"})


def test_what_a_filament_is_told_fills_gaps_and_changes_nothing(olga, alice, black):
    with unit_of_work(alice.shop_id) as db:
        service.find_filament(db, black.filament_id).article_number = "OLD"
    sheet = f"Code,Article number,Where to buy,Colour code\n{black.code},NEW,https://example.com/2,#222222\n"
    what, why = said(olga, send(olga, sheet))[2]
    assert (what, why) == (
        "same",
        "its filament keeps its colour code #111111: change that on the filament’s page",
    )
    url = send(olga, sheet.replace("#222222", ""))
    what, why = said(olga, url)[2]
    assert what == "changed"
    assert why.startswith("of its filament, where to buy: https://example.com/2")
    assert "keeps its article number" in why
    take_in(olga, url)
    kept = spools(olga)[0].filament
    assert (kept.article_number, kept.purchase_url) == ("OLD", "https://example.com/2")


@pytest.mark.parametrize(
    ("wanted", "state", "left", "sentence"),
    [
        ("open", "open", 850_500, "sealed → open"),
        ("empty", "empty", 0, "sealed → empty"),
        ("discarded", "discarded", 0, "sealed → discarded"),
        ("loaded", "sealed", 850_500, "it stays sealed: only its own page can make it loaded"),
        ("on order", "sealed", 850_500, "it stays sealed"),
    ],
)
def test_a_changed_state_is_done_or_said_to_stay(olga, black, wanted, state, left, sentence):
    rows = table(olga)
    rows[0]["State"] = wanted
    url = send(olga, sheet_of(rows))
    what, why = said(olga, url)[2]
    assert sentence in why
    assert (what == "same") == (state == "sealed")
    if what == "changed":
        take_in(olga, url)
    kept = spools(olga)[0]
    assert (kept.state, kept.remaining_mg) == (state, left)
    assert said(olga, send(olga, f"Code,State\n{black.code},{kept.state}\n"))[2] == ("same", "")


def test_a_state_that_has_moved_on_since_is_left(olga, black):
    rows = table(olga)
    with unit_of_work(olga.shop_id) as db:
        service.open_spool(db, black.id)
    assert said(olga, send(olga, sheet_of(rows)))[2] == ("same", "")
    rows[0]["State"] = "discarded"
    what, why = said(olga, send(olga, sheet_of(rows)))[2]
    assert (what, why) == ("same", "it was sealed when the sheet was made, is open now, and stays that")
    assert "Which is right?" in said(olga, send(olga, f"Code,State,Left g\n{black.code},empty,5\n"))[2][1]


def test_a_roll_of_another_filament_moves_to_it_when_that_is_here(olga, black):
    with unit_of_work(olga.shop_id) as db:
        other = service.add_filament(db, brand="Sunlu", material="PETG", colour_name="Red", colour_hex="#C62828")
    rows = table(olga)
    old = sheet_of([rows[0] | {"Place": "Attic"}])
    rows[0] |= {"Brand": "Sunlu", "Material": "PETG", "Finish": "", "Colour": "red", "Colour code": "#C62828"}
    url = send(olga, sheet_of(rows))
    assert said(olga, url)[2] == ("changed", "Prusament PLA matte Galaxy Black → Sunlu PETG Red")
    take_in(olga, url)
    assert spools(olga)[0].filament_id == other.id
    assert held(black) == 850_500
    what, why = said(olga, send(olga, old))[2]
    assert what == "changed"
    assert "found to be Sunlu PETG Red since the sheet was made" in why


def test_own_facts_of_the_brand_come_in_fill_gaps_and_go_out_again(olga, black):
    with unit_of_work(olga.shop_id) as db:
        service.brand_named(db, "Prusament").extra = {"Ships": '"3 days"'}
    head = "Code,Brand,Material,Colour,Left g,filament.vendor.extra.Ships,filament.vendor.extra.Site\n"
    rows = f"{black.code},,,,,a week,cz\n,Sunlu,PLA,Red,5,2 weeks,\n,sunlu,PLA,Red,6,2 weeks,\n,,PLA,Grey,7,nowhere,\n"
    url = send(olga, head + rows)
    assert said(olga, url)[2] == (
        "changed",
        "of its brand, Site: cz; its brand keeps its Ships: change that on the brand’s page",
    )
    assert said(olga, url)[5][1].endswith("it has no brand that could be told anything")
    assert "mean nothing here" not in olga.get(url).text
    take_in(olga, url)
    with unit_of_work(olga.shop_id) as db:
        kept = {name: dict(service.brand_named(db, name).extra) for name in ("Prusament", "Sunlu")}
    assert kept == {"Prusament": {"Ships": '"3 days"', "Site": "cz"}, "Sunlu": {"Ships": "2 weeks"}}
    assert len(spools(olga)) == 4
    for asked, ships in (("", "3 days"), ("columns=spoolman", '"3 days"')):
        rows = table(olga, f"q=galaxy&{asked}")
        assert (rows[0]["filament.vendor.extra.Ships"], rows[0]["filament.vendor.extra.Site"]) == (ships, "cz")
        assert said(olga, send(olga, sheet_of(rows)))[2] == ("same", "")
