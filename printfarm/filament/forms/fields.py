"""What several forms of filament ask for."""

import secrets
from datetime import date, timedelta
from decimal import Decimal

from wtforms import DateField, HiddenField, TextAreaField
from wtforms.validators import NumberRange, Optional, Regexp, ValidationError

from printfarm.core.clock import utc_now
from printfarm.core.fields import many_lines, one_line

WEIGHT = NumberRange(Decimal(0), Decimal(50_000), "In grams, from 0 to 50,000.")
PRICE = NumberRange(Decimal(0), Decimal(100_000), "From 0 to 100,000.")
ADDRESS = "Write an address that begins with https://."
MOST_EXTRAS = 30
# Nothing that is on a shelf now was bought before, or keeps for longer.
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)


class ExtraField(TextAreaField):  # type: ignore[misc]  # wtforms carries no types
    """The shop's own facts: a name and a value on each line, joined by a colon. A line that is none is refused in its words."""

    data: dict[str, str]

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join(f"{name}: {value}" for name, value in (self.data or {}).items())

    def process_formdata(self, valuelist: list[str]) -> None:
        found: dict[str, str] = {}
        for line in (line for text in valuelist for line in many_lines(text).split("\n") if line.strip()):
            name, colon, value = (one_line(part) for part in line.partition(":"))
            if not colon or not name:
                raise ValueError(f"“{one_line(line)[:40]}” is no “name: value”. Write one on each line.")
            if name in found:
                raise ValueError(f"“{name[:40]}” stands there twice.")
            found[name] = value
        if len(found) > MOST_EXTRAS or any(len(name) > 60 or len(value) > 300 for name, value in found.items()):
            raise ValueError(f"At most {MOST_EXTRAS} lines, with names of 60 and values of 300 letters.")
        self.data = found


class DayField(DateField):  # type: ignore[misc]
    """A day that can be meant: of this century, give or take, and where nothing can lie ahead, not ahead."""

    data: date | None

    def __init__(self, label: str = "", validators: object = None, *, ahead: bool = False, **more: object) -> None:
        self.ahead = ahead
        super().__init__(label, validators, **more)

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as problem:
            raise ValueError("Write a day, such as 2026-03-31.") from problem

    def pre_validate(self, form: object) -> None:  # noqa: ARG002
        if self.data is None:
            return
        if not EARLIEST <= self.data <= LATEST:
            raise ValidationError(f"That year cannot be right: from {EARLIEST.year} to {LATEST.year}.")
        # Somewhere it is tomorrow already.
        if not self.ahead and self.data > utc_now().date() + timedelta(days=1):
            raise ValidationError("That day is still to come.")


def price_of_kilogram(cost_per_gram: Decimal | None) -> Decimal | None:
    """As people write it, 24.90, with further places only where they are needed: a form that is saved as it was changes
    nothing.
    """
    if cost_per_gram is None:
        return None
    price = cost_per_gram * 1000
    cents = price.quantize(Decimal("0.01"))
    return cents if cents == price else price.normalize()


def token_field() -> HiddenField:
    """Drawn with the form: the same form sent twice says so."""
    return HiddenField(default=lambda: secrets.token_urlsafe(12), validators=[Optional(), Regexp(r"[\w-]{1,40}\Z")])
