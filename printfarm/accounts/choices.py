"""What a shop chooses from: currencies in use today, time zones, the ways of writing numbers and dates."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_currency_name, get_territory_currencies

LOCALES = (
    "en", "en_GB", "en_US", "en_AU", "en_CA", "en_IN", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "es_ES", "es_MX", "fi_FI",
    "fr_CA", "fr_FR", "hu_HU", "it_IT", "ja_JP", "ko_KR", "nb_NO", "nl_NL", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sv_SE",
    "tr_TR", "uk_UA", "zh_CN",
)  # fmt: skip
ROLE_CHOICES = [
    ("viewer", "Viewer – sees everything, changes nothing"),
    ("operator", "Operator – prints, filament, models"),
    ("admin", "Admin – printers, members, settings as well"),
    ("owner", "Owner – everything, and who else is owner"),
]


@lru_cache(maxsize=1)
def currencies() -> list[tuple[str, str]]:
    """ISO 4217 codes of money that some country uses now, with their names."""
    now = datetime.now(UTC)
    codes = {code for country in get_global("territory_currencies") for code in get_territory_currencies(country, now)}
    return [(code, f"{code} – {get_currency_name(code, locale='en')}") for code in sorted(codes)]


@lru_cache(maxsize=1)
def time_zones() -> dict[str, list[tuple[str, str]]]:
    """Zones by continent, as the system's zone database has them."""
    grouped: dict[str, list[tuple[str, str]]] = {"Universal": [("UTC", "UTC")]}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in {"Etc", "SystemV", "posix", "right"}:
            grouped.setdefault(region, []).append((name, place.replace("_", " ").replace("/", " – ")))
    return grouped


@lru_cache(maxsize=1)
def locales() -> list[tuple[str, str]]:
    """How numbers, money and dates are written."""
    return [(name, Locale.parse(name).get_display_name("en") or name) for name in LOCALES]


def guess_locale(accepted: list[str]) -> str:
    """The first of a browser's languages that a shop can choose: "de-CH" → "de_CH", "fr" → "fr_FR"."""
    for tag in accepted:
        try:
            wanted = Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        known = [name for name in LOCALES if name in {str(wanted), wanted.language}]
        known += [name for name in LOCALES if name.startswith(f"{wanted.language}_")]
        if known:
            return known[0]
    return "en"


def guess_currency(locale: str) -> str:
    """The money of a locale's country, or the euro."""
    territory = Locale.parse(locale).territory
    return get_territory_currencies(territory)[0] if territory else "EUR"
