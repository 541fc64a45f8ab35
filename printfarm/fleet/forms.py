"""The shape of what people say of printers, slots and hubs."""

import ipaddress
import re
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, IntegerField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from printfarm.fleet.machines import BED_TYPES, MACHINES, NOZZLES_MM, machine_of_serial
from printfarm.fleet.models import Hub, Printer
from printfarm.fleet.service import PrinterSettings
from printfarm.fleet.service.control import Action

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_SERIAL = re.compile(r"[0-9A-Z]{8,40}")
_CODE = re.compile(r"[\x21-\x7e]{4,64}")


def is_address(_form: FlaskForm, field: Field) -> None:
    """An IP address or a name, without port or path."""
    text = (field.data or "").strip()
    try:
        ipaddress.ip_address(text)
    except ValueError:
        looks_numeric = re.fullmatch(r"[\d.]+", text) is not None
        if looks_numeric or not _HOST.fullmatch(text):
            raise ValidationError("Write an address like 192.168.1.40, as the printer shows it.") from None


def is_id(_form: FlaskForm, field: Field) -> None:
    """The id of a row, as our own pages send it."""
    try:
        UUID(field.data)
    except (ValueError, TypeError) as problem:
        raise ValidationError("Choose from the list.") from problem


class PrinterForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", validators=[InputRequired("What do you call it?"), Length(max=60)])
    model_id = SelectField("Model", choices=[SelectChoice(one.model_id, one.name) for one in MACHINES], default="C12")
    address = StringField(
        "Address", validators=[InputRequired("Which address has it in your network?"), Length(max=253), is_address]
    )
    serial = StringField("Serial number", validators=[InputRequired("The serial number is needed."), Length(max=40)])
    access_code = PasswordField("Access code", validators=[Length(max=64)])
    nozzle_mm = SelectField(
        "Nozzle", choices=[SelectChoice(str(one), f"{one.normalize()} mm") for one in NOZZLES_MM], default="0.40"
    )
    bed_type = SelectField("Build plate", choices=[SelectChoice(one, one or "Any") for one in BED_TYPES])
    location = StringField("Location", validators=[Length(max=80)])
    hub_id = SelectField("Hub", validators=[is_id])
    mqtt_port = IntegerField("MQTT port", default=8883, validators=[Optional(), NumberRange(1, 65535)])
    ftps_port = IntegerField("FTPS port", default=990, validators=[Optional(), NumberRange(1, 65535)])
    trial_id = HiddenField(validators=[Optional(), is_id])

    def offer_hubs(self, hubs: list[Hub]) -> "PrinterForm":
        """Fill the list of hubs; a single one is chosen."""
        self.hub_id.choices = [SelectChoice(str(hub.id), hub.name) for hub in hubs]
        if not self.hub_id.data and hubs:
            self.hub_id.data = str(hubs[0].id)
        return self

    def validate_serial(self, field: Field) -> None:
        text = (field.data or "").strip().upper()
        if not _SERIAL.fullmatch(text):
            raise ValidationError("A serial number has only letters and digits. It stands on the printer's screen.")
        machine = machine_of_serial(text)
        if machine is not None and machine.model_id != self.model_id.data:
            raise ValidationError(f"This is the serial number of a {machine.name}. Check it, or choose that model.")

    def validate_access_code(self, field: Field) -> None:
        if field.data and not _CODE.fullmatch(field.data):
            raise ValidationError("The access code has eight characters, without spaces.")

    def settings(self, code: str = "") -> PrinterSettings:
        """What the form says; `code` stands in for an access code that was left empty."""
        return PrinterSettings(
            name=self.name.data.strip(),
            model_id=self.model_id.data,
            address=self.address.data.strip(),
            serial=self.serial.data.strip().upper(),
            hub_id=UUID(self.hub_id.data),
            access_code=self.access_code.data or code,
            nozzle_mm=Decimal(self.nozzle_mm.data),
            bed_type=self.bed_type.data or "",
            location=(self.location.data or "").strip(),
            mqtt_port=self.mqtt_port.data or 8883,
            ftps_port=self.ftps_port.data or 990,
        )

    @classmethod
    def of(cls, known: Printer | PrinterSettings, *, trial_id: UUID | None = None) -> "PrinterForm":
        """The form filled with what is known, but never the access code."""
        names = ("name", "model_id", "address", "serial", "bed_type", "location", "mqtt_port", "ftps_port")
        values: dict[str, Any] = {name: getattr(known, name) for name in names}
        nozzle = known.nozzle_mm.quantize(Decimal("0.01"))
        return cls(
            data={
                **values,
                "nozzle_mm": str(nozzle),
                "hub_id": str(known.hub_id),
                "trial_id": str(trial_id) if trial_id else "",
            }
        )


class ControlForm(FlaskForm):  # type: ignore[misc]
    action = SelectField(choices=[SelectChoice(one, one) for one in get_args(Action)], validators=[InputRequired()])


class SpoolForm(FlaskForm):  # type: ignore[misc]
    spool_id = StringField(validators=[Optional(), is_id])


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """Which roll it is; with `tag`, the chip there is its."""

    spool_id = StringField(validators=[InputRequired(), is_id])
    tag = StringField(validators=[Optional(), Regexp(r"^[0-9A-F]{8,64}$")])


class HubForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", validators=[InputRequired("What do you call it?"), Length(max=60)])
