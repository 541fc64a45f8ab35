"""The small scripts, in a real browser on a page of the stage."""

import os
import re
import threading

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.ui.stage import Stage

SIGNED_OUT = 4401


def connected(page: Page, stage: Stage) -> None:
    page.goto("/")
    for _ in range(100):
        if stage.sockets:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the page never opened its socket")


def test_a_pushed_card_replaces_the_one_on_the_screen(phone: Page, stage: Stage):
    connected(phone, stage)
    stage.push('<p id="card-1" hx-swap-oob="true">new card</p><p id="card-2" hx-swap-oob="true">not on this page</p>')
    expect(phone.locator("#card-1")).to_have_text("new card")
    expect(phone.get_by_text("not on this page")).to_have_count(0)


def test_a_list_refetches_its_own_query_when_its_topic_changes(phone: Page, stage: Stage):
    connected(phone, stage)
    before = stage.lists_fetched
    stage.push('{"type": "changed", "topics": ["other"]}')
    stage.push('{"type": "changed", "topics": ["things"]}')
    expect(phone.locator("#list")).to_have_text(f"list {before + 1}")


def test_after_a_lost_connection_the_page_says_so_reconnects_and_refetches(phone: Page, stage: Stage):
    connected(phone, stage)
    before = stage.lists_fetched
    stage.push(1012)
    expect(phone.locator("#live-mark")).to_be_visible()
    expect(phone.locator("#live-mark")).to_be_hidden()
    expect(phone.locator("#list")).to_have_text(f"list {before + 1}")


def test_the_end_of_the_session_loads_the_page_again(phone: Page, stage: Stage):
    connected(phone, stage)
    with phone.expect_navigation():
        stage.push(SIGNED_OUT)


def test_who_signs_out_is_led_to_the_page_that_answers_and_not_back(phone: Page, stage: Stage):
    """The socket hears of it before that page is there; loading the old one again would break off the way to it."""
    connected(phone, stage)
    arrived = threading.Event()

    def slowly(route: Route) -> None:
        arrived.set()
        phone.wait_for_timeout(500)
        route.continue_()

    phone.route("**/showcase?*", slowly)
    stage_closes = threading.Thread(target=lambda: arrived.wait(10) and stage.push(SIGNED_OUT))
    stage_closes.start()
    with phone.expect_navigation(url="**/showcase?*"):
        phone.evaluate("location.assign('/showcase?Library')")
    stage_closes.join()


def test_who_stayed_for_a_download_is_not_left_with_the_page_of_an_ended_session(phone: Page, stage: Stage):
    phone.clock.install()
    connected(phone, stage)
    phone.route("**/sheet", lambda route: route.fulfill(status=204))
    with phone.expect_response("**/sheet"):
        phone.evaluate("location.assign('/sheet')")
    phone.clock.fast_forward(11_000)
    with phone.expect_navigation(timeout=5_000):
        stage.push(SIGNED_OUT)


def test_a_refusal_becomes_a_toast_and_leaves_the_list_alone(phone: Page):
    phone.goto("/")
    phone.get_by_role("button", name="Refuse").click()
    expect(phone.locator("#toasts .tone-bad")).to_contain_text("The bed is full.")
    expect(phone.locator("#list")).to_be_visible()
    phone.get_by_role("button", name="Dismiss").click()
    expect(phone.locator("#toasts .toast")).to_have_count(0)


def test_an_error_page_is_not_swapped_in_but_said(phone: Page):
    phone.goto("/")
    phone.get_by_role("button", name="Page error").click()
    expect(phone.locator("#toasts")).to_contain_text("The bed is full. (Reference AB12)")
    expect(phone.locator("#list")).to_contain_text("list")


def test_a_conflict_may_bring_the_present_list(phone: Page):
    phone.goto("/")
    phone.get_by_role("button", name="New list").click()
    expect(phone.locator("#list")).to_have_text("list as it is now")


def test_something_final_is_asked_first(phone: Page, stage: Stage):
    phone.goto("/")
    phone.get_by_role("button", name="Stop it").click()
    question = phone.locator("dialog#confirm")
    expect(question).to_contain_text("26 g are lost")
    question.get_by_role("button", name="Keep it").click()
    expect(question).to_be_hidden()
    assert stage.stops == 0
    phone.get_by_role("button", name="Stop it").click()
    question.get_by_role("button", name="Stop it").click()
    expect(phone.locator("#list")).to_contain_text("list")
    expect(question).to_be_hidden()
    phone.wait_for_timeout(200)
    assert stage.stops == 1


def test_the_keys(phone: Page):
    phone.goto("/")
    phone.keyboard.press("/")
    expect(phone.get_by_role("searchbox")).to_be_focused()
    phone.keyboard.type("/?")
    expect(phone.get_by_role("searchbox")).to_have_value("/?")
    phone.get_by_role("searchbox").blur()
    phone.keyboard.press("?")
    expect(phone.locator("dialog#keys")).to_be_visible()
    phone.keyboard.press("Escape")
    expect(phone.locator("dialog#keys")).to_be_hidden()


def test_good_news_leaves_by_itself(phone: Page):
    phone.goto("/?flash=1")
    expect(phone.locator("#toasts")).to_contain_text("Saved the spool.")
    expect(phone.locator("#toasts .toast")).to_have_count(0, timeout=9000)


def test_the_theme_is_kept_for_the_next_page(phone: Page):
    phone.goto("/")
    phone.get_by_role("button", name="More").click()
    switch = phone.locator("#shell-more [data-theme-next]")
    for _ in range(2):
        switch.click()
    expect(phone.locator("html")).to_have_attribute("data-theme", "dark")
    phone.reload()
    expect(phone.locator("html")).to_have_attribute("data-theme", "dark")
    assert phone.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(24, 21, 18)"


@pytest.mark.parametrize(("role", "seen"), [("owner", True), ("operator", True), ("viewer", False), (None, False)])
def test_what_a_role_may_not_use_is_not_shown(phone: Page, stage: Stage, role: str | None, seen: bool):
    stage.role = role
    phone.goto("/")
    expect(phone.locator("#operators")).to_be_visible(visible=seen)


def files(*named: tuple[str, int]) -> list[dict]:
    return [
        {"name": name, "mimeType": "application/octet-stream", "buffer": b"G1 X0\n" * (size // 6)}
        for name, size in named
    ]


def test_files_upload_one_by_one_and_lead_on(phone: Page, stage: Stage):
    connected(phone, stage)
    phone.set_input_files("#upload-files", files(("a.gcode", 600), ("b <b>.gcode", 1200)))
    rows = phone.locator(".sending li")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("b <b>.gcode")
    for number in (0, 1):
        expect(rows.nth(number)).to_contain_text("Uploaded")
        expect(rows.nth(number).get_by_role("link", name="Open")).to_have_attribute("href", "/showcase")
    assert sorted(stage.taken) == [("a.gcode", 600), ("b <b>.gcode", 1200)]
    assert [asked["path"] for asked in stage.offered] == ["", ""]
    expect(phone.locator("[data-sum]")).to_have_text("2 of 2 files sent")
    expect(phone.locator("#list")).to_have_text(re.compile(r"list [1-9]"))


def test_a_failed_upload_says_why_and_can_be_tried_again(phone: Page, stage: Stage):
    stage.fail_uploads = 1
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("a.gcode", 600)))
    row = phone.locator(".sending li")
    expect(row).to_contain_text("The disk of the server is full.")
    row.get_by_role("button", name="Try again").click()
    expect(row).to_contain_text("Uploaded")
    assert stage.taken == [("a.gcode", 600)]


def test_a_page_in_place_of_a_receipt_is_no_success(phone: Page, stage: Stage):
    stage.signed_out = True
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("a.gcode", 600)))
    expect(phone.locator(".sending li")).to_contain_text("You are signed out")


def test_a_file_over_the_limit_is_not_sent(phone: Page, stage: Stage):
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("big.gcode", 3_000_000)))
    expect(phone.locator(".sending li")).to_contain_text("the limit here is 2.0 MB")
    phone.locator(".sending").get_by_role("button", name="Cancel").click()
    expect(phone.locator(".sending li")).to_have_count(0)
    assert stage.taken == []


def test_a_kind_that_is_not_read_is_not_sent(phone: Page, stage: Stage):
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("notes.txt", 60)))
    expect(phone.locator(".sending li")).to_contain_text("These can: .gcode, .stl")
    assert stage.offered == []


def test_what_breaks_goes_on_by_itself_where_it_was(phone: Page, stage: Stage):
    stage.breaks = 1
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("a.gcode", 2400)))
    expect(phone.locator(".sending li")).to_contain_text("Too many files are coming in. It goes on by itself.")
    expect(phone.locator(".sending li")).to_contain_text("Uploaded")
    assert (stage.taken, len(stage.pieces)) == ([("a.gcode", 2400)], 3)


def test_without_a_network_it_waits_for_it(phone: Page, stage: Stage):
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("a.gcode", 600)))
    expect(phone.locator(".sending li")).to_contain_text("Uploaded")
    phone.context.set_offline(True)
    phone.set_input_files("#upload-files", files(("b.gcode", 600)))
    row = phone.locator(".sending li").nth(1)
    expect(row).to_contain_text("No connection. It goes on by itself")
    phone.context.set_offline(False)
    expect(row).to_contain_text("Uploaded")


def test_a_storage_gets_the_pieces_and_we_hear_of_each(phone: Page, stage: Stage):
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("direct.gcode", 2400), ("small.gcode", 60)))
    for number in (0, 1):
        expect(phone.locator(".sending li").nth(number)).to_contain_text("Uploaded")
    assert sorted(stage.taken) == [("direct.gcode", 2400), ("small.gcode", 60)]


def test_what_is_cancelled_is_taken_back(phone: Page, stage: Stage):
    stage.breaks = 100
    phone.goto("/")
    phone.set_input_files("#upload-files", files(("a.gcode", 600)))
    expect(phone.locator(".sending li")).to_contain_text("goes on by itself")
    phone.locator(".sending").get_by_role("button", name="Cancel").click()
    expect(phone.locator(".sending li")).to_have_count(0)
    expect(phone.locator("#list")).to_have_text(re.compile(r"list [1-9]"))
    assert stage.cancelled == ["a.gcode"]


@pytest.mark.parametrize("fate", ["deleted", "changed"])
def test_a_file_that_goes_or_changes_while_it_is_sent_is_said_so(phone: Page, stage: Stage, tmp_path, fate: str):
    stage.breaks = 1
    file = tmp_path / "a.gcode"
    file.write_bytes(b"G1 X0\n" * 100)
    phone.goto("/")
    phone.set_input_files("#upload-files", file)
    expect(phone.locator(".sending li")).to_contain_text("It goes on by itself")
    if fate == "deleted":
        file.unlink()
    else:
        file.write_bytes(b"G1 X1\n" * 100)
        os.utime(file, (1, 1))
    expect(phone.locator(".sending li")).to_contain_text("was changed or removed on your device")
    assert stage.taken == []


def test_a_folder_comes_with_its_paths_and_without_what_is_not_read(phone: Page, stage: Stage, tmp_path):
    folder = tmp_path / "dragons"
    (folder / "red").mkdir(parents=True)
    (folder / "red" / "plate.gcode").write_bytes(b"G28\n")
    (folder / "eye.stl").write_bytes(b"solid eye\nendsolid eye\n")
    (folder / "photo.jpg").write_bytes(b"no")
    phone.goto("/")
    phone.set_input_files("[data-folder]", folder)
    expect(phone.locator("[data-sum]")).to_have_text("2 of 2 files sent")
    expect(phone.locator("[data-left]")).to_contain_text("Left out of the folder: 1 other file;")
    assert sorted(asked["path"] for asked in stage.offered) == ["dragons/eye.stl", "dragons/red/plate.gcode"]


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(phone: Page, width: int, theme: str):
    phone.set_viewport_size({"width": width, "height": 800})
    phone.emulate_media(color_scheme=theme, reduced_motion="reduce")
    phone.goto("/showcase")
    assert phone.evaluate("document.documentElement.scrollWidth") <= width
    outside = phone.evaluate(
        """() => [...document.querySelectorAll("main .card *, main .page-head *")].filter((e) => {
             const frame = e.closest(".card, main").getBoundingClientRect(), box = e.getBoundingClientRect();
             const seen = box.width > 1 && box.height > 1 && !e.closest(".sr, .tabs, thead, .menu > div");
             return seen && (box.right > frame.right + 1 || box.left < frame.left - 1);
           }).map((e) => e.outerHTML.slice(0, 90))"""
    )
    assert outside == []


def test_targets_fit_a_thumb(chromium: Browser, address: str):
    context = chromium.new_context(
        viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True, base_url=address
    )
    page = context.new_page()
    page.goto("/showcase")
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .button, nav a, select, .check, .choice, input:not([type=hidden])")]
             .map((e) => e.closest(".check, .choice, .drop") || e)
             .filter((e) => e.checkVisibility() && !e.closest(".breadcrumb"))
             .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
             .filter(([, height]) => height > 0 && height < 43.5)"""
    )
    context.close()
    assert small == []


def test_without_scripts_the_page_still_offers_everything(chromium: Browser, stage: Stage, address: str):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 780}, base_url=address)
    page = context.new_page()
    page.goto("/?flash=1")
    expect(page.locator("#toasts")).to_contain_text("Saved the spool.")
    assert page.locator("#toasts").evaluate("(e) => getComputedStyle(e).position") == "static"
    page.get_by_role("button", name="More").click()
    expect(page.locator("#shell-more").get_by_role("link", name="Library")).to_be_visible()
    page.keyboard.press("Escape")
    page.set_input_files("input[type=file]", files(("a.gcode", 600)))
    page.locator(".drop").get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Thank you")).to_be_visible()
    context.close()
    assert stage.taken == [("a.gcode", 600)]
