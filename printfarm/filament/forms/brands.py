"""What people say of a brand."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from printfarm.core.fields import AmountField, many_lines, one_line
from printfarm.core.units import grams_from_mg, mg_from_grams
from printfarm.filament.forms.fields import ADDRESS, WEIGHT, ExtraField
from printfarm.filament.models import Brand
from printfarm.filament.service import BrandFacts


class BrandForm(FlaskForm):  # type: ignore[misc]
    name = StringField(
        "Name", validators=[DataRequired("What is the brand called?"), Length(max=80)], filters=[one_line]
    )
    tare = AmountField("Its empty spools weigh", places=None, validators=[Optional(), WEIGHT])
    url = StringField(
        "Web page",
        validators=[Optional(), Regexp(r"https?://\S+$", message=ADDRESS), Length(max=500)],
        filters=[one_line],
    )
    note = TextAreaField("Note", validators=[Length(max=2000)], filters=[many_lines])
    extra = ExtraField("Your own facts")
    merge = HiddenField()  # the brand of that name which this one becomes a part of, once a person has said so

    def facts(self) -> BrandFacts:
        return BrandFacts(
            name=self.name.data,
            tare_mg=None if self.tare.data is None else mg_from_grams(self.tare.data),
            url=self.url.data or "",
            note=self.note.data or "",
            extra=self.extra.data or {},
        )

    @classmethod
    def of(cls, brand: Brand) -> "BrandForm":
        tare = None if brand.tare_mg is None else f"{grams_from_mg(brand.tare_mg).normalize():f}"
        return cls(data={"name": brand.name, "tare": tare, "url": brand.url, "note": brand.note, "extra": brand.extra})
