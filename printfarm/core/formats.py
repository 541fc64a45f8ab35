"""Numbers and times as people read them, in the shop's zone and currency. Used as Jinja filters."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import Flask, g

from printfarm.core.clock import utc_now
from printfarm.core.units import grams_from_mg

NOTHING = "–"


def grams(milligrams: int | None) -> str:
    """12_345 → "12.3 g"; a kilogram and more → "1.20 kg"."""
    if milligrams is None:
        return NOTHING
    weight = grams_from_mg(milligrams)
    if abs(weight) >= 1000:
        said = f"{format_decimal((weight / 1000).quantize(Decimal('0.01')), '#,##0.00', _locale())} kg"
    else:
        said = f"{format_decimal(weight, '#,##0.0' if abs(weight) < 100 else '#,##0', _locale())} g"
    return said.replace("-", "\N{MINUS SIGN}")


def duration(seconds: float | None) -> str:
    """5_040 → "1 h 24 min"; under a minute → "40 s"; days are said too."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes if not days else 0, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def local_time(moment: datetime | None, style: str = "short") -> str:
    """A UTC time in the shop's zone: day and hour; `style` as babel has it otherwise, or "time" for the hour alone.

    The month is a word and the hour counts to 24, as everywhere in the pages: 11/12 means two days to two people.
    """
    if moment is None:
        return NOTHING
    there = moment.astimezone(zone())
    if style == "time":
        return format_datetime(there, "HH:mm", locale=_locale())
    if style == "short":
        return format_datetime(there, "d MMM y, HH:mm", locale=_locale())
    return format_datetime(there, style, locale=_locale())


def day(value: date | None) -> str:
    """A day of the calendar, with the month as a word: "21 Nov 2026"."""
    return NOTHING if value is None else format_date(value, "d MMM y", locale=_locale())


def in_minutes(minutes: float | None) -> str:
    """What a clock will show that many minutes from now: 35 → "14:35"; on another day "Sun 02:10"."""
    if minutes is None:
        return NOTHING
    now = utc_now().astimezone(zone())
    then = now + timedelta(minutes=minutes)
    return format_datetime(then, "HH:mm" if then.date() == now.date() else "EEE HH:mm", locale=_locale())


def minutes_left(minutes: float | None) -> str:
    """35 → "35 min left"; a printer that says 0 is nearly done."""
    if minutes is None:
        return NOTHING
    return f"{duration(minutes * 60)} left" if minutes >= 1 else "nearly done"


def ago(moment: datetime | None) -> str:
    """How long ago: 3 minutes → "3 minutes ago"."""
    if moment is None:
        return "never"
    gone = utc_now() - moment
    if gone < timedelta(seconds=10):
        return "just now"
    return f"{format_timedelta(gone, locale='en')} ago"


def days(count: int | None) -> str:
    """How old: 3 → "3 days", 400 → "13 months"."""
    if count is None:
        return NOTHING
    per, word = (1.0, "day") if count < 60 else (30.44, "month") if count < 730 else (365.25, "year")
    many = max(0, int(count / per))
    return f"{many} {word}" if many == 1 else f"{many} {word}s"


def money(minor: int | None, currency: str | None = None) -> str:
    """Minor units with the shop's currency: 1_250 → "€12.50"."""
    if minor is None:
        return NOTHING
    code = currency or str(getattr(getattr(g, "shop", None), "currency", "EUR"))
    return format_currency(Decimal(minor).scaleb(-get_currency_precision(code)), code, locale=_locale())


def cash(value: Decimal | None) -> str:
    """An exact sum in the shop's currency, rounded to its usual places: 12.5 → "€12.50"."""
    code = str(getattr(getattr(g, "shop", None), "currency", "EUR"))
    return NOTHING if value is None else format_currency(value, code, locale=_locale())


def cost_per_gram(value: Decimal | None) -> str:
    """A cost per gram, at most six places."""
    if value is None:
        return NOTHING
    code = getattr(getattr(g, "shop", None), "currency", "EUR")
    return f"{format_currency(value, code, '¤#,##0.00####', locale=_locale(), currency_digits=False)}/g"


def amount(value: Decimal | None) -> str:
    """A rate in the shop's currency, exactly as it was typed: at least the usual places, at most four."""
    if value is None:
        return NOTHING
    code = str(getattr(getattr(g, "shop", None), "currency", "EUR"))
    usual = "0" * get_currency_precision(code)
    more = "#" * (4 - len(usual))
    return format_currency(value, code, f"¤#,##0.{usual}{more}", locale=_locale(), currency_digits=False)


def millimetres(value: float | None) -> str:
    """0.2 → "0.2 mm"."""
    return NOTHING if value is None else f"{value:g} mm"


def file_size(count: int | None) -> str:
    """Bytes as kB or MB (thousands)."""
    if count is None:
        return NOTHING
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def zone() -> ZoneInfo:
    """The shop's time zone, or UTC."""
    name = getattr(getattr(g, "shop", None), "timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _locale() -> Locale:
    try:
        return Locale.parse(getattr(getattr(g, "shop", None), "locale", "en") or "en")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


FILTERS = (
    grams,
    duration,
    local_time,
    day,
    in_minutes,
    minutes_left,
    ago,
    days,
    money,
    cash,
    cost_per_gram,
    amount,
    millimetres,
    file_size,
)


def install(app: Flask) -> None:
    """Register the filters."""
    for function in FILTERS:
        app.add_template_filter(function)
