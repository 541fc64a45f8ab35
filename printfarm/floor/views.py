"""Labels to print, the scan page, and where a label's code leads."""

import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Flask, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, validate_csrf
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import ValidationError

from printfarm.accounts import service as accounts
from printfarm.accounts.access import SignedIn, person_view, role_allows, shop_stream, shop_view
from printfarm.core import rates
from printfarm.core.errors import DomainError
from printfarm.core.headers import CAMERA_ALLOWED, on_https
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, external_url, page
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament
from printfarm.files.multipart import skip
from printfarm.fleet.models import Printer
from printfarm.floor import loading, photos, queries
from printfarm.floor.blueprint import bp
from printfarm.floor.codes import code_in
from printfarm.floor.labels import BY_KEY, PAPERS, label_of, leads_nowhere_else, sheets
from printfarm.floor.remembering import remembered

NOT_OURS = "That is not one of our labels. Its code is five or six letters and digits, such as K7M 2QX."
OTHER_SHOPS = "None of these labels is from this shop. Photograph one of them alone to see where it belongs."
NOTHING_FOUND = "No QR code was found on this picture. Hold the phone still and closer, with the whole label in view."
PAPER_COOKIE, A_YEAR_S = "label_paper", 31_536_000
PHOTOS_PER_MINUTE = 30


def install(app: Flask) -> None:
    """The photo's form checks its CSRF token itself, after its size is known to be allowed."""
    app.register_blueprint(bp)
    app.extensions["csrf"].exempt("printfarm.floor.views.read_photo")


@bp.get("/c/<code>")
@shop_view(role="viewer")
def open_code(db: Session, code: str) -> ViewAnswer:
    """What a label leads to. A spool's and a printer's, one after the other, lead to loading the one into the other."""
    wanted = code_in(code)
    if wanted is None:
        return _nothing(code[:20], [])
    found = queries.behind(db, wanted)
    if found is None:
        return _nothing(wanted, queries.other_shops_with(current_user.user.id, wanted, but=shop_of(db)))
    if (pair := loading.pair_with(db, found)) is not None:
        return redirect(pair, 303)
    if isinstance(found, Printer):
        return redirect(url_for("fleet.printer", printer_id=found.id), 303)
    return redirect(url_for("filament.spool", spool_id=found.id), 303)


@bp.post("/c/<code>/in/<uuid:shop_id>")
@person_view
def open_in_shop(who: SignedIn, code: str, shop_id: UUID) -> ResponseReturnValue:
    """Go to another of one's shops, and there to what the label leads to."""
    with unit_of_work(None) as db:
        accounts.enter_shop(db, who.user.id, who.session.id, shop_id)
    return redirect(url_for("floor.open_code", code=code), 303)


@bp.get("/scan")
@shop_view(role="viewer")
def scan(db: Session) -> ViewAnswer:  # noqa: ARG001  # the code that was read leads on to open_code
    text = request.args.get("text", "").strip()
    if not text:
        return _scan_page()
    code = code_in(text)
    if code is None:
        return _scan_page(NOT_OURS, text[:60]), 422
    return redirect(url_for("floor.open_code", code=code), 303)


@bp.post("/scan/photo")
@shop_stream(role="viewer")
def read_photo(shop_id: UUID) -> ResponseReturnValue:
    """A photo of a label: read in a process with limits, then forgotten."""
    rates.take("photo by", str(current_user.user.id), per_minute=PHOTOS_PER_MINUTE)
    try:
        texts = photos.codes_on(_sent_photo())
    except DomainError as refusal:
        return _scan_page(refusal.sentence), refusal.status
    codes = list(dict.fromkeys(code for text in texts if (code := code_in(text))))
    if len(codes) == 1:
        return redirect(url_for("floor.open_code", code=codes[0]), 303)
    if not codes:
        return _scan_page(NOT_OURS if texts else NOTHING_FOUND), 422
    with read_only(shop_id) as db:
        several = queries.records(db, codes)
        return _scan_page(several=several) if several else (_scan_page(OTHER_SHOPS), 422)


@bp.get("/labels")
@shop_view(role="viewer")
def labels(db: Session) -> ViewAnswer:
    given = [code for text in request.args.getlist("code") if (code := code_in(text))]
    codes = list(dict.fromkeys(given))[: queries.MOST_LABELS]
    if not codes:
        return _chooser(db)
    paper = BY_KEY.get(request.args.get("paper") or request.cookies.get(PAPER_COOKIE, ""), PAPERS[0])
    start = request.args.get("start", 1, type=int)
    found = queries.records(db, codes)
    site = external_url("")
    drawn = [label_of(one, site + url_for("floor.open_code", code=one.code)) for one in found]
    response = page(
        "floor/labels.html",
        sheets=sheets(drawn, paper, start),
        count=len(drawn),
        codes=[label.code for label in drawn],
        missing=len(codes) - len(drawn),
        paper=paper,
        papers=PAPERS,
        start=min(max(start, 1), paper.per_page),
        site=site,
        is_here_only=leads_nowhere_else(site),
    )
    response.set_cookie(PAPER_COOKIE, paper.key, max_age=A_YEAR_S, httponly=True, samesite="Lax", secure=on_https())
    return response


def labels_page(codes: Sequence[str]) -> str:
    """Where the labels of these codes are printed."""
    return url_for("floor.labels", code=list(codes))


def _sent_photo() -> Any:
    """The one file of the form. Raises BadPhoto, and CSRFError when the form is not ours."""
    room = photos.LARGEST_BYTES + 100_000
    if (request.content_length or 0) > room:
        request.max_content_length = sys.maxsize  # read and forgotten, so that the browser hears why
        skip(request.stream, 4 * photos.LARGEST_BYTES)
        raise photos.too_large()
    request.max_content_length = room
    try:
        token, photo = request.form.get("csrf_token") or request.headers.get("X-CSRFToken"), request.files.get("photo")
    except RequestEntityTooLarge as problem:
        raise photos.too_large() from problem
    try:
        validate_csrf(token)
    except ValidationError as problem:
        raise CSRFError(str(problem)) from problem
    if photo is None or not photo.filename:
        raise photos.BadPhoto("Choose or take a picture first; nothing was sent.")
    return photo


def _scan_page(problem: str = "", typed: str = "", several: Any = ()) -> Response:
    waiting = remembered(g.shop.id) if role_allows(g.role, "operator") else None
    response = page("floor/scan.html", problem=problem, typed=typed, several=several, waiting=waiting)
    response.headers["Permissions-Policy"] = CAMERA_ALLOWED
    return response


def _nothing(code: str, elsewhere: Any) -> ViewAnswer:
    response = page("floor/not_here.html", code=code, elsewhere=elsewhere)
    response.status_code = 200 if elsewhere else 404
    return response


def _chooser(db: Session) -> Response:
    asked = queries.Asked(
        what="printers" if request.args.get("what") == "printers" else "spools",
        text=request.args.get("q", "").strip(),
        material=request.args.get("material", ""),
        low="low" in request.args,
        added="added" in request.args,
        page=request.args.get("page", 1, type=int),
    )
    found = queries.choose_from(db, asked)
    materials = filament.materials_in_use(db)
    return page("floor/choose_labels.html", found=found, asked=asked, materials=materials)
