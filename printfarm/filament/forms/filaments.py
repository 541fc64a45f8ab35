"""What people say of a filament."""

from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp, ValidationError

from printfarm.core.errors import DomainError
from printfarm.core.fields import AmountField, CountField, many_lines, one_line
from printfarm.core.units import cost_of_gram, grams_from_mg, mg_from_grams
from printfarm.filament.catalogue import PRESETS, Entry
from printfarm.filament.colours import normal_colours
from printfarm.filament.forms.fields import ADDRESS, PRICE, WEIGHT, ExtraField, price_of_kilogram
from printfarm.filament.models import Filament
from printfarm.filament.service import FilamentFacts

PER_KG, PER_SPOOL, PER_GRAM = "kg", "spool", "g"
PRICES = [
    SelectChoice(PER_KG, "a kilogram"),
    SelectChoice(PER_SPOOL, "a whole spool"),
    SelectChoice(PER_GRAM, "a gram"),
]
AS_TYPED = ""
MOST_PER_GRAM = Decimal(10_000)
DEGREES = NumberRange(0, 500, "In °C, from 0 to 500.")
TEXTS = (
    "brand",
    "material",
    "finish",
    "colour_name",
    "colour_hex",
    "article_number",
    "supplier",
    "purchase_url",
    "note",
)
NUMBERS = ("density_g_cm3", "diameter_mm", "nozzle_min_c", "nozzle_max_c", "bed_c")


def is_colour(_form: FlaskForm, field: Field) -> None:
    """One colour, or several joined by commas."""
    try:
        normal_colours(field.data or "")
    except DomainError as problem:
        raise ValidationError(problem.sentence) from problem


def _line(label: str, *validators: object, most: int = 80) -> StringField:
    return StringField(label, validators=[*validators, Length(max=most)], filters=[one_line])


def _weight(label: str, **more: Any) -> AmountField:
    return AmountField(label, places=None, validators=[Optional(), WEIGHT], **more)


def _degrees(label: str) -> CountField:
    return CountField(label, validators=[Optional(), DEGREES])


class ColourForm(FlaskForm):  # type: ignore[misc]
    """The material and the colour alone: what is looked for as somebody types."""

    class Meta:
        csrf = False

    material = _line("Material", DataRequired(), most=40)
    colour_hex = _line("Colour", DataRequired(), is_colour, most=200)
    preset = _line("A usual colour", most=20)
    filament = _line("Filament", most=40)

    def colour(self) -> str:
        return normal_colours(self.preset.data or self.colour_hex.data)


class FilamentForm(FlaskForm):  # type: ignore[misc]
    brand = _line("Brand", DataRequired("Which brand? Write “no name” if there is none."))
    material = _line("Material", DataRequired("Which material?"), most=40)
    finish = _line("Finish", most=40)
    colour_name = _line("Colour name", DataRequired("What is the colour called?"))
    preset = RadioField(
        "A usual colour",
        choices=[SelectChoice(AS_TYPED, "As written below"), *(SelectChoice(value, name) for name, value in PRESETS)],
        default=AS_TYPED,
        validators=[Optional()],
    )
    colour_hex = _line("Colour", most=200)
    price = AmountField("Price", places=None, validators=[Optional(), PRICE])
    price_per = SelectField("Price is for", choices=PRICES, default=PER_KG)
    spool_weight = _weight("Filament on a whole spool", default=1000)
    tare = _weight("Empty spool weighs")
    low_below = _weight("Low below")
    density_g_cm3 = AmountField(
        "Density",
        places=None,
        validators=[Optional(), NumberRange(Decimal("0.1"), Decimal(30), "In g/cm³, from 0.1 to 30.")],
    )
    diameter_mm = AmountField(
        "Diameter",
        places=None,
        default=Decimal("1.75"),
        validators=[Optional(), NumberRange(Decimal("0.5"), Decimal(10), "In mm, from 0.5 to 10: 1.75 or 2.85.")],
    )
    nozzle_min_c = _degrees("Nozzle from")
    nozzle_max_c = _degrees("Nozzle to")
    bed_c = _degrees("Bed")
    article_number = _line("Article number")
    supplier = _line("Supplier")
    purchase_url = _line("Where to buy", Optional(), Regexp(r"https?://\S+$", message=ADDRESS), most=500)
    note = TextAreaField("Note", validators=[Length(max=2000)], filters=[many_lines])
    extra = ExtraField("Your own facts")

    def validate_colour_hex(self, field: Field) -> None:
        if self.preset.data:
            return
        if not field.data:
            raise ValidationError("Which colour?")
        is_colour(self, field)

    def validate_spool_weight(self, field: Field) -> None:
        if field.data is not None and field.data < 1:
            raise ValidationError("A whole spool holds at least a gram.")

    def validate_diameter_mm(self, field: Field) -> None:
        if field.data is None:
            field.data = Decimal("1.75")

    def validate_nozzle_max_c(self, field: Field) -> None:
        low = self.nozzle_min_c.data
        if low is not None and field.data is not None and field.data < low:
            raise ValidationError("That is colder than “from”.")

    def validate_price(self, field: Field) -> None:
        cost = None if field.errors else self._cost_per_gram()
        if cost is not None and cost > MOST_PER_GRAM:
            raise ValidationError("No filament costs that much. Check what the price is for.")

    def facts(self) -> FilamentFacts:
        """What the form says, in the service's words."""
        texts: dict[str, Any] = {name: getattr(self, name).data or "" for name in TEXTS}
        numbers: dict[str, Any] = {name: getattr(self, name).data for name in NUMBERS}
        return FilamentFacts(
            **{**texts, "colour_hex": self.preset.data or texts["colour_hex"]},
            **numbers,
            cost_per_gram=self._cost_per_gram(),
            spool_mg=mg_from_grams(self.spool_weight.data),
            tare_mg=_mg(self.tare.data),
            low_below_mg=_mg(self.low_below.data),
            extra=self.extra.data or {},
        )

    def _cost_per_gram(self) -> Decimal | None:
        """None too while the weight of a spool is not known, or none that can be."""
        price, grams = self.price.data, self.spool_weight.data
        if price is None or (self.price_per.data == PER_SPOOL and (grams is None or grams < 1)):
            return None
        grams_for = {PER_KG: Decimal(1000), PER_SPOOL: grams, PER_GRAM: Decimal(1)}.get(self.price_per.data)
        return None if grams_for is None else cost_of_gram(price, grams_for)

    @classmethod
    def of(cls, filament: Filament) -> "FilamentForm":
        """The form filled with what is known."""
        known: dict[str, Any] = {name: getattr(filament, name) for name in (*TEXTS, *NUMBERS, "extra")}
        return cls(
            data={
                **known,
                "price": price_of_kilogram(filament.cost_per_gram),
                "spool_weight": _grams(filament.spool_mg),
                "tare": _grams(filament.tare_mg),
                "low_below": _grams(filament.low_below_mg),
            }
        )

    @classmethod
    def like(cls, entry: Entry) -> "FilamentForm":
        """The form filled with what the catalogue says."""
        line = entry.line
        known = {name: getattr(line, name) for name in ("brand", "material", "finish", *NUMBERS)}
        return cls(
            data={**known, "colour_name": entry.colour_name, "colour_hex": entry.colour_hex, "tare": line.tare_g}
        )


def _mg(grams: Decimal | None) -> int | None:
    return None if grams is None else mg_from_grams(grams)


def _grams(milligrams: int | None) -> Decimal | None:
    """Without zeros at its end, as a person would write it."""
    return None if milligrams is None else Decimal(f"{grams_from_mg(milligrams).normalize():f}")
