"""The shape of what people say of filament and spools. Weights are typed in grams."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import DateField, Field, RadioField, SelectChoice, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from printfarm.core.errors import DomainError
from printfarm.core.fields import AmountField
from printfarm.core.units import grams_from_mg, mg_from_grams
from printfarm.filament.colours import normal_colours
from printfarm.filament.models import Filament, Spool
from printfarm.filament.service import FilamentFacts, SpoolFacts

WEIGHT = NumberRange(Decimal(0), Decimal(50_000), "In grams, from 0 to 50,000.")
ADDRESS = "Write an address that begins with https://."


def is_colour(_form: FlaskForm, field: Field) -> None:
    """One hexadecimal colour, or several joined by commas."""
    try:
        normal_colours(field.data or "")
    except DomainError as problem:
        raise ValidationError(problem.sentence) from problem


class FilamentForm(FlaskForm):  # type: ignore[misc]
    brand = StringField(
        "Brand", validators=[DataRequired("Which brand? Write “no name” if there is none."), Length(max=80)]
    )
    material = StringField("Material", validators=[DataRequired("Which material?"), Length(max=40)])
    colour_name = StringField("Colour name", validators=[DataRequired("What is the colour called?"), Length(max=80)])
    colour_hex = StringField("Colour", validators=[DataRequired("Which colour?"), Length(max=120), is_colour])
    cost_per_kg = AmountField(
        "Price per kilogram", places=2, validators=[Optional(), NumberRange(Decimal(0), Decimal(100_000))]
    )
    density_g_cm3 = AmountField("Density", places=3, validators=[Optional(), NumberRange(Decimal("0.1"), Decimal(30))])
    purchase_url = StringField(
        "Where to buy", validators=[Optional(), Regexp(r"https?://\S+$", message=ADDRESS), Length(max=500)]
    )
    note = TextAreaField("Note", validators=[Length(max=2000)])

    def facts(self) -> FilamentFacts:
        """What the form says, in the service's words."""
        per_kg = self.cost_per_kg.data
        return FilamentFacts(
            brand=self.brand.data,
            material=self.material.data,
            colour_name=self.colour_name.data,
            colour_hex=self.colour_hex.data,
            density_g_cm3=self.density_g_cm3.data,
            cost_per_gram=None if per_kg is None else per_kg / 1000,
            purchase_url=self.purchase_url.data or "",
            note=self.note.data or "",
        )

    @classmethod
    def of(cls, filament: Filament) -> "FilamentForm":
        """The form filled with what is known."""
        cost = filament.cost_per_gram
        known: dict[str, Any] = {
            name: getattr(filament, name)
            for name in ("brand", "material", "colour_name", "colour_hex", "density_g_cm3", "purchase_url", "note")
        }
        return cls(data={**known, "cost_per_kg": None if cost is None else cost * 1000})


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


class WeighForm(FlaskForm):  # type: ignore[misc]
    what = RadioField(
        "What happened?",
        choices=[
            SelectChoice("set", "It holds"),
            SelectChoice("add", "Add"),
            SelectChoice("subtract", "Take away"),
            SelectChoice("scale", "The scale shows"),
        ],
        validators=[InputRequired("Choose what happened.")],
    )
    grams = AmountField("Grams", validators=[InputRequired("How many grams?"), WEIGHT])
    reason = StringField("Reason", validators=[Length(max=200)])


class ResolveForm(FlaskForm):  # type: ignore[misc]
    spool_id = StringField("Spool", validators=[InputRequired("Choose the spool that it came from.")])

    def validate_spool_id(self, field: Field) -> None:
        try:
            UUID(field.data)
        except ValueError as problem:
            raise ValidationError("Choose a spool from the list.") from problem
