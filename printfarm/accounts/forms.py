"""The shape of what people type about themselves and their shop."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Email, EqualTo, Length, NumberRange, Optional, ValidationError

from printfarm.accounts import choices
from printfarm.accounts.models import THEMES, UNITS
from printfarm.accounts.service import weakness
from printfarm.core.fields import AmountField, CountField

ADDRESS = [DataRequired("Enter an e-mail address."), Email("This is not an e-mail address."), Length(max=254)]
NAME = [DataRequired("Enter a name."), Length(max=80, message="Use at most 80 characters.")]
SHOP_NAME = [DataRequired("Enter the shop's name."), Length(max=80, message="Use at most 80 characters.")]


ROLE_OPTIONS = [SelectChoice(role, text) for role, text in choices.ROLE_CHOICES]


def _trimmed(text: str | None) -> str | None:
    return text.strip() if text else text


class _NewPassword:
    """Mixed into forms that set a password."""

    password = PasswordField(
        "Password",
        [DataRequired("Choose a password.")],
        render_kw={"autocomplete": "new-password", "minlength": "10", "maxlength": "200"},
    )

    def validate_password(self, field: Any) -> None:
        email, name = getattr(self, "email", None), getattr(self, "name", None)
        why = weakness(
            field.data or "", email=(email.data if email else "") or "", name=(name.data if name else "") or ""
        )
        if why:
            raise ValidationError(why)


class _ShopMoney:
    """Mixed into forms that say how a shop counts."""

    currency = SelectField("Currency")
    timezone = SelectField("Time zone")
    locale = SelectField("Numbers and dates as in")

    def offer(self) -> None:
        """Fill the lists that people choose from."""
        self.currency.choices = [SelectChoice(*one) for one in choices.currencies()]
        self.timezone.choices = [
            SelectChoice(zone, place, optgroup=region)
            for region, zones in choices.time_zones().items()
            for zone, place in zones
        ]
        self.locale.choices = [SelectChoice(*one) for one in choices.locales()]


class SetUpForm(_NewPassword, _ShopMoney, FlaskForm):  # type: ignore[misc]
    code = StringField(
        "Set-up code",
        [DataRequired("Enter the set-up code."), Length(max=40)],
        filters=[_trimmed],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    name = StringField("Your name", NAME, filters=[_trimmed], render_kw={"autocomplete": "name"})
    email = EmailField("E-mail address", ADDRESS, filters=[_trimmed], render_kw={"autocomplete": "username"})
    shop_name = StringField("Shop's name", SHOP_NAME, filters=[_trimmed], render_kw={"autocomplete": "organization"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer()


class SignInForm(FlaskForm):  # type: ignore[misc]
    email = EmailField(
        "E-mail address",
        [DataRequired("Enter your e-mail address."), Length(max=254)],
        filters=[_trimmed],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        [DataRequired("Enter your password."), Length(max=1000)],
        render_kw={"autocomplete": "current-password"},
    )


class LinkForm(FlaskForm):  # type: ignore[misc]
    """A one-time link asks for nothing more."""


class ResetForm(_NewPassword, FlaskForm):  # type: ignore[misc]
    def __init__(self, *args: Any, email_of: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email_of = email_of

    def validate_password(self, field: Any) -> None:
        why = weakness(field.data or "", email=self._email_of)
        if why:
            raise ValidationError(why)


class JoinForm(_NewPassword, FlaskForm):  # type: ignore[misc]
    """Somebody new accepts an invitation."""

    name = StringField("Your name", NAME, filters=[_trimmed], render_kw={"autocomplete": "name"})
    email = EmailField("E-mail address", ADDRESS, filters=[_trimmed], render_kw={"autocomplete": "username"})


class NameForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Your name", NAME, filters=[_trimmed], render_kw={"autocomplete": "name"})
    theme = RadioField("Light or dark", choices=[SelectChoice(theme, theme.capitalize()) for theme in THEMES])


class ChangePasswordForm(FlaskForm):  # type: ignore[misc]
    old = PasswordField(
        "Present password",
        [DataRequired("Enter your present password."), Length(max=1000)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        "New password",
        [DataRequired("Choose a new password.")],
        render_kw={"autocomplete": "new-password", "minlength": "10", "maxlength": "200"},
    )
    again = PasswordField(
        "New password again",
        [EqualTo("new", "The two new passwords are not the same.")],
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, *args: Any, email_of: str = "", name_of: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email_of, self._name_of = email_of, name_of

    def validate_new(self, field: Any) -> None:
        why = weakness(field.data or "", email=self._email_of, name=self._name_of)
        if why:
            raise ValidationError(why)


class _RateField(AmountField):
    """Shown as it was typed: 0.32, not 0.3200."""

    def _value(self) -> str:
        if self.raw_data or self.data is None:
            return str(super()._value())
        places = max(2, -self.data.normalize().as_tuple().exponent)
        return f"{self.data:.{places}f}"


def _rate(label: str) -> AmountField:
    bounds = [Optional(), NumberRange(0, 1_000_000, "From 0 to a million, please."), _four_places]
    return _RateField(label, bounds, places=None, render_kw={"inputmode": "decimal", "autocomplete": "off"})


def _four_places(_form: Any, field: Any) -> None:
    if field.data is not None and field.data.normalize().as_tuple().exponent < -4:
        raise ValidationError("Four places behind the point at most.")


def _count(label: str, most: int) -> CountField:
    bounds = [Optional(), NumberRange(0, most, f"From 0 to {most:,}, please.")]
    return CountField(label, bounds, render_kw={"inputmode": "numeric", "autocomplete": "off"})


class _ShopRates:
    """Mixed into the form that says what a print costs beside its filament; empty means: not counted."""

    electricity_per_kwh = _rate("Electricity")
    printer_power_w = _count("Power of a printer", 20_000)
    machine_per_hour = _rate("Machine")
    labour_per_hour = _rate("Work")
    labour_minutes_per_print = _count("Work on each print", 10_000)


class ShopForm(_ShopRates, _ShopMoney, FlaskForm):  # type: ignore[misc]
    name = StringField("Shop's name", SHOP_NAME, filters=[_trimmed])
    description = TextAreaField("Description", [Optional(), Length(max=1000)], filters=[_trimmed])
    units = SelectField("Units", choices=[SelectChoice(unit, unit.capitalize()) for unit in UNITS])
    default_filament_brand = StringField("Usual filament brand", [Optional(), Length(max=80)], filters=[_trimmed])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer()


class NewShopForm(_ShopMoney, FlaskForm):  # type: ignore[misc]
    name = StringField("Shop's name", SHOP_NAME, filters=[_trimmed])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer()


class RoleForm(FlaskForm):  # type: ignore[misc]
    role = SelectField("Role", choices=ROLE_OPTIONS)


class InviteForm(FlaskForm):  # type: ignore[misc]
    role = SelectField("Role", choices=ROLE_OPTIONS, default="operator")
    note = StringField("For whom", [Optional(), Length(max=120)], filters=[_trimmed])


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A token for a program."""

    name = StringField("Name", [DataRequired("Say which program gets it."), Length(max=80)], filters=[_trimmed])
    scope = RadioField(
        "It may",
        choices=[
            SelectChoice("stock", "Read stock and book what is used"),
            SelectChoice("read", "Only read"),
        ],
        default="stock",
    )
