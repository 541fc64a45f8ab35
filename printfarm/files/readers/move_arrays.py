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
Bytes = NDArray[np.uint8]

# Classes of extrusion, in the order of `scan_plan.CLASSES`.
MODEL, START, SUPPORT, PURGE, TOWER = range(5)

# Kinds of events. The first are frequent and only change what following moves mean; from FIRST_RARE on they do more.
(FEATURE, WIPE_START, WIPE_END, FLUSH_START, FLUSH_END, RELATIVE_E, ABSOLUTE_E, RELATIVE, ABSOLUTE) = range(9)
LAYER, TOOL, VIRTUAL_TOOL, VIRTUAL_FLUSH, VFLUSH_START, VFLUSH_END = range(9, 15)
FIRST_RARE = LAYER
_NOTHING = -1

NM = 1_000_000  # nanometres in a millimetre: whole numbers add up to the same in any order
_MOST_DIGITS = 6  # after the point
_TOO_FAR = 1_000_000 * NM  # a length of a kilometre is none
_LINE, _E, _SEMICOLON = ord("\n"), ord("E"), ord(";")
_LARGE_BYTES = 31 * 1024 * 1024
_LONGEST_COMMAND = 80
_PADDING = b"\n" + b" " * 32
_POWERS = np.array([10**n for n in range(16)], dtype=np.int64)


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
    found = places == _LINE
    found |= places == _E
    found |= places == _SEMICOLON
    marks = np.flatnonzero(found)[:-1]
    letters = places.take(marks)
    is_line = letters == _LINE
    which = np.flatnonzero(is_line)
    lines = marks.take(which)
    if _unindent(places, lines):
        marks[which] = lines
    words = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    is_line[:-1] &= letters[1:] == _E
    after_line = np.flatnonzero(is_line[:-1])
    pushing = _lengths(places, words, marks.take(after_line), marks.take(after_line + 1))
    return MoveArrays(text, *pushing, *_events(places, words, lines))


def _unindent(places: Bytes, lines: Ints) -> bool:
    """Move the places of breaks to right before the first letter of their lines; False when they all are there."""
    indented = np.flatnonzero(_is_blank(places.take(lines + 1)))
    moved = indented.size > 0
    while indented.size:
        lines[indented] += 1
        indented = indented[_is_blank(places.take(lines[indented] + 1))]
    return moved


def _is_blank(letters: Bytes) -> Flags:
    blank: Flags = (letters == ord(" ")) | (letters == ord("\t"))
    return blank


def _word(letters: str) -> np.uint64:
    """Up to eight characters as one integer, as the text has them."""
    return np.uint64(int.from_bytes(letters.encode(), "little"))


def _mask(count: int) -> np.uint64:
    """The bits of so many characters."""
    return np.uint64((1 << (8 * count)) - 1)


# The first letters of a move ("G1 " or "G01 ") and of a reset ("G92 "), with the bits of a digit that may differ masked out.
_MOVE_MASK, _MOVE = np.uint64(0xFFFCFF), _word("G0 ")
_LONG_MASK, _LONG = np.uint64(0xFFFCFFFF), _word("G00 ")
_RESET = _word("G92")


def _lengths(places: Bytes, words: Words, line: Ints, at: Ints) -> tuple[Ints, Ints, Flags, Flags]:
    """Of lines and their first E, before which no semicolon stands: those that are a move or a G92."""
    start = words[line + 1]
    resets = start & _mask(3) == _RESET
    if resets.any():
        resets &= ~_goes_on(places[line + 4])
    wanted = (start & _MOVE_MASK == _MOVE) | resets
    if not wanted.all():
        wanted |= start & _LONG_MASK == _LONG
        kept = np.flatnonzero(wanted)
        line, at, resets = line.take(kept), at.take(kept), resets.take(kept)
    nm, after, valid = _numbers(places, words, at + 1)
    if not valid.all():
        kept = np.flatnonzero(valid)
        line, at, resets, nm, after = (some.take(kept) for some in (line, at, resets, nm, after))
    moving = _moving(places, line, at, after)
    moving &= ~resets
    return at, nm, moving, resets


def _goes_on(letters: Bytes) -> Flags:
    """Whether a number does not end before this: M830, G90.1."""
    more: Flags = (letters - ord("0") <= 9) | (letters == ord("."))
    return more


def _moving(places: Bytes, line: Ints, at: Ints, after: Ints) -> Flags:
    """Whether the line names X, Y, I or J, which mostly stand right after the command."""
    moving = _is_direction(places.take(line + 4))
    odd = np.flatnonzero(~moving)
    end = after[odd]
    moving[odd] = (places[end] == ord(" ")) & _is_direction(places[end + 1])
    odd = odd[at[odd] - line[odd] > 5]  # another word stands before the E
    offset = 5
    while odd.size and offset < _LONGEST_COMMAND:
        place = line[odd] + offset
        found = _is_direction(places.take(place))
        moving[odd[found]] = True
        odd = odd[~found & (place + 1 < at[odd])]
        offset += 1
    return moving


def _is_direction(letters: Bytes) -> Flags:
    # X and Y, I and J are neighbours.
    direction: Flags = (letters - ord("X") <= 1) | (letters - ord("I") <= 1)
    return direction


def _numbers(places: Bytes, words: Words, at: Ints) -> tuple[Ints, Ints, Flags]:
    """(nanometres, place after the number, whether it is one) of what begins at `at`."""
    negative = np.flatnonzero(places.take(at) == ord("-"))
    at[negative] += 1
    value, length, count, decimals = _digits(words[at])
    is_long = np.flatnonzero(length > _SHORT)
    nm = value * _POWERS.take(_MOST_DIGITS - decimals, mode="clip")
    if is_long.size:
        more, more_length, more_count, _ = _digits(words[at[is_long] + _WORD])
        joined = _joined(value[is_long], decimals[is_long], more, more_count)
        joined[more_count != more_length] = _TOO_FAR  # a second point
        nm[is_long] = joined
        length[is_long] += more_length
    after = at + length
    valid: Flags = (count > 0) & (nm < _TOO_FAR) & (places.take(after) != ord("."))
    nm[negative] *= -1
    return nm, after, valid


def _joined(value: Ints, decimals: Ints, more: Ints, more_count: Ints) -> Ints:
    """Nanometres of numbers of more than eight characters: their first eight with a point in it, and the digits after those."""
    has_point = decimals > 0
    decimals = decimals + more_count
    nm = (value * _POWERS[more_count] + more) * _POWERS.take(_MOST_DIGITS - decimals, mode="clip")
    fine = np.flatnonzero(decimals > _MOST_DIGITS)
    nm[fine] //= _POWERS[decimals[fine] - _MOST_DIGITS]
    nm[np.flatnonzero(~has_point)] = _TOO_FAR
    return nm


_ZEROS = _word("0" * 8)
_HIGH, _LOW = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_TO_HIGH = np.uint64(0x7676767676767676)
_ONE, _SEVEN, _BYTE_BITS, _WORD_BITS = np.uint64(1), np.uint64(7), np.uint64(8), np.uint64(64)
_WHOLE_CHARACTERS = np.uint64(0x78)
_WORD, _SHORT = 8, 7


def _digits(words: Words) -> tuple[Ints, Ints, Ints, Ints]:
    """(digits as a number, length, how many digits, how many of them after a point) of what begins in each word.

    A length of eight says that it goes on after the word. The bits of all characters before the first that is no digit are
    the whole part; when that is a point it is taken out, and the digits up to the next such character are pushed to the end
    of the word, with zeros in front.
    """
    digits = words ^ _ZEROS  # a digit becomes 0 to 9
    other = digits & _LOW
    other += _TO_HIGH
    other |= digits
    other &= _HIGH  # one bit for each character that is no digit
    whole_bits = _bits_before(other)
    has_point = ((words >> whole_bits) & _mask(1) == _word(".")).astype(np.uint64)
    other &= other - has_point
    length_bits = _bits_before(other)
    whole = (_ONE << whole_bits) - _ONE
    point_bits = has_point * _BYTE_BITS
    packed = digits >> point_bits
    packed &= ~whole
    digits &= whole
    packed |= digits
    digit_bits = length_bits - point_bits
    packed <<= _WORD_BITS - digit_bits
    decimals = (digit_bits - whole_bits) * has_point >> np.uint64(3)
    found = (_eight_digits(packed), length_bits >> np.uint64(3), digit_bits >> np.uint64(3), decimals)
    value, length, count, decimals = (numbers.view(np.int64) for numbers in found)
    return value, length, count, decimals


def _bits_before(marks: Words) -> Words:
    """How many bits belong to the characters before the first marked one; all when none is marked."""
    below = marks - _ONE
    below &= ~marks
    bits: Words = np.bitwise_count(below).astype(np.uint64)
    bits &= _WHOLE_CHARACTERS
    return bits


_FOLDS = (
    (_BYTE_BITS, np.uint64(10), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(16), np.uint64(100), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(32), np.uint64(10_000), np.uint64(0xFFFFFFFF)),
)


def _eight_digits(packed: Words) -> Words:
    """Eight digits (0 to 9 in each byte, the first in the lowest) as a number: pairs, fours, then all of them."""
    # Everything happens in two arrays: new ones would cost more than the arithmetic.
    next_ones = np.empty_like(packed)
    for bits, factor, mask in _FOLDS:
        np.right_shift(packed, bits, out=next_ones)
        packed *= factor
        packed += next_ones
        packed &= mask
    return packed


_FEATURE_WORDS = (
    (_word("support"), _mask(7), SUPPORT),
    (_word("custom"), _mask(6), START),
    *((_word(name), _mask(8), TOWER) for name in ("prime to", "prime-to", "wipe tow")),
)
_TO_SMALL = _word(" " * 8)
_COMMENTS = tuple(
    (_word(letters), _mask(len(letters)) if len(letters) < _WORD else None, code)
    for letters, code in (
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
)
_MODES = (
    (_word("M83"), RELATIVE_E),
    (_word("M82"), ABSOLUTE_E),
    (_word("G91"), RELATIVE),
    (_word("G90"), ABSOLUTE),
)


def _events(places: Bytes, words: Words, lines: Ints) -> tuple[Ints, Ints, Ints]:
    """(places, kinds, classes of features) of the lines that change the meaning of moves."""
    first, second = places[lines + 1], places[lines + 2]
    is_comment = first == ord(";")
    candidate = is_comment | (first == ord("T")) | ((first == ord("M")) & (second == ord("8")))
    candidate |= (first == ord("G")) & (second == ord("9"))
    chosen = np.flatnonzero(candidate)
    at, is_comment = lines[chosen], is_comment[chosen]
    begin = at + 1 + is_comment
    begin += is_comment & (places[begin] == ord(" "))
    start = words[begin]
    kind = np.full(at.size, _NOTHING, dtype=np.int64)
    comments, commands = np.flatnonzero(is_comment), np.flatnonzero(~is_comment)
    said = start.take(comments)
    for letters, mask, code in _COMMENTS:
        kind[comments[np.flatnonzero((said if mask is None else said & mask) == letters)]] = code
    said = start.take(commands)
    kind[commands[np.flatnonzero(said & _mask(1) == _word("T"))]] = TOOL
    is_short = ~_goes_on(places[begin[commands] + 3])
    for letters, code in _MODES:
        kind[commands[np.flatnonzero(is_short & (said & _mask(3) == letters))]] = code
    real = np.flatnonzero(kind != _NOTHING)
    at, begin, kind, start = at[real], begin[real], kind[real], start[real]
    classes = np.full(at.size, MODEL, dtype=np.int64)
    features = np.flatnonzero(kind == FEATURE)
    if features.size:
        name = begin[features] + np.where(start[features] & _mask(5) == _word("TYPE:"), 5, 8)
        name += places[name] == ord(" ")
        small = words[name] | _TO_SMALL
        for word, mask, code in _FEATURE_WORDS:
            classes[features[small & mask == word]] = code
    return at, kind, classes


def keep_memory() -> None:
    """Let the C library keep what is freed, instead of giving it back to the system and asking for it anew in each block.

    A GNU library learns that from a large piece that comes and goes; elsewhere this does nothing. The piece is never touched.
    """
    np.empty(_LARGE_BYTES, dtype=np.uint8)
