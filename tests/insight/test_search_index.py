"""The index keeps itself: whoever changes a thing, by whatever statement, changes its entry in the same transaction."""

import pytest
from sqlalchemy import delete, event, func, insert, make_url, select, text, update

from jobs.search import reindex
from jobs.sweeps import DOES
from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.ids import new_id
from printfarm.core.owed import due_of, owe
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament, Spool
from printfarm.filament.service import add_filament
from printfarm.files.models import StoredFile
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.insight import search
from printfarm.insight.models import SearchEntry, SearchSpelling
from printfarm.insight.search import keeping
from printfarm.insight.search.documents import everything
from printfarm.insight.search.rebuilding import BATCH, rebuild, rebuild_for_a_while
from printfarm.library.models import FilamentRequirement, Model, ModelTag, Plate, Variant, VariantMetadata
from printfarm.queue.models import PrintJob
from printfarm.queue.service import add_jobs
from tests.support.factories import load, make_plate, make_world

KINDS = set(search.KINDS)


@pytest.fixture
def world(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        made = make_world(db, alice.shop_id)
        add_jobs(db, made.plate_id, quantity=1, note="", user_id=None)
        return made


@pytest.fixture
def rows(alice, world):
    """The first row of a table, to be changed in a transaction."""

    def first(db, model):
        return db.scalars(select(model).order_by(model.id)).first()

    return first


def kinds(shop_id, words):
    with read_only(shop_id) as db:
        return set(search.find(db, words).groups)


def entries(shop_id):
    with read_only(shop_id) as db:
        listed = db.execute(select(SearchEntry.id, SearchEntry.name, SearchEntry.words, SearchEntry.duration_s))
        return {row[0]: tuple(row[1:]) for row in listed}


def test_everything_that_is_there_has_an_entry(alice, world):
    with read_only(alice.shop_id) as db:
        there = {one for kind in KINDS for one in db.scalars(select(everything(kind).id))}
    assert set(entries(alice.shop_id)) == there


@pytest.mark.parametrize(
    ("model", "field", "found"),
    [
        (Model, "name", {"model", "variant"}),
        (Model, "designer", {"model", "variant"}),
        (Model, "description", {"model"}),
        (Model, "category", {"model", "variant"}),
        (Variant, "name", {"variant"}),
        (Variant, "note", {"variant"}),
        (Variant, "slicer_name", {"variant"}),
        (Plate, "name", {"variant"}),
        (Plate, "printer_model", {"variant"}),
        (Plate, "bed_type", {"variant"}),
        (FilamentRequirement, "vendor", {"variant"}),
        (FilamentRequirement, "preset", {"variant"}),
        (StoredFile, "original_name", {"variant"}),
        (Filament, "colour_name", {"filament", "spool"}),
        (Filament, "brand", {"filament", "spool"}),
        (Filament, "note", {"filament"}),
        (Spool, "location", {"spool"}),
        (Spool, "batch", {"spool"}),
        (Printer, "name", {"printer", "spool"}),
        (Printer, "location", {"printer"}),
        (PrintJob, "name", {"job"}),
        (PrintJob, "note", {"job"}),
    ],
)
@pytest.mark.parametrize("way", ["one", "many"])
def test_a_change_is_found_at_once_and_the_old_word_no_more(alice, rows, model, field, found, way):
    for word in ("quokka", "wombat"):
        with unit_of_work(alice.shop_id) as db:
            if way == "one":
                setattr(rows(db, model), field, word)
            else:
                db.execute(update(model).values({field: word}))
        assert kinds(alice.shop_id, word) == found
    assert kinds(alice.shop_id, "quokka") == set()


def test_what_fails_leaves_no_entry(alice, rows):
    before = entries(alice.shop_id)
    with pytest.raises(RuntimeError, match="no"), unit_of_work(alice.shop_id) as db:
        rows(db, Model).name = "Quokka"
        db.add(Model(name="Wombat"))
        db.flush()
        raise RuntimeError("no")
    assert entries(alice.shop_id) == before


def test_tags_metadata_and_loaded_rolls_come_and_go(alice, rows):
    shop_id = alice.shop_id
    with unit_of_work(shop_id) as db:
        db.add(ModelTag(model_id=rows(db, Model).id, tag="quokka"))
        raw = {"project_settings": {"fill_pattern": "quokka"}}
        db.add(VariantMetadata(variant_id=rows(db, Variant).id, raw=raw))
    assert kinds(shop_id, "quokka") == {"model", "variant"}
    assert kinds(shop_id, "fill_pattern=quokka") == {"variant"}
    with unit_of_work(shop_id) as db:
        db.execute(delete(ModelTag).where(ModelTag.tag == "quokka"))
        db.delete(rows(db, VariantMetadata))
    assert kinds(shop_id, "quokka") == kinds(shop_id, "fill_pattern=quokka") == set()


def test_a_roll_is_where_it_lies_now(alice, world, rows):
    with unit_of_work(alice.shop_id) as db:
        rows(db, Printer).name = "Quokka"
    assert kinds(alice.shop_id, "quokka") == {"printer", "spool"}
    with unit_of_work(alice.shop_id) as db:
        db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one().spool_id = None
    assert kinds(alice.shop_id, "quokka") == {"printer"}
    with unit_of_work(alice.shop_id) as db:
        db.execute(update(PrinterSlot).where(PrinterSlot.ams_unit == 0).values(spool_id=world.spool_id))
    assert kinds(alice.shop_id, "quokka") == {"printer", "spool"}
    with unit_of_work(alice.shop_id) as db:
        db.execute(delete(PrinterSlot))
    assert kinds(alice.shop_id, "quokka") == {"printer"}
    with unit_of_work(alice.shop_id) as db:
        load(db, world.printer_id, world.spool_id)
    assert kinds(alice.shop_id, "quokka") == {"printer", "spool"}


@pytest.mark.parametrize(
    ("model", "gone"),
    [
        (Model, {"model", "variant"}),
        (Filament, {"filament"}),
        (Spool, {"spool"}),
        (Printer, {"printer"}),
        (Variant, {"variant"}),
    ],
)
def test_what_is_archived_is_left_out_until_it_is_back(alice, rows, model, gone):
    def there():
        with read_only(alice.shop_id) as db:
            return set(db.scalars(select(SearchEntry.kind)))

    with unit_of_work(alice.shop_id) as db:
        rows(db, model).archived_at = utc_now()
    assert there() == KINDS - gone
    with unit_of_work(alice.shop_id) as db:
        rows(db, model).archived_at = None
    assert there() == KINDS


@pytest.mark.parametrize("way", ["one", "many"])
def test_what_is_deleted_takes_the_entries_of_its_parts_along(alice, ctx, way):
    with unit_of_work(alice.shop_id) as db:
        plate = make_plate(db, needs={1: (None, 1)}, name="Quokka")
        model_id = plate.variant.model_id
    assert kinds(alice.shop_id, "quokka") == {"model", "variant"}
    with unit_of_work(alice.shop_id) as db:
        if way == "one":
            db.delete(db.get_one(Model, model_id))
        else:
            db.execute(delete(Model).where(Model.id == model_id))
    assert entries(alice.shop_id) == {}


def test_only_the_newest_version_is_found(alice, rows):
    with unit_of_work(alice.shop_id) as db:
        old = rows(db, Variant)
        old.note = "quokka"
        again = {"model_id": old.model_id, "name": old.name, "version": 2, "file_format": "gcode", "sliced": True}
        new = Variant(**again, file_id=old.file_id, note="wombat")
        db.add(new)
    assert (kinds(alice.shop_id, "quokka"), kinds(alice.shop_id, "wombat")) == (set(), {"variant"})
    with unit_of_work(alice.shop_id) as db:
        db.delete(db.merge(new))
    assert (kinds(alice.shop_id, "quokka"), kinds(alice.shop_id, "wombat")) == ({"variant"}, set())


def test_rows_in_bulk_are_noticed_or_refused(alice, ctx):
    with unit_of_work(alice.shop_id) as db:
        rows = [{"id": new_id(), "shop_id": alice.shop_id, "name": f"Quokka {number}"} for number in range(3)]
        db.execute(insert(Model), rows)
    assert len(entries(alice.shop_id)) == 3
    with pytest.raises(RuntimeError, match="states id"), unit_of_work(alice.shop_id) as db:
        db.execute(insert(Model), [{"shop_id": alice.shop_id, "name": "Wombat"}])


def test_a_roll_that_becomes_one_of_a_new_filament_is_found_by_its_name(alice, world, rows):
    with unit_of_work(alice.shop_id) as db:
        new = add_filament(db, brand="Quokka", material="PLA", colour_name="Grey", colour_hex="#888888")
        rows(db, Spool).filament_id = new.id
    assert kinds(alice.shop_id, "quokka") == {"filament", "spool"}


def test_things_of_all_kinds_take_few_statements_and_many_things_no_more(alice, world):
    def taken(worlds):
        asked = []

        def note(_connection, _cursor, statement, *_rest):
            asked.append(statement)

        with unit_of_work(alice.shop_id) as db:
            for _ in range(worlds):
                add_jobs(db, make_world(db, alice.shop_id).plate_id, quantity=1, note="", user_id=None)
            db.flush()
            event.listen(database.engine, "before_cursor_execute", note)
            try:
                keeping.bring_up_to_date(db)
            finally:
                event.remove(database.engine, "before_cursor_execute", note)
        return len(asked)

    assert taken(1) <= 20
    assert taken(10) <= 20


def test_what_does_not_concern_the_search_writes_no_entry(alice, world, rows):
    with unit_of_work(alice.shop_id) as db:
        rows(db, Spool).remaining_mg -= 1
        rows(db, Printer).last_seen_at = utc_now()
        db.execute(update(PrintJob).values(feasible_at=utc_now()))
        db.flush()
        assert keeping.STALE not in db.info or not db.info[keeping.STALE]


def test_a_change_of_very_many_things_is_owed_and_made_up_for(alice, ctx, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_AT_ONCE", 10)
    with unit_of_work(alice.shop_id) as db:
        db.add_all([Model(name=f"Quokka {number}") for number in range(20)])
    assert entries(alice.shop_id) == {}
    with read_only(alice.shop_id) as db:
        assert due_of(db, keeping.PROMISE, alice.shop_id) is not None
    assert "is being built" in alice.get("/search?q=quokka").one("#results").get_text()
    reindex(str(alice.shop_id))
    assert len(entries(alice.shop_id)) == 20
    with read_only(alice.shop_id) as db:
        assert due_of(db, keeping.PROMISE, alice.shop_id) is None
    assert "is being built" not in alice.get("/search?q=quokka").one("#results").get_text()
    assert DOES[keeping.PROMISE][0] == "jobs.search.reindex"


def spoil(shop_id):
    """What only a bug or a hand in the database could do."""
    with unit_of_work(shop_id) as db:
        first, second, *_ = db.scalars(select(SearchEntry).order_by(SearchEntry.number))
        db.delete(first)
        second.words, second.name = "nonsense", "nonsense"
        db.add(SearchEntry(kind="model", name="ghost", words="ghost"))
        db.add(SearchSpelling(spelling="ghst", word="ghost"))


def test_a_rebuild_mends_whatever_was_wrong(alice, world):
    before = entries(alice.shop_id)
    spoil(alice.shop_id)
    assert rebuild(alice.shop_id) == len(before)
    assert entries(alice.shop_id) == before
    with read_only(alice.shop_id) as db:
        assert db.scalar(select(func.count()).where(SearchSpelling.word == "ghost")) == 0
    assert kinds(alice.shop_id, "benchy") >= {"model", "variant"}


def test_a_rebuild_in_slices_goes_on_where_it_was(alice, world):
    with unit_of_work(alice.shop_id) as db:
        db.add_all([Model(name=f"Quokka {number}") for number in range(BATCH + 5)])
    before = entries(alice.shop_id)
    spoil(alice.shop_id)
    with unit_of_work(alice.shop_id) as db:
        owe(db, keeping.PROMISE, alice.shop_id)
    position, slices = "", 0
    while position or not slices:
        position = rebuild_for_a_while(alice.shop_id, position, seconds=0)
        slices += 1
    assert slices > len(KINDS)
    assert entries(alice.shop_id) == before
    assert rebuild_for_a_while(alice.shop_id, "") == "", "nothing is owed any more"


def test_the_full_text_follows_the_entries(alice, world, backend):
    if backend != "sqlite":
        pytest.skip("PostgreSQL's index follows by itself")
    rebuild(alice.shop_id)
    anything = text("SELECT count(*) FROM fts_search WHERE fts_search MATCH '\"x\" *'")
    with database.engine.connect() as connection:
        assert connection.execute(anything).scalar_one() == len(entries(alice.shop_id)) > 0
    with unit_of_work(alice.shop_id) as db:
        db.execute(delete(SearchEntry))
    with database.engine.connect() as connection:
        assert connection.execute(anything).scalar_one() == 0


def test_another_shops_words_are_another_vocabulary(alice, charlie, world):
    with unit_of_work(charlie.shop_id) as db:
        db.add(Model(name="Quokka"))
    for typed in ("quokka", "quoka", "quok"):
        assert kinds(alice.shop_id, typed) == set()
        assert kinds(charlie.shop_id, typed) == {"model"}
    ours = {word for _, words, _ in entries(alice.shop_id).values() for word in words.split()}
    theirs = {word for _, words, _ in entries(charlie.shop_id).values() for word in words.split()}
    assert ours
    assert not ours & theirs


def test_on_postgresql_the_question_goes_through_the_fence_and_uses_the_index(
    alice, charlie, world, backend, request, database_url
):
    if backend != "postgresql":
        pytest.skip("SQLite has no row-level security")
    server = request.getfixturevalue("postgres")
    with unit_of_work(charlie.shop_id) as db:
        db.add_all([Model(name=f"Quokka {number}") for number in range(800)])
    server.execute("ANALYZE search_entries", make_url(database_url).database)  # as autovacuum does
    plans = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true)"
    with read_only(charlie.shop_id) as db:
        assert db.scalar(text("SELECT count(*) FROM search_entries")) == 800
        db.execute(text(plans))
        db.execute(text("SELECT set_config('app.search', '''nothing'':*', true)"))
        assert "fts_search" in "".join(db.scalars(text("EXPLAIN SELECT id FROM search_entries LIMIT 300")))
        assert db.scalar(text("SELECT count(*) FROM search_entries")) == 0
    with read_only(alice.shop_id) as db:
        db.execute(text("SELECT set_config('app.search', '''any''', true)"))
        assert db.scalar(text("SELECT count(*) FROM search_entries")) < 800
