"""Draws the first layers of a G-code from above, for files that hold no picture. Reads only as much as that needs."""

import io
import math
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from printfarm.files.readers.limits import MIB
from printfarm.files.readers.results import Thumbnail

SIDE_PX = 512
PAPER = (0xE9, 0xE2, 0xD5)  # as the frame around plates in the light theme

_BED = (0xF6, 0xF2, 0xEA)
_FIRST, _LAST = (0x9F, 0xCC, 0xD3), (0x0B, 0x5C, 0x6B)
_MARGIN = 0.08
_DRAWN = 2  # drawn so much larger, then made smaller: smooth lines
_LINE_MM = 0.45
_MOST_BYTES = 16 * MIB
_MOST_LINES = 120_000
_SECONDS = 4.0
_FAR_MM = 5000.0
_ARC_STEPS = 12
_ARCS = {b"G2", b"G3"}
_WORD = re.compile(rb"([XYZEIJ])[ ]?(-?\d*\.?\d+)")
_LAYER = re.compile(rb";[ ]?(?:LAYER_CHANGE|CHANGE_LAYER|LAYER:\d|BEGIN_LAYER_OBJECT|layer \d)", re.IGNORECASE)
_CUSTOM = re.compile(rb";[ ]?(?:TYPE|FEATURE):[ ]?(.*)")

Line = tuple[float, float, float, float, int]  # from x, y to x, y in mm, and the layer


@dataclass(slots=True)
class _Head:
    """Where the nozzle is, and how the numbers are meant."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    e: float = 0.0
    moves_relative: bool = False
    extrudes_relative: bool = False
    layer: int = 0
    layer_z: float | None = None
    marked: bool = False
    custom: bool = False
    lines: list[Line] = field(default_factory=list)


def render_toolpath(pieces: Iterable[bytes]) -> Thumbnail | None:
    """A square PNG, or None when nothing is extruded."""
    lines = _collect(pieces)
    return _draw(lines) if lines else None


def _collect(pieces: Iterable[bytes]) -> list[Line]:
    head = _Head()
    ends_at_s = time.monotonic() + _SECONDS
    for number, line in enumerate(_text_lines(pieces)):
        if line[:1] == b";":
            _comment(head, line)
        elif line[:1] in {b"G", b"M"}:
            _command(head, line)
        if len(head.lines) > _MOST_LINES or (number % 1000 == 0 and time.monotonic() > ends_at_s):
            break
    return head.lines


def _text_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest, read_bytes = b"", 0
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        read_bytes += len(piece)
        if len(rest) > MIB or read_bytes > _MOST_BYTES:
            return
    yield rest


def _comment(head: _Head, line: bytes) -> None:
    if not head.marked and _LAYER.match(line):
        head.marked = True
        head.layer, head.layer_z = 0, None
        head.lines.clear()  # what came before is the start code: a line of purge at the edge of the bed
    elif feature := _CUSTOM.match(line):
        head.custom = feature[1].strip() == b"Custom"


def _command(head: _Head, line: bytes) -> None:
    code = line.split(b";", 1)[0].split(None, 1)
    name = code[0] if code else b""
    if name in {b"G0", b"G1", b"G2", b"G3", b"G00", b"G01"}:
        _move(head, {letter: float(value) for letter, value in _WORD.findall(line)}, name)
    elif name == b"G92":
        words = {letter: float(value) for letter, value in _WORD.findall(line)}
        head.e = words.get(b"E", head.e)
    elif name in {b"G90", b"G91"}:
        head.moves_relative = head.extrudes_relative = name == b"G91"
    elif name in {b"M82", b"M83"}:
        head.extrudes_relative = name == b"M83"


def _move(head: _Head, words: dict[bytes, float], name: bytes) -> None:
    base = (head.x, head.y, head.z) if head.moves_relative else (0.0, 0.0, 0.0)
    x = base[0] + words[b"X"] if b"X" in words else head.x
    y = base[1] + words[b"Y"] if b"Y" in words else head.y
    z = base[2] + words[b"Z"] if b"Z" in words else head.z
    e = words.get(b"E", 0.0 if head.extrudes_relative else head.e)
    pushed = e if head.extrudes_relative else e - head.e
    moved = (x, y) != (head.x, head.y) or (name in _ARCS and bool(words.keys() & {b"I", b"J"}))
    if pushed > 0 and moved and not head.custom and max(abs(x), abs(y)) < _FAR_MM:
        if z != head.layer_z:
            head.layer, head.layer_z = head.layer + 1, z
        head.lines += _path(head, x, y, words, name)
    head.x, head.y, head.z = x, y, z
    head.e = head.e + pushed


def _path(head: _Head, x: float, y: float, words: dict[bytes, float], name: bytes) -> Iterator[Line]:
    """A straight line, or short ones along an arc around (I, J)."""
    if name not in _ARCS or (b"I" not in words and b"J" not in words):
        yield head.x, head.y, x, y, head.layer
        return
    centre_x, centre_y = head.x + words.get(b"I", 0.0), head.y + words.get(b"J", 0.0)
    radius = math.hypot(head.x - centre_x, head.y - centre_y)
    start = math.atan2(head.y - centre_y, head.x - centre_x)
    turn = math.atan2(y - centre_y, x - centre_x) - start
    turn = (turn % math.tau or math.tau) if name == b"G3" else -(-turn % math.tau or math.tau)
    from_x, from_y = head.x, head.y
    for step in range(1, _ARC_STEPS + 1):
        angle = start + turn * step / _ARC_STEPS
        to_x, to_y = centre_x + radius * math.cos(angle), centre_y + radius * math.sin(angle)
        yield from_x, from_y, to_x, to_y, head.layer
        from_x, from_y = to_x, to_y


def _draw(lines: list[Line]) -> Thumbnail:
    from PIL import Image, ImageDraw

    left, right = (pick(pick(one[0], one[2]) for one in lines) for pick in (min, max))
    low, high = (pick(pick(one[1], one[3]) for one in lines) for pick in (min, max))
    side = SIDE_PX * _DRAWN
    scale = side * (1 - 2 * _MARGIN) / max(right - left, high - low, 1.0)
    move_x, move_y = side / 2 - (left + right) / 2 * scale, side / 2 + (low + high) / 2 * scale
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)
    edge = side * _MARGIN / 2
    draw.rounded_rectangle((edge, edge, side - edge, side - edge), radius=side // 40, fill=_BED)
    width = max(1, min(round(_LINE_MM * scale), side // 40))
    last = max(one[4] for one in lines)
    for from_x, from_y, to_x, to_y, layer in lines:
        ends = (from_x * scale + move_x, move_y - from_y * scale, to_x * scale + move_x, move_y - to_y * scale)
        draw.line(ends, fill=_colour(layer, last), width=width)
    out = io.BytesIO()
    image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX).save(out, "PNG", compress_level=1)
    return Thumbnail(kind="drawn", width=SIDE_PX, height=SIDE_PX, format="png", content=out.getvalue())


def _colour(layer: int, last: int) -> tuple[int, int, int]:
    """Light at the bed, dark where the drawing ends."""
    part = (layer - 1) / (last - 1) if last > 1 else 0.5
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(_FIRST, _LAST, strict=True))
    return red, green, blue
