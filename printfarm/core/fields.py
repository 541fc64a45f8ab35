"""Form fields that more than one area uses."""

from decimal import Decimal, InvalidOperation
from typing import Any

from wtforms import DecimalField, IntegerField
from wtforms.validators import StopValidation


def one_line(value: str | None) -> str:
    """Without control characters and doubled spaces; no database keeps a NUL."""
    return " ".join("".join(c if c.isprintable() else " " for c in value or "").split())


def many_lines(value: str | None) -> str:
    return (value or "").replace("\0", "").replace("\r\n", "\n").strip()


class AmountField(DecimalField):  # type: ignore[misc]  # wtforms carries no types
    """A finite number that a person types. A comma is refused: 1,500 is one and a half here and fifteen hundred there."""

    data: Any  # a Decimal, or None

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            return
        try:
            amount = Decimal(valuelist[0].strip())
        except InvalidOperation:
            amount = Decimal("NaN")
        self.data = amount if amount.is_finite() else None
        if self.data is None:
            raise ValueError("Write a number, such as 24.90, with a point.")

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002
        if self.process_errors:
            raise StopValidation  # what is no number is neither too large nor too small


class CountField(IntegerField):  # type: ignore[misc]
    """A whole number that a person types; what is none gets one sentence, not a second about its size."""

    data: Any  # an int, or None

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = int(valuelist[0].strip())
        except ValueError as problem:
            self.data = None
            raise ValueError("Write a whole number, such as 3.") from problem

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002
        if self.process_errors:
            raise StopValidation
