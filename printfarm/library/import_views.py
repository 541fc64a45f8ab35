"""Imports: the list, taking a zip in, the page of one with its plan, and the filament demand at its end."""

import sys
from collections.abc import Iterator
from uuid import UUID

from flask import Flask, Response, current_app, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, validate_csrf
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from wtforms import ValidationError

from printfarm.accounts.access import shop_stream, shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.service import find_filament
from printfarm.files import receiving
from printfarm.files.multipart import FieldPart, FilePart, read_parts, skip
from printfarm.files.receiving import Refused
from printfarm.library.importing import deciding, demand, queries, service
from printfarm.library.importing.filaments import chosen_id, planned_of, suggested, want_key
from printfarm.library.importing.models import Import
from printfarm.library.importing.plan import LARGEST_BYTES, FilamentPlan, Plan, plan_of, read_plan, written
from printfarm.library.importing.receiving import receive_zip
from printfarm.library.views import bp

MIB = 1024 * 1024
LATER, NEW, AS_GUESSED = "later", "new", ""


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint. Those that take more than a form may check their CSRF token."""
    assert bp.name in app.blueprints
    for view in ("receive_import", "change_plan"):
        app.extensions["csrf"].exempt(f"printfarm.library.import_views.{view}")


@bp.get("/imports")
@shop_view(role="viewer")
def imports(db: Session) -> ViewAnswer:
    return _imports(db)


@bp.post("/imports")
@shop_stream(role="operator")
def receive_import(shop_id: UUID) -> ResponseReturnValue:
    """A zip, and perhaps a plan before it; both are read as they come."""
    with receiving.a_place_in_line():
        try:
            import_id = _receive(shop_id)
        except (BadRequest, CSRFError):
            skip(request.stream, 2 * receiving.limit_bytes())
            raise
        except DomainError as refusal:
            skip(request.stream, 2 * receiving.limit_bytes())
            if _is_script():
                raise
            with read_only(shop_id) as db:
                return _imports(db, refusal), refusal.status
    url = url_for("library.import_", import_id=import_id)
    return (jsonify(url=url), 201) if _is_script() else redirect(url, 303)


@bp.get("/imports/<uuid:import_id>")
@shop_view(role="viewer")
def import_(db: Session, import_id: UUID) -> ViewAnswer:
    return _import(db, import_id)


@bp.post("/imports/<uuid:import_id>/start")
@shop_view(role="operator")
def start_import(db: Session, import_id: UUID) -> ViewAnswer:
    """From the plan to taking in, or on where it stopped."""
    goal = "import" if request.form.get("goal") == "import" else None
    service.start(db, import_id, goal=goal)
    return _back(import_id, "It goes on in the background.")


@bp.post("/imports/<uuid:import_id>/stop")
@shop_view(role="operator")
def stop_import(db: Session, import_id: UUID) -> ViewAnswer:
    service.stop(db, import_id)
    return _back(import_id, "Stopped. What is in the library stays there.")


@bp.post("/imports/<uuid:import_id>/retry")
@shop_view(role="operator")
def retry_import(db: Session, import_id: UUID) -> ViewAnswer:
    service.try_again(db, import_id)
    return _back(import_id, "What failed is looked at once more.")


@bp.post("/imports/<uuid:import_id>/remove")
@shop_view(role="operator")
def remove_import(db: Session, import_id: UUID) -> ViewAnswer:
    service.remove(db, import_id)
    return done(url_for("library.imports"), message="The import was removed. What came of it stays in the library.")


@bp.get("/imports/<uuid:import_id>/plan.yaml")
@shop_view(role="viewer")
def import_plan(db: Session, import_id: UUID) -> ViewAnswer:
    """What the import would do, to be edited and given back."""
    text = written(queries.written_plan(db, service.find_import(db, import_id)))
    return _download(text, "text/yaml", "plan.yaml")


@bp.post("/imports/<uuid:import_id>/plan")
@shop_stream(role="operator")
def change_plan(shop_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """A long plan takes seconds to be understood, so no transaction is open meanwhile."""
    request.max_content_length = LARGEST_BYTES + 100_000
    _check_csrf(request.form.get("csrf_token") or request.headers.get("X-CSRFToken"))
    sent = request.files.get("plan")
    if sent is None or not sent.filename:
        raise Refused("Choose the edited plan.yaml first; nothing was changed.")
    plan = read_plan(sent.stream.read(LARGEST_BYTES + 1))
    with unit_of_work(shop_id) as db:
        service.change_plan(db, import_id, plan)
    flash("The new plan is followed; what it changes is shown below.", "success")
    return redirect(url_for("library.import_", import_id=import_id), 303)


@bp.post("/imports/<uuid:import_id>/filaments")
@shop_view(role="operator")
def decide_filaments(db: Session, import_id: UUID) -> ViewAnswer:
    """Which filament each wish means, as chosen on the page."""
    found = service.find_import(db, import_id, lock=True)
    if found.state == "done":
        return _decide_taken(db, found)
    plan = plan_of(found.plan)
    chosen = _chosen(db, queries.wishes_of(db, found), request.form)
    others = [one for one in plan.filaments if not any(one.is_same_wish(mine) for mine in chosen)]
    service.set_filaments(db, found, Plan(**{**dict(plan), "filaments": [*chosen, *others]}))
    return _back(import_id, "Kept. Nothing is imported before you say so.")


def _decide_taken(db: Session, found: Import) -> ViewAnswer:
    """The variants are in the library: what is chosen, or leaves no doubt, is theirs at once."""
    chosen = {}
    for wish in queries.open_wishes_of(db, found):
        answer = request.form.get(f"wish-{wish.key}", LATER)
        new = suggested(wish.wanted) if answer == NEW else None
        if new is not None:
            chosen[want_key(wish.wanted)] = chosen_id(db, new, wish.wanted)
        elif answer == AS_GUESSED and wish.decision.filament is not None:
            chosen[want_key(wish.wanted)] = wish.decision.filament.id
        elif answer not in {AS_GUESSED, NEW, LATER}:
            chosen[want_key(wish.wanted)] = find_filament(db, _id(answer)).id
    count = deciding.decide(db, found, chosen)
    return _back(found.id, f"Kept for {count} {'variant' if count == 1 else 'variants'}.")


@bp.get("/imports/<uuid:import_id>/report")
@shop_view(role="viewer")
def import_report(db: Session, import_id: UUID) -> ViewAnswer:
    found = service.find_import(db, import_id)
    return page("library/import_report.html", found=found, rows=demand.demand_of(db, found))


@bp.get("/imports/<uuid:import_id>/report.csv")
@shop_view(role="viewer")
def import_report_csv(db: Session, import_id: UUID) -> ViewAnswer:
    rows = demand.demand_of(db, service.find_import(db, import_id))
    return _download(demand.write_csv(rows), "text/csv", "filament-demand.csv")


def _is_script() -> bool:
    """static/js/zip.js shows a bar while it sends, and takes an address or a sentence."""
    return request.accept_mimetypes.best == "application/json"


def _imports(db: Session, refusal: DomainError | None = None) -> Response:
    found = queries.list_imports(db, request.args.get("page", 1, type=int))
    return page(
        "library/imports.html",
        "import_list",
        imports=found,
        progress=queries.progress_of_all(db, found.items),
        limit_bytes=receiving.limit_bytes(),
        refusals=[refusal.sentence] if refusal else [],
    )


def _import(db: Session, import_id: UUID) -> Response:
    found = service.find_import(db, import_id)
    shown = request.args.get("show", "")
    lines = queries.list_items(db, import_id, shown=shown, page=request.args.get("page", 1, type=int))
    is_in = found.state == "done"
    wishes = queries.open_wishes_of(db, found) if is_in else []
    if not is_in and found.state != "running":
        wishes = queries.wishes_of(db, found)
    return page(
        "library/import.html",
        "import_body",
        progress=queries.progress_of(db, found),
        models=queries.count_models(db, import_id),
        lines=lines,
        adds_to=queries.adds_to(db, lines.items),
        shown=shown if shown in queries.SHOWN else "",
        wishes=wishes,
        filaments=queries.choosable(db) if wishes else [],
    )


def _receive(shop_id: UUID) -> UUID:
    token, plan = request.headers.get("X-CSRFToken"), Plan()
    for part in _parts():
        if isinstance(part, FieldPart):
            token = part.value if part.name == "csrf_token" else token
            continue
        _check_csrf(token)
        if part.name == "plan" and part.file_name:
            plan = read_plan(_up_to(part.chunks, LARGEST_BYTES + 1))
        elif part.name == "zip" and part.file_name:
            return receive_zip(shop_id, current_user.user.id, part.file_name, part.chunks, plan)
    raise Refused("Choose a zip first; nothing was sent.")


def _parts() -> Iterator[FieldPart | FilePart]:
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise Refused("This address takes a zip from the import form.")
    request.max_content_length = sys.maxsize  # the bytes of the zip are counted as they come
    return read_parts(request.stream, boundary)


def _up_to(chunks: Iterator[bytes], most: int) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk[: most - len(content)]
    return bytes(content)


def _check_csrf(token: str | None) -> None:
    try:
        validate_csrf(token)
    except ValidationError as problem:
        raise CSRFError(str(problem)) from problem


def _chosen(db: Session, wishes: list[queries.Wish], form: MultiDict[str, str]) -> list[FilamentPlan]:
    """What stands in the form for each wish; what is left as it was guessed stays a guess."""
    made = []
    for wish in wishes:
        answer = form.get(f"wish-{wish.key}", AS_GUESSED)
        named = {"material": wish.wanted.material, "colour": wish.wanted.colour_hex, "vendor": wish.wanted.vendor}
        if answer == LATER:
            made.append(FilamentPlan.model_validate(named))
        elif answer == NEW:
            made.append(FilamentPlan.model_validate({**named, "filament": suggested(wish.wanted) or LATER}))
        elif answer != AS_GUESSED:
            chosen = planned_of(find_filament(db, _id(answer)))
            made.append(FilamentPlan.model_validate({**named, "filament": chosen}))
    return made


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as problem:
        raise Refused("This filament is not one of the list. Load the page again.") from problem


def _back(import_id: UUID, message: str) -> ViewAnswer:
    return done(url_for("library.import_", import_id=import_id), message=message)


def _download(text: str, kind: str, name: str) -> Response:
    answer: Response = current_app.response_class(text, mimetype=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer
