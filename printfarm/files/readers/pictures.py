"""Pictures inside slicer files: what they are is told by their first bytes, and nothing large is ever decoded."""

import base64
import binascii
import io
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from printfarm.files.readers.limits import Limits
from printfarm.files.readers.results import Thumbnail, UnreadableFile

_BEGIN = re.compile(
    rb"\n;[ \t]?(thumbnail(?:_[A-Z]{2,8})?|png|jpg) begin[ \t]+(\d{1,5})[ \t]*[x*][ \t]*(\d{1,5})[^\n]*"
)
_DATA = re.compile(rb"[\r\n];[ \t]?thumbnail:[ \t]?data:image/[a-z]{3,4};base64,([A-Za-z0-9+/=]{20,4000000})")
_MAX_TEXT_PICTURES = 24
_USEFUL_SIDE_PX = 640
_JPEG_SIZE_MARKS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def picture_size(content: bytes) -> tuple[str, int, int] | None:
    """(format, width, height) from the header of a PNG, JPEG, QOI or BMP; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) >= 33:
        width, height = struct.unpack(">2I", content[16:24])
        return "png", width, height
    if content.startswith(b"qoif") and len(content) >= 14:
        width, height = struct.unpack(">2I", content[4:12])
        return "qoi", width, height
    if content.startswith(b"BM") and len(content) >= 54:
        width, height = struct.unpack("<2i", content[18:26])
        return "bmp", width, abs(height)
    if content.startswith(b"\xff\xd8"):
        return _jpeg_size(content)
    return None


def thumbnail(kind: str, content: bytes, limits: Limits) -> Thumbnail | None:
    """The picture, or None when it is no picture, or larger than the limit on either side."""
    found = picture_size(content)
    if found is None:
        return None
    form, width, height = found
    if not (0 < width <= limits.picture_side_px and 0 < height <= limits.picture_side_px):
        return None
    return Thumbnail(kind=kind, width=width, height=height, format=form, content=content)


def text_thumbnails(head: bytes, limits: Limits) -> tuple[Thumbnail, ...]:
    """The pictures in the comments of a G-code, best first; a block without end is left out."""
    contents = (*_text_blocks(head), *_data_addresses(head))
    found = [t for content in contents if (t := thumbnail("gcode", content, limits))]
    return best_first(found)


def best_first(pictures: Iterable[Thumbnail]) -> tuple[Thumbnail, ...]:
    return tuple(sorted(pictures, key=_usefulness, reverse=True))


def thumbnail_webp(picture: Thumbnail, *, max_side_px: int = 512, to: Literal["WEBP", "PNG"] = "WEBP") -> bytes:
    """Decode a picture and write it anew, no larger than `max_side_px`; raises UnreadableFile when it is broken.

    Never serve the original bytes: only what came out of our own encoder has a type that we know.
    """
    # Named, WebP and QOI are there; else Pillow would load every format that it knows to find them.
    from PIL import Image, QoiImagePlugin, WebPImagePlugin  # noqa: F401

    try:
        with Image.open(io.BytesIO(picture.content), formats=("PNG", "JPEG", "QOI", "BMP")) as opened:
            if max(opened.size) > Limits().picture_side_px:
                raise UnreadableFile("This picture is too large to show.")
            image = opened.convert("RGBA" if opened.mode in {"RGBA", "LA", "P", "PA"} else "RGB")
        image.thumbnail((max_side_px, max_side_px))
        out = io.BytesIO()
        image.save(out, to, quality=82, method=4)
    except (OSError, SyntaxError, ValueError, struct.error, IndexError, Image.DecompressionBombError) as error:
        raise UnreadableFile("This picture is damaged.") from error
    return out.getvalue()


def _usefulness(picture: Thumbnail) -> tuple[bool, int, bool]:
    """Largest first, up to the size that screens show; a PNG before a QOI of the same size."""
    side = max(picture.width, picture.height)
    useful = side <= _USEFUL_SIDE_PX
    return useful, side if useful else -side, picture.format == "png"


def _text_blocks(head: bytes) -> Iterator[bytes]:
    head = b"\n" + head.removeprefix(b"\xef\xbb\xbf")
    at = 0
    for _ in range(_MAX_TEXT_PICTURES):
        begin = _BEGIN.search(head, at)
        if begin is None:
            return
        ends = (head.find(b"\n;" + blank + begin[1] + b" end", begin.end()) for blank in (b" ", b""))
        end = min((place for place in ends if place >= 0), default=-1)
        at = begin.end()
        if end < 0:
            continue
        body = head[begin.end() : end]
        if b" begin " in body:
            continue
        encoded = b"".join(line.strip(b"; \t\r") for line in body.split(b"\n"))
        try:
            yield base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue
        at = end


def _data_addresses(head: bytes) -> Iterator[bytes]:
    """What Luban and the scripts for its printers write: `;thumbnail: data:image/png;base64,…`, on one line."""
    for found in _DATA.findall(head)[:_MAX_TEXT_PICTURES]:
        try:
            yield base64.b64decode(found, validate=True)
        except binascii.Error:
            continue


def _jpeg_size(content: bytes) -> tuple[str, int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark in _JPEG_SIZE_MARKS:
            height, width = struct.unpack(">2H", content[at + 5 : at + 9])
            return "jpg", width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big") if mark != 0xFF else 1
    return None
