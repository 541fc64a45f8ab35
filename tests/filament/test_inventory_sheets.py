"""The inventory out as a sheet and back in: looked at first, taken in once, whatever wrote the file."""

import io
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from printfarm.core.units import mg_from_grams
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, StockEntry
from printfarm.filament.sheets import imports
from printfarm.filament.sheets.columns import OURS
from tests.architecture.world import changed, fingerprint
from tests.filament.sheets import SPOOLMANS, id_of, said, send, sheet_of, spools, table, take_in, why_failed
from tests.filament.shelf import held, lines


@pytest.fixture
def black(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        one = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111", finish="matte"
        )
        facts = service.SpoolFacts(location="Shelf 1", note="=cmd|' /C calc'!A0", batch="-7")
        return service.add_spool(db, one.id, weight_mg=850_500, facts=facts)


NEW = "Brand,Material,Colour,Colour code,Left g,Place\nSunlu,PLA,Red,#C62828,1000,Shelf 2\n"


def test_the_sheet_has_all_that_was_found_and_no_formula(bob, alice, black):
    with unit_of_work(alice.shop_id) as db:
        for _ in range(70):
            service.add_spool(db, black.filament_id, weight_mg=1_000)
    rows = table(bob, "q=galaxy&sort=-left")
    assert len(rows) == 71
    assert list(rows[0]) == list(OURS)
    assert rows[0]["Code"] == black.code
    assert (rows[0]["Left g"], rows[0]["Note"], rows[0]["Batch"]) == ("850.5", "'=cmd|' /C calc'!A0", "'-7")
    assert [row["Left g"] for row in rows[1:]] == ["1"] * 70
    assert table(bob, "material=ABS") == []


def test_a_sheet_that_comes_back_as_it_went_out_changes_nothing(olga, black):
    for asked in ("", "columns=spoolman"):
        page = olga.get(f"/filament/spools.csv?{asked}")
        url = send(olga, page.response.get_data())
        assert said(olga, url) == {2: ("same", "")}
        assert "Nothing in it is new or changed" in olga.get(url).text


def test_pain_21_csv_in_and_out_with_own_fields_article_numbers_and_rolls_on_order(olga, alice, black):
    """What peers are asked for since years: a table of all rolls that leaves, is changed elsewhere, and comes back."""
    with unit_of_work(alice.shop_id) as db:
        facts = service.SpoolFacts(extra={"Rack": "7", "humidity": "12", "owner": '"Ann"'})
        coming = service.order_spool(db, black.filament_id, facts=facts)
        kind = service.find_filament(db, black.filament_id)
        kind.extra, kind.article_number, kind.purchase_url = {"Series": "-2"}, "PRM-1", "https://example.com/1"
    out = table(olga)
    assert [(row["State"], row["extra.Rack"], row["extra.owner"]) for row in out] == [
        ("on order", "7", "Ann"),
        ("sealed", "", ""),
    ]
    assert {(row["filament.extra.Series"], row["Article number"], row["Where to buy"]) for row in out} == {
        ("'-2", "PRM-1", "https://example.com/1")
    }
    by_code = {row["Code"]: row for row in out}
    by_code[black.code] |= {"Place": "Shelf 5", "Left g": "800", "extra.Rack": "9", "extra.owner": "Bo"}
    by_code[coming.code] |= {"extra.owner": "Cy", "State": "sealed"}
    for row in out:
        row["Left g"] = row["Left g"].replace(".", ",")
    new = {"Material": "PETG", "Colour": "Blue", "Left g": "750,5", "extra.Rack": "1", "filament.extra.Series": "B"}
    new |= {"Article number": "A-9", "Where to buy": "https://example.com/9"}
    url = send(olga, sheet_of([*out, dict.fromkeys(out[0], "") | new], ";"))
    assert sorted(what for what, _ in said(olga, url).values()) == ["changed", "changed", "new"]
    assert "Rack: nothing → 9" in " ".join(why for _, why in said(olga, url).values())
    take_in(olga, url)
    assert sorted(one.remaining_mg for one in spools(olga)) == [750_500, 800_000, 1_000_000]
    by_code = {one.code: one for one in spools(olga)}
    assert by_code[black.code].extra == {"Rack": "9", "owner": "Bo"}
    assert by_code[coming.code].extra == {"Rack": "7", "humidity": "12", "owner": '"Cy"'}
    assert (by_code[coming.code].state, held(coming)) == ("sealed", 1_000_000)
    blue = next(one for one in by_code.values() if one.filament.material == "PETG")
    told = blue.filament
    assert (blue.extra, told.extra, told.article_number) == ({"Rack": "1"}, {"Series": "B"}, "A-9")
    assert told.purchase_url == "https://example.com/9"
    assert {what for what, _ in said(olga, send(olga, sheet_of(table(olga)))).values()} == {"same"}


def test_first_it_is_only_looked_at(olga, alice, black):
    before = fingerprint(olga.app, alice.shop_id)
    text = NEW + ",,,,,\n,PLA,,,5,\n,PLA,Green,,-1,\nSunlu,PLA,Red,#C62828,1000,Shelf 2\n"
    url = send(olga, text)
    page = olga.get(url)
    assert set(changed(before, fingerprint(olga.app, alice.shop_id))) <= {"sheet_imports", "sheet_lines"}
    outcome = said(olga, url)
    assert {line: what for line, (what, _) in outcome.items()} == {2: "new", 4: "refused", 5: "refused", 6: "new"}
    assert "its filament is new as well" in outcome[2][1]
    assert outcome[4][1] == "A new roll needs its colour."
    assert outcome[5][1] == "“-1” in “Left g” is not from 0 to 50,000."
    assert "Line 5" in page.text
    assert "Nothing is changed yet" in page.text
    assert {row.text for row in olga.get(f"{url}?show=refused").all("#sheet-lines .state")} == {"Refused"}


def test_what_was_looked_at_is_taken_in_and_twice_is_once(olga, black):
    url = send(olga, NEW + "Sunlu,PLA,Red,#C62828,1000,Shelf 2\nSunlu,PLA,Blue,,250,\n")
    take_in(olga, url)
    made = spools(olga)[1:]
    assert [(one.remaining_mg, one.location, one.state) for one in made] == [
        (1_000_000, "Shelf 2", "sealed"),
        (1_000_000, "Shelf 2", "sealed"),
        (250_000, "", "sealed"),
    ]
    assert [lines(one) for one in made] == [[("imported", one.remaining_mg, False)] for one in made]
    assert made[0].filament.colour_hex == "#C62828"
    assert made[2].filament.colour_hex == "#1F4FA3"  # what blue is called
    again = send(olga, NEW + "Sunlu,PLA,Red,#C62828,1000,Shelf 2\nSunlu,PLA,Blue,,250,\n", "copy.csv")
    assert {what for what, _ in said(olga, again).values()} == {"same"}
    assert f"taken in before, as {made[0].code}" in {why for _, why in said(olga, again).values()}
    assert "nothing to take in" in olga.post(f"{url}/start").text
    assert len(spools(olga)) == 4


def test_rolls_that_are_here_change_and_grams_go_through_the_ledger(olga, black):
    sheet = (
        f"Code,Left g,Place,Low below g,Opened on,Cost per gram\n{black.code.lower()},700,Dry box,200,2026-01-05,0.03\n"
    )
    url = send(olga, sheet, "count.csv")
    what, why = said(olga, url)[2]
    assert what == "changed"
    assert why.startswith("left: 850.5 g → 700 g; place: Shelf 1 → Dry box")
    take_in(olga, url)
    kept = spools(olga)[0]
    assert (kept.remaining_mg, kept.location, kept.low_below_mg, kept.state) == (700_000, "Dry box", 200_000, "open")
    with read_only(olga.shop_id) as db:
        entry = db.scalars(select(StockEntry).order_by(StockEntry.created_at.desc())).first()
        assert (entry.cause, entry.delta_mg, entry.reason) == ("correction", -150_500, "Sheet count.csv, line 2")
        assert entry.user_id == olga.user_id
        assert queries.find_drift(db) == []
    assert said(olga, send(olga, sheet))[2][0] == "same"


def test_what_was_printed_since_the_sheet_went_out_is_not_undone_by_it(olga, black):
    out = olga.get("/filament/spools.csv").response.get_data().decode("utf-8-sig")
    with unit_of_work(olga.shop_id) as db:
        service.take_weight(db, black.id, 100_000)
    untouched = send(olga, out.replace("Shelf 1", "Shelf 8"))
    assert said(olga, untouched)[2] == ("changed", "place: Shelf 1 → Shelf 8")
    take_in(olga, untouched)
    assert held(black) == 750_500
    touched = send(olga, out.replace("850.5,850.5", "600,850.5"))
    what, why = said(olga, touched)[2]
    assert what == "refused"
    assert "held 850.5 g when the sheet was made, holds 750.5 g now" in why


def test_spoolmans_columns_are_understood(olga, black):
    take_in(olga, send(olga, SPOOLMANS))
    full, gone = spools(olga)[1:]
    assert (full.remaining_mg, full.initial_mg, full.location, full.batch) == (749_500, 1_000_000, "Shelf A", "L-1")
    assert full.cost_per_gram == Decimal("0.01999")
    assert gone.archived_at is not None
    assert said(olga, send(olga, SPOOLMANS)) == {2: ("same", ""), 3: ("same", "")}
    used = send(olga, SPOOLMANS.replace("250.5", "300.5"))
    assert said(olga, used)[2][1] == "left: 749.5 g → 699.5 g"
    take_in(olga, used)
    assert held(full) == 699_500
    with unit_of_work(olga.shop_id) as db:
        service.take_weight(db, full.id, 1_000)
    assert said(olga, send(olga, SPOOLMANS.replace("250.5", "300.5")))[2] == ("same", "")


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffHersteller;Material;Colour;Left g;Place\nX;PLA;Türkis;1.250,5;Süd\n".encode(),
        "Brand;Material;Colour;Left g;Place\nX;PLA;Türkis;1250,50;Süd\n".encode("latin-1"),
        'sep=;\r\nBrand;Material;Colour;Left g;Place\r\nX;PLA;Türkis;"1 250,5 g";Süd\r\n'.encode("cp1252"),
        "Brand\tMaterial\tColour\tLeft g\tPlace\nX\tPLA\tTürkis\t1,250.5\tSüd\n".encode("utf-16"),
        "vendor,material,color,weight,shelf\nX,PLA,Türkis,1.2505E3,Süd".encode(),
        "Brand;Material;Colour;Left g;Place\nX;PLA;Türkis;1250,50;Süd\n".encode("utf-16-be"),
        "\r\n;;;;\r\nBrand;Material;Colour;Left g;Place\r\nX;PLA;Türkis;1250,50;Süd\r\n".encode(),
        "\n\nsep=;\nBrand;Material;Colour;Left g;Place\nX;PLA;Türkis;1250,50;Süd\n".encode(),
    ],
    ids=["bom-semicolons", "latin-1", "excel", "utf-16-tabs", "others-words", "no-mark", "empty-lines", "both"],
)
def test_whatever_wrote_it_is_read_the_same(olga, ctx, content):
    take_in(olga, send(olga, content))
    one = spools(olga)[0]
    assert (one.remaining_mg, one.location, one.filament.colour_name) == (1_250_500, "Süd", "Türkis")


@pytest.mark.parametrize(
    ("grams", "sentence"),
    [
        ("NaN", "is no number"),
        ("inf", "is no number"),
        ("-5", "is not from 0 to 50,000"),
        ("1000000000", "is not from 0 to 50,000"),
        ("1e999", "is not from 0 to 50,000"),
        ("=1+1", "is no number"),
        ("a lot", "is no number"),
        ('"1,500"', "in doubt"),
        ("", "Nothing says how many grams are on it."),
    ],
)
def test_weights_that_cannot_be_are_refused_line_by_line(olga, ctx, grams, sentence):
    url = send(olga, f"Material,Colour,Left g\nPLA,Red,{grams}\nPLA,Red,100\n")
    found = said(olga, url)
    assert found[2][0] == "refused"
    assert sentence in found[2][1]
    assert found[3][0] == "new"


@pytest.mark.parametrize(
    ("head", "cells", "sentence"),
    [
        ("Code,Left g", "ABC,5", "is no code of a roll"),
        ("Number,Left g", "999,5", "There is no roll with the number 999"),
        ("Code,Material", "{code},PETG", "is PLA here, not PETG. There is no such filament in use"),
        ("Code,State", "{code},eaten", "is none of"),
        ("Code,Number", "{code},77", "has the number"),
        ("Code,Bought on", "{code},yesterday", "is no day such as"),
        ("Code,Bought on", "{code},0001-01-01", "is no day that can be right"),
        ("Code,Bought on", "{code},2098-01-01", "is a day that is still to come"),
        ("Code,Place", "ZZZZZZ,Shelf", "There is no roll ZZZZZZ here, and a new roll needs its material."),
        ("Code,Place", "{code},{long}", "is longer than 80 letters"),
        ("Code,Place", "{code},Shelf,3", "more cells than the head"),
        ("Material,Colour,Left g,Colour code", "PLA,Red,5,mauve-ish", "is not a colour"),
        ("Material,Colour,Left g,State", "PLA,Red,5,eaten", "is none of"),
        ("Material,Colour,Left g,State", "PLA,Red,5,discarded", "nothing to take in"),
        ("Code,Archived", "{code},perhaps", "neither yes nor no"),
    ],
)
def test_a_line_that_cannot_be_says_why(olga, black, head, cells, sentence):
    cells = cells.format(code=black.code, long="x" * 81)
    what, why = said(olga, send(olga, f"{head}\n{cells}\n"))[2]
    assert what == "refused"
    assert sentence in why


def test_one_roll_has_one_line_and_a_refused_one_leaves_the_others_alone(olga, black):
    url = send(olga, f"Code,Place\n{black.code},A\n{black.code},B\n")
    assert said(olga, url)[3] == ("refused", f"{black.code} stands in line 2 already. One roll has one line.")
    with unit_of_work(olga.shop_id) as db:
        service.discard_spool(db, black.id)
    take_in(olga, url)
    assert said(olga, url)[2] == ("refused", f"{black.code} is discarded here. Bring it back first.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 and more", "Save it there as CSV"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "This is a picture."),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "This is a picture."),
        (b"\x1f\x8b\x08\x00", "Unpack it"),
        (b"SQLite format 3\x00", "Import from Spoolman"),
        (b"one,two\n1,2\n", "No column of it is known here"),
        (b"Place,Note\nA,B\n", "Nothing says which rolls are meant"),
        (b"Code,Place\n", "nothing in it but its head"),
        (b'Code,Place\nX,"' + b"y" * 200_000, "no line of a table"),
        (bytes(range(256)) * 4, "No column of it is known here"),
    ],
)
def test_what_is_no_sheet_says_so(olga, ctx, content, sentence):
    url = send(olga, content)
    assert sentence in why_failed(olga, url)
    assert sentence in olga.get(url).text


def test_an_empty_file_and_none_are_refused_at_once(olga, ctx):
    assert "empty" in olga.post("/filament/sheets", {"file": (io.BytesIO(b""), "a.csv")}).text
    assert "Choose a file" in olga.post("/filament/sheets", {"file": (io.BytesIO(b""), "")}).text


def test_columns_that_mean_nothing_are_named(olga, black):
    url = send(olga, f"Code,Karma,Place\n{black.code},7,A\n")
    assert "Columns that mean nothing here: Karma" in olga.get(url).text


def test_it_goes_on_where_it_was_stopped(olga, ctx, monkeypatch):
    monkeypatch.setattr(imports, "PIECE", 3)
    url = send(olga, "Material,Colour,Left g,Batch\n" + "".join(f"PLA,Red,{n + 1},{n}\n" for n in range(10)))
    olga.post(f"{url}/start")
    import_id = id_of(url)
    for _ in range(4):
        assert not imports.take_in_slice(olga.shop_id, import_id, for_s=0)
    assert len(spools(olga)) == 10
    assert imports.take_in_slice(olga.shop_id, import_id, for_s=0)
    assert imports.take_in_slice(olga.shop_id, import_id)  # once more, by a job that came late
    assert [one.remaining_mg for one in spools(olga)] == [1000 * (n + 1) for n in range(10)]
    with read_only(olga.shop_id) as db:
        assert db.scalar(select(func.count(Filament.id))) == 1


def test_it_is_forgotten_and_what_was_taken_in_stays(olga, ctx):
    url = send(olga, NEW)
    take_in(olga, url)
    assert olga.post(f"{url}/forget").status == 303
    assert olga.get(url).status == 404
    assert len(spools(olga)) == 1


def test_who_only_looks_downloads_but_sends_nothing(bob, charlie, olga, black):
    url = send(olga, NEW)
    assert bob.get("/filament/spools.csv").status == 200
    assert bob.post("/filament/sheets", {"file": (io.BytesIO(NEW.encode()), "a.csv")}).status == 403
    assert charlie.get(url).status == 404
    assert charlie.post(f"{url}/start").status == 404
    assert len(table(charlie)) == 0


def test_grams_are_exact(olga, black):
    take_in(olga, send(olga, f"Code,Left g\n{black.code},123.456\n"))
    assert held(black) == mg_from_grams("123.456")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_thousand_lines_are_looked_at_in_pieces_and_shown_page_by_page(olga, ctx, backend):
    if backend != "sqlite":
        pytest.skip("shown once")
    rows = "".join(f"PLA,Colour {n % 300},{n % 900},{n}\n" for n in range(50_000))
    url = send(olga, f"Material,Colour,Left g,Batch\n{rows}Code,,,,,\n")
    page = olga.get(url)
    assert "50000" in page.one(".stats").text
    assert len(page.all("#sheet-lines > li")) == 50
    assert "50001 in all" in page.text
    assert spools(olga) == []
