"""Static files: the address carries a hash of the content, so a browser keeps them for a year and never shows an old one."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

KEEP_A_YEAR = "public, max-age=31536000, immutable"


def install(app: Flask) -> None:
    """Put `?v=<hash>` on every link to a static file."""
    folder = Path(app.static_folder or "")

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values:
            version = version_of(folder / values["filename"])
            if version:
                values["v"] = version

    @app.after_request
    def let_it_be_kept(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in {200, 304}:
            known = request.args.get("v") == version_of(folder / (request.view_args or {})["filename"])
            response.headers["Cache-Control"] = KEEP_A_YEAR if known else "no-cache"
        return response


def version_of(path: Path) -> str | None:
    """Ten digits that change with the file; None when there is no such file."""
    try:
        return _hash(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _hash(path: Path, _changed_at: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
