"""Uploading, reading and answering, as a person and the worker do it."""

import io
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import or_, select

from jobs.extraction import read_upload
from jobs.scanning import scan_file
from jobs.sweeps import DOES, run_due
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.work import read_only
from printfarm.files import service
from printfarm.files.models import FileScan, Upload
from printfarm.files.sample_builder import PlateSpec, build_sliced_3mf
from printfarm.files.scans import find_scan
from tests.support.browser import Page
from tests.support.cast import Person

JSON = {"Accept": "application/json"}


def sliced(folder: Path, name: str = "Fox.gcode.3mf", **options: Any) -> Path:
    """A sliced file of one plate, made by our own builder."""
    return build_sliced_3mf(folder / name, options.pop("plates", (PlateSpec(),)), **options)


def send(person: Person, *files: Path | tuple[str, bytes], json: bool = True) -> Page:
    """Post files as the upload form does; `json` as its script does."""
    parts = [one if isinstance(one, tuple) else (one.name, one.read_bytes()) for one in files]
    return person.post(
        "/files/uploads",
        {"files": [(io.BytesIO(content), name) for name, content in parts]},
        content_type="multipart/form-data",
        headers=JSON if json else {},
    )


def arrive(person: Person, *files: Path | tuple[str, bytes]) -> UUID:
    """Send one file and return its upload's id."""
    answer = send(person, *files)
    assert answer.status == 201, answer.json
    return UUID(answer.json["id"])


def read(person: Person, upload_id: UUID) -> Upload:
    """What the worker does, here and now."""
    with person.app.app_context():
        read_upload(str(person.shop_id), str(upload_id))
    return state_of(person.app, person.shop_id, upload_id)


def count(person: Person, upload_id: UUID) -> FileScan | None:
    """What the worker does after it has read the file: count its moves, here and now. The count, if there is one."""
    with person.app.app_context():
        scan_file(str(person.shop_id), str(upload_id))
        with read_only(person.shop_id) as db:
            return find_scan(db, upload_id)


def arrive_and_read(person: Person, file: Path | tuple[str, bytes]) -> UUID:
    upload_id = arrive(person, file)
    upload = read(person, upload_id)
    assert upload.state == "needs-answer", upload.error
    return upload_id


def state_of(app: Flask, shop_id: UUID, upload_id: UUID) -> Upload:
    with app.app_context(), read_only(shop_id) as db:
        return service.find_upload(db, upload_id)


def offered(page: Page, form: str = "#answer") -> dict[str, str]:
    """What the form on a page would send if it were submitted as it stands."""
    found: dict[str, str] = {}
    for control in page.one(form).select("input[name], select[name], textarea[name]"):
        name = str(control["name"])
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.select_one("option")
            found[name] = str(chosen["value"]) if chosen else ""
        elif control.name == "textarea":
            found[name] = control.get_text().strip()
        elif control.get("type") not in {"radio", "checkbox"} or control.has_attr("checked"):
            found[name] = str(control.get("value", ""))
    found.pop("csrf_token", None)
    return found


def save(person: Person, upload_id: UUID, **changes: str) -> Page:
    """Submit the answer form as it stands, with some fields changed."""
    url = f"/library/uploads/{upload_id}"
    return person.post(url, {**offered(person.get(url)), **changes, "action": "save"})


def add_variant(person: Person, file: Path, **changes: str) -> UUID:
    """The whole way: upload, read, save; the variant's id."""
    saved = save(person, arrive_and_read(person, file), **changes)
    assert saved.status == 303, saved.text
    return UUID(str(saved.location).rsplit("/", 1)[1])


def sweep(app: Flask) -> int:
    """One round of the sweeps; how much of what it found due was about files."""
    about_files = [
        kind for kind, (function, _queue) in DOES.items() if function.startswith(("jobs.extraction.", "jobs.scanning."))
    ]
    with app.app_context():
        with read_only(None) as db:
            now = utc_now()
            free = or_(Owed.leased_until.is_(None), Owed.leased_until <= now)
            due = db.scalars(select(Owed).where(Owed.kind.in_(about_files), Owed.due_at <= now, free)).all()
        run_due()
        return len(due)
