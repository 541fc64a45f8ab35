"""What people say of weights: weighing, correcting, and where grams came from."""

from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from printfarm.core.fields import AmountField, CountField, one_line
from printfarm.core.ids import typed_code
from printfarm.core.units import mg_from_grams
from printfarm.filament.forms.fields import WEIGHT, token_field


class AgreedForm(FlaskForm):  # type: ignore[misc]
    """What a person confirms who was told that the ledger knows of less: by how many milligrams they have seen."""

    agreed = CountField("It is so", validators=[Optional()])

    @property
    def agreed_mg(self) -> int:
        return max(0, self.agreed.data or 0)


class WeighForm(AgreedForm):
    token = token_field()
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
    tare = AmountField("Empty spool", validators=[Optional(), WEIGHT])
    keep_tare = BooleanField("This spool weighs that from now on")
    cause = SelectField(
        "Why",
        choices=[
            SelectChoice("", "Correction"),
            SelectChoice("purge", "Purged, or a test print"),
            SelectChoice("failed print", "A failed print"),
            SelectChoice("discarded", "Thrown away"),
            SelectChoice("received", "Came in"),
        ],
        default="",
        validators=[Optional()],
    )
    reason = StringField("Reason", validators=[Length(max=200)])

    def said(self) -> dict[str, Any]:
        """What goes with the grams, in the words of the service that `what` names."""
        facts: dict[str, Any] = {"reason": (self.reason.data or "").strip(), "token": self.token.data or ""}
        if self.what.data == "scale":
            tare_mg = None if self.tare.data is None else mg_from_grams(self.tare.data)
            return {**facts, "tare_mg": tare_mg, "keep_tare": self.keep_tare.data}
        if self.what.data == "subtract":
            facts["agreed_mg"] = self.agreed_mg
        return {**facts, "cause": self.cause.data or "correction"}


class DiscardForm(FlaskForm):  # type: ignore[misc]
    reason = StringField("Why", validators=[Length(max=200)], filters=[one_line])


class ResolveForm(AgreedForm):
    """One of the rolls that are offered, or any other by the code on its label, which goes first."""

    spool_id = StringField("Spool")
    code = StringField("Another roll", validators=[Length(max=40)])

    def validate_spool_id(self, field: Field) -> None:
        if (self.code.data or "").strip():
            return
        try:
            UUID(field.data or "")
        except ValueError as problem:
            raise ValidationError("Choose the spool that the filament came from.") from problem

    def validate_code(self, field: Field) -> None:
        if (field.data or "").strip() and typed_code(field.data) is None:
            raise ValidationError("A spool's code has six letters and digits, as on its label.")

    @property
    def typed(self) -> str | None:
        """The code as it is stored, where one was typed."""
        return typed_code(self.code.data or "")
