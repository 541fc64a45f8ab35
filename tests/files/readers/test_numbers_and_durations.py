"""Numbers, durations, colours and lists as slicers write them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printfarm.files.readers.values import clean_text, colour, duration_s, number, seconds, storable, text_list
from printfarm.files.sample_gcode import duration_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d 2h 3m 4s", 93784),
        ("41s", 41),
        ("2h", 7200),
        ("1h 5m", 3900),
        ("7057s", 7057),
        ("0s", None),
        ("-2147483648s", None),
        ("-35791394m -8s", None),
        ("999999d", None),
        ("", None),
        ("soon", None),
        ("1h 2", None),
        (None, None),
    ],
)
def test_durations(text, expected):
    assert duration_s(text) == expected


@given(st.integers(min_value=1, max_value=9_999_999))
def test_a_duration_in_words_is_read_back(total_s):
    assert duration_s(duration_words(total_s)) == total_s


@given(st.floats(min_value=0, max_value=1e8, allow_nan=False))
def test_a_number_is_read_back_from_its_text(value):
    assert number(f"{value:.6f}") == pytest.approx(value, abs=1e-6)


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.lists(st.integers())))
def test_a_number_is_finite_and_within_its_bounds_or_none(value):
    found = number(value, low=0, high=1000)
    assert found is None or (math.isfinite(found) and 0 <= found <= 1000)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1_000", "0x10", "1e999", "٣", True, [], "1,5", "9" * 50])
def test_what_looks_like_a_number_may_be_none(value):
    assert number(value) is None


def test_no_time_is_unknown_and_not_zero():
    assert (seconds("0"), seconds("59.6"), seconds("99999999")) == (None, 60, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("#26a69a", "#26A69A"),
        ("#26A69AFF", "#26A69A"),
        ("26A69A", None),
        ("#26A69", None),
        ("red", None),
        ("#26A69A;x", None),
        (None, None),
    ],
)
def test_colours(value, expected):
    assert colour(value) == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=6))
def test_quoted_lists_are_read_back(texts):
    written = ";".join('"' + t.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"' for t in texts)
    assert text_list(written) == texts


@given(st.text())
def test_a_text_has_no_control_characters_and_can_be_stored(text):
    found = clean_text(text)
    assert found is None or (found == found.strip() and all(ord(c) >= 32 for c in found))
    assert found is None or found.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_whatever_is_kept_can_be_stored_as_json(value):
    text = json.dumps(storable(value), allow_nan=False)
    assert "\\u0000" not in text
