"""PrintFarm as an app on a phone or desk: the manifest, its icons, and the service worker.

Stands outside the order of the areas, as the menu does: the worker has to know which pages show the queue and the fleet, and
which addresses end a session. What it keeps and what it never touches: docs/decisions/0022.
"""

import hashlib
import json
import time
from functools import lru_cache, partial
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from printfarm.core.assets import KEEP_A_YEAR, version_of
from printfarm.core.icons import ICONS, draw_icon, icons_version
from printfarm.navigation import MENU

bp = Blueprint("installable", __name__)

ROOT = Path(__file__).resolve().parent.parent
PAPER = "#f6f2ea"  # the light ground of app.css; a manifest knows one colour, pages name the dark one too
LOOK_EVERY_S = 2
WORKER = "worker/service-worker.js"
KEPT_SUFFIXES = frozenset({".css", ".js", ".svg"})
# Pages whose visit is a reason to keep what is known, and addresses that mean: somebody else may look at this screen next.
SHOWS_STATE = ("insight.dashboard", "queue.show", "fleet.show")
ENTRANCES = ("accounts.sign_in", "accounts.set_up")
EXITS = ("accounts.sign_out", "accounts.shops", "accounts.leave_shop")
INVITES = "/invite"
LABELS = "/c"  # the label of another shop leads over there


def install(app: Flask) -> None:
    """Add the addresses, and tell the templates which version of the pages this is."""
    app.register_blueprint(bp)
    app.jinja_env.globals["pages_version"] = partial(pages_version, _static(app), ROOT / "templates")


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """The same for everybody, so that it can be kept: the shop's name is on its pages."""
    version = icons_version(_favicon())
    said = {
        "id": "/",
        "name": "PrintFarm",
        "short_name": "PrintFarm",
        "description": "Queue, printers and filament of a print shop.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": PAPER,
        "background_color": PAPER,
        "categories": ["business", "productivity"],
        "icons": [_icon(name, version) for name in ICONS if name != "apple-touch-icon"],
        "shortcuts": _shortcuts(),
    }
    response = Response(json.dumps(said), mimetype="application/manifest+json")
    return _checked_each_time(response, hashlib.sha256(response.get_data()).hexdigest()[:16])


@bp.get("/icons/<name>.png")
def icon(name: str) -> ResponseReturnValue:
    if name not in ICONS:
        raise NotFound
    version = icons_version(_favicon())
    response = Response(draw_icon(name, _favicon(), version), mimetype="image/png")
    if request.args.get("v") == version:
        response.headers["Cache-Control"] = KEEP_A_YEAR
        return response
    return _checked_each_time(response, f"{name}-{version}")


@bp.get("/service-worker.js")
def service_worker() -> ResponseReturnValue:
    """The worker with its version, its files and the addresses that it has to know written above it."""
    static = _static(current_app)
    version = current_app.jinja_env.globals["pages_version"]()  # type: ignore[operator]
    known = {"VERSION": version, "ASSETS": [*_assets(static), url_for("insight.nothing_kept")], "PLACES": _places()}
    above = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
    response = Response(above + (static / WORKER).read_text(encoding="utf-8"), mimetype="text/javascript")
    return _checked_each_time(response, version)


def pages_version(*folders: Path) -> str:
    """Changes when any template or static file does; pages and the worker compare it."""
    return _version(folders, int(time.monotonic() / LOOK_EVERY_S))


@lru_cache(maxsize=2)
def _version(folders: tuple[Path, ...], _moment: int) -> str:
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256("".join(f"{path.name}{version_of(path)}" for path in files).encode()).hexdigest()[:12]


def _places() -> dict[str, object]:
    return {
        "snapshot": url_for("insight.offline"),
        "nothing": url_for("insight.nothing_kept"),
        "shows": [url_for(endpoint) for endpoint in SHOWS_STATE],
        "entrances": [*(url_for(endpoint) for endpoint in ENTRANCES), INVITES],
        "exits": [*(url_for(endpoint) for endpoint in EXITS), LABELS],
        "files": "/files/signed/",
    }


def _assets(static: Path) -> list[str]:
    """The hashed addresses of everything that pages link."""
    names = sorted(str(path.relative_to(static)) for path in static.rglob("*") if path.suffix in KEPT_SUFFIXES)
    return [url_for("static", filename=name) for name in names if name != WORKER]


def _shortcuts() -> list[dict[str, str]]:
    """What the bar at the bottom of a phone leads to, besides the page that the app starts with."""
    entries = [entry for entry in MENU if entry.phone and entry.endpoint != "insight.dashboard"]
    known = [entry for entry in entries if entry.endpoint in current_app.view_functions]
    return [{"name": entry.label, "short_name": entry.phone, "url": url_for(entry.endpoint)} for entry in known]


def _icon(name: str, version: str) -> dict[str, str]:
    side = ICONS[name].size_px
    return {
        "src": url_for("installable.icon", name=name, v=version),
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": "maskable" if ICONS[name].full else "any",
    }


def _checked_each_time(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = "public, no-cache"
    response.make_conditional(request)
    return response


def _static(app: Flask) -> Path:
    return Path(app.static_folder or "")


def _favicon() -> Path:
    return _static(current_app) / "favicon.svg"
