"""With JavaScript off: no dead button on any page, and every action done by the pages' own forms and links."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.person import PHONE
from tests.looking.visit import demo_shop, every_kind_of_page, sign_in

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(600)]

PAGES_AT_LEAST = 40
# Its buttons are specimens: they do nothing with scripts either.
SPECIMENS = "/ui"

# What a page shows that is dead without scripts, after all that opens by itself (details, popovers) was opened.
DEAD = """() => {
  document.querySelectorAll("details").forEach(one => one.open = true);
  const found = [];
  const seen = one => one.checkVisibility({visibilityProperty: true});
  const say = (what, one) => found.push(`${what}: ${one.outerHTML.replace(/\\s+/g, " ").slice(0, 150)}`);
  const look = root => {
    for (const one of root.querySelectorAll("button, input[type=submit], input[type=button], .button")) {
      if (!seen(one) || one.disabled || one.matches("summary, a[href], label")) continue;
      const sends = one.matches("button, input") && one.type === "submit" && one.form && one.form.hasAttribute("action");
      if (!sends && !document.getElementById(one.getAttribute("popovertarget"))) say("a dead button", one);
    }
    for (const one of root.querySelectorAll("form")) {
      const ways = [...one.elements].filter(part => part.type === "submit" && seen(part) && !part.disabled);
      if (seen(one) && !ways.length) say("a form that cannot be sent", one);
      const [plain, swapped] = [one.getAttribute("action"), one.getAttribute("hx-post") || one.getAttribute("hx-get")];
      if (swapped && plain !== swapped) say("a form that goes elsewhere with scripts", one);
    }
    for (const one of root.querySelectorAll("a")) {
      const to = one.getAttribute("href");
      const place = to && to.startsWith("#") ? document.getElementById(to.slice(1)) : one;
      if (seen(one) && (to === null || to === "#" || !place)) say("a link to nowhere", one);
    }
    for (const one of root.querySelectorAll(".needs-js")) if (seen(one)) say("needs scripts", one);
    for (const one of root.querySelectorAll(".without-js"))
      if (getComputedStyle(one).display === "none") say("hidden although it is for people without scripts", one);
  };
  look(document);
  for (const one of document.querySelectorAll("[popover]")) {
    one.showPopover();
    look(one);
    one.hidePopover();
  }
  const moving = [...document.querySelectorAll("progress")].some(seen);
  if (moving && !document.querySelector("meta[http-equiv=refresh]")) found.push("something moves, and the page does not refresh");
  return found;
}"""


@pytest.fixture(scope="module")
def shop(chromium: Browser, short_tmp):
    with demo_shop(short_tmp / "no-scripts", speed=60) as up:
        yield f"http://127.0.0.1:{up.port}", sign_in(up, chromium)


def test_nothing_on_any_page_is_dead(chromium: Browser, shop):
    base, state = shop
    context = chromium.new_context(**PHONE, storage_state=state, java_script_enabled=False)
    pages = every_kind_of_page(context, base)
    assert len(pages) >= PAGES_AT_LEAST, [one.name for one in pages]
    page, wrong = context.new_page(), []
    for one in pages:
        if not one.path.startswith(SPECIMENS):
            page.goto(base + one.path)
            wrong += [f"{one.name}: {what}" for what in page.evaluate(DEAD)]
    context.close()
    assert not wrong, "\n".join(wrong)
