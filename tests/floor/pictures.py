"""Photos of labels, made here: a QR code printed on something, photographed from somewhere."""

import io
import struct
import zlib
from functools import cache

import segno
from PIL import Image, ImageDraw, ImageFilter

SIDEWAYS = 6  # EXIF: the camera was turned, the picture is to be rotated by 90° clockwise
ORIENTATION = 0x0112


def qr(text: str, side_px: int = 300) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=10, border=4)
    return Image.open(out).convert("RGB").resize((side_px, side_px), Image.Resampling.NEAREST)


def photo_of(
    *texts: str, size: tuple[int, int] = (1600, 1200), side_px: int = 320, angle: float = 8, blur: float = 0.8
) -> Image.Image:
    """Labels in a row on something brown, a little askew, and not quite sharp."""
    picture = Image.new("RGB", size, "#7a5a3c")
    ImageDraw.Draw(picture).ellipse((50, 50, size[0] // 2, size[1] - 50), fill="#caa37a")
    for number, text in enumerate(texts, 1):
        label = qr(text, side_px).rotate(angle, expand=True, fillcolor="#7a5a3c", resample=Image.Resampling.BICUBIC)
        middle = size[0] * number // (len(texts) + 1)
        picture.paste(label, (middle - label.width // 2, size[1] // 2 - label.height // 2))
    return picture.filter(ImageFilter.GaussianBlur(blur))


def jpeg(picture: Image.Image, *, orientation: int | None = None, quality: int = 85) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    picture.convert("RGB").save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


@cache  # to pack nearly a gigabyte of nothing takes seconds
def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unpacks into width × height bytes."""
    squeeze = zlib.compressobj(9)
    body = bytearray()
    row = bytes(1 + width)
    for _ in range(height):
        body += squeeze.compress(row)
    body += squeeze.flush()
    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", bytes(body)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
