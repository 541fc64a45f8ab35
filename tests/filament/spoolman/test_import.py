"""A Spoolman is taken in: from its address, its exports and its SQLite file; twice is once, and first it is only looked at."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from sqlalchemy import select

from jobs import spoolman as jobs
from printfarm.accounts.service import make_token
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Brand, Filament, Spool, StockEntry
from printfarm.filament.models_spoolman import SpoolmanImport
from printfarm.filament.spoolman.reading import check_address
from printfarm.filament.spoolman.visiting import Unreadable
from tests.architecture.world import changed, fingerprint
from tests.support.serving import serving

VENDOR = {"id": 3, "registered": "2024-01-02T03:04:05Z", "name": "Polymaker", "empty_spool_weight": 140, "extra": {}}
FILAMENT = {
    "id": 7,
    "registered": "2024-01-02T03:05:00Z",
    "name": "Charcoal Black",
    "vendor": VENDOR,
    "material": "PLA",
    "price": 19.99,
    "density": 1.31,
    "diameter": 1.75,
    "weight": 1000,
    "spool_weight": 135,
    "color_hex": "333333",
    "settings_extruder_temp": 210,
    "settings_bed_temp": 60,
    "extra": {},
}
SPOOL = {
    "id": 42,
    "registered": "2024-02-03T04:05:06Z",
    "filament": FILAMENT,
    "used_weight": 250.5,
    "location": "Shelf A",
    "lot_nr": "L-1",
    "comment": "=good",
    "archived": False,
    "first_used": "2024-03-01T10:00:00Z",
    "extra": {},
}
OLD = {**SPOOL, "id": 43, "used_weight": 1000, "archived": True, "location": None}


def flat(row, before=""):
    made = {}
    for name, value in row.items():
        if name == "extra":
            continue
        made |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return made


def as_json(*spools):
    return json.dumps([flat(one) for one in spools]).encode()


def as_csv(*spools):
    out = io.StringIO()
    rows = [{name: "" if value is None else value for name, value in flat(one).items()} for one in spools]
    writer = csv.DictWriter(out, sorted(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "comment": "'=good"})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_sqlite(folder, *spools):
    path = folder / "spoolman.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE vendor (id INTEGER PRIMARY KEY, registered, name, comment, empty_spool_weight)")
        db.execute(
            "CREATE TABLE filament (id INTEGER PRIMARY KEY, registered, name, vendor_id, material, price, density, diameter,"
            " weight, spool_weight, color_hex, settings_extruder_temp, settings_bed_temp)"
        )
        db.execute(
            "CREATE TABLE spool (id INTEGER PRIMARY KEY, registered, filament_id, used_weight, location, lot_nr, comment,"
            " archived, first_used)"
        )
        db.execute("CREATE TABLE spool_field (spool_id, key, value)")
        row = flat(spools[0])
        db.execute(
            "INSERT INTO vendor VALUES (3, '2024-01-02 03:04:05.000000', 'Polymaker', NULL, 140)",
        )
        columns = ("material", "price", "density", "diameter", "weight", "spool_weight", "color_hex")
        values = [row[f"filament.{name}"] for name in columns]
        db.execute(
            f"INSERT INTO filament VALUES (7, '2024-01-02 03:05:00.000000', 'Charcoal Black', 3, {','.join('?' * 7)}, 210, 60)",
            values,
        )
        for one in spools:
            at = one["registered"].replace("T", " ").replace("Z", ".000000")
            facts = (one["id"], at, one["used_weight"], one["location"], one["lot_nr"], one["comment"], one["archived"])
            db.execute("INSERT INTO spool VALUES (?, ?, 7, ?, ?, ?, ?, ?, '2024-03-01 10:00:00.000000')", facts)
    return path.read_bytes()


def send(person, name, content):
    """Upload, let it be read, and see the page with what would happen."""
    sent = person.post("/filament/spoolman", {"file": (io.BytesIO(content), name)})
    assert sent.status == 303, sent.text
    return work(person, sent.location)


def work(person, url):
    with person.app.app_context():
        jobs.read_spoolman(str(person.shop_id), url.rsplit("/", 1)[1])
    return url


def take_in(person, url):
    assert person.post(f"{url}/start").status == 303
    with person.app.app_context():
        jobs.take_in_spoolman(str(person.shop_id), url.rsplit("/", 1)[1])
    return person.get(url)


def counts(person, url):
    table = [[cell.get_text(strip=True) for cell in row.select("td")] for row in person.get(url).all("tbody tr")]
    return [tuple(map(int, row)) for row in table]


NOTHING = [(0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 2, 0)]


@pytest.mark.parametrize("kind", ["json", "csv", "sqlite"])
def test_every_form_of_it_gives_the_same_stock(alice, in_shop, tmp_path, kind):
    content = {"json": as_json, "csv": as_csv, "sqlite": lambda *rows: as_sqlite(tmp_path, *rows)}[kind](SPOOL, OLD)
    before = fingerprint(alice.app, alice.shop_id)
    url = send(alice, f"spools.{kind}", content)
    assert counts(alice, url) == [(1, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)]
    assert changed(before, fingerprint(alice.app, alice.shop_id)) == ["spoolman_imports"]
    done = take_in(alice, url)
    assert "Done." in done.text
    spools = in_shop.scalars(select(Spool).order_by(Spool.number)).all()
    assert [(one.number, one.remaining_mg, one.initial_mg) for one in spools] == [
        (42, 749_500, 1_000_000),
        (43, 0, 1_000_000),
    ]
    assert (spools[0].location, spools[0].batch, spools[0].note, spools[0].state) == ("Shelf A", "L-1", "=good", "open")
    assert spools[1].archived_at is not None
    filament = in_shop.scalars(select(Filament)).one()
    assert (filament.number, filament.brand, filament.colour_name) == (7, "Polymaker", "Charcoal Black")
    assert (filament.colour_hex, filament.tare_mg, filament.nozzle_max_c) == ("#333333", 135_000, 210)
    assert in_shop.scalars(select(Brand).where(Brand.name == "Polymaker")).one().tare_mg == 140_000
    assert set(in_shop.scalars(select(StockEntry.cause))) == {"imported"}


def test_the_same_instance_twice_changes_nothing_however_it_is_read(alice, in_shop, tmp_path):
    take_in(alice, send(alice, "a.json", as_json(SPOOL, OLD)))
    before = fingerprint(alice.app, alice.shop_id)
    for name, content in (
        ("b.json", as_json(SPOOL, OLD)),
        ("b.csv", as_csv(SPOOL, OLD)),
        ("b.db", as_sqlite(tmp_path, SPOOL, OLD)),
    ):
        url = send(alice, name, content)
        assert counts(alice, url) == NOTHING, name
        take_in(alice, url)
    assert changed(before, fingerprint(alice.app, alice.shop_id)) == ["spoolman_imports"]


def test_what_was_used_there_since_then_is_taken_here_and_ours_stays(alice, in_shop):
    take_in(alice, send(alice, "a.json", as_json(SPOOL)))
    with unit_of_work(alice.shop_id) as db:
        service.take_weight(db, db.scalars(select(Spool.id)).one(), 100_000)
    url = send(alice, "b.json", as_json({**SPOOL, "used_weight": 300.5, "location": "Dryer"}))
    assert counts(alice, url)[2] == (0, 1, 0, 0)
    assert "place, weight" in alice.get(url).text
    take_in(alice, url)
    spool = in_shop.scalars(select(Spool)).one()
    assert (spool.remaining_mg, spool.location) == (599_500, "Dryer")


def test_names_and_prices_that_changed_there_are_listed_and_then_taken_over(alice, in_shop):
    take_in(alice, send(alice, "a.json", as_json(SPOOL)))
    renamed = {
        **SPOOL,
        "price": 21.5,
        "filament": {**SPOOL["filament"], "name": "Coal", "price": 30.0, "material": "PLA+"},
    }
    renamed["filament"]["vendor"] = {**SPOOL["filament"]["vendor"], "name": "Polymaker EU"}
    url = send(alice, "b.json", as_json(renamed))
    shown = alice.get(url).text
    assert counts(alice, url) == [(0, 1, 0, 0), (0, 1, 0, 0), (0, 1, 0, 0)]
    assert "material, name, price" in shown
    take_in(alice, url)
    filament, spool = in_shop.scalars(select(Filament)).one(), in_shop.scalars(select(Spool)).one()
    assert (filament.brand, filament.material, filament.colour_name) == ("Polymaker EU", "PLA+", "Coal")
    assert (filament.cost_per_gram, spool.cost_per_gram) == (Decimal("0.03"), Decimal("0.0215"))
    assert counts(alice, send(alice, "c.json", as_json(renamed))) == [(0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 1, 0)]


def test_what_the_shop_has_changed_itself_stays_and_the_plan_says_so(alice, in_shop):
    take_in(alice, send(alice, "a.json", as_json(SPOOL)))
    with unit_of_work(alice.shop_id) as db:
        filament, spool = db.scalars(select(Filament)).one(), db.scalars(select(Spool)).one()
        filament.colour_name, filament.cost_per_gram, spool.location = "Anthracite", Decimal("0.05"), "Box 9"
    there = {
        **SPOOL,
        "location": "Dryer",
        "filament": {**SPOOL["filament"], "name": "Coal", "price": 30.0, "density": 1.3},
    }
    url = send(alice, "b.json", as_json(there))
    shown = alice.get(url).text
    assert "density; stays as you have it: name, price" in shown
    assert "stays as you have it: place" in shown
    take_in(alice, url)
    filament, spool = in_shop.scalars(select(Filament)).one(), in_shop.scalars(select(Spool)).one()
    assert (filament.colour_name, filament.cost_per_gram, spool.location) == ("Anthracite", Decimal("0.05"), "Box 9")
    assert filament.density_g_cm3 == Decimal("1.3")


def test_a_name_that_another_filament_has_already_is_left(alice, in_shop):
    take_in(alice, send(alice, "a.json", as_json(SPOOL)))
    with unit_of_work(alice.shop_id) as db:
        ours = db.scalars(select(Filament)).one()
        twin = {"brand": ours.brand, "material": ours.material, "colour_hex": ours.colour_hex}
        service.add_filament(db, colour_name="Coal", **twin)
    there = {**SPOOL, "filament": {**SPOOL["filament"], "name": "Coal", "price": 30.0}}
    assert "Done." in take_in(alice, send(alice, "b.json", as_json(there))).text
    prices = dict(in_shop.execute(select(Filament.colour_name, Filament.cost_per_gram)).all())
    assert prices == {"Charcoal Black": Decimal("0.03"), "Coal": None}


def test_a_number_that_is_taken_is_left_and_another_given(alice, in_shop):
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(db, brand="B", material="PLA", colour_name="Black", colour_hex="#000000")
        mine = service.add_spool(db, black.id, weight_mg=1000)
        number = mine.number
    take_in(alice, send(alice, "a.json", as_json({**SPOOL, "id": number})))
    assert sorted(in_shop.scalars(select(Spool.number))) == [number, number + 1]
    with unit_of_work(alice.shop_id) as db:
        assert service.add_spool(db, black.id, weight_mg=1000).number == number + 2


def test_what_cannot_be_taken_in_is_left_out_and_says_why(alice, in_shop):
    broken = [
        {**flat(SPOOL), "id": 50, "used_weight": -1},
        {**flat(SPOOL), "id": 51, "initial_weight": 1e9},
        {**flat(SPOOL), "id": 52, "used_weight": float("nan")},
        {**flat(SPOOL), "id": 53, "registered": "yesterday"},
        flat(SPOOL),
    ]
    url = send(alice, "a.json", json.dumps(broken).encode())
    assert counts(alice, url)[2] == (1, 0, 0, 4)
    assert "left out" in alice.get(f"{url}?show=skipped").text
    take_in(alice, url)
    assert in_shop.scalars(select(Spool.number)).all() == [42]


def test_another_instance_is_read_through_its_api(alice, charlie, app, in_shop):
    """Our own API is a Spoolman too; a second shop's stock comes through it."""
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        red = service.add_filament(db, brand="Bambu Lab", material="PETG", colour_name="Red", colour_hex="#CC0000")
        for weight in (1_000_000, 333_333):
            service.add_spool(db, red.id, weight_mg=weight)
    with app.app_context(), unit_of_work(None) as db:
        token = make_token(db, charlie.shop_id, "Alice", "read")
    with serving(app) as server:
        address = {"url": f"http://{server.host}/spoolman/{token}/"}
        url = alice.post("/filament/spoolman", address, content_type="multipart/form-data").location
        work(alice, url)
    assert counts(alice, url) == [(1, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)]
    take_in(alice, url)
    assert sorted(in_shop.scalars(select(Spool.remaining_mg))) == [333_333, 1_000_000]


def test_a_shop_that_reads_itself_finds_nothing_new(alice, app, token, roll):
    with serving(app) as server:
        address = {"url": f"http://{server.host}/spoolman/{token}"}
        url = work(alice, alice.post("/filament/spoolman", address, content_type="multipart/form-data").location)
    assert counts(alice, url) == [(0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 1, 0)]
    before = fingerprint(app, alice.shop_id)
    take_in(alice, url)
    assert set(changed(before, fingerprint(app, alice.shop_id))) <= {"spoolman_imports", "spoolman_settings"}


def test_what_is_no_spoolman_is_refused_with_a_sentence(alice):
    empty = alice.post("/filament/spoolman", {"file": (io.BytesIO(b""), "a.json")})
    assert (empty.status, "The file is empty." in empty.text) == (422, True)
    hopeless = (
        b"[]",
        b"nothing",
        b"[1, 2]",
        b"{",
        b"[" * 5000,
        b"SQLite format 3\x00 not really",
        b"name;weight\nx;1\n",
    )
    for content in hopeless:
        page = alice.get(send(alice, "a.json", content))
        assert "That did not work" in page.text, content[:20]
    with alice.app.app_context(), read_only(alice.shop_id) as db:
        found = db.scalars(select(SpoolmanImport)).all()
        assert {(one.state, one.error[-1]) for one in found} == {("failed", ".")}


@pytest.mark.parametrize(
    "url", ["ftp://x", "file:///etc/passwd", "http://", "http://a:b@x", "http://x:y", "", "http://x\ny:0/"]
)
def test_only_web_addresses_are_asked(url):
    with pytest.raises(Unreadable):
        check_address(url)


def test_an_address_is_kept_as_it_is_asked():
    assert check_address(" 192.168.1.20:7912/api/v1/ ") == "http://192.168.1.20:7912"
    assert check_address("https://x/spoolman/token?a=1#b") == "https://x/spoolman/token"


def test_an_address_without_a_spoolman_says_so(alice, app):
    with serving(app) as server:
        address = {"url": f"http://{server.host}"}
        url = work(alice, alice.post("/filament/spoolman", address, content_type="multipart/form-data").location)
    assert "There is no Spoolman at this address" in alice.get(url).text


def test_only_admins_import(olga):
    assert olga.get("/filament/spoolman").status == 403
