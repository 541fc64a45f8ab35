"""Labels on paper: the size of the page, how many there are, and whether a scanner reads what a label printer prints."""

import pytest

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from tests.floor.printing import CSS_DPI, PRINTER_DPI, codes_seen, printed_pages, signed_in
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

NARROWEST_QR_MM = 15
PRINTED = {"viewport": {"width": 800, "height": 1200}, "device_scale_factor": PRINTER_DPI / CSS_DPI}


@pytest.fixture
def many(alice, shelf) -> list[str]:
    """The codes of thirty spools; one sheet holds 24."""
    with unit_of_work(alice.shop_id) as db:
        return [service.add_spool(db, shelf.filament_id, weight_mg=1_000_000).code for _ in range(30)]


def address(codes: list[str], **more: object) -> str:
    return "/labels?" + "&".join([*(f"code={code}" for code in codes), *(f"{k}={v}" for k, v in more.items())])


@pytest.mark.parametrize(("paper", "size"), [("62", (62, 40)), ("40x30", (40, 30))])
def test_on_a_label_printer_each_label_is_a_page_of_its_own(chromium, app, bob, shelf, paper, size):
    codes = [shelf.spool_code, shelf.printer_code]
    with signed_in(chromium, app, bob, **PRINTED) as page:
        page.goto(address(codes, paper=paper))
        assert printed_pages(page) == [size, size]
        page.emulate_media(media="print", color_scheme="dark")
        for code, label in zip(codes, page.locator(".label").all(), strict=True):
            ((text, width_mm),) = codes_seen(label)
            assert text == f"{page.url.split('/labels')[0]}/c/{code}"
            assert width_mm >= NARROWEST_QR_MM


@pytest.mark.parametrize(("start", "sheets"), [(1, 2), (19, 2), (20, 3)])
def test_on_a4_labels_fill_sheets_from_the_place_that_is_asked(chromium, app, bob, many, start, sheets):
    with signed_in(chromium, app, bob, **PRINTED) as page:
        page.goto(address(many, paper="a4", start=start))
        assert printed_pages(page) == [(210, 297)] * sheets
        page.emulate_media(media="print")
        first = page.locator(".label:not(.label-none)").first.bounding_box()
        sheet = page.locator(".label-sheet").first.bounding_box()
        mm = CSS_DPI / 25.4
        row, column = divmod(start - 1, 3)
        assert first["x"] - sheet["x"] == pytest.approx(column * 70 * mm, abs=1)
        assert first["y"] - sheet["y"] == pytest.approx(row * 37 * mm, abs=2)
        read = codes_seen(page.locator(".label-sheet").first)
        assert [text[-6:] for text, _ in read] == many[: 24 - start + 1]
        assert min(width_mm for _, width_mm in read) >= NARROWEST_QR_MM


def test_nothing_of_a_label_is_cut_off_even_with_long_names(chromium, app, alice, shelf):
    with unit_of_work(alice.shop_id) as db:
        long = service.add_filament(
            db,
            brand="Verbatim Performance Filaments GmbH",
            material="PETG-CF",
            colour_name="Extraordinarily Iridescent Midnight Turquoise Sparkle",
            colour_hex="#005566,#113355",
        )
        code = service.add_spool(db, long.id, weight_mg=750_000).code
    with signed_in(chromium, app, alice, **PRINTED) as page:
        for paper in ("62", "40x30", "a4"):
            page.goto(address([code], paper=paper))
            page.emulate_media(media="print")
            label = page.locator(".label").bounding_box()
            for part in (".label-title", ".label-lines", ".label-code"):
                box = page.locator(part).bounding_box()
                assert box["x"] >= label["x"], f"{part} on {paper}"
                assert box["x"] + box["width"] <= label["x"] + label["width"] + 0.5, f"{part} on {paper}"
                assert box["y"] >= label["y"], f"{part} on {paper}"
                assert box["y"] + box["height"] <= label["y"] + label["height"] + 0.5, f"{part} on {paper}"
            assert len(codes_seen(page.locator(".label"))) == 1


def test_a_label_is_black_on_white_in_the_dark_theme_too(chromium, app, bob, shelf):
    with signed_in(chromium, app, bob, color_scheme="dark") as page:
        page.goto(address([shelf.spool_code]))
        colours = page.locator(".label").evaluate(
            "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
        )
        assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_the_print_button_prints_and_another_paper_is_shown_at_once(chromium, app, bob, shelf):
    with signed_in(chromium, app, bob) as page:
        page.add_init_script("window.printed = 0; window.print = () => { window.printed += 1 }")
        page.goto(address([shelf.spool_code], paper="62"))
        page.get_by_role("button", name="Print", exact=True).click()
        assert page.evaluate("window.printed") == 1
        with page.expect_navigation():
            page.get_by_label("40 × 30 mm").check()
        assert page.locator(".labels-40x30 .label").count() == 1


def test_without_scripts_the_text_names_the_browsers_own_command(chromium, app, bob, shelf):
    with signed_in(chromium, app, bob, java_script_enabled=False) as page:
        page.goto(address([shelf.spool_code], paper="62"))
        assert page.get_by_role("button", name="Print", exact=True).count() == 0
        assert "Use your browser's print command" in page.locator("main").inner_text()
        page.get_by_label("A4 sheet").check()
        page.get_by_role("button", name="Show").click()
        assert page.locator(".labels-a4 .label").count() == 1
