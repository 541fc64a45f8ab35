"""A Spoolman read from outside: by its address, its export (JSON or CSV), or its SQLite file. All give the same rows.

Nothing is trusted: sizes and times are bounded, only GET is sent, no redirect is followed, and what comes must be JSON.
"""

import csv
import io
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from printfarm.filament.spoolman import rows
from printfarm.filament.spoolman.fields import well_defined
from printfarm.filament.spoolman.rows import KINDS, Row
from printfarm.filament.spoolman.visiting import MOST_BYTES, Unreadable, Visit

MOST_ROWS = 20_000
PAGE = 500
SQLITE = b"SQLite format 3\x00"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Found:
    """The rows of each kind by their number, what could not be understood, and the definitions of the shop's own fields."""

    rows: dict[str, dict[int, Row]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    skipped: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, list[Any]] = field(default_factory=dict)

    def take(self, raw: Any) -> None:
        """A row as an API or export gives it, and the rows that are nested in it."""
        if not isinstance(raw, dict):
            raise Unreadable("This is not the export of a Spoolman: its rows are no records.")
        kind = rows.kind_of(raw)
        filament, vendor = raw.get("filament"), raw.get("vendor")
        if kind == "spool" and isinstance(filament, dict):
            self.take(filament)
        if kind == "filament" and isinstance(vendor, dict) and vendor.get("id") is not None:
            self.take(vendor)
        try:
            row = rows.read_row(kind, raw)
        except ValidationError as problem:
            first = problem.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            number = raw.get("id") if isinstance(raw.get("id"), int) else None
            self.skipped.append({"kind": kind, "number": number, "why": f"{where}: {first['msg']}"})
        else:
            self.rows[kind][row.id] = row
        if len(self.skipped) + sum(map(len, self.rows.values())) > MOST_ROWS:
            raise Unreadable(f"There are more than {MOST_ROWS} rows in it; that is more than is taken in at once.")


def read_file(path: Path) -> Found:
    """An export or a SQLite file. Raises Unreadable."""
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable("The file is larger than 30 MB.")
    with path.open("rb") as file:
        if file.read(len(SQLITE)) == SQLITE:
            return _read_sqlite(path)
    text = path.read_bytes().decode("utf-8-sig", errors="replace").strip()
    if text[:1] in {"[", "{"}:
        return _taken(_json(text))
    return _taken(_csv(text))


def check_address(url: str) -> str:
    """The address of a Spoolman as it is kept, without /api/v1. Raises Unreadable."""
    url = url.strip()
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        _ = parts.port
    except ValueError as problem:
        raise Unreadable("This is not an address.") from problem
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 500 or not url.isprintable():
        raise Unreadable("Write the address of the Spoolman, such as http://192.168.1.20:7912.")
    if parts.username or parts.password:
        raise Unreadable("An address with a name and a password in it is not taken; it would be kept in the clear.")
    return parts._replace(query="", fragment="").geturl().rstrip("/").removesuffix("/api/v1")


def read_address(url: str) -> Found:
    """Everything that a Spoolman tells. It usually stands in the same house, so private addresses are allowed."""
    found = Found()
    with Visit() as visit:
        for kind in KINDS:
            for raw in _listed(visit, f"{url}/api/v1/{kind}"):
                found.take(raw)
            try:
                said = _list(_parsed(visit.get(f"{url}/api/v1/field/{kind}", {})))
            except Unreadable:  # older ones have none
                said = []
            found.fields[kind] = well_defined(kind, said)
    return found


def _listed(visit: Visit, url: str) -> Iterator[Any]:
    offset = 0
    while offset <= MOST_ROWS:
        asked = {"limit": PAGE, "offset": offset, "allow_archived": "true", "sort": "id:asc"}
        page = _list(_parsed(visit.get(url, asked)))
        yield from page
        if len(page) != PAGE:  # the last of it, or all of it from one that knows no pieces
            return
        offset += PAGE


def _parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise Unreadable("What came is not JSON, so it is no Spoolman's.") from problem


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("What came is no list, so it is no Spoolman's.")
    return value


def _json(text: str) -> list[Any]:
    value = _parsed(text)
    if isinstance(value, dict):  # several lists in one
        value = [row for part in value.values() if isinstance(part, list) for row in part]
    return [rows.nested(row) if isinstance(row, dict) else row for row in _list(value)]


def _csv(text: str) -> Iterator[Any]:
    first = text.split("\n", maxsplit=1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    if "id" not in (reader.fieldnames or []):
        raise Unreadable("This is not the export of a Spoolman: there is no column “id”.")
    try:
        for row in reader:
            yield rows.nested({name: _cell(value) for name, value in row.items() if name and value})
    except csv.Error as problem:
        raise Unreadable("The file is not a well-formed CSV.") from problem


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] == "'" and value[1:2] in FORMULA:
        return value[1:]
    return value


def _taken(raw: Iterable[Any]) -> Found:
    found = Found()
    for row in raw:
        found.take(row)
    if not any(found.rows.values()) and not found.skipped:
        raise Unreadable("There is nothing in it.")
    return found


def _read_sqlite(path: Path) -> Found:
    """Its tables, read-only; a file that was made to keep us busy is given up."""
    until = time.monotonic() + 30
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            file.execute("PRAGMA trusted_schema=OFF")
            file.set_progress_handler(lambda: time.monotonic() > until, 10_000)
            file.row_factory = sqlite3.Row
            known = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not known.issuperset(KINDS):
                raise Unreadable("This SQLite file is not a Spoolman's: it has no spools.")
            return _from_tables(file, known)
    except sqlite3.Error as problem:
        raise Unreadable("This SQLite file is damaged, or not a Spoolman's.") from problem


def _from_tables(file: sqlite3.Connection, known: set[str]) -> Found:
    tables = {kind: _table(file, kind) for kind in KINDS}
    for kind in KINDS:
        extra: dict[Any, dict[str, Any]] = {}
        if f"{kind}_field" in known:
            for row in file.execute(f"SELECT * FROM {kind}_field LIMIT {10 * MOST_ROWS}"):  # noqa: S608  # names of ours
                of = dict(row)
                extra.setdefault(of.get(f"{kind}_id"), {})[str(of.get("key"))] = of.get("value")
        for number, one in tables[kind].items():
            one["extra"] = extra.get(number, {})
    found = Found()
    for one in tables["vendor"].values():
        found.take({**one, "is": "vendor"})
    for one in tables["filament"].values():
        found.take({**one, "vendor": tables["vendor"].get(one.get("vendor_id"))})
    for one in tables["spool"].values():
        filament = tables["filament"].get(one.get("filament_id"), {})
        found.take({**one, "filament": {**filament, "vendor": tables["vendor"].get(filament.get("vendor_id"))}})
    return found


def _table(file: sqlite3.Connection, name: str) -> dict[Any, dict[str, Any]]:
    found = [dict(row) for row in file.execute(f"SELECT * FROM {name} LIMIT {MOST_ROWS + 1}")]  # noqa: S608  # one of KINDS
    return {row.get("id"): row for row in found}
