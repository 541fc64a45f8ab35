"""A person who sends sheets, and what became of their lines."""

import csv
import io
from uuid import UUID

from sqlalchemy import select

from jobs import filament as jobs
from printfarm.core.work import read_only
from printfarm.filament.models import Spool
from printfarm.filament.models_sheets import SheetImport, SheetLine

SPOOLMANS = (
    "id,registered,filament.vendor.name,filament.material,filament.name,filament.color_hex,price,initial_weight,"
    "used_weight,location,lot_nr,archived\n"
    "42,2024-02-03T04:05:06Z,Polymaker,PLA,Charcoal,333333,19.99,1000,250.5,Shelf A,L-1,False\n"
    "43,2024-02-03T04:05:07Z,Polymaker,PLA,Charcoal,333333,,1000,1000,,,True\n"
)


def send(person, content, name="rolls.csv") -> str:
    """Upload, and let it be read."""
    content = content.encode() if isinstance(content, str) else content
    sent = person.post("/filament/sheets", {"file": (io.BytesIO(content), name)})
    assert sent.status == 303, sent.text
    with person.app.app_context():
        jobs.read_sheet(str(person.shop_id), sent.location.rsplit("/", 1)[1])
    return sent.location


def id_of(url) -> UUID:
    return UUID(url.rsplit("/", 1)[1])


def take_in(person, url):
    person.post(f"{url}/start")
    with person.app.app_context():
        jobs.take_in_sheet(str(person.shop_id), url.rsplit("/", 1)[1])
    page = person.get(url)
    assert "Done." in page.text, page.text
    return page


def said(person, url) -> dict[int, tuple[str, str]]:
    """Of each line: what it would do or did, and why."""
    with person.app.app_context(), read_only(person.shop_id) as db:
        mine = select(SheetLine).where(SheetLine.import_id == id_of(url)).order_by(SheetLine.line)
        return {one.line: (one.what, one.why) for one in db.scalars(mine)}


def why_failed(person, url) -> str:
    with person.app.app_context(), read_only(person.shop_id) as db:
        found = db.get_one(SheetImport, id_of(url))
        assert found.state == "failed"
        return found.error


def spools(person) -> list[Spool]:
    with read_only(person.shop_id) as db:
        return list(db.scalars(select(Spool).order_by(Spool.created_at, Spool.id)))


def table(person, asked="") -> list[dict[str, str]]:
    page = person.get(f"/filament/spools.csv?{asked}")
    assert page.status == 200
    return list(csv.DictReader(io.StringIO(page.response.get_data().decode("utf-8-sig"))))


def sheet_of(rows, separator=",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
