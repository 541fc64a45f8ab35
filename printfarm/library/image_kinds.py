"""What a picture is, told by its first bytes, before anything of it is decoded; and the sentences for what is refused."""

import struct
from collections.abc import Callable, Mapping

LARGEST_PX = 40_000_000
# A JPEG is shrunk while it is decoded, so a phone's largest photos cost little memory.
LARGEST_JPEG_PX = 120_000_000

NO_PICTURE = "This is no picture that can be shown here. Choose a JPEG, PNG or WebP picture."
TOO_MANY_PIXELS = "This picture has too many pixels. Save it smaller, then add it again."
DAMAGED = "This picture is damaged or not complete. Save it anew, then add it again."
SVG = "An SVG is a drawing made of commands, which is not taken. Export it as PNG, then add that."
HEIC = (
    "HEIC photos are not shown by every browser. Save it as JPEG, then add it again "
    "(on an iPhone: Settings, Camera, Formats, Most Compatible)."
)
AVIF = "AVIF pictures are not taken. Save it as JPEG or PNG, then add it again."
GIF = "GIF pictures are not taken. Save it as PNG, then add it again."
TIFF = "TIFF and raw photos are not taken. Save it as JPEG, then add it again."
PDF = "This is a PDF. Save the page as a picture, then add that."


def why_not(head: bytes) -> str | None:
    """Why a picture cannot be taken, from its first 4,096 bytes; None when a worker may try."""
    kind = next((kind for kind, begins in _KINDS.items() if begins(head)), None)
    if kind is None:
        return NO_PICTURE
    if kind in _REFUSED:
        return _REFUSED[kind]
    size = _png_size(head) if kind == "png" else None
    return TOO_MANY_PIXELS if size and is_too_large(*size, jpeg=False) else None


def is_too_large(width: int, height: int, *, jpeg: bool) -> bool:
    return width * height > (LARGEST_JPEG_PX if jpeg else LARGEST_PX)


def _png_size(head: bytes) -> tuple[int, int] | None:
    if len(head) < 24:
        return None
    width, height = struct.unpack(">2I", head[16:24])
    return width, height


def _is_svg(head: bytes) -> bool:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in text


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


_KINDS: Mapping[str, Callable[[bytes], bool]] = {
    "jpeg": lambda head: head.startswith(b"\xff\xd8\xff"),
    "png": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "webp": lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
    "svg": _is_svg,
    "heic": _brand(b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"),
    "avif": _brand(b"avif", b"avis"),
    "gif": lambda head: head.startswith((b"GIF87a", b"GIF89a")),
    "tiff": lambda head: head.startswith((b"II*\0", b"MM\0*")),
    "pdf": lambda head: head.startswith(b"%PDF"),
}
_REFUSED = {"svg": SVG, "heic": HEIC, "avif": AVIF, "gif": GIF, "tiff": TIFF, "pdf": PDF}
