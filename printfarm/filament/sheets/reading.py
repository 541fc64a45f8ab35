"""A sheet that somebody sends: its encoding, its separators, its columns, and its lines one after the other.

Nothing is trusted: the file is read line by line, whatever its size, and what is no table says so in a sentence.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from printfarm.core.errors import DomainError
from printfarm.core.fields import one_line
from printfarm.core.sheets import DANGEROUS
from printfarm.filament.sheets.columns import NUMBERS, OURS, meaning

MOST_BYTES = 30_000_000
MOST_LINES = 100_000
SEPARATORS = (",", ";", "\t", "|")
LONGEST_CELL = 2_000
AS_CSV, NO_TABLE = "Save it there as CSV, then send that.", "There is no table in it. Choose another file."
NO_SHEETS = {
    b"PK": f"This is an Excel or LibreOffice workbook. {AS_CSV}",
    b"\xd0\xcf": f"This is an old Excel workbook. {AS_CSV}",
    b"%PDF": f"This is a PDF. {NO_TABLE}",
    b"\x89PNG": f"This is a picture. {NO_TABLE}",
    b"\xff\xd8\xff": f"This is a picture. {NO_TABLE}",
    b"GIF8": f"This is a picture. {NO_TABLE}",
    b"\x1f\x8b": "This is a compressed file. Unpack it, then send what is in it.",
    b"SQLi": "This is a database. If it is a Spoolman’s, an admin takes it in under “Import from Spoolman”.",
}
MOST_EMPTY = 50  # lines before the head that say nothing
# Decimals that cannot be thousands: one comma or point, and not three digits behind it.
_DECIMAL_COMMA = re.compile(r"-?\d+,(\d{1,2}|\d{4,})\D*")
_DECIMAL_POINT = re.compile(r"-?\d+\.(\d{1,2}|\d{4,})\D*")


class Unreadable(DomainError):
    """What was sent is no sheet that is understood."""

    status = 422


@dataclass(frozen=True)
class Sheet:
    """How a file is to be read."""

    path: Path
    encoding: str
    separator: str
    keys: Sequence[str]  # what each column means; "" for those that mean nothing
    headings: Mapping[str, str]  # of what is understood, as it stands there
    ignored: Sequence[str]
    decimal: str = "."  # or ",", or "?" where it is not to be seen
    says_columns: int = 0  # lines before the head


@dataclass(frozen=True)
class Line:
    """One row: where it begins in the file, and its cells by what they mean."""

    number: int
    cells: Mapping[str, str]
    too_many: bool = False


def open_sheet(path: Path) -> Sheet:
    """Find out how to read a file. Raises Unreadable."""
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable("The file is larger than 30 MB.")
    with path.open("rb") as file:
        begin = file.read(4)
    for mark, sentence in NO_SHEETS.items():
        if begin.startswith(mark):
            raise Unreadable(sentence)
    sheet = _with_head(path, _encoding(path))
    return Sheet(**{**vars(sheet), "decimal": _decimal(sheet)})


def lines(sheet: Sheet) -> Iterator[Line]:
    """Every row that says something. Raises Unreadable for what is no table, or too long."""
    with sheet.path.open(encoding=sheet.encoding, newline="", errors="replace") as file:
        reader, count, at = csv.reader(file, delimiter=sheet.separator), 0, 0
        try:
            for row in reader:
                number, at = at + 1, reader.line_num
                if number <= sheet.says_columns + 1 or not any(cell.strip() for cell in row):
                    continue
                count += 1
                if count > MOST_LINES:
                    raise Unreadable(f"There are more than {MOST_LINES:,} lines in it. Send it in parts.")
                yield _line(sheet, number, row)
        except csv.Error as problem:
            raise Unreadable(
                f"Line {reader.line_num} is no line of a table: is a quotation mark left open?"
            ) from problem


def _line(sheet: Sheet, number: int, row: list[str]) -> Line:
    cells: dict[str, str] = {}
    for key, cell in zip(sheet.keys, row, strict=False):
        if key and key not in cells:
            cells[key] = _cell(cell)
    return Line(number, cells, too_many=any(cell.strip() for cell in row[len(sheet.keys) :]))


def _cell(text: str) -> str:
    """Without the mark that we, or other programs, put before what a spreadsheet would take for a formula."""
    text = one_line(text[: LONGEST_CELL + 1])
    return text[1:] if text[:1] == "'" and text[1:].lstrip(" ").startswith(DANGEROUS) else text


def _encoding(path: Path) -> str:
    """UTF-8 if all of it is; else what Windows and old programs write."""
    with path.open("rb") as file:
        begin = file.read(4)
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if len(begin) == 4 and 0 in {begin[0], begin[1]} and begin[0] != begin[1]:  # the same, without a mark
            return "utf-16-be" if begin[0] == 0 else "utf-16-le"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := file.read(1 << 16):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _with_head(path: Path, encoding: str) -> Sheet:
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        first, empty = file.readline(65_536), 0
        while first and not first.strip(" \t\r\n,;|") and empty < MOST_EMPTY:
            first, empty = file.readline(65_536), empty + 1
        before = (
            empty + 1 if first.strip().lower().startswith("sep=") else empty
        )  # Excel's own way to name the separator
        head = file.readline(65_536) if before > empty else first
    read = {one: _columns(head, one) for one in SEPARATORS}
    separator = max(SEPARATORS, key=lambda one: sum(key is not None for key in read[one].values()))
    found = read[separator]
    if not any(found.values()):
        known = ", ".join(f"“{one}”" for one in list(OURS)[:10])
        raise Unreadable(
            "No column of it is known here. Its first line must name the columns, for instance"
            f" {known}, or those of Spoolman’s export."
        )
    if not {"code", "number", "id"} & set(found.values()) and not {"material", "colour"} <= set(found.values()):
        raise Unreadable(
            "Nothing says which rolls are meant: give it a column “Code”, or the columns “Material” and “Colour”."
        )
    keys = [key or "" for key in found.values()]
    headings = {key: heading for heading, key in reversed(found.items()) if key}
    return Sheet(path, encoding, separator, keys, headings, _ignored(found), says_columns=before)


def _columns(head: str, separator: str) -> dict[str, str | None]:
    try:
        row = next(csv.reader([head], delimiter=separator), [])
    except csv.Error:
        row = []
    # A heading that stands there twice is another column each time.
    seen: Counter[str] = Counter()
    made: dict[str, str | None] = {}
    for heading in (one_line(cell)[:200] for cell in row):
        seen[heading] += 1
        made[heading if seen[heading] == 1 else f"{heading} ({seen[heading]})"] = meaning(heading)
    return made


def _ignored(found: Mapping[str, str | None]) -> list[str]:
    return [heading for heading, key in found.items() if key is None and heading.strip()][:50]


def _decimal(sheet: Sheet) -> str:
    """How decimals are written in this file: as its own numbers show, or else as its separator does."""
    comma = point = False
    for line in lines(sheet):
        for key in NUMBERS & line.cells.keys():
            comma = comma or bool(_DECIMAL_COMMA.fullmatch(line.cells[key]))
            point = point or bool(_DECIMAL_POINT.fullmatch(line.cells[key]))
    if comma == point:
        return "?" if comma or sheet.separator == ";" else "."
    return "," if comma else "."
