"""A page goes on by itself while somebody reads a question or fills in a form: neither is lost."""

from flask import g, render_template_string
from playwright.sync_api import Locator, Page, Route, expect

from tests.ui.stage import Stage
from tests.ui.test_in_the_browser import connected

CARD = """{% import "_ui/ui.html" as ui %}
<div id="card-1" hx-swap-oob="true"><p>{{ words }}</p>
  {% if may_stop %}{{ ui.post_button("Stop the print", "/stop", confirm="Stop it? 26 g are lost.", target="#list") }}{% endif %}
  {% call ui.form("/start", target="#list") %}
    {{ ui.select("printer", "Printer", printers, "anna") }}{{ ui.input("grams", "Grams", "5") }}
    {{ ui.checkbox("short", "Although short") }}
    {{ ui.choices("how", "How", [("ok", "It is done"), ("bad", "It failed")], "ok") }}{{ ui.textarea("note", "Note") }}
  {% endcall %}</div>"""
ANNA, BRUNO, CLEO = ("anna", "Anna"), ("bruno", "Bruno"), ("cleo", "Cleo")


def push(page: Page, stage: Stage, words: str, *, may_stop: bool = True, printers: tuple = (ANNA, BRUNO)) -> None:
    """The card anew, as a printer at work has it every other second: without a token in it."""
    with stage.app.test_request_context():
        g.csrf_token = ""
        stage.push(render_template_string(CARD, words=words, may_stop=may_stop, printers=printers))
    expect(page.locator("#card-1 p").first).to_have_text(words)


def asked(page: Page, stage: Stage) -> Locator:
    connected(page, stage)
    push(page, stage, "one")
    page.get_by_role("button", name="Stop the print").click()
    question = page.locator("dialog#confirm")
    expect(question).to_be_visible()
    return question


def test_who_reads_the_question_for_a_while_is_obeyed(phone: Page, stage: Stage):
    question = asked(phone, stage)
    push(phone, stage, "two")
    push(phone, stage, "three")
    question.get_by_role("button", name="Stop the print").click()
    expect(phone.locator("#list")).to_have_text("list 0")
    phone.wait_for_timeout(200)
    assert stage.stops == 1
    expect(question).to_be_hidden()


def test_what_can_no_longer_be_done_is_said(phone: Page, stage: Stage):
    question = asked(phone, stage)
    push(phone, stage, "two", may_stop=False)
    question.get_by_role("button", name="Stop the print").click()
    expect(phone.locator("#toasts")).to_contain_text("That has changed meanwhile. Nothing was done.")
    assert stage.stops == 0


def test_what_was_typed_and_chosen_stays_when_the_page_goes_on(phone: Page, stage: Stage):
    connected(phone, stage)
    push(phone, stage, "one")
    card = phone.locator("#card-1")
    card.get_by_label("Printer").select_option("bruno")
    card.get_by_label("Grams").fill("12.5")
    card.get_by_label("Although short").check()
    card.get_by_label("It failed").check()
    card.get_by_label("Note").fill("stringing")
    push(phone, stage, "two", printers=(CLEO, ANNA, BRUNO))
    expect(card.get_by_label("Printer")).to_have_value("bruno")
    expect(card.get_by_label("Grams")).to_have_value("12.5")
    expect(card.get_by_label("Although short")).to_be_checked()
    expect(card.get_by_label("It failed")).to_be_checked()
    expect(card.get_by_label("It is done")).not_to_be_checked()
    expect(card.get_by_label("Note")).to_have_value("stringing")
    push(phone, stage, "three", printers=(ANNA, CLEO))
    expect(card.get_by_label("Printer")).to_have_value("anna")


def test_what_nobody_touched_follows_the_server(phone: Page, stage: Stage):
    connected(phone, stage)
    push(phone, stage, "one")
    phone.evaluate("document.querySelector('[name=grams]').setAttribute('value', '7')")
    push(phone, stage, "two")
    expect(phone.get_by_label("Grams")).to_have_value("5")


def test_a_menu_that_comes_anew_while_one_opens_it_stays_open(phone: Page, stage: Stage):
    connected(phone, stage)
    still = phone.evaluate(
        """async () => {
          document.querySelector("main").insertAdjacentHTML("beforeend",
            '<div><details class="menu" id="menu-1"><summary>More</summary><button type="button">Up</button></details></div>');
          const menu = document.getElementById("menu-1");
          menu.querySelector("summary").click();
          menu.parentElement.innerHTML = menu.parentElement.innerHTML;
          await new Promise((done) => setTimeout(done, 50));
          return document.getElementById("menu-1").open;
        }"""
    )
    assert still
    phone.mouse.click(5, 5)
    expect(phone.locator("#menu-1")).not_to_have_attribute("open", "")


def test_what_comes_anew_is_at_work_at_once(phone: Page, stage: Stage):
    """Who presses it in that very moment stays on the page (htmx would look at it 20 ms later)."""
    connected(phone, stage)
    form = 'method="post" action="/stop" hx-post="/stop" hx-target="#list" hx-swap="outerHTML"'
    again = f'<div id="list"><form {form}><button>Now</button></form></div>'
    phone.route("**/list", lambda route: route.fulfill(content_type="text/html", body=again))
    phone.evaluate(
        """() => {
          window.stayed = true;
          const press = () => document.querySelector("#list button")?.click();
          new MutationObserver(press).observe(document.querySelector("main"), { childList: true });
          document.body.dispatchEvent(new CustomEvent("changed:things"));
        }"""
    )
    expect(phone.locator("#list")).to_have_text("list 0")
    assert phone.evaluate("window.stayed")


def test_a_button_that_comes_anew_while_it_is_pressed_still_obeys(phone: Page, stage: Stage):
    connected(phone, stage)
    push(phone, stage, "one")
    phone.get_by_role("button", name="Stop the print").hover()
    phone.mouse.down()
    with stage.app.test_request_context(), phone.expect_response("**/list"):
        g.csrf_token = ""
        stage.push(render_template_string(CARD, words="two", printers=(ANNA,), may_stop=True))
        stage.push('{"type": "changed", "topics": ["things"]}')
    phone.mouse.up()
    expect(phone.locator("dialog#confirm")).to_be_visible()
    expect(phone.locator("#card-1 p").first).to_have_text("two")


def test_a_list_that_would_come_anew_under_the_finger_comes_afterwards(phone: Page, stage: Stage):
    connected(phone, stage)
    trigger = 'hx-get="/list" hx-trigger="changed:things from:body, changed:others from:body" hx-swap="outerHTML"'
    form = '<form method="post" action="/stop" hx-post="/stop" hx-swap="none"><button>Now</button></form>'
    words = [f'<div id="list" {trigger}><p>{number}</p>{form}</div>' for number in range(9)]
    phone.route("**/list", lambda route: route.fulfill(content_type="text/html", body=words.pop(0)))
    stage.push('{"type": "changed", "topics": ["things"]}')
    expect(phone.locator("#list p")).to_have_text("0")
    phone.get_by_role("button", name="Now").hover()
    phone.mouse.down()
    for topic in ("things", "others", "things"):
        with phone.expect_response("**/list"):
            stage.push(f'{{"type": "changed", "topics": ["{topic}"]}}')
    expect(phone.locator("#list p")).to_have_text("0")
    with phone.expect_response("**/stop"):
        phone.mouse.up()
    expect(phone.locator("#list p")).not_to_have_text("0")
    assert stage.stops == 1
    expect(phone.locator("#list p")).to_have_text("4")  # once, however much changed


def test_who_is_refused_hears_why_though_a_list_was_held(phone: Page, stage: Stage):
    """The list comes after the answer: a form that is gone by then would say nothing."""
    connected(phone, stage)
    trigger = 'hx-get="/list" hx-trigger="changed:things from:body" hx-swap="outerHTML"'
    form = (
        '<form method="post" action="/refuse/409" hx-post="/refuse/409" hx-target="#list"><button>Now</button></form>'
    )
    lists = [f'<div id="list" {trigger}><p>{number}</p>{form}</div>' for number in range(9)]
    phone.route("**/list", lambda route: route.fulfill(content_type="text/html", body=lists.pop(0)))
    answers: list[Route] = []
    phone.route("**/refuse/409", lambda route: answers.extend([route]))
    stage.push('{"type": "changed", "topics": ["things"]}')
    expect(phone.locator("#list p")).to_have_text("0")
    phone.get_by_role("button", name="Now").hover()
    phone.mouse.down()
    with phone.expect_response("**/list"):
        stage.push('{"type": "changed", "topics": ["things"]}')
    with phone.expect_request("**/refuse/409"):
        phone.mouse.up()
    phone.wait_for_timeout(300)  # longer than a click is waited for
    expect(phone.locator("#list p")).to_have_text("0")
    answers[0].continue_()
    expect(phone.locator("#toasts")).to_contain_text("The bed is full.")
    expect(phone.locator("#list p")).to_have_text("2")


def test_what_a_page_asks_for_at_its_begin_comes_after_a_press(phone: Page, stage: Stage):
    connected(phone, stage)
    phone.mouse.move(180, 20)
    phone.mouse.down()
    bell = '<i id="bell" hx-get="/list" hx-trigger="load, live:reconnected from:body" hx-swap="innerHTML">empty</i>'
    with phone.expect_response("**/list"):
        phone.evaluate("bell => { slot.innerHTML = bell; htmx.process(slot); }", bell)
    expect(phone.locator("#bell")).to_have_text("empty")
    phone.mouse.up()
    expect(phone.locator("#bell")).to_contain_text("list")
