"""The pages of an import: where from, what it would do, and what it did."""

from uuid import UUID

from flask import Flask, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_stream, shop_view
from printfarm.core.errors import DomainError
from printfarm.core.ids import new_id
from printfarm.core.storage import storage_key
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.spoolman import imports
from printfarm.filament.spoolman.reading import check_address
from printfarm.filament.spoolman.visiting import MOST_BYTES
from printfarm.filament.views.blueprint import bp
from printfarm.files.views.one_file import NotTaken, keep_file, sent_file, skip_the_rest

KIND = "spoolman"
RECEIVE = "printfarm.filament.spoolman.import_views.receive_spoolman"


def install(app: Flask) -> None:
    """The routes below belong to the area's blueprint. The one that reads a stream checks its form token itself."""
    app.extensions["csrf"].exempt(RECEIVE)


@bp.get("/spoolman")
@shop_view(role="admin")
def spoolman_imports(db: Session) -> ViewAnswer:
    return _imports(db)


@bp.post("/spoolman")
@shop_stream(role="admin")
def receive_spoolman(shop_id: UUID) -> ResponseReturnValue:
    """An address, or a file, which is read as it comes."""
    try:
        import_id = _receive(shop_id)
    except DomainError as refusal:
        skip_the_rest(MOST_BYTES)
        with read_only(shop_id) as db:
            return _imports(db, refusal), refusal.status
    return redirect(url_for("filament.spoolman_import", spoolman_id=import_id), 303)


@bp.get("/spoolman/<uuid:spoolman_id>")
@shop_view(role="admin")
def spoolman_import(db: Session, spoolman_id: UUID) -> ViewAnswer:
    found = imports.find_import(db, spoolman_id)
    shown = request.args.get("show", "")
    shown = shown if shown in imports.SHOWN else ""
    lines = imports.lines_of(found, shown, request.args.get("page", 1, type=int))
    return page("filament/spoolman_import.html", "import_body", found=found, lines=lines, shown=shown)


@bp.post("/spoolman/<uuid:spoolman_id>/start")
@shop_view(role="admin")
def start_spoolman_import(db: Session, spoolman_id: UUID) -> ViewAnswer:
    imports.start(db, spoolman_id)
    url = url_for("filament.spoolman_import", spoolman_id=spoolman_id)
    return done(url, message="It is taken in, in the background.")


def _imports(db: Session, refusal: DomainError | None = None) -> Response:
    return page(
        "filament/spoolman.html",
        imports=imports.list_imports(db),
        refusals=[refusal.sentence] if refusal else [],
    )


def _receive(shop_id: UUID) -> UUID:
    user_id = current_user.user.id
    with sent_file(MOST_BYTES) as sent:
        if sent.draft is not None:
            key = storage_key(shop_id, KIND, new_id())
            return keep_file(
                shop_id,
                sent.draft,
                key,
                lambda db: imports.begin(db, source=sent.name, file_key=key, user_id=user_id).id,
            )
        url = sent.fields.get("url", "")
    if not url.strip():
        raise NotTaken("Write an address, or choose a file.")
    address = check_address(url)
    with unit_of_work(shop_id) as db:
        return imports.begin(db, source=address, url=address, user_id=user_id).id
