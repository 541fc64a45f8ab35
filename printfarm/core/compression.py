"""Text travels compressed: pages on the fly, static files once for each version.

Why a page may be compressed although it holds a secret (the CSRF token; see BREACH): guessing a secret by the length of answers
takes thousands of requests that carry the victim's cookie, repeat the attacker's text, and hold the same secret. Our cookie
is SameSite=Lax, so another site's background requests do not carry it, and an answer to a request that a browser says came
from another site is left as it is. Besides, the token's signature changes with every second; the part that stays is worth
nothing without it. The session's own token stands in no page.
"""

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request

SMALLEST_BYTES = 700  # below this a packet is a packet
PAGE_LEVEL, FILE_LEVEL = 5, 9
TYPES = frozenset(
    {
        "text/html",
        "text/css",
        "text/plain",
        "text/javascript",
        "application/javascript",
        "application/json",
        "image/svg+xml",
    }
)


def install(app: Flask) -> None:
    """Compress what gains by it for every client that understands gzip."""
    folder = Path(app.static_folder or "")

    @app.after_request
    def compress(response: Response) -> Response:
        if response.mimetype not in TYPES or "Content-Encoding" in response.headers:
            return response
        is_static = request.endpoint == "static"
        if is_static or not (response.is_streamed or response.direct_passthrough):
            response.vary.add("Accept-Encoding")
            _weaken_etag(response)
            if _wanted(response, is_static=is_static):
                _put(response, _file(folder, response) if is_static else _text(response))
        return response


def _wanted(response: Response, *, is_static: bool) -> bool:
    if response.status_code in {204, 206, 304} or "Range" in request.headers:
        return False
    if request.accept_encodings.quality("gzip") <= 0:
        return False
    return is_static or request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}


def _weaken_etag(response: Response) -> None:
    """The same content in two encodings is equivalent, not the same bytes."""
    tag, weak = response.get_etag()
    if tag is not None and not weak:
        response.set_etag(tag, weak=True)


def _put(response: Response, compressed: bytes | None) -> None:
    if compressed is None:
        return
    response.direct_passthrough = False
    response.set_data(compressed)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)


def _text(response: Response) -> bytes | None:
    plain = response.get_data()
    return gzip.compress(plain, PAGE_LEVEL, mtime=0) if len(plain) >= SMALLEST_BYTES else None


def _file(folder: Path, response: Response) -> bytes | None:
    if response.status_code != 200:
        return None
    path = folder / (request.view_args or {})["filename"]
    compressed = _compressed_file(path, path.stat().st_mtime_ns)
    if compressed is not None:
        response.response.close()  # type: ignore[union-attr]  # the open file, which nobody reads now
    return compressed


@lru_cache(maxsize=128)
def _compressed_file(path: Path, _changed_at: int) -> bytes | None:
    plain = path.read_bytes()
    if len(plain) < SMALLEST_BYTES:
        return None
    return gzip.compress(lean(path, plain), FILE_LEVEL, mtime=0)


def lean(path: Path, plain: bytes) -> bytes:
    """Our own scripts without lines of comment and indentation, a tenth of what they weigh compressed.

    A test sees to it that no script has a text over several lines, where both would mean something.
    """
    if path.suffix != ".js" or path.parent.name == "vendor":
        return plain
    lines = (line.strip() for line in plain.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"//"))
