"""What a person says of a material that takes up water."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from printfarm.core.fields import CountField, one_line
from printfarm.filament.service.drying import MOST_DAYS


class DryingForm(FlaskForm):  # type: ignore[misc]
    material = StringField("Material", validators=[DataRequired("Which material?"), Length(max=40)], filters=[one_line])
    days = CountField("Days in the air", validators=[Optional(), NumberRange(1, MOST_DAYS, f"From 1 to {MOST_DAYS}.")])
