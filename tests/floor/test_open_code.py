"""/c/<code>: what a label leads to, however it is typed, for whoever holds the phone."""

import pytest

from printfarm.accounts.models import Membership
from printfarm.core.ids import PRINTER_CODE, SPOOL_CODE, typed_code
from printfarm.core.work import unit_of_work
from printfarm.floor.codes import code_in
from tests.support.browser import Browser
from tests.support.cast import PASSWORD


def test_a_spools_label_leads_to_the_spool_and_a_printers_to_the_printer(bob, shelf):
    answer = bob.get(f"/c/{shelf.spool_code}")
    assert (answer.status, answer.location) == (303, shelf.spool)
    answer = bob.get(f"/c/{shelf.printer_code}")
    assert (answer.status, answer.location) == (303, shelf.printer)
    assert shelf.printer_name in bob.get(answer.location).text


def test_codes_of_spools_and_printers_cannot_be_mistaken_for_each_other(shelf):
    assert (len(shelf.spool_code), len(shelf.printer_code)) == (SPOOL_CODE, PRINTER_CODE)
    assert SPOOL_CODE != PRINTER_CODE


@pytest.mark.parametrize("spell", [str.lower, lambda c: f"{c[:3]} {c[3:]}", lambda c: f" {c[:3]}-{c[3:].lower()} "])
def test_the_way_it_is_typed_does_not_matter(bob, shelf, spell):
    answer = bob.get("/scan", query_string={"text": spell(shelf.spool_code)})
    assert answer.location == f"/c/{shelf.spool_code}"
    assert bob.get(answer.location).location == shelf.spool


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("K7M2QX", "K7M2QX"),
        ("k7m–2qx", "K7M2QX"),
        ("https://farm.example/c/K7M2QX", "K7M2QX"),
        ("http://192.168.1.20:8000/c/k7m2q", "K7M2Q"),
        ("https://farm.example/below/c/K7M2QX/?from=label#x", "K7M2QX"),
        ("HTTPS://FARM.EXAMPLE/C/K7M2QX", "K7M2QX"),
        ("https://farm.example/c/K7M%202QX", "K7M2QX"),
        ("https://evil.example/K7M2QX", None),
        ("https://evil.example/?c=/c/K7M2QX", None),
        ("javascript:/c/alert", None),
        ("K7M2O1", None),  # neither O nor 1 is in any code
        ("K7M2", None),
        ("K7M2QXXX", None),
        ("4006381333931", None),
        ("http://[::1/c/K7M2QX", None),
        ("", None),
        ("/c/" * 4000, None),
    ],
)
def test_only_the_code_is_taken_from_what_was_scanned(text, code):
    assert code_in(text) == code


def test_no_code_holds_a_sign_that_looks_like_another():
    assert [sign for sign in "01OILU" if typed_code("K7M2Q" + sign)] == []


def test_an_unknown_code_says_so_and_offers_to_type_it_again(bob, shelf):
    answer = bob.get("/c/ZZZZZZ")
    assert answer.status == 404
    assert "No spool and no printer of Alice's Prints has the code ZZZZZZ" in answer.text
    assert answer.one("input[name=text]")["value"] == "ZZZZZZ"
    assert bob.get("/c/<b>").status == 404


def test_a_printer_that_was_archived_leads_nowhere(alice, shelf):
    alice.post(f"{shelf.printer}/archive")
    assert alice.get(f"/c/{shelf.printer_code}").status == 404


def test_a_stranger_signs_in_and_then_sees_the_record(stranger, shelf):
    asked = stranger.get(f"/c/{shelf.spool_code}")
    assert asked.status == 303
    form = stranger.get(asked.location)
    goes_on = form.one("input[name=next]")["value"]
    assert goes_on == f"/c/{shelf.spool_code}"
    signed_in = stranger.post("/sign-in", {"email": "alice@example.com", "password": PASSWORD, "next": goes_on})
    assert (signed_in.status, signed_in.location) == (303, f"/c/{shelf.spool_code}")
    assert stranger.get(signed_in.location).location == shelf.spool


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b"]
)
def test_after_signing_in_nobody_is_led_off_the_site(stranger, shop, target):
    answer = stranger.post("/sign-in", {"email": "alice@example.com", "password": PASSWORD, "next": target})
    assert (answer.status, answer.location) == (303, "/")


def test_a_label_of_another_of_ones_shops_offers_to_go_there(app, alice, charlie, shelf):
    with app.app_context(), unit_of_work(None) as db:
        db.add(Membership(shop_id=alice.shop_id, user_id=charlie.user_id, role="viewer"))
    answer = charlie.get(f"/c/{shelf.spool_code}")
    assert answer.status == 200
    assert "is not in Charlie's Corner, where you are now" in answer.text
    form = answer.one("main form")
    assert form.button.get_text(strip=True) == "Go to Alice's Prints"
    gone = charlie.post(form["action"])
    assert (gone.status, gone.location) == (303, f"/c/{shelf.spool_code}")
    assert charlie.get(gone.location).location == shelf.spool


def test_a_label_of_a_strangers_shop_is_unknown(charlie, alice, shelf):
    answer = charlie.get(f"/c/{shelf.spool_code}")
    assert answer.status == 404
    assert "Alice" not in answer.text
    assert charlie.post(f"/c/{shelf.spool_code}/in/{alice.shop_id}").status == 404
    assert charlie.get("/").text.count("Alice") == 0


def test_a_signed_out_browser_cannot_switch_shops(app, shelf, shop):
    answer = Browser(app).post(f"/c/{shelf.spool_code}/in/{shop.id}")
    assert answer.status == 303
    assert answer.location.startswith("/sign-in")
