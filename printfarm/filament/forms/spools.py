"""What people say of a spool."""

from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from printfarm.core.fields import AmountField
from printfarm.core.units import grams_from_mg, mg_from_grams
from printfarm.filament.forms.fields import WEIGHT
from printfarm.filament.models import Spool
from printfarm.filament.service import SpoolFacts


class SpoolFactsForm(FlaskForm):  # type: ignore[misc]
    low_below = AmountField(
        "Low below", places=0, default=100, validators=[InputRequired("From which weight on is it low?"), WEIGHT]
    )
    tare = AmountField("Empty spool weighs", places=0, validators=[Optional(), WEIGHT])
    cost_per_kg = AmountField(
        "Paid per kilogram", places=2, validators=[Optional(), NumberRange(Decimal(0), Decimal(100_000))]
    )
    batch = StringField("Batch", validators=[Length(max=80)])
    location = StringField("Location", validators=[Length(max=80)])
    purchased_on = DateField("Bought on", validators=[Optional()])
    expires_on = DateField("Best before", validators=[Optional()])

    def facts(self) -> SpoolFacts:
        per_kg = self.cost_per_kg.data
        return SpoolFacts(
            batch=(self.batch.data or "").strip(),
            tare_mg=None if self.tare.data is None else mg_from_grams(self.tare.data),
            low_below_mg=mg_from_grams(self.low_below.data),
            cost_per_gram=None if per_kg is None else per_kg / 1000,
            location=(self.location.data or "").strip(),
            purchased_on=self.purchased_on.data,
            expires_on=self.expires_on.data,
        )

    @classmethod
    def of(cls, spool: Spool) -> "SpoolFactsForm":
        """The form filled with what is known."""
        return cls(
            data={
                "low_below": grams_from_mg(spool.low_below_mg),
                "tare": None if spool.tare_mg is None else grams_from_mg(spool.tare_mg),
                "cost_per_kg": None if spool.cost_per_gram is None else spool.cost_per_gram * 1000,
                "batch": spool.batch,
                "location": spool.location,
                "purchased_on": spool.purchased_on,
                "expires_on": spool.expires_on,
            }
        )


class NewSpoolForm(SpoolFactsForm):
    weight = AmountField(
        "Filament on it", places=0, default=1000, validators=[InputRequired("How many grams are on it?"), WEIGHT]
    )
