"""The shape of what people type about files, models and variants."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import Field, Form, SelectChoice, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp

from printfarm.core.errors import DomainError
from printfarm.core.fields import AmountField, many_lines, one_line
from printfarm.filament.colours import normal_colours
from printfarm.library.guesses import WantedFilament
from printfarm.library.intake import Answer, SlotAnswer
from printfarm.library.markdown import LONGEST
from printfarm.library.offering import new_filament
from printfarm.library.service import MOST_TAGS, ModelFacts, tags_in
from printfarm.library.service.tags import LONGEST_TAG

NEW, LATER, OTHER = "new", "later", "other"
NAME, LINE, TEXT = 120, 300, 5000
Choices = Sequence[tuple[str, str]]


def _line(label: str, *validators: object, most: int = LINE) -> StringField:
    return StringField(label, [Length(max=most), *validators], filters=[one_line])


def _url(label: str) -> StringField:
    return _line(label, Regexp(r"^(https?://\S+)?$", message="Write an address that begins with https://."))


def _tags() -> StringField:
    return _line("Tags", _few_short_tags, most=MOST_TAGS * (LONGEST_TAG + 2))


def _few_short_tags(_form: Form, field: Field) -> None:
    tags = tags_in(field.data or "")
    if len(tags) > MOST_TAGS:
        raise ValidationError(f"{MOST_TAGS} tags at most.")
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise ValidationError(f"A tag has {LONGEST_TAG} letters at most. Commas part one tag from the next.")


class _Categorised:
    """Mixed into forms that ask for a category: every shop's, and this shop's own."""

    category = SelectField("Category")

    def offer(self, categories: Choices) -> None:
        """What may be chosen; a category that is no longer there stays choosable for what has it."""
        known = [SelectChoice(value, label) for value, label in categories]
        now = self.category.object_data
        if now and now not in {value for value, _label in categories}:
            known.append(SelectChoice(now, now))
        self.category.choices = known


class ModelForm(_Categorised, FlaskForm):  # type: ignore[misc]  # flask_wtf carries no types
    name = _line("Name", DataRequired("Give the model a name."), most=NAME)
    designer = _line("Designer")
    tags = _tags()
    description = TextAreaField("Description", [Length(max=LONGEST)], filters=[many_lines])
    licence = _line("Licence")
    source_url = _url("Source")

    def facts(self) -> ModelFacts:
        return ModelFacts(
            name=self.name.data,
            designer=self.designer.data,
            description=self.description.data,
            category=self.category.data,
            licence=self.licence.data,
            source_url=self.source_url.data,
            tags=tags_in(self.tags.data),
        )


class CategoryForm(FlaskForm):  # type: ignore[misc]
    name = _line("Name", DataRequired("Give the category a name."), most=60)


class VariantForm(FlaskForm):  # type: ignore[misc]
    note = TextAreaField("Note", [Length(max=TEXT)], filters=[many_lines])


class SlotForm(Form):  # type: ignore[misc]
    """What one slot of the file means. `choice` is a filament's id, `new`, `other` (then `other` holds the id) or `later`."""

    choice = _line("Filament")
    other = _line("Another filament")
    brand = _line("Brand", most=NAME)
    material = _line("Material", most=40)
    colour_name = _line("Colour name", most=NAME)
    colour_hex = _line("Colour", most=120)
    finish = _line("Finish", most=40)

    def validate_choice(self, field: Field) -> None:
        if field.data not in {NEW, LATER, OTHER} and _as_id(field.data) is None:
            raise ValidationError("Choose a filament, or decide later.")

    def validate_other(self, field: Field) -> None:
        if self.choice.data == OTHER and _as_id(field.data) is None:
            raise ValidationError("Choose which one.")

    def validate_brand(self, field: Field) -> None:
        self._need(field, "Who makes it?")

    def validate_material(self, field: Field) -> None:
        self._need(field, "What is it made of? PLA, PETG, …")

    def validate_colour_name(self, field: Field) -> None:
        self._need(field, "What is the colour called?")

    def validate_colour_hex(self, field: Field) -> None:
        if self.choice.data != NEW:
            return
        try:
            normal_colours(field.data)
        except DomainError as problem:
            raise ValidationError(problem.sentence) from problem

    def _need(self, field: Field, question: str) -> None:
        if self.choice.data == NEW and not field.data:
            raise ValidationError(question)

    def answer(self, wanted: WantedFilament) -> SlotAnswer:
        """Which filament it is; what the form does not ask of a new one comes from the file and the catalogue."""
        if self.choice.data == NEW:
            new = new_filament(
                wanted,
                brand=self.brand.data,
                material=self.material.data,
                finish=self.finish.data,
                colour_name=self.colour_name.data,
                colour_hex=self.colour_hex.data,
            )
            return SlotAnswer(wanted.slot, new=new)
        chosen = self.other.data if self.choice.data == OTHER else self.choice.data
        return SlotAnswer(wanted.slot, filament_id=_as_id(chosen))


class NeedForm(Form):  # type: ignore[misc]
    """Which filament a slot of a variant means; "" while nobody has decided."""

    filament = _line("Filament")

    def validate_filament(self, field: Field) -> None:
        if field.data and self.filament_id() is None:
            raise ValidationError("Choose a filament of the list.")

    def filament_id(self) -> UUID | None:
        return _as_id(self.filament.data)


class WeightForm(Form):  # type: ignore[misc]
    """How much a slot takes, where the file does not say."""

    grams = AmountField(
        "Weight", [Optional(), NumberRange(Decimal("0.001"), Decimal(50_000), "In grams, up to 50,000.")]
    )


class AnswerForm(_Categorised, FlaskForm):  # type: ignore[misc]
    """What a file is. `model` is a model's id or `new`; `find` looks for other models."""

    model = _line("Model")
    find = _line("Find another model")
    model_name = _line("Name of the new model", most=NAME)
    variant_name = _line("Variant", DataRequired("Give the variant a name."), most=NAME)
    tags = _tags()
    description = TextAreaField("Description", [Length(max=LONGEST)], filters=[many_lines])
    designer = _line("Designer")
    licence = _line("Licence")
    source_url = _url("Source")
    note = TextAreaField("Note", [Length(max=TEXT)], filters=[many_lines])

    def validate_model(self, field: Field) -> None:
        if field.data != NEW and _as_id(field.data) is None:
            raise ValidationError("Choose a model, or make a new one.")

    def validate_model_name(self, field: Field) -> None:
        if self.model.data == NEW and not field.data:
            raise ValidationError("Give the new model a name.")

    def model_id(self) -> UUID | None:
        """The chosen model; None for a new one."""
        return _as_id(self.model.data)

    def answer(self, slots: Sequence[SlotAnswer]) -> Answer:
        return Answer(
            model_id=self.model_id(),
            model=ModelFacts(
                name=self.model_name.data,
                designer=self.designer.data,
                description=self.description.data,
                category=self.category.data,
                licence=self.licence.data,
                source_url=self.source_url.data,
                tags=tags_in(self.tags.data),
            ),
            variant_name=self.variant_name.data,
            note=self.note.data,
            slots=slots,
        )


def slot_prefix(slot: int) -> str:
    """The names of a slot's fields begin with it."""
    return f"slot-{slot}-"


def typed_values(form: Form, slot_forms: Sequence[Form]) -> dict[str, str]:
    """Everything that was filled in, right or wrong, by field name; bounded."""
    fields = [field for one in (form, *slot_forms) for field in one if field.short_name != "csrf_token"]
    return {field.name: str(field.data or "")[:LONGEST] for field in fields}


def _as_id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
