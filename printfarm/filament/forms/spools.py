"""What people say of a spool."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from printfarm.core.fields import AmountField, CountField, many_lines, one_line
from printfarm.core.units import cost_of_gram, grams_from_mg, mg_from_grams
from printfarm.filament.forms.fields import PRICE, WEIGHT, DayField, ExtraField, price_of_kilogram, token_field
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries.care import care_of
from printfarm.filament.service import SpoolFacts
from printfarm.filament.service.spools import MOST_AT_ONCE

PER_KG, PER_SPOOL = "kg", "spool"
NEW_ROLL = "new"


def _weight(label: str, *validators: object, **more: object) -> AmountField:
    return AmountField(label, places=None, validators=[*validators, WEIGHT], **more)


def _line(label: str, most: int = 80) -> StringField:
    return StringField(label, validators=[Length(max=most)], filters=[one_line])


class PaidForm(FlaskForm):  # type: ignore[misc]
    paid = AmountField("Paid", places=None, validators=[Optional(), PRICE])
    paid_for = RadioField(
        "Paid for",
        choices=[SelectChoice(PER_KG, "one kilogram"), SelectChoice(PER_SPOOL, "the whole roll")],
        default=PER_KG,
        validators=[Optional()],
    )

    def cost_per_gram(self, initial_mg: int) -> Decimal | None:
        """What a gram cost, when `initial_mg` were on the roll; None when nothing is known."""
        if self.paid.data is None:
            return None
        grams = grams_from_mg(initial_mg) if self.paid_for.data == PER_SPOOL else Decimal(1000)
        paid: Decimal = self.paid.data
        return cost_of_gram(paid, grams) if grams else None


class DeliveryForm(PaidForm):
    """What all rolls of one delivery have in common."""

    tare = _weight("Empty spool weighs", Optional())
    low_below = _weight("Low below", InputRequired("From which weight on is it low?"), default=Decimal(100))
    batch = _line("Batch")
    location = _line("Location")
    supplier = _line("Bought from", 120)
    purchased_on = DayField("Bought on", validators=[Optional()])
    expires_on = DayField("Best before", validators=[Optional()], ahead=True)
    note = TextAreaField("Note", validators=[Length(max=2000)], filters=[many_lines])
    extra = ExtraField("Your own facts")

    def facts(self, initial_mg: int, **more: Any) -> SpoolFacts:
        """What the form says, in the service's words."""
        return SpoolFacts(
            initial_mg=initial_mg,
            tare_mg=None if self.tare.data is None else mg_from_grams(self.tare.data),
            low_below_mg=mg_from_grams(self.low_below.data),
            cost_per_gram=self.cost_per_gram(initial_mg),
            batch=self.batch.data or "",
            location=self.location.data or "",
            supplier=self.supplier.data or "",
            note=self.note.data or "",
            extra=self.extra.data or {},
            purchased_on=self.purchased_on.data,
            expires_on=self.expires_on.data,
            **more,
        )


class SpoolFactsForm(DeliveryForm):
    initial = _weight("Filament on it when it was new", Optional())
    expected_on = DayField("Expected on", validators=[Optional()], ahead=True)  # asked for while it is on order
    opened_on = DayField("Opened on", validators=[Optional()])
    dried_on = DayField("Dried on", validators=[Optional()])

    def edited(self, spool: Spool) -> SpoolFacts:
        """The facts of a spool after this form."""
        initial_mg = spool.initial_mg if self.initial.data is None else mg_from_grams(self.initial.data)
        expected_on = self.expected_on.data if spool.state == "on order" else None
        return self.facts(
            initial_mg, opened_on=self.opened_on.data, dried_on=self.dried_on.data, expected_on=expected_on
        )

    @classmethod
    def of(cls, spool: Spool) -> "SpoolFactsForm":
        """The form filled with what is known."""
        as_it_is = (
            "batch",
            "location",
            "supplier",
            "note",
            "extra",
            "purchased_on",
            "expires_on",
            "expected_on",
            "opened_on",
            "dried_on",
        )
        known: dict[str, Any] = {name: getattr(spool, name) for name in as_it_is}
        known["initial"] = _grams(spool.initial_mg)
        known["low_below"] = _grams(spool.low_below_mg)
        known["tare"] = None if spool.tare_mg is None else _grams(spool.tare_mg)
        known["paid"] = price_of_kilogram(spool.cost_per_gram)
        return cls(data=known)


class NewSpoolForm(SpoolFactsForm):
    token = token_field()
    weight = _weight("Filament on it", InputRequired("How many grams are on it?"))

    @property
    def weight_mg(self) -> int:
        return mg_from_grams(self.weight.data)

    def new_facts(self) -> SpoolFacts:
        """The facts of a roll that is added: it was never lighter when it was new than it is now."""
        initial_mg = 0 if self.initial.data is None else mg_from_grams(self.initial.data)
        return self.facts(max(initial_mg, self.weight_mg), opened_on=self.opened_on.data, dried_on=self.dried_on.data)

    @classmethod
    def for_filament(cls, filament: Filament) -> "NewSpoolForm":
        """The form as it begins: a whole roll."""
        return cls(data={"weight": _grams(filament.spool_mg)})


class ReceiveForm(DeliveryForm):
    token = token_field()
    count = CountField(
        "How many rolls",
        default=1,
        validators=[InputRequired("How many have come?"), NumberRange(1, MOST_AT_ONCE, f"From 1 to {MOST_AT_ONCE}.")],
    )
    weight = _weight(
        "Filament on each",
        InputRequired("How many grams are on each?"),
        NumberRange(Decimal("0.001"), message="More than zero."),
    )

    @property
    def weight_mg(self) -> int:
        return mg_from_grams(self.weight.data)

    @classmethod
    def for_filament(cls, filament: Filament, today: date) -> "ReceiveForm":
        """The form as it begins: whole rolls that came today from where they always come from."""
        known = {"weight": _grams(filament.spool_mg), "supplier": filament.supplier, "purchased_on": today}
        return cls(data=known)


class SplitForm(FlaskForm):  # type: ignore[misc]
    token = token_field()
    grams = _weight("How much goes over", InputRequired("How many grams go over?"))
    onto = SelectField("Onto", default=NEW_ROLL)

    def offer(self, others: list[Spool]) -> None:
        """Which rolls may be chosen, besides a bare one."""
        self.onto.choices = [SelectChoice(NEW_ROLL, "a bare roll"), *_rolls(others)]

    @property
    def onto_id(self) -> UUID | None:
        return None if self.onto.data == NEW_ROLL else UUID(self.onto.data)


class MergeForm(FlaskForm):  # type: ignore[misc]
    other = SelectField("All that is left on")

    def offer(self, others: list[Spool]) -> None:
        """Which rolls may be wound onto this one."""
        self.other.choices = _rolls(others)


def _rolls(spools: list[Spool]) -> list[SelectChoice]:
    return [SelectChoice(str(one.id), ", ".join(_words(one))) for one in spools]


def _words(spool: Spool) -> list[str]:
    place = [spool.location] if spool.location else []
    return [spool.code, f"{_grams(spool.remaining_mg)} g", *place, *care_of(spool).words]


def _grams(mg: int) -> Decimal:
    """Grams as people write them: 250, not 250.000."""
    grams = grams_from_mg(mg)
    return grams.quantize(Decimal(1)) if grams == grams.to_integral_value() else grams.normalize()
