"""Secrets at rest, codes, and signed values."""

import re
import stat
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from printfarm.config import load_settings
from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.ids import new_code, new_id
from printfarm.core.secrets import SecretUnreadable, derive_key, seal, setup_code, token_hash, unseal
from printfarm.core.signing import sign, verify


@pytest.fixture
def backend():
    """Nothing here touches the database."""
    return "sqlite"


def test_a_secret_opens_only_in_its_own_place(ctx):
    sealed = seal("12345678", bound_to="shop-a:printer")
    assert unseal(sealed, bound_to="shop-a:printer") == "12345678"
    with pytest.raises(SecretUnreadable):
        unseal(sealed, bound_to="shop-b:printer")


def test_the_sealed_text_shows_nothing_and_is_new_every_time(ctx):
    first, second = (seal("12345678", bound_to="x") for _ in range(2))
    assert first != second
    assert "12345678" not in first
    assert first.startswith("v1.")


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-4] + "AAAA", lambda s: s[:20], lambda _: "", lambda _: "v1.!!!", lambda _: "häß"]
)
def test_a_changed_secret_does_not_open(ctx, spoil):
    with pytest.raises(SecretUnreadable):
        unseal(spoil(seal("12345678", bound_to="x")), bound_to="x")


def test_another_installations_key_opens_nothing(ctx):
    sealed = seal("12345678", bound_to="x")
    ctx.config["MASTER_KEY"] = b"\x00" * 32
    with pytest.raises(SecretUnreadable):
        unseal(sealed, bound_to="x")


@given(st.text(max_size=300))
def test_every_text_comes_back(ctx_once, text):
    assert unseal(seal(text, bound_to="x"), bound_to="x") == text


@pytest.fixture(scope="module")
def ctx_once():
    from flask import Flask

    app = Flask("secrets")
    app.config["MASTER_KEY"] = b"\x01" * 32
    with app.app_context():
        yield


def test_each_purpose_has_its_own_key():
    keys = {derive_key(b"m" * 32, purpose) for purpose in ("cookies", "secrets", "signing", "set-up")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_the_set_up_code_is_the_installations_own_and_easy_to_type(ctx):
    code = setup_code()
    assert code == setup_code()
    assert re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){2}", code)
    ctx.config["MASTER_KEY"] = b"\x00" * 32
    assert setup_code() != code


def test_the_key_file_is_made_once_and_for_this_user_only(tmp_path):
    first = load_settings({"PRINTFARM_DATA_DIR": str(tmp_path)}).secret
    assert load_settings({"PRINTFARM_DATA_DIR": str(tmp_path)}).secret == first
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_settings_do_not_show_their_secrets(tmp_path):
    environ = {
        "PRINTFARM_DATA_DIR": str(tmp_path),
        "PRINTFARM_SECRET_KEY": "ab" * 32,
        "PRINTFARM_DATABASE_URL": "postgresql://farm:hidden@db/farm",
        "PRINTFARM_REDIS_URL": "redis://:hidden@cache",
        "PRINTFARM_S3_BUCKET": "b",
        "PRINTFARM_S3_ACCESS_KEY": "a",
        "PRINTFARM_S3_SECRET_KEY": "hidden",
    }
    shown = repr(load_settings(environ))
    assert "hidden" not in shown
    assert "abab" not in shown


def test_a_signed_value_is_for_its_purpose_and_its_time(ctx):
    token = sign({"file": "1"}, "file")
    assert verify(token, "file", max_age_s=60) == {"file": "1"}
    for bad, purpose in ((token, "hub"), (token[:-2], "file"), ("", "file"), ("a.b.c", "file")):
        with pytest.raises(NotFound):
            verify(bad, purpose, max_age_s=60)
    with time_machine.travel(utc_now() + timedelta(seconds=62), tick=True), pytest.raises(NotFound):
        verify(token, "file", max_age_s=60)
    ctx.config["MASTER_KEY"] = b"\x00" * 32
    with pytest.raises(NotFound):
        verify(token, "file", max_age_s=60)


def test_tokens_are_kept_as_hashes():
    assert token_hash("a") != token_hash("b")
    assert re.fullmatch(r"[0-9a-f]{64}", token_hash("a"))


def test_codes_are_easy_to_read_aloud():
    codes = {new_code(8) for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("0O1ILU")


def test_ids_sort_by_time():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {one.version for one in ids} == {7}
    assert ids == sorted(ids)
