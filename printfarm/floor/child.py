"""Finds QR codes on one photo in a process of its own: `python -m printfarm.floor.child PHOTO ANSWER`.

A picture may be made to unpack into more memory than there is; it then hurts only this process, which has limits.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin  # noqa: F401  # else Pillow loads every format

from printfarm.files.child import limit_this_process

FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_PX = 40_000_000
# A JPEG is shrunk while it is decoded, so a phone's largest photos cost little memory; a progressive one costs most of it.
LARGEST_JPEG_PX = 120_000_000
# Small enough to be quick; when nothing is found, once more with everything that a label across the room needs.
SIDES_PX = (1600, 4000)
MOST_CODES = 20

NO_PICTURE = "This is no picture that can be read here. Take a photo, or choose a JPEG, PNG or WebP picture."
TOO_LARGE = "This picture has too many pixels. Take the photo in an ordinary size, or type the code."
DAMAGED = "This picture is damaged. Take the photo again, or type the code."


class NotReadable(Exception):
    """The picture is refused; the message is a sentence."""


def main(arguments: Sequence[str]) -> int:
    """The answer is always in the file ANSWER: the texts of the codes, or a sentence."""
    limit_this_process()
    try:
        answer: dict[str, object] = {"texts": find_codes(Path(arguments[0]))}
    except NotReadable as refusal:
        answer = {"error": str(refusal)}
    except MemoryError:
        answer = {"error": TOO_LARGE}
    Path(arguments[1]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def find_codes(photo: Path) -> list[str]:
    """The texts of all QR codes on a photo, whichever way up it was held. Raises NotReadable."""
    for picture in _sizes(photo):
        found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
        if found:
            return [one.text for one in found[:MOST_CODES]]
    return []


def _sizes(photo: Path) -> Iterator[Image.Image]:
    before = None
    for side in SIDES_PX:
        picture = _grey(photo, side)
        if before is None or picture.size != before:
            yield picture
        before = picture.size


def _grey(photo: Path, side_px: int) -> Image.Image:
    """The picture upright and grey, no larger than `side_px`."""
    Image.MAX_IMAGE_PIXELS = LARGEST_JPEG_PX
    try:
        with Image.open(photo, formats=FORMATS) as opened:
            limit = LARGEST_JPEG_PX if opened.format == "JPEG" else LARGEST_PX
            if opened.width * opened.height > limit:
                raise NotReadable(TOO_LARGE)
            opened.draft("L", (side_px, side_px))
            opened.thumbnail((side_px, side_px))
            upright = ImageOps.exif_transpose(opened)
            return _on_white(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise NotReadable(TOO_LARGE) from bomb
    except UnidentifiedImageError as unknown:
        raise NotReadable(NO_PICTURE) from unknown
    except (OSError, SyntaxError, ValueError, IndexError, EOFError) as damage:
        raise NotReadable(DAMAGED) from damage


def _on_white(picture: Image.Image) -> Image.Image:
    """Grey; what is transparent lies on white, as on a screen."""
    if picture.mode not in {"RGBA", "LA", "PA"} and "transparency" not in picture.info:
        return picture.convert("L")
    coloured = picture.convert("RGBA")
    ground = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(ground, coloured).convert("L")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
