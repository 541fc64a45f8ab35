"""The scan page on a phone: with the camera where there is one, without it in words, and without scripts."""

import re

from playwright.sync_api import expect

from printfarm.core.headers import CAMERA_ALLOWED
from tests.floor.camera import browser_with_camera, teach_to_read
from tests.floor.pictures import jpeg, photo_of
from tests.floor.printing import signed_in

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
SAID = "[data-say]"


def test_only_the_scan_page_may_ask_for_the_camera(bob, shelf):
    assert bob.get("/scan").headers["Permissions-Policy"] == CAMERA_ALLOWED
    assert bob.get("/scan?text=nonsense").headers["Permissions-Policy"] == CAMERA_ALLOWED
    for url in ("/", "/labels", "/c/ZZZZZZ", shelf.spool):
        assert "camera=()" in bob.get(url).headers["Permissions-Policy"], url


def test_what_is_no_code_is_a_sentence_beside_the_box(bob):
    answer = bob.get("/scan", query_string={"text": "https://example.com/<script>"})
    assert answer.status == 422
    assert "That is not one of our labels." in answer.one("#text-error").text
    assert answer.one("input[name=text]")["value"] == "https://example.com/<script>"


def test_a_stranger_signs_in_first(stranger, shop):
    assert stranger.get("/scan").location.startswith("/sign-in?next=")
    assert stranger.post("/scan/photo").status == 303


def test_the_camera_finds_the_label_and_opens_the_record(chromium, app, bob, shelf, tmp_path):
    film = f"https://wherever.example/c/{shelf.spool_code}"
    with browser_with_camera(chromium, tmp_path, film) as browser, signed_in(browser, app, bob, **PHONE) as page:
        page.context.grant_permissions(["camera"])
        teach_to_read(page)
        page.goto("/scan")  # allowed before, so it starts by itself
        page.wait_for_url(f"**{shelf.spool}")
        expect(page.locator("h1")).to_have_text("Galaxy Black")


def test_the_camera_stops_when_asked_and_when_the_page_is_left(chromium, app, bob, tmp_path):
    with browser_with_camera(chromium, tmp_path, None) as browser, signed_in(browser, app, bob, **PHONE) as page:
        page.context.grant_permissions(["camera"])
        teach_to_read(page)
        page.goto("/scan")
        expect(page.locator("video")).to_be_visible()
        assert page.evaluate("tracks.map(track => track.readyState)") == ["live"]
        page.get_by_role("button", name="Stop the camera").tap()
        expect(page.locator("video")).to_be_hidden()
        assert page.evaluate("tracks.map(track => track.readyState)") == ["ended"]
        page.get_by_role("button", name="Start the camera").tap()
        expect(page.locator("video")).to_be_visible()
        page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert page.evaluate("tracks.map(track => track.readyState)") == ["ended", "ended"]
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("video")).to_be_visible()
        page.evaluate("dispatchEvent(new Event('pagehide'))")
        assert set(page.evaluate("tracks.map(track => track.readyState)")) == {"ended"}


def test_why_there_is_no_camera_is_said_plainly(chromium, app, bob, tmp_path):
    with browser_with_camera(chromium, tmp_path, None) as browser:
        with signed_in(browser, app, bob, **PHONE) as page:
            page.goto("/scan")
            expect(page.locator(SAID)).to_contain_text(
                "This browser cannot read codes from the camera by itself. Take a photo"
            )
        with signed_in(browser, app, bob, **PHONE) as page:
            teach_to_read(page)
            page.goto("/scan")
            expect(page.locator(SAID)).to_have_text("The camera is off.")
            page.evaluate(
                "void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')))"
            )
            page.get_by_role("button", name="Start the camera").tap()
            expect(page.locator(SAID)).to_contain_text("The camera is blocked for this site.")
        with signed_in(browser, app, bob, host="farm.test", **PHONE) as page:
            teach_to_read(page)
            page.goto("/scan")
            expect(page.locator(SAID)).to_contain_text("browsers give it only to pages opened over https")


def test_a_photo_is_sent_as_soon_as_it_is_taken(chromium, app, bob, shelf):
    photo = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo_of(f"http://x/c/{shelf.printer_code}"))}
    with signed_in(chromium, app, bob, **PHONE) as page:
        page.goto("/scan")
        page.get_by_label("Take a photo").set_input_files(photo)
        page.wait_for_url(f"**{shelf.printer}")


def test_without_scripts_photo_and_code_do_the_same(chromium, app, bob, shelf):
    photo = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo_of(f"http://x/c/{shelf.printer_code}"))}
    with signed_in(chromium, app, bob, java_script_enabled=False, **PHONE) as page:
        page.goto("/scan")
        expect(page.get_by_text("Looking for the camera")).to_be_hidden()
        page.get_by_label("A picture of the label").set_input_files(photo)
        page.get_by_role("button", name="Read it").tap()
        page.wait_for_url(f"**{shelf.printer}")
        page.goto("/scan")
        page.get_by_label(re.compile("The code on")).fill(shelf.spool_code.lower())
        page.get_by_role("button", name="Open").tap()
        page.wait_for_url(f"**{shelf.spool}")
