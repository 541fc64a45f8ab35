"""The shape of what people send to the queue."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FormField,
    IntegerField,
    RadioField,
    SelectChoice,
    StringField,
)
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from printfarm.core.fields import AmountField, CountField
from printfarm.core.units import mg_from_grams
from printfarm.queue.service.jobs import MOST_AT_ONCE


def is_id(_form: FlaskForm, field: Field) -> None:
    """A field that names a record."""
    try:
        UUID(field.data or "")
    except ValueError as problem:
        raise ValidationError("Choose one from the list.") from problem


class AddForm(FlaskForm):  # type: ignore[misc]
    plate_id = StringField(validators=[InputRequired(), is_id])
    quantity = CountField(
        "How many",
        default=1,
        validators=[InputRequired("How many?"), NumberRange(1, MOST_AT_ONCE, f"From 1 to {MOST_AT_ONCE}.")],
    )
    note = StringField("Note", validators=[Length(max=200)])


class MoveForm(FlaskForm):  # type: ignore[misc]
    after = StringField(validators=[Optional(), is_id])


class StartForm(FlaskForm):  # type: ignore[misc]
    printer_id = StringField("Printer", validators=[InputRequired("Choose a printer."), is_id])
    accept_short = BooleanField("Start although a spool seems to hold too little")
    then_spool_id = StringField(validators=[Optional(), is_id])  # the roll that is fed when it has run out


class RollForm(FlaskForm):  # type: ignore[misc]
    """Which roll is put into which place of a printer, for a job that waits."""

    slot_id = StringField(validators=[InputRequired(), is_id])
    spool_id = StringField(validators=[InputRequired("Choose a spool."), is_id])


class FeedForm(FlaskForm):  # type: ignore[misc]
    """Which roll feeds a slot of the plate from here on, or since a layer."""

    slot = IntegerField(validators=[InputRequired()])
    spool_id = StringField(validators=[InputRequired("Choose a spool."), is_id])
    layer = CountField("Since layer", validators=[Optional(), NumberRange(0, 100_000, "Say a layer of this print.")])


class SlotGrams(PlainForm):  # type: ignore[misc]
    slot = IntegerField(validators=[InputRequired()])
    grams = AmountField(
        "Grams used", validators=[Optional(), NumberRange(Decimal(0), Decimal(50_000), "From 0 to 50,000 grams.")]
    )


@dataclass(frozen=True)
class TypedGrams:
    """What a person wrote into one slot's field, as they wrote it, and what is wrong with it."""

    text: str
    errors: list[str]


class WeighForm(FlaskForm):  # type: ignore[misc]
    """Grams that a person weighed, per slot of the plate."""

    used = FieldList(FormField(SlotGrams), max_entries=64)

    def weighed_mg(self) -> dict[int, int]:
        """Milligrams per slot; slots that were left empty are not in it."""
        return {one.slot.data: mg_from_grams(one.grams.data) for one in self.used if one.grams.data is not None}

    def typed(self) -> dict[int, TypedGrams]:
        """By slot, to show the form again."""
        return {
            one.slot.data: TypedGrams((one.grams.raw_data or [""])[0], list(one.grams.errors))
            for one in self.used
            if one.slot.data is not None
        }


class SettleForm(WeighForm):
    outcome = RadioField(
        "How did it end?",
        choices=[
            SelectChoice("completed", "It finished"),
            SelectChoice("failed", "It failed"),
            SelectChoice("cancelled", "Somebody stopped it"),
            SelectChoice("never-started", "It never started"),
        ],
        validators=[InputRequired("Say how it ended.")],
    )
