"""What is new in a sheet is written in a handful of statements, however many lines it has, and by the same laws as one roll."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from jobs import filament as jobs
from printfarm.core.database import db as database
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool
from printfarm.filament.sheets import imports, taking
from tests.filament.sheets import id_of, said, send, spools, take_in
from tests.filament.shelf import lines

HEAD = "Brand,Material,Colour,Left g,Batch\n"


def sheet(rolls: int, kinds: int, name: str) -> str:
    rows = (f"Brand {n % kinds % 3},PLA,{name} {n % kinds},{n + 1},{name}-{n}\n" for n in range(rolls))
    return HEAD + "".join(rows)


def statements(app, person, text: str) -> int:
    url, sent = send(person, text), []
    person.post(f"{url}/start")
    note = lambda *args: sent.append(args[2])  # noqa: E731
    with app.app_context():
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            jobs.take_in_sheet(str(person.shop_id), str(id_of(url)))
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    assert {what for what, _ in said(person, url).values()} == {"new"}
    return len(sent)


@pytest.mark.parametrize("kinds", [3, 90], ids=["few filaments", "a filament in each line"])
def test_ninety_lines_cost_hardly_more_statements_than_three(app, olga, ctx, kinds):
    statements(app, olga, sheet(3, 3, "First"))  # what is asked once
    few = statements(app, olga, sheet(3, 3, "Few"))
    assert statements(app, olga, sheet(90, kinds, "Many")) <= few + 5
    with read_only(olga.shop_id) as db:
        assert queries.find_drift(db) == []
        numbers = list(db.scalars(select(Spool.number).order_by(Spool.created_at, Spool.id)))
        assert numbers == list(range(1, 97))
        assert len(set(db.scalars(select(Filament.number)))) == kinds + 6


def test_rolls_that_come_together_are_each_what_their_line_says(olga, ctx):
    head = "Brand,Material,Colour,Left g,Whole roll g,State,Archived,Code,Opened on\n"
    rows = (
        "Sunlu,PLA,Red,1000,,,,,\nsunlu,pla,RED,400,1000,,,,\nSunlu,PLA,Red,0,1000,,,,\n"
        "Sunlu,PLA,Red,,750,on order,,,\nSunlu,PLA,Red,20,,,yes,,\nSunlu,PLA,Red,30,,,,K7WMPX,2026-01-02\n"
    )
    take_in(olga, send(olga, head + rows))
    made = spools(olga)
    assert [(one.state, one.remaining_mg, one.initial_mg) for one in made] == [
        ("sealed", 1_000_000, 1_000_000),
        ("open", 400_000, 1_000_000),
        ("empty", 0, 1_000_000),
        ("on order", 0, 750_000),
        ("sealed", 20_000, 20_000),
        ("open", 30_000, 30_000),
    ]
    assert [one.archived_at is not None for one in made] == [False, False, False, False, True, False]
    assert made[5].code == "K7WMPX"
    assert len({one.filament_id for one in made}) == 1
    assert [lines(one) for one in made] == [[("imported", one.remaining_mg, False)] for one in made]


def test_a_filament_is_told_and_fetched_from_the_archive_between_rolls_that_are_new(olga, ctx):
    with unit_of_work(olga.shop_id) as db:
        away = service.add_filament(db, brand="", material="PLA", colour_name="Grey", colour_hex="#808080")
        service.archive_filament(db, away.id)
    text = (
        "Material,Colour,Left g,Article number\nPLA,Red,1,\nPLA,Grey,2,\nPLA,Red,3,R-1\nPLA,Blue,4,\nPLA,Blue,5,B-1\n"
    )
    take_in(olga, send(olga, text))
    assert [one.remaining_mg for one in spools(olga)] == [1_000, 2_000, 3_000, 4_000, 5_000]
    kinds = {one.filament.colour_name: one.filament for one in spools(olga)}
    assert {name: one.article_number for name, one in kinds.items()} == {"Grey": "", "Red": "R-1", "Blue": "B-1"}
    assert kinds["Grey"].id == away.id
    assert kinds["Grey"].archived_at is None


@pytest.mark.parametrize("diameter", ["1.754", "1.75", ""])
def test_a_filament_that_is_here_is_no_new_one_however_it_is_written(olga, ctx, diameter):
    """Letters that SQLite cannot make small, and hundredths of a millimetre."""
    with unit_of_work(olga.shop_id) as db:
        one = service.add_filament(db, brand="ÖKO", material="PLA", colour_name="TÜRKIS", colour_hex="#2BB6B0")
    url = send(olga, f"Brand,Material,Colour,Diameter mm,Left g\nÖKO,PLA,TÜRKIS,{diameter},5\n")
    assert said(olga, url)[2] == ("new", "5 g")
    take_in(olga, url)
    assert [roll.filament_id for roll in spools(olga)] == [one.id]


def test_who_adds_the_same_filament_at_this_very_moment_does_not_stop_the_sheet(olga, ctx, monkeypatch):
    """A sheet may be taken in while somebody adds by hand what it has found to be missing."""
    url = send(olga, HEAD + "Sunlu,PLA,Red,1000,A\nSunlu,PLA,Red,1000,B\n")
    write, tries = taking.take_in_filaments, []

    def meanwhile(db, made):
        tries.append(len(made))
        if len(tries) == 1:
            raise IntegrityError("INSERT", {}, Exception("uq_filaments_facts"))
        write(db, made)

    monkeypatch.setattr(taking, "take_in_filaments", meanwhile)
    take_in(olga, url)
    assert tries == [1, 1]
    assert len(spools(olga)) == 2


def test_a_piece_that_fails_for_good_leaves_nothing_and_is_done_later(olga, ctx, monkeypatch):
    url = send(olga, HEAD + "Sunlu,PLA,Red,1000,A\n")
    olga.post(f"{url}/start")
    with monkeypatch.context() as stuck:

        def never(*_args):
            raise IntegrityError("INSERT", {}, Exception("taken"))

        stuck.setattr(taking, "take_in_spools", never)
        with pytest.raises(IntegrityError):
            imports.take_in_slice(olga.shop_id, id_of(url))
    assert spools(olga) == []
    assert imports.take_in_slice(olga.shop_id, id_of(url))
    assert len(spools(olga)) == 1


def test_a_sheet_is_stopped_half_way_and_goes_on_there(olga, bob, charlie, ctx, monkeypatch):
    monkeypatch.setattr(imports, "PIECE", 3)
    url = send(olga, sheet(10, 2, "Stop"))
    assert "not being taken in" in olga.post(f"{url}/stop").text
    olga.post(f"{url}/start")
    assert not imports.take_in_slice(olga.shop_id, id_of(url), for_s=0)
    assert "Stop it first" in olga.post(f"{url}/forget").text
    assert (bob.post(f"{url}/stop").status, charlie.post(f"{url}/stop").status) == (403, 404)
    assert olga.post(f"{url}/stop").status == 303
    assert imports.take_in_slice(olga.shop_id, id_of(url))  # the job that was under way ends, and takes nothing more
    page = olga.get(url)
    assert "It was stopped behind line 4." in page.text
    assert "stopped half-way" in olga.get("/filament/sheets").text
    assert len(spools(olga)) == 3
    assert page.one(f"form[action='{url}/start']").get_text(strip=True) == "Go on"
    take_in(olga, url)
    assert [one.remaining_mg for one in spools(olga)] == [1_000 * (n + 1) for n in range(10)]


def test_a_sheet_that_is_stopped_while_a_piece_is_written_stays_stopped(olga, ctx, monkeypatch):
    url = send(olga, sheet(2, 1, "Late"))
    olga.post(f"{url}/start")
    pieces = imports._take_lines

    def and_then(db, import_id, piece):
        goes_on = pieces(db, import_id, piece)
        imports.stop(db, import_id)
        return goes_on

    monkeypatch.setattr(imports, "_take_lines", and_then)
    assert imports.take_in_slice(olga.shop_id, id_of(url))
    assert "It was stopped behind line 3." in olga.get(url).text
