"""What clients may send: the shape of each message, before any rule looks at it. Unknown fields are left aside."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

HEAVIEST_G = 50_000
LONGEST_MM = 20_000_000  # 50 kg of 1.75 mm
MOST_FIELDS = 100


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("A character is not allowed")
    return text.strip()


def _utc(at: datetime) -> datetime:
    if not 1970 <= at.year <= 2200:
        raise ValueError("This time cannot be right")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _colour(text: str) -> str:
    plain = text.strip().removeprefix("#").upper()
    if len(plain) not in {6, 8} or set(plain) - set("0123456789ABCDEF"):
        raise ValueError("A colour is 6 or 8 hexadecimal digits")
    return plain


Text = Annotated[str, StringConstraints(max_length=64), AfterValidator(_storable)]
LongText = Annotated[str, StringConstraints(max_length=1024), AfterValidator(_storable)]
ExternalId = Annotated[str, StringConstraints(max_length=256), AfterValidator(_storable)]
Grams = Annotated[float, Field(ge=0, le=HEAVIEST_G)]
SomeGrams = Annotated[float, Field(gt=0, le=HEAVIEST_G)]
Price = Annotated[float, Field(ge=0, le=1_000_000)]
Celsius = Annotated[int, Field(ge=0, le=600)]
Number = Annotated[int, Field(ge=1, le=2_000_000_000)]
Time = Annotated[datetime, AfterValidator(_utc)]
FieldKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=64)]
FieldValue = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_storable)]
Extra = Annotated[dict[FieldKey, FieldValue | None], Field(max_length=MOST_FIELDS)]


class Message(BaseModel):
    """No NaN, no infinity; `sent()` holds what was sent and nothing else."""

    model_config = ConfigDict(allow_inf_nan=False, extra="ignore")

    def sent(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class Vendor(Message):
    name: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_storable)]
    comment: LongText | None = None
    empty_spool_weight: Grams | None = None
    external_id: ExternalId | None = None
    extra: Extra | None = None


class VendorChange(Vendor):
    name: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_storable)] = ""


class Filament(Message):
    name: Text | None = None
    vendor_id: Number | None = None
    material: Text | None = None
    price: Price | None = None
    density: Annotated[float, Field(ge=0.01, le=30)]
    diameter: Annotated[float, Field(ge=0.1, le=10)]
    weight: SomeGrams | None = None
    spool_weight: Grams | None = None
    article_number: Text | None = None
    comment: LongText | None = None
    settings_extruder_temp: Celsius | None = None
    settings_bed_temp: Celsius | None = None
    color_hex: str | None = None
    multi_color_hexes: str | None = None
    multi_color_direction: Literal["coaxial", "longitudinal"] | None = None
    external_id: ExternalId | None = None
    extra: Extra | None = None

    @field_validator("color_hex")
    @classmethod
    def one_colour(cls, text: str | None) -> str | None:
        return _colour(text) if text else None

    @field_validator("multi_color_hexes")
    @classmethod
    def several_colours(cls, text: str | None) -> str | None:
        if not text:
            return None
        colours = [_colour(part) for part in text.split(",")]
        if not 2 <= len(colours) <= 16:
            raise ValueError("Write at least two colours, at most sixteen")
        return ",".join(colours)

    @model_validator(mode="after")
    def one_or_several(self) -> "Filament":
        if self.color_hex and self.multi_color_hexes:
            raise ValueError("Cannot specify both color_hex and multi_color_hexes")
        return self


class FilamentChange(Filament):
    density: Annotated[float, Field(ge=0.01, le=30)] = 1.24
    diameter: Annotated[float, Field(ge=0.1, le=10)] = 1.75


class Spool(Message):
    filament_id: Number
    first_used: Time | None = None
    last_used: Time | None = None
    price: Price | None = None
    initial_weight: Grams | None = None
    spool_weight: Grams | None = None
    remaining_weight: Grams | None = None
    used_weight: Grams | None = None
    location: Text | None = None
    lot_nr: Text | None = None
    comment: LongText | None = None
    archived: bool = False
    extra: Extra | None = None


class SpoolChange(Spool):
    filament_id: Number = 0


class Use(Message):
    use_length: Annotated[float, Field(ge=-LONGEST_MM, le=LONGEST_MM)] | None = None
    use_weight: Annotated[float, Field(ge=-HEAVIEST_G, le=HEAVIEST_G)] | None = None


class Measure(Message):
    weight: Grams


class ExtraField(Message):
    """What a shop's own field is called and what it may hold."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_storable)]
    order: Annotated[int, Field(ge=0, le=100_000)] = 0
    unit: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None
    field_type: Literal["text", "integer", "integer_range", "float", "float_range", "datetime", "boolean", "choice"]
    default_value: FieldValue | None = None
    choices: Annotated[list[Text], Field(min_length=1, max_length=200)] | None = None
    multi_choice: bool | None = None
