"""Writes one picture anew in a process of its own: `python -m printfarm.library.image_child PICTURE FOLDER`.

A picture may be made to unpack into more memory than there is; it then hurts only this process, which has limits. It leaves
the sizes of printfarm.files.picture_sizes as WebP in the folder, upright and without where and when they were taken, and
`answer.json`: width and height, or a sentence.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin  # noqa: F401  # else Pillow loads every format

from printfarm.files.child import limit_this_process
from printfarm.files.picture_sizes import SIDES_PX
from printfarm.library.image_kinds import DAMAGED, NO_PICTURE, TOO_MANY_PIXELS, is_too_large

FORMATS = ("JPEG", "PNG", "WEBP")


class NotShowable(Exception):
    """The picture is refused; the message is a sentence."""


def main(arguments: Sequence[str]) -> int:
    """The answer is always in `answer.json`."""
    limit_this_process()
    folder = Path(arguments[1])
    try:
        width, height = write_sizes(Path(arguments[0]), folder)
        answer: dict[str, object] = {"width": width, "height": height}
    except NotShowable as refusal:
        answer = {"error": str(refusal)}
    except MemoryError:
        answer = {"error": TOO_MANY_PIXELS}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


def write_sizes(picture: Path, folder: Path) -> tuple[int, int]:
    """Write every size; returns width and height of the largest. Raises NotShowable."""
    largest = _largest(picture)
    for kind, side in SIDES_PX.items():
        smaller = largest.copy()
        smaller.thumbnail((side, side))
        smaller.save(folder / f"{kind}.webp", "WEBP", quality=82, method=4)
    return largest.size


def _largest(picture: Path) -> Image.Image:
    side = max(SIDES_PX.values())
    try:
        with Image.open(picture, formats=FORMATS) as opened:
            if is_too_large(opened.width, opened.height, jpeg=opened.format == "JPEG"):
                raise NotShowable(TOO_MANY_PIXELS)
            opened.draft("RGB", (side * 2, side * 2))  # a JPEG is shrunk while it is decoded
            opened.thumbnail((side, side))
            upright = ImageOps.exif_transpose(opened)
            seen_through = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
            return upright.convert("RGBA" if seen_through else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise NotShowable(TOO_MANY_PIXELS) from bomb
    except UnidentifiedImageError as unknown:
        raise NotShowable(NO_PICTURE) from unknown
    except (OSError, SyntaxError, ValueError, IndexError, EOFError) as damage:
        raise NotShowable(DAMAGED) from damage


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
