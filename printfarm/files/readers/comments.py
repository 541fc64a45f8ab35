r"""Finds what the comments and the commands of a G-code say, whatever slicer wrote it.

The text has `\n` alone at the ends of its lines, one in front of the first line too.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from printfarm.files.readers.values import number

_PAIR = re.compile(r"\n[ \t]*+;+[ \t]*+([^\n:=,;]{1,80}+)([:=,])[ \t]*+([^\n]{0,4000})")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_HEAT = re.compile(r"\n[ \t]*+M(104|109|140|190)\b([^\n;]{0,120})")
_WORD = re.compile(r"\b([SRT])[ \t]?(-?\d+(?:\.\d+)?)", re.ASCII)
_MACRO = re.compile(r"\n[ \t]*+[A-Za-z_]{0,40}?(?:START|start|Start)[A-Za-z_]{0,40}[ \t]([^\n;]{1,400})")
_MACRO_NOZZLE = re.compile(
    r"\b(?:EXTRUDER|HOTEND|NOZZLE|TOOL)(?:_?TEMP(?:ERATURE)?)?\s?=\s?(\d{1,3}(?:\.\d+)?)", re.IGNORECASE | re.ASCII
)
_MACRO_BED = re.compile(r"\bBED(?:_?TEMP(?:ERATURE)?)?\s?=\s?(\d{1,3}(?:\.\d+)?)", re.IGNORECASE | re.ASCII)
_TOOL = re.compile(r"\n[ \t]*+(?:M108 )?T(\d{1,2})(?![\w.])", re.ASCII)
_MAX_NOZZLE_C, _MAX_BED_C = 600.0, 300.0
_LUKEWARM_C = 40.0
_MAX_TOOLS = 16
_OF_LAYERS = re.compile(
    r"(?:layer|LAYER|TYPE|MESH|TIME_ELAPSED|WIDTH|HEIGHT|Z|SETTING_3|CURA_PROFILE_STRING|BEGIN_|END_|[^\n]*\d{5})(?![A-Za-z])|g_code|\W"
)
_RAW_KEYS, _RAW_CHARACTERS = 1000, 500


class Comments:
    """The `key: value`, `key = value` and `key,value` comments of one text, by key, in their order.

    `text` is the beginning and the end of a G-code, as whole lines; `is_whole` says that nothing between them is missing.
    """

    def __init__(self, text: str, *, is_whole: bool = True) -> None:
        self.text = text
        self.is_whole = is_whole

    @classmethod
    def of_ends(cls, head: bytes, tail: bytes, size_bytes: int) -> "Comments":
        """The text of a G-code's first and last bytes, which may overlap."""
        behind = max(0, min(len(tail), size_bytes - len(head)))
        is_whole = size_bytes <= len(head) + len(tail)
        end = tail[len(tail) - behind :]
        if is_whole:
            return cls(_plain(head + end), is_whole=True)
        return cls(_plain(head[: head.rfind(b"\n") + 1] + end[end.find(b"\n") + 1 :]), is_whole=False)

    @cached_property
    def _pairs(self) -> dict[str, list[str]]:
        pairs: dict[str, list[str]] = {}
        for key, separator, value in _PAIR.findall(self.text):
            kept = pairs.setdefault(f"{separator}{key.strip()}", [])
            if len(kept) < 500:
                kept.append(value.strip())
            else:
                kept[-1] = value.strip()
        return pairs

    def every(self, key: str, separator: str = ":") -> list[str]:
        """All values of a key; of very many the first and the last."""
        return self._pairs.get(separator + key, [])

    def first(self, key: str, separator: str = ":") -> str | None:
        found = self.every(key, separator)
        return found[0] if found else None

    def last(self, key: str, separator: str = ":") -> str | None:
        found = self.every(key, separator)
        return found[-1] if found else None

    def number(self, key: str, separator: str = ":", *, low: float = 0.0, high: float = 1e9) -> float | None:
        """The number with which the first value of this key begins."""
        return leading_number(self.first(key, separator), low=low, high=high)

    def raw(self, separator: str = ":") -> dict[str, str]:
        """The pairs as a person may want to look them up: the first value of each key, without what tells single layers."""
        kept: dict[str, str] = {}
        for key, values in self._pairs.items():
            if key.startswith(separator) and not _OF_LAYERS.match(key, 1):
                kept[key[1:]] = values[0][:_RAW_CHARACTERS]
                if len(kept) >= _RAW_KEYS:
                    break
        return kept

    def starting_with(self, beginning: str, separator: str = ":") -> Iterator[tuple[str, str]]:
        """(rest of the key, its last value) for all keys with this beginning."""
        wanted = separator + beginning
        return ((key[len(wanted) :], values[-1]) for key, values in self._pairs.items() if key.startswith(wanted))


def leading_number(text: str | None, *, low: float = 0.0, high: float = 1e9) -> float | None:
    """The number at the beginning of a text; `0,65 m` counts as 0.65, since some systems write it so."""
    found = _NUMBER.match(text.strip()) if text else None
    return number(found[0].replace(",", "."), low=low, high=high) if found else None


def positive(value: float | None) -> float | None:
    """The same number, or None for zero: no height, time or temperature that a file means is zero."""
    return value or None


def first_nozzle_c(text: str, tool: int | None = None) -> float | None:
    """The first temperature above zero that a nozzle is told by M104, M109 or the words of a start macro.

    `tool` (from 0) leaves out the commands that name another one.
    """
    for command, words in _heats(text):
        is_meant = command in {"104", "109"} and (tool is None or words.get("T", tool) == tool)
        if is_meant and (found := number(words.get("S") or words.get("R"), low=1, high=_MAX_NOZZLE_C)):
            return found
    return _from_macro(text, _MACRO_NOZZLE, _MAX_NOZZLE_C)


def first_bed_c(text: str) -> float | None:
    """The first temperature above zero that the bed is told by M140, M190 or the words of a start macro.

    A bed that is only made lukewarm and that nothing waits for is warmed before levelling: that says nothing of the print.
    """
    told = [
        (command, c)
        for command, words in _heats(text)
        if (c := number(words.get("S") or words.get("R"), low=1, high=_MAX_BED_C))
    ]
    beds = [(command, c) for command, c in told if command in {"140", "190"}]
    waits = any(command == "190" for command, _ in beds)
    found = next((c for _, c in beds if waits or c >= _LUKEWARM_C), None)
    return found or _from_macro(text, _MACRO_BED, _MAX_BED_C)


def chosen_tools(text: str) -> list[int]:
    """The tools that the code chooses, from 0, in their order; the first one when it chooses none."""
    tools = {int(tool) for tool in _TOOL.findall(text)}
    return sorted(tool for tool in tools if tool < _MAX_TOOLS) or [0]


def sum_doubts(comments: Comments) -> tuple[tuple[str, str], ...]:
    """What to say of a text that states one amount for all of its extruders, when it uses more than one."""
    tools = chosen_tools(comments.text)
    if len(tools) < 2:
        return ()
    sentence = (
        f"This file uses {len(tools)} extruders but states only the sum of their filament; slot 1 holds all of it."
    )
    return (("amounts_not_split", sentence),)


def _heats(text: str) -> Iterator[tuple[str, dict[str, float]]]:
    for found in _HEAT.finditer(text):
        yield found[1], {letter: float(value) for letter, value in _WORD.findall(found[2])}


def _from_macro(text: str, pattern: re.Pattern[str], high: float) -> float | None:
    for line in _MACRO.findall(text):
        if (found := pattern.search(line)) and (c := number(found[1], low=1, high=high)):
            return c
    return None


def _plain(content: bytes) -> str:
    """The text with plain line ends; bytes that are no UTF-8 (names, degree signs) become marks."""
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\x00", "")
    return "\n" + text.replace("\r\n", "\n").replace("\r", "\n")
