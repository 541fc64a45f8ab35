"""What people say of a filament."""

from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp, ValidationError

from printfarm.core.errors import DomainError
from printfarm.core.fields import AmountField
from printfarm.filament.colours import normal_colours
from printfarm.filament.forms.fields import ADDRESS
from printfarm.filament.models import Filament
from printfarm.filament.service import FilamentFacts


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
