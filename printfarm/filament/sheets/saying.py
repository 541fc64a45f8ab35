"""What a line of a sheet says, in our own values. What cannot be is refused in a sentence that names its column."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.ids import SPOOL_CODE, typed_code
from printfarm.core.units import mg_from_grams
from printfarm.filament.colours import normal_colours
from printfarm.filament.forms.fields import EARLIEST, LATEST
from printfarm.filament.models import SPOOL_STATES
from printfarm.filament.numbers import LARGEST
from printfarm.filament.sheets.columns import DAYS, WEIGHTS
from printfarm.filament.sheets.reading import LONGEST_CELL, Line, Sheet

HEAVIEST_G, DEAREST = Decimal(50_000), Decimal(100_000)
TEXTS = {
    "brand": 60,
    "material": 40,
    "finish": 40,
    "colour": 60,
    "location": 80,
    "batch": 80,
    "supplier": 120,
    "note": 2000,
    "article": 120,
    "link": 500,
}
EXTRA, OF_FILAMENT, OF_BRAND = "extra.", "filament.extra.", "filament.vendor.extra."
YES, NO = {"yes", "true", "1", "x", "ja", "oui", "si", "sí", "wahr"}, {"no", "false", "0", "nein", "non", "falsch"}
_NUMBER = re.compile(r"[-+]?[\d., '’\u00a0\u202f]*\d[\d., '’\u00a0\u202f]*([eE][-+]?\d{1,3})?")
_UNIT = re.compile(r"\s*(g|gr|gram|grams|mm|€|\$|£|eur|usd|gbp|chf)\.?\s*$", re.IGNORECASE)
_THREE = re.compile(r"[-+]?\d{1,3}([.,])\d{3}")
_SPACES = re.compile(r"[\s'’\u00a0\u202f]")
ELSEWHERE = timedelta(days=1)  # it may be tomorrow there already
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d.%m.%y")


@dataclass(frozen=True)
class Said:
    """One line. What is None or missing was not said, and leaves what is there."""

    line: int
    code: str | None = None
    number: int | None = None
    kind: int | None = None  # the number of its filament, when the sheet was made
    origin: tuple[int, str] | None = None  # number and second, as a Spoolman registered it
    texts: dict[str, str] = field(default_factory=dict)
    colours: str | None = None
    diameter: Decimal | None = None
    weights: dict[str, int] = field(default_factory=dict)  # milligrams
    cost: Decimal | None = None  # per gram
    price: Decimal | None = None  # of the whole roll
    days: dict[str, date] = field(default_factory=dict)
    state: str = ""
    state_then: str = ""  # when the sheet was made
    extra: dict[str, str] = field(default_factory=dict)  # facts of the shop's own
    filament_extra: dict[str, str] = field(default_factory=dict)
    brand_extra: dict[str, str] = field(default_factory=dict)
    archived: bool | None = None
    digest: str = ""  # of all that it says: the same line again is known by it

    @property
    def left_mg(self) -> int | None:
        """What is on the roll, as far as the line tells."""
        known = self.weights
        if "left" in known:
            return known["left"]
        whole = known.get("initial", known.get("filament_weight"))
        return max(0, whole - known["used"]) if whole is not None and "used" in known else None

    @property
    def name(self) -> str:
        words = [self.texts.get(one, "") for one in ("brand", "material", "finish", "colour")]
        return ", ".join(one for one in (" ".join(word for word in words if word), self.code or "") if one)[:200]


THEN = frozenset({"left_then", "state_then", "kind"})  # how it was when the sheet was made


class Refused(DomainError):
    """A line that cannot be what it says."""


def said_by(sheet: Sheet, line: Line) -> Said:
    """Raises Refused."""
    if line.too_many:
        raise Refused("It has more cells than the head. Is a separator in one of them?")
    cells = {key: cell for key, cell in line.cells.items() if cell}
    reader = _Reader(sheet, cells)
    return Said(
        line=line.number,
        code=reader.code(),
        number=reader.whole("number"),
        kind=reader.whole("kind") if "code" in cells else None,
        origin=reader.origin(),
        texts={key: reader.text(key, most) for key, most in TEXTS.items() if key in cells},
        colours=reader.colours(),
        diameter=reader.millimetres("diameter"),
        weights={key: reader.weight(key) for key in WEIGHTS if key in cells},
        cost=reader.amount("cost", Decimal(0), DEAREST),
        price=reader.amount("price", Decimal(0), DEAREST),
        days={key: reader.day(key) for key in DAYS if key in cells},
        state=reader.state("state"),
        state_then=reader.state("state_then"),
        extra=reader.own(EXTRA),
        filament_extra=reader.own(OF_FILAMENT),
        brand_extra=reader.own(OF_BRAND),
        archived=reader.yes_or_no("archived"),
        digest=_digest(cells),
    )


def _digest(cells: dict[str, str]) -> str:
    said = "\n".join(f"{key}={cells[key].casefold()}" for key in sorted(cells) if key not in THEN)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class _Reader:
    sheet: Sheet
    cells: dict[str, str]

    def text(self, key: str, most: int) -> str:
        if len(self.cells[key]) > min(most, LONGEST_CELL):
            raise Refused(f"What stands in “{self.sheet.headings[key]}” is longer than {most} letters.")
        return self.cells[key]

    def code(self) -> str | None:
        if "code" not in self.cells:
            return None
        code = typed_code(self.cells["code"])
        if code is None or len(code) != SPOOL_CODE:
            raise self._no("code", "no code of a roll; leave the cell empty for a new one")
        return code

    def whole(self, key: str) -> int | None:
        if key not in self.cells:
            return None
        if (
            not self.cells[key].isascii()
            or not self.cells[key].isdigit()
            or not 0 < int(self.cells[key][:12]) <= LARGEST
        ):
            raise self._no(key, "no number of a roll")
        return int(self.cells[key])

    def origin(self) -> tuple[int, str] | None:
        number = self.whole("id")
        if number is None or "registered" not in self.cells:
            return None
        try:
            at = datetime.fromisoformat(self.cells["registered"])
        except ValueError as problem:
            raise self._no("registered", "no time such as 2026-01-31T12:00:00Z") from problem
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        if not 1970 <= at.year <= 2200:
            raise self._no("registered", "no time that can be right")
        return number, at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"

    def colours(self) -> str | None:
        for key in ("hexes", "hex"):
            if key in self.cells:
                try:
                    return normal_colours(self.cells[key].replace(";", ","))
                except DomainError as problem:
                    raise Refused(f"Column “{self.sheet.headings[key]}”: {problem.sentence}") from problem
        return None

    def weight(self, key: str) -> int:
        found = self.amount(key, Decimal(0), HEAVIEST_G)
        assert found is not None
        return mg_from_grams(found)

    def amount(self, key: str, least: Decimal, most: Decimal) -> Decimal | None:
        if key not in self.cells:
            return None
        number = self._number(key, _UNIT.sub("", self.cells[key]))
        if not number.is_finite() or not least <= number <= most:
            raise self._no(key, f"not from {least:f} to {most:,f}")
        return number

    def millimetres(self, key: str) -> Decimal | None:
        """In hundredths, as they are kept."""
        found = self.amount(key, Decimal("0.5"), Decimal(10))
        return None if found is None else found.quantize(Decimal("0.01"))

    def _number(self, key: str, text: str) -> Decimal:
        if not _NUMBER.fullmatch(text) or len(text) > 30:
            raise self._no(key, "no number")
        text = _SPACES.sub("", text)
        decimal = self._decimal_of(key, text)
        other = "," if decimal == "." else "."
        try:
            return Decimal(text.replace(other, "").replace(decimal, "."))
        except InvalidOperation as problem:
            raise self._no(key, "no number") from problem

    def _decimal_of(self, key: str, text: str) -> str:
        """Which sign stands before the decimals here. What may be one and a half or fifteen hundred is asked back."""
        signs = [sign for sign in text if sign in ".,"]
        if len(set(signs)) > 1:
            return signs[-1]  # 1.234,5 and 1,234.5 say it themselves
        if len(signs) > 1:
            return "," if signs[0] == "." else "."  # 1.234.567: thousands
        doubtful = _THREE.fullmatch(text)
        if doubtful and self.sheet.decimal != doubtful.group(1) and text.lstrip("+-")[0] != "0":
            point = text.replace(",", ".")
            raise self._no(
                key, f"in doubt: {point.rstrip('0')} or {text.replace(doubtful.group(1), '')}? Write it without it"
            )
        return signs[0] if signs else "."

    def day(self, key: str) -> date:
        text = self.cells[key].split("T")[0].split(" ")[0]
        for form in _DAYS:
            try:
                found = datetime.strptime(text, form).date()  # noqa: DTZ007  # a day has no zone
            except ValueError:
                continue
            if not EARLIEST <= found <= LATEST:
                raise self._no(key, "no day that can be right")
            if key != "expires" and found > utc_now().date() + ELSEWHERE:
                raise self._no(key, "a day that is still to come")
            return found
        raise self._no(key, "no day such as 2026-01-31 or 31.01.2026")

    def own(self, before: str) -> dict[str, str]:
        mine = [key for key in self.cells if key.startswith(before)]
        return {key.removeprefix(before): self.text(key, LONGEST_CELL) for key in mine}

    def state(self, key: str) -> str:
        state = self.cells.get(key, "").casefold()
        if state and state not in SPOOL_STATES:
            raise self._no(key, f"none of {', '.join(SPOOL_STATES)}")
        return state

    def yes_or_no(self, key: str) -> bool | None:
        text = self.cells.get(key, "").casefold()
        if text and text not in YES | NO:
            raise self._no(key, "neither yes nor no")
        return text in YES if text else None

    def _no(self, key: str, why: str) -> Refused:
        return Refused(f"“{self.cells[key][:40]}” in “{self.sheet.headings[key]}” is {why}.")


def facts_of(said: Said) -> dict[str, Any]:
    """What a line says of the roll itself, by the names of SpoolFacts."""
    names = {"location": "location", "batch": "batch", "supplier": "supplier", "note": "note"}
    days = {"bought": "purchased_on", "expires": "expires_on", "opened": "opened_on", "dried": "dried_on"}
    weights = {"initial": "initial_mg", "tare": "tare_mg", "low": "low_below_mg"}
    return {
        **{ours: said.texts[key] for key, ours in names.items() if key in said.texts},
        **{ours: said.days[key] for key, ours in days.items() if key in said.days},
        **{ours: said.weights[key] for key, ours in weights.items() if key in said.weights},
    }
