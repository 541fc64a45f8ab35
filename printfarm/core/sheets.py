"""Tables for spreadsheet programs: CSV, line by line, that no cell of can be taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator

# What a spreadsheet program takes for the beginning of a formula.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """With a byte order mark, by which spreadsheet programs know that it is UTF-8. Numbers stay numbers."""
    yield "\ufeff" + csv_line(columns)
    for row in rows:
        yield csv_line([safe_cell(one) for one in row])


def csv_line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def safe_cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(DANGEROUS) else value
