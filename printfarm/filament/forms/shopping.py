"""What people say of what they buy."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_precision
from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from printfarm.core.fields import AmountField, CountField, one_line
from printfarm.core.units import grams_from_mg, mg_from_grams
from printfarm.filament.forms.fields import PRICE, WEIGHT, DayField, token_field
from printfarm.filament.queries import Item
from printfarm.filament.service import Arrival, OrderLine
from printfarm.filament.service.spools import MOST_AT_ONCE

HOW_MANY = NumberRange(1, MOST_AT_ONCE, f"From 1 to {MOST_AT_ONCE}.")


class SeenField(HiddenField):  # type: ignore[misc]
    """How many rolls were on order when the page was drawn; what is no number is none."""

    @property
    def count(self) -> int:
        text = str(self.data or "0")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


class OrderLineForm(Form):  # type: ignore[misc]
    """One filament of an order; its fields carry the filament's id before their names."""

    seen = SeenField(default="0")
    rolls = CountField("Spools", validators=[InputRequired("How many?"), HOW_MANY])
    price = AmountField("Price of one", places=None, validators=[Optional(), PRICE])
    supplier = StringField("Supplier", validators=[Length(max=120)], filters=[one_line])

    def line(self, filament_id: UUID, currency: str) -> OrderLine:
        """What the form says, in the service's words."""
        return OrderLine(
            filament_id=filament_id,
            rolls=self.rolls.data,
            seen=self.seen.count,
            supplier=self.supplier.data or "",
            price_minor=minor(self.price.data, currency),
        )

    @classmethod
    def of(cls, item: Item, currency: str) -> "OrderLineForm":
        """The form as it begins: what the list recommends, from where it always comes."""
        known = {
            "rolls": min(item.rolls, MOST_AT_ONCE),
            "price": major(item.price_minor, currency),
            "supplier": item.supplier,
            "seen": str(item.ordered),
        }
        return cls(prefix=str(item.filament_id), data=known)


class OrderForm(FlaskForm):  # type: ignore[misc]
    """What all filaments of one order have in common."""

    token = token_field()
    expected_on = DayField("Expected on", validators=[Optional()], ahead=True)


class ExpectedForm(FlaskForm):  # type: ignore[misc]
    expected_on = DayField("Expected on", validators=[Optional()], ahead=True)


class ArrivalForm(FlaskForm):  # type: ignore[misc]
    seen = SeenField(default="0")
    rolls = CountField("How many have come", validators=[InputRequired("How many have come?"), HOW_MANY])
    weight = AmountField(
        "Filament on each",
        places=None,
        validators=[
            InputRequired("How many grams are on each?"),
            NumberRange(Decimal("0.001"), message="More than zero."),
            WEIGHT,
        ],
    )
    price = AmountField("Paid for one", places=None, validators=[Optional(), PRICE])
    batch = StringField("Batch", validators=[Length(max=80)], filters=[one_line])
    location = StringField("Location", validators=[Length(max=80)], filters=[one_line])
    expires_on = DayField("Best before", validators=[Optional()], ahead=True)

    def arrival(self, currency: str) -> Arrival:
        """What the form says, in the service's words."""
        return Arrival(
            rolls=self.rolls.data,
            seen=self.seen.count,
            weight_mg=mg_from_grams(self.weight.data),
            price_minor=minor(self.price.data, currency),
            batch=self.batch.data or "",
            location=self.location.data or "",
            expires_on=self.expires_on.data,
        )

    @classmethod
    def of(cls, rolls: int, weight_mg: int, price_minor: int | None, currency: str) -> "ArrivalForm":
        """The form as it begins: everything has come as it was ordered."""
        weight = grams_from_mg(weight_mg)
        known: dict[str, Any] = {"rolls": rolls, "seen": str(rolls), "price": major(price_minor, currency)}
        known["weight"] = weight.quantize(Decimal(1)) if weight == weight.to_integral_value() else weight.normalize()
        return cls(data=known)


class TimesForm(FlaskForm):  # type: ignore[misc]
    times = CountField("Times", validators=[InputRequired(), NumberRange(1, 5)])


class WishForm(FlaskForm):  # type: ignore[misc]
    rolls = CountField("Spools", default=1, validators=[Optional(), HOW_MANY])


def minor(price: Decimal | None, currency: str) -> int | None:
    """A typed price in the currency's minor units."""
    if price is None:
        return None
    return int(price.scaleb(get_currency_precision(currency)).quantize(Decimal(1), ROUND_HALF_EVEN))


def major(price_minor: int | None, currency: str) -> Decimal | None:
    """Minor units as people type them."""
    return None if price_minor is None else Decimal(price_minor).scaleb(-get_currency_precision(currency))
