"""The rest of Spoolman's paths: lists of words, export, settings, the shop's own fields, and whether we are there."""

import csv
import io
import json
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound as NoSuchPath

from printfarm import __version__
from printfarm.accounts.machines import token_view
from printfarm.filament.models import Filament, Spool
from printfarm.filament.spoolman import asking, fields, finding
from printfarm.filament.spoolman.door import body, bp, read
from printfarm.filament.spoolman.showing import show_filaments, show_spools, show_vendors

# What we speak like.
COMPATIBLE = "0.22.1"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WORDS = {
    "material": Filament.material,
    "location": Spool.location,
    "lot-number": Spool.batch,
    "article-number": Filament.article_number,
}


@bp.get("/health")
@token_view(role="viewer")
def health(_db: Session) -> Response:
    return jsonify(status="healthy")


@bp.get("/info")
@token_view(role="viewer")
def about(db: Session) -> Response:
    """Folders are nobody's business, and backups are PrintFarm's own."""
    return jsonify(
        version=COMPATIBLE,
        debug_mode=False,
        automatic_backups=False,
        data_dir="",
        logs_dir="",
        backups_dir="",
        db_type="postgres" if db.get_bind().dialect.name == "postgresql" else "sqlite",
        external_db_name="PrintFarm",
        git_commit=__version__,
    )


@bp.get("/<any(material, location, 'lot-number', 'article-number'):what>")
@token_view(role="viewer")
def words(db: Session, what: str) -> Response:
    return jsonify(finding.words_in(db, WORDS[what]))


@bp.get("/external/<any(filament, material):what>")
@token_view(role="viewer")
def external(_db: Session, what: str) -> Response:  # noqa: ARG001  # both are empty
    """Clients offer these to be added; our own pages have the catalogue."""
    return jsonify([])


@bp.get("/export/<any(spools, filaments, vendors):what>")
@token_view(role="viewer")
def export(db: Session, what: str) -> Response:
    """Everything in one file, nested facts with dots in their names."""
    kind = request.args.get("fmt", "")
    if kind not in {"csv", "json"}:
        raise finding.NotAsked("fmt is csv or json.")
    asked = {"allow_archived": request.args.get("allow_archived", "")}
    rows: list[dict[str, Any]] = {
        "spools": lambda: show_spools(db, finding.every(db, finding.find_spools, asked)),
        "filaments": lambda: show_filaments(db, finding.every(db, finding.find_filaments, asked)),
        "vendors": lambda: show_vendors(finding.every(db, finding.find_vendors, asked)),
    }[what]()
    flat = [_flat(row) for row in rows]
    if kind == "json":
        return jsonify(flat)
    return Response(_csv(flat), mimetype="text/csv")


@bp.get("/setting")
@bp.get("/setting/")
@token_view(role="viewer")
def settings(db: Session) -> Response:
    return jsonify(fields.settings(db))


@bp.get("/setting/<key>")
@token_view(role="viewer")
def setting(db: Session, key: str) -> Response:
    return jsonify(fields.setting(db, key))


@bp.post("/setting/<key>")
@token_view(role="operator")
def set_setting(db: Session, key: str) -> Response:
    """The body is a JSON text that holds JSON; null or nothing forgets the setting."""
    fields.set_setting(db, key, _said())
    return jsonify(fields.setting(db, key))


@bp.get("/field/<entity>")
@token_view(role="viewer")
def extra_fields(db: Session, entity: str) -> Response:
    return jsonify(fields.extra_fields(db, entity))


@bp.post("/field/<entity>/<key>")
@token_view(role="operator")
def keep_field(db: Session, entity: str, key: str) -> Response:
    return jsonify(fields.keep_field(db, entity, key, read(asking.ExtraField)))


@bp.delete("/field/<entity>/<key>")
@token_view(role="operator")
def remove_field(db: Session, entity: str, key: str) -> Response:
    return jsonify(fields.remove_field(db, entity, key))


@bp.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@bp.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@token_view(role="viewer")
def unknown(_db: Session, rest: str) -> Response:  # noqa: ARG001
    raise NoSuchPath("PrintFarm does not offer this part of Spoolman.")


def _said() -> str | None:
    text = body().decode(errors="replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if said in (None, "", "null", {}):
        return None
    return said if isinstance(said, str) and said != text else text


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, sorted({name for row in rows for name in row}))
    writer.writeheader()
    writer.writerows([{name: _cell(value) for name, value in row.items()} for row in rows])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
