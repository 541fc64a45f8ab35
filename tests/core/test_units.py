"""Exact quantities, and how people read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from printfarm.core import formats
from printfarm.core.clock import utc_now
from printfarm.core.database import ExactDecimal, UtcDateTime
from printfarm.core.units import cost_minor, grams_from_mg, mg_from_grams


@pytest.fixture(autouse=True)
def english_shop():
    """Formats read the shop of the request: none here, so English, euros and UTC."""
    with Flask("formats").app_context():
        yield


def in_shop(**settings):
    g.shop = type("Shop", (), {"currency": "EUR", "timezone": "UTC", "locale": "en", **settings})()


@given(st.integers(-(10**12), 10**12))
def test_milligrams_survive_the_way_through_grams(milligrams):
    assert mg_from_grams(grams_from_mg(milligrams)) == milligrams


@given(st.decimals(-(10**6), 10**6, places=3), st.decimals(-(10**6), 10**6, places=3))
def test_adding_grams_is_adding_milligrams(one, other):
    assert mg_from_grams(one) + mg_from_grams(other) == mg_from_grams(one + other)


@pytest.mark.parametrize(
    ("grams", "milligrams"), [("1.2345", 1234), ("1.2355", 1236), (0.1, 100), ("-3", -3000), ("0", 0)]
)
def test_grams_are_rounded_half_to_even(grams, milligrams):
    assert mg_from_grams(grams) == milligrams


@pytest.mark.parametrize("nonsense", ["", "a lot", "NaN", "Infinity", "1,5"])
def test_what_is_no_weight_is_refused(nonsense):
    with pytest.raises(ValueError, match="not a weight"):
        mg_from_grams(nonsense)


def test_filament_costs_what_it_weighs():
    assert cost_minor(12_345, Decimal("0.0199")) == 25
    assert cost_minor(1_000_000, Decimal("0.02")) == 2000
    assert cost_minor(500, Decimal("0.05")) == 2, "half a cent goes to the even one"
    assert cost_minor(1_000_000, Decimal(3), minor_per_major=1) == 3000


@given(st.decimals(-(10**9), 10**9, places=4))
def test_decimals_are_kept_exactly(value):
    column = ExactDecimal(4)
    assert column.process_result_value(column.process_bind_param(value, None), None) == value


def test_a_time_without_a_zone_cannot_be_stored():
    with pytest.raises(ValueError, match="without a zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("milligrams", "text"),
    [
        (None, "–"),
        (0, "0.0 g"),
        (12_345, "12.3 g"),
        (99_949, "99.9 g"),
        (123_456, "123 g"),
        (1_204_000, "1.20 kg"),
        (-5_000, "\N{MINUS SIGN}5.0 g"),
    ],
)
def test_weights(milligrams, text):
    assert formats.grams(milligrams) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (40, "40 s"),
        (59.6, "1 min"),
        (5_040, "1 h 24 min"),
        (3600, "1 h"),
        (90_000, "1 d 1 h"),
        (86_400, "1 d"),
    ],
)
def test_durations(seconds, text):
    assert formats.duration(seconds) == text


def test_the_same_weight_in_german():
    in_shop(locale="de_DE")
    assert formats.grams(12_345) == "12,3 g"


def test_money_has_the_currencys_own_places():
    assert formats.money(1250) == "€12.50"
    assert formats.money(1250, "JPY") == "¥1,250"
    assert formats.money(None) == "–"
    in_shop(currency="CHF", locale="de_CH")
    assert formats.money(1250).replace("\xa0", " ") == "CHF 12.50"


def test_cost_per_gram_shows_what_matters():
    assert formats.cost_per_gram(Decimal("0.0199")) == "€0.0199/g"
    assert formats.cost_per_gram(Decimal("0.02")) == "€0.02/g"
    assert formats.cost_per_gram(None) == "–"


def test_times_are_in_the_shops_zone():
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert formats.local_time(moment, "time") == "22:30"
    in_shop(timezone="Europe/Berlin")
    assert formats.local_time(moment, "time") == "00:30"
    in_shop(timezone="Nowhere/Land")
    assert formats.local_time(moment, "time") == "22:30"
    assert formats.local_time(moment) == "1 Jul 2026, 22:30"
    assert formats.local_time(None) == "–"


def test_a_day_has_its_month_as_a_word():
    assert formats.day(date(2026, 11, 2)) == "2 Nov 2026"
    assert formats.day(None) == "–"


def test_how_long_ago():
    assert formats.ago(None) == "never"
    assert formats.ago(utc_now()) == "just now"
    assert formats.ago(utc_now() - timedelta(minutes=3)) == "3 minutes ago"


@pytest.mark.parametrize(("count", "text"), [(None, "–"), (999, "999 B"), (1500, "2 kB"), (2_500_000, "2.5 MB")])
def test_sizes(count, text):
    assert formats.file_size(count) == text


def test_lengths():
    assert formats.millimetres(0.2) == "0.2 mm"
    assert formats.millimetres(None) == "–"
