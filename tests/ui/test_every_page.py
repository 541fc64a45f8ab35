"""Every page that a person can open: its title tells its tab apart, and from below a section one finds the way up."""

from collections.abc import Iterator

import pytest

from printfarm.navigation import MENU
from tests.architecture.routes_fixtures import PUBLIC, ROUTES, WITHOUT_A_GUARD, path_values
from tests.architecture.world import Shop, furnish
from tests.support.browser import Page
from tests.support.cast import Person

# Neither below a section nor in the menu: the search, and the page that shows the parts of the look.
WITHOUT_A_TRAIL = {"insight.find", "insight.showcase"}
# What such an address shows is another page's, or nothing that a person reads.
SAME_PAGE = {"floor.open_code", "insight.offline"}


@pytest.fixture
def furnished(app, alice) -> Shop:
    return furnish(app, alice, "xylophone")


def pages(alice: Person, furnished: Shop) -> Iterator[tuple[str, Page]]:
    """Every address without redirects, with real ids."""
    app = alice.app
    for rule in app.url_map.iter_rules():
        skipped = rule.endpoint in PUBLIC or rule.endpoint in WITHOUT_A_GUARD or rule.endpoint in SAME_PAGE
        for_programs = rule.endpoint not in ROUTES
        if skipped or for_programs or "GET" not in (rule.methods or ()):
            continue
        ask = ROUTES[rule.endpoint]
        query = ask.query(furnished) if ask.query and rule.endpoint != "insight.find" else {}
        with app.test_request_context():
            url = app.url_for(rule.endpoint, **path_values(rule.arguments, furnished), **query)
        page = alice.get(url)
        if page.status == 200 and page.is_html and page.soup.html is not None:
            yield rule.endpoint, page


def test_every_page_says_what_it_is_and_where(alice: Person, furnished: Shop):
    titles: dict[str, str] = {}
    for endpoint, page in pages(alice, furnished):
        title = page.soup.title.get_text()
        assert title.endswith(" · Alice's Prints"), f"{endpoint}: {title}"
        assert title not in titles, f"{endpoint} and {titles[title]} have the same title: {title}"
        titles[title] = endpoint
        assert len(page.all("h1")) == 1, endpoint
        assert len(page.all("a.skip[href='#main']")) == 1, endpoint
        _check_trail(alice, endpoint, page)
    assert len(titles) > 25


def _check_trail(alice: Person, endpoint: str, page: Page) -> None:
    if endpoint in WITHOUT_A_TRAIL or endpoint in {entry.endpoint for entry in MENU}:
        assert endpoint == "insight.showcase" or not page.all(".breadcrumb"), f"{endpoint} is a section"
        return
    crumbs = page.all(".breadcrumb li")
    assert len(crumbs) >= 2, f"{endpoint} has no trail; give it to ui.page_head"
    section = crumbs[0].get_text(strip=True)
    assert section in {entry.label for entry in MENU}, f"{endpoint}: {section} is not what the menu calls it"
    assert crumbs[-1].select("[aria-current=page]"), endpoint
    for crumb in crumbs[:-1]:
        assert alice.get(crumb.a["href"]).status == 200, f"{endpoint}: {crumb}"


def test_a_page_marks_its_section_in_the_menu(alice: Person, furnished: Shop):
    for endpoint, page in pages(alice, furnished):
        current = page.all("nav.side [aria-current]")
        assert len(current) <= 1, endpoint
        if page.all(".breadcrumb") and endpoint not in WITHOUT_A_TRAIL:
            assert current, endpoint
            assert current[0].get_text(strip=True) == page.all(".breadcrumb li")[0].get_text(strip=True), endpoint


def test_pages_without_a_shop_are_called_after_the_program(stranger, alice: Person):
    assert stranger.get("/sign-in").soup.title.get_text() == "Sign in · PrintFarm"
    missing = alice.get("/nowhere")
    assert (missing.status, missing.soup.title.get_text()) == (404, "Not found · Alice's Prints")
    assert stranger.get("/nowhere").soup.title.get_text() == "Not found · PrintFarm"
