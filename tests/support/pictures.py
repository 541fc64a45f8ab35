"""Pictures as people send them, good and hostile; made here."""

import struct
import zlib
from io import BytesIO

from PIL import Image


def picture(width: int = 800, height: int = 600, kind: str = "JPEG", colour: str = "#447755", **more: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind, **more)
    return out.getvalue()


def turned_photo() -> bytes:
    """A photo taken upright: 400 × 200 pixels, to be shown turned, with a place and a time in it."""
    image = Image.new("RGB", (400, 200), "#aa5522")
    about = image.getexif()
    about[274] = 6  # turn by 90°
    about[306] = "2026:11:21 12:00:00"
    about.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    out = BytesIO()
    image.save(out, "JPEG", exif=about)
    return out.getvalue()


def bomb(side: int = 40_000) -> bytes:
    """A PNG whose head promises side × side pixels, in some hundred bytes."""
    head = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 100
