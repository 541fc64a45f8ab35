"""Turns a block of G-code into arrays: where filament is pushed and how far, and where the meaning of that changes.

This is what makes counting fast. A line is never cut out of the block: one look over all bytes finds the ends of lines and
the letters E, everything else is arithmetic on many places at once. Eight characters are compared, or read as a number, as
one integer of 64 bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

# Classes of extrusion, in the order of `moves.CLASSES`.
MODEL, START, SUPPORT, PURGE, TOWER = range(5)

# Kinds of events. The first are frequent and only change what following moves mean; from FIRST_RARE on they do more.
(FEATURE, WIPE_START, WIPE_END, FLUSH_START, FLUSH_END, RELATIVE_E, ABSOLUTE_E, RELATIVE, ABSOLUTE) = range(9)
LAYER, TOOL, VIRTUAL_TOOL, VIRTUAL_FLUSH, VFLUSH_START, VFLUSH_END = range(9, 15)
FIRST_RARE = LAYER
_NOTHING = -1

NM = 1_000_000  # nanometres in a millimetre: whole numbers add up to the same in any order
_MOST_DIGITS = 6  # before the point, for a length in mm: a move of a kilometre is none
_LONGEST_COMMAND = 80
_PADDING = b"\n" + b" " * 32
_POWERS = np.array([10**n for n in range(_MOST_DIGITS + 1)], dtype=np.int64)


@dataclass(slots=True)
class MoveArrays:
    """`at`, `nm`, `moving` and `resets` speak of each word E of a move (or of a G92, which resets), in the order of the text.

    `event_at`, `event` and `event_class` (of features) speak of the lines that change what follows.
    """

    text: bytes
    at: Ints
    nm: Ints
    moving: Flags
    resets: Flags
    event_at: Ints
    event: Ints
    event_class: Ints


def move_arrays(block: bytes) -> MoveArrays:
    """The arrays of a block of whole lines, each with its break in front."""
    text = block + _PADDING
    places = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero((places == _byte("\n")) | (places == _byte("E")) | (places == _byte(";")))[:-1]
    is_line = places[marks] == _byte("\n")
    lines = _unindented(places, marks[is_line])
    marks[is_line] = lines
    words = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    return MoveArrays(text, *_lengths(places, words, marks, is_line), *_events(places, words, lines))


def _unindented(places: NDArray[np.uint8], lines: Ints) -> Ints:
    """The place before the first letter of each line."""
    indented = np.arange(0)
    while True:
        first = places[(lines if not indented.size else lines[indented]) + 1]
        blank = np.flatnonzero((first == _byte(" ")) | (first == _byte("\t")))
        indented = indented[blank] if indented.size else blank
        if not indented.size:
            return lines
        lines[indented] += 1


def _byte(letter: str) -> int:
    return ord(letter)


def _word(letters: str) -> np.uint64:
    """Up to eight characters as one integer, as the text has them."""
    return np.uint64(int.from_bytes(letters.encode(), "little"))


def _mask(count: int) -> np.uint64:
    """The bits of so many characters."""
    return np.uint64((1 << (8 * count)) - 1)


def _lengths(places: NDArray[np.uint8], words: Words, marks: Ints, is_line: Flags) -> tuple[Ints, Ints, Flags, Flags]:
    """Of each line its first E, when the line is a move or a G92, and no semicolon stands before."""
    after_line = np.flatnonzero(is_line[:-1] & (places[marks[1:]] == _byte("E")))
    line, at = marks[after_line], marks[after_line + 1]
    start = words[line + 1]
    command = start & _mask(3)
    is_move = (start & _mask(1) == _word("G")) & (places[line + 2] - _byte("0") <= 3) & (places[line + 3] == _byte(" "))
    is_long = (
        (start & _mask(2) == _word("G0")) & (places[line + 3] - _byte("0") <= 3) & (places[line + 4] == _byte(" "))
    )
    is_reset = (command == _word("G92")) & (places[line + 4] - _byte("0") > 9)
    kept = np.flatnonzero(is_move | is_long | is_reset)
    line, at = line[kept], at[kept]
    nm, after = _numbers(places, words, at + 1)
    resets = is_reset[kept]
    return at, nm, _moving(places, line, at, after) & ~resets, resets


def _moving(places: NDArray[np.uint8], line: Ints, at: Ints, after: Ints) -> Flags:
    """Whether the line names X, Y, I or J, which mostly stand right after the command."""
    moving = _is_direction(places[line + 4])
    odd = np.flatnonzero(~moving)
    end = after[odd]
    moving[odd] = (places[end] == _byte(" ")) & _is_direction(places[end + 1])
    odd = odd[at[odd] - line[odd] > 5]  # another word stands before the E
    if odd.size:
        before = at[odd] - line[odd]
        for offset in range(5, min(int(before.max()), _LONGEST_COMMAND)):
            moving[odd] |= _is_direction(places[line[odd] + offset]) & (offset < before)
    return moving


def _is_direction(letters: NDArray[np.uint8]) -> Flags:
    # X and Y, I and J are neighbours.
    return (letters - _byte("X") <= 1) | (letters - _byte("I") <= 1)


def _numbers(places: NDArray[np.uint8], words: Words, at: Ints) -> tuple[Ints, Ints]:
    """(nanometres, place after the number) of the numbers that begin at `at`. What is no number is zero."""
    negative = places[at] == _byte("-")
    begin = at + negative
    value, length, is_long = _short_numbers(words[begin])
    after = begin + length
    if is_long.size:
        value[is_long], after[is_long] = _long_numbers(places, begin[is_long])
    value[places[after] == _byte(".")] = 0  # 1.2.3
    return np.where(negative, -value, value), after


_ZEROS, _POINTS = _word("0" * 8), _word("." * 8)
_HIGH, _LOW = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_TO_HIGH = np.uint64(0x7676767676767676)
_ONE, _EIGHT = np.uint64(1), np.uint64(8)


def _short_numbers(words: Words) -> tuple[Ints, Ints, Ints]:
    """(nanometres, length, which ones are longer than seven characters and were not read)."""
    digits = words ^ _ZEROS  # a digit becomes 0 to 9
    other = (((digits & _LOW) + _TO_HIGH) | digits) & _HIGH  # one bit for each character that is no digit
    whole = np.bitwise_count((other & (~other + _ONE)) - _ONE).astype(np.uint64) >> np.uint64(3)
    shift = np.minimum(whole, np.uint64(7)) * _EIGHT
    has_point = (whole < 8) & ((words >> shift) & _mask(1) == _word("."))
    later = np.where(has_point, other & (other - _ONE), other)
    length = np.bitwise_count((later & (~later + _ONE)) - _ONE).astype(np.uint64) >> np.uint64(3)
    is_long = np.flatnonzero(length >= 8)
    length = np.minimum(length, np.uint64(7))
    below = (_ONE << shift) - _ONE
    packed = np.where(has_point, (digits & below) | ((digits >> _EIGHT) & ~below), digits)
    count = length - has_point
    packed = np.where(count > 0, packed << ((_EIGHT - count) * _EIGHT % np.uint64(64)), np.uint64(0))
    value = _eight_digits(packed).astype(np.int64)
    decimals = np.where(has_point, count - np.minimum(whole, count), np.uint64(0)).astype(np.int64)
    return value * _POWERS[_MOST_DIGITS - decimals], length.astype(np.int64), is_long


def _eight_digits(packed: Words) -> Words:
    """Eight digits (0 to 9 in each byte, the first in the lowest) as a number: pairs, fours, then all of them."""
    pairs = (packed * np.uint64(10) + (packed >> _EIGHT)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (fours * np.uint64(10_000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)


def _long_numbers(places: NDArray[np.uint8], at: Ints) -> tuple[Ints, Ints]:
    """The same for longer ones, character by character. More than six digits before the point are no length."""
    value, whole, decimals = (np.zeros(at.size, dtype=np.int64) for _ in range(3))
    seen_point = np.zeros(at.size, dtype=np.bool_)
    active = np.ones(at.size, dtype=np.bool_)
    last = len(places) - 1
    after = at.copy()
    for offset in range(24):
        letter = places[np.minimum(at + offset, last)]
        digit = letter - _byte("0")
        is_digit = active & (digit <= 9)
        active = is_digit | (active & (letter == _byte(".")) & ~seen_point)
        takes = is_digit & (decimals < _MOST_DIGITS) & (whole <= _MOST_DIGITS)
        value = np.where(takes, value * 10 + digit, value)
        whole += is_digit & ~seen_point
        decimals += takes & seen_point
        seen_point |= active & ~is_digit
        after += active
        if not bool(active.any()):
            break
    nm = value * _POWERS[_MOST_DIGITS - decimals]
    return np.where(whole > _MOST_DIGITS, 0, nm), after


_FEATURE_WORDS = (
    (_word("support"), _mask(7), SUPPORT),
    (_word("custom"), _mask(6), START),
    *((_word(name), _mask(8), TOWER) for name in ("prime to", "prime-to", "wipe tow")),
)
_TO_SMALL = _word(" " * 8)
_COMMENTS = (
    ("FEATURE:", FEATURE),
    ("TYPE:", FEATURE),
    ("WIPE_STA", WIPE_START),
    ("WIPE_END", WIPE_END),
    ("CHANGE_L", LAYER),
    ("LAYER_CH", LAYER),
    ("FLUSH_ST", FLUSH_START),
    ("FLUSH_EN", FLUSH_END),
    ("VFLUSH_S", VFLUSH_START),
    ("VFLUSH_E", VFLUSH_END),
    ("VG1", VIRTUAL_FLUSH),
    ("VT", VIRTUAL_TOOL),
)
_MODES = (("M83", RELATIVE_E), ("M82", ABSOLUTE_E), ("G91", RELATIVE), ("G90", ABSOLUTE))


def _events(places: NDArray[np.uint8], words: Words, lines: Ints) -> tuple[Ints, Ints, Ints]:
    """(places, kinds, classes of features) of the lines that change the meaning of moves."""
    first, second = places[lines + 1], places[lines + 2]
    is_comment = first == _byte(";")
    candidate = is_comment | (first == _byte("T")) | ((first == _byte("M")) & (second == _byte("8")))
    candidate |= (first == _byte("G")) & (second == _byte("9"))
    chosen = np.flatnonzero(candidate)
    at, is_comment = lines[chosen], is_comment[chosen]
    begin = at + 1 + is_comment
    begin += is_comment & (places[begin] == _byte(" "))
    start = words[begin]
    kind = np.full(at.size, _NOTHING, dtype=np.int64)
    for letters, code in _COMMENTS:
        kind[is_comment & (start & _mask(len(letters)) == _word(letters))] = code
    kind[~is_comment & (start & _mask(1) == _word("T"))] = TOOL
    is_short = ~is_comment & ~_goes_on(places[begin + 3])
    for letters, code in _MODES:
        kind[is_short & (start & _mask(3) == _word(letters))] = code
    real = np.flatnonzero(kind != _NOTHING)
    at, begin, kind, start = at[real], begin[real], kind[real], start[real]
    classes = np.full(at.size, MODEL, dtype=np.int64)
    features = np.flatnonzero(kind == FEATURE)
    if features.size:
        name = begin[features] + np.where(start[features] & _mask(5) == _word("TYPE:"), 5, 8)
        name += places[name] == _byte(" ")
        small = words[name] | _TO_SMALL
        for word, mask, code in _FEATURE_WORDS:
            classes[features[small & mask == word]] = code
    return at, kind, classes


def _goes_on(letters: NDArray[np.uint8]) -> Flags:
    """Whether a number does not end before this: M830, G90.1."""
    return (letters - _byte("0") <= 9) | (letters == _byte("."))


def line_at(arrays: MoveArrays, at: int) -> bytes:
    """The line that begins at a break, without it."""
    return arrays.text[at + 1 : arrays.text.index(b"\n", at + 1)]
