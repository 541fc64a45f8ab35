"""What people say of weights: weighing, correcting, and where grams came from."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectChoice, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from printfarm.core.fields import AmountField
from printfarm.filament.forms.fields import WEIGHT


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
