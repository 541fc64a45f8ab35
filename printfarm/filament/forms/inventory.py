"""What people say in the inventory: a weight in a row, and one deed for many rolls."""

from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, SelectChoice, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional

from printfarm.core.fields import AmountField, CountField, one_line
from printfarm.core.units import mg_from_grams
from printfarm.filament.forms.fields import WEIGHT, DayField
from printfarm.filament.forms.stock import WeighForm
from printfarm.filament.service import Told

LABELS = "labels"


class RowWeighForm(WeighForm):
    """As on the roll's page, and what the list showed when it was begun."""

    seen = CountField(validators=[InputRequired("Open the row again.")])


class UndoForm(FlaskForm):  # type: ignore[misc]
    entry_id = StringField(validators=[InputRequired("Say which line.")])

    def validate_entry_id(self, field: Field) -> None:
        UUID(field.data)


class _AnyIds(SelectMultipleField):  # type: ignore[misc]
    """Ids of ticked rows, whichever there are."""

    data: list[UUID]

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            self.data = [UUID(one) for one in valuelist]
        except ValueError as problem:
            raise ValueError("Tick the rolls in the list.") from problem

    def pre_validate(self, form: Any) -> None:
        """Whether they are here is not asked of the form."""


class BulkForm(FlaskForm):  # type: ignore[misc]
    spool = _AnyIds("Rolls", choices=[], validate_choice=False)
    everything = BooleanField("All that fit")  # whatever is ticked
    deed = SelectField(
        "With the ticked rolls",
        choices=[
            SelectChoice("move", "Move to …"),
            SelectChoice(LABELS, "Print labels"),
            SelectChoice("dried", "Dried today"),
            SelectChoice("opened", "Opened today"),
            SelectChoice("low", "Low below …"),
            SelectChoice("best before", "Best before …"),
            SelectChoice("empty", "They are empty"),
            SelectChoice("archive", "Archive"),
            SelectChoice("restore", "Restore"),
            SelectChoice("discard", "Discard"),
        ],
    )
    location = StringField("Place", validators=[Length(max=80)], filters=[one_line])
    low_below = AmountField("Low below", validators=[Optional(), WEIGHT])
    expires_on = DayField("Best before", validators=[Optional()], ahead=True)
    reason = StringField("Why", validators=[Length(max=200)], filters=[one_line])

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        if valid and self.deed.data == "low" and self.low_below.data is None:
            self.low_below.errors = ["Low below how many grams?"]
            return False
        return valid

    def told(self) -> Told:
        low = self.low_below.data
        low_mg = 0 if low is None else mg_from_grams(low)
        return Told(self.location.data or "", low_mg, self.expires_on.data, self.reason.data or "")
