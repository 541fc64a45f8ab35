"""The parts of templates/_ui: what they draw, what they say to a screen reader, and what they let through (nothing)."""

import re
from collections import Counter
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template, render_template_string
from wtforms import BooleanField, DecimalField, Form, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, NumberRange

from tests.ui.stage import TEMPLATES, Stage

PARTS = ("buttons", "forms", "states", "pictures", "layout")


def draw(stage: Stage, source: str, **context) -> BeautifulSoup:
    with stage.app.test_request_context("/"):
        text = render_template_string('{% import "_ui/ui.html" as ui %}' + source, **context)
    return BeautifulSoup(text, "html.parser")


def public_macros(part: str) -> set[str]:
    text = (TEMPLATES / "_ui" / f"{part}.html").read_text()
    return set(re.findall(r"{%-? macro ([a-z]\w*)", text))


@pytest.mark.parametrize("part", PARTS)
def test_every_macro_is_documented_at_the_top_of_its_file_and_stands_in_ui_html(part: str):
    top = (TEMPLATES / "_ui" / f"{part}.html").read_text().split("#}")[0]
    together = (TEMPLATES / "_ui" / "ui.html").read_text()
    for name in public_macros(part):
        assert re.search(rf"\b{name}\(", top), f"{name} is not documented"
        assert re.search(rf"_{part[0]}\.{name}\b", together), f"{name} is missing in ui.html"


def test_the_showcase_shows_every_macro():
    text = (TEMPLATES / "_ui" / "showcase.html").read_text()
    unseen = {name for part in PARTS for name in public_macros(part) if f"ui.{name}(" not in text}
    # Seen as parts of others, or not to be seen: page_head draws the breadcrumb, every button an icon, flashes the toasts,
    # field is the WTForms twin of input, live is wiring.
    assert unseen == {"csrf", "toast", "toast_oob", "field", "breadcrumb", "icon", "live"}


def test_the_showcase_has_no_id_twice_and_no_inline_style_or_script(showcase: BeautifulSoup):
    ids = Counter(tag["id"] for tag in showcase.select("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []
    assert showcase.select("[style], style, script:not([src]), [onclick], [onload]") == []
    assert showcase.title.get_text() == "Look · Shop & Sons"


def test_every_control_on_the_showcase_has_a_name_for_a_screen_reader(showcase: BeautifulSoup):
    labelled = {label.get("for") for label in showcase.select("label")}
    for control in showcase.select("input:not([type=hidden]), select, textarea"):
        assert control.get("id") in labelled or control.find_parent("label"), control
    for control in showcase.select("button, a"):
        assert control.get_text(strip=True), control
    for bar in showcase.select("main progress"):
        assert bar.get("aria-label") or bar.find_parent("template"), bar


def test_a_wtforms_field_ties_its_help_and_errors_to_the_control(stage: Stage):
    class SpoolForm(Form):
        price = DecimalField("Price", validators=[NumberRange(min=0)])

    form = SpoolForm(data={"price": -1})
    assert not form.validate()
    soup = draw(
        stage, '{{ ui.field(form.price, help="For one kilogram.", unit="EUR", inputmode="decimal") }}', form=form
    )
    control = soup.select_one("input")
    assert control["aria-invalid"] == "true"
    assert control["aria-describedby"].split() == ["price-help", "price-error"]
    assert all(soup.find(id=name) for name in control["aria-describedby"].split())
    assert control["inputmode"] == "decimal"


def test_every_kind_of_wtforms_field_is_drawn(stage: Stage):
    class Mixed(Form):
        name = StringField("Name", validators=[DataRequired()])
        kind = SelectField("Kind", choices=["a", "b"])
        dry = BooleanField("Dry")
        mode = RadioField("Mode", choices=["set", "add"])

    source = "{% for f in form %}{{ ui.field(f, help='Help.', id='x-' ~ f.short_name) }}{% endfor %}"
    soup = draw(stage, source, form=Mixed())
    assert soup.select_one("#x-name").name == "input"
    assert soup.select_one("select#x-kind option[value=b]")
    assert soup.select_one("label.check input#x-dry")
    assert [box["value"] for box in soup.select("fieldset input[type=radio]")] == ["set", "add"]


HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "source",
    [
        "{{ ui.state(x, 'info') }}{{ ui.tag(x) }}{{ ui.toast(x) }}{{ ui.notice(x, title=x) }}",
        "{{ ui.swatch(x, x) }}{{ ui.swatch([x, x], x, kind='gradient') }}{{ ui.gauge(1, 2, x, label=x) }}",
        "{{ ui.picture(x, x) }}{{ ui.button(x, data_x=x, title=x) }}{{ ui.link_button(x, x) }}",
        "{{ ui.input('a', x, x, help=x, errors=[x]) }}{{ ui.select('b', x, [(x, x)]) }}{{ ui.textarea('c', x, x) }}",
        "{{ ui.facts([(x, x)]) }}{{ ui.stat(x, x, x, x) }}{{ ui.progress(1, 2, x, x, name=x) }}",
        "{% call ui.table([x]) %}{% endcall %}{% call ui.row(x, x, facts=[x]) %}{% endcall %}{{ ui.breadcrumb([(x, x)]) }}",
    ],
)
def test_text_from_files_stays_text(stage: Stage, source: str):
    soup = draw(stage, source, x=HOSTILE)
    assert soup.select("script") == []
    assert [tag for tag in soup.select("*") if any(name.startswith("on") for name in tag.attrs)] == []


def svgs(soup: BeautifulSoup) -> list[ET.Element]:
    inline = [str(tag) for tag in soup.select("svg")]
    pictures = [unquote(tag["src"].removeprefix("data:image/svg+xml,")) for tag in soup.select("img")]
    return [ET.fromstring(text) for text in inline + pictures]


COLOURS = [
    "#C62828",
    "c62828ff",
    "#9fd8ef66",
    ["#fff", "#000000"],
    ["#111111", "#222222", "#333333"],
    [],
    None,
    "nonsense",
]


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("kind", ["multi", "gradient"])
def test_a_swatch_is_well_formed_for_every_notation_of_colour(stage: Stage, colours, kind: str):
    drawn = svgs(draw(stage, "{{ ui.swatch(colours, 'Red', kind=kind) }}", colours=colours, kind=kind))
    assert len(drawn) == 1
    fills = [node.get("fill") for node in drawn[0].iter() if node.get("fill")]
    assert all(re.fullmatch(r"none|#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|url\(#g\)", fill) for fill in fills)


def wound(stage: Stage, remaining: float | None, total: float) -> float:
    """The outer radius of the filament on a gauge; 0 when none is wound."""
    drawn = svgs(draw(stage, "{{ ui.gauge(remaining, total, '#C62828') }}", remaining=remaining, total=total))[0]
    rings = [node for node in drawn.iter() if node.get("stroke") == "#C62828"]
    return float(rings[0].get("r")) + float(rings[0].get("stroke-width")) / 2 if rings else 0


def test_a_gauge_winds_as_thick_as_what_is_left(stage: Stage):
    assert wound(stage, 0, 1000) == wound(stage, -40, 1000) == wound(stage, None, 1000) == wound(stage, 1, 0) == 0
    quarter, half, full = (wound(stage, share, 1000) for share in (250, 500, 1000))
    assert 6 < quarter < half < full == wound(stage, 1200, 1000) == pytest.approx(17.5, abs=0.02)
    assert half**2 - 36 == pytest.approx((full**2 - 36) / 2, rel=0.01)  # the area is the share, as on a real spool


def test_pages_keep_the_filters_of_the_list(stage: Stage):
    source = "{{ ui.pagination({'number': 2, 'pages': 3, 'total': 61}, 'showcase', {'q': 'a b', 'page': '2'}) }}"
    soup = draw(stage, source)
    assert [link["href"] for link in soup.select("a")] == ["/showcase?page=1&q=a+b", "/showcase?page=3&q=a+b"]
    assert draw(stage, "{{ ui.pagination({'number': 1, 'pages': 1, 'total': 3}, 'showcase') }}").select("nav") == []


def test_a_command_is_a_form_with_its_token_before_it_is_anything_else(stage: Stage):
    asked = "values={'after': ''}, target='#queue', confirm='Sure?', extra='needs-operator'"
    soup = draw(stage, "{{ ui.post_button('Next', '/move', " + asked + ") }}")
    form = soup.form
    assert (form["method"], form["action"], form["hx-post"], form["hx-target"]) == ("post", "/move", "/move", "#queue")
    assert form.select_one("input[name=csrf_token]")["value"]
    assert form.select_one("input[name=after]")["value"] == ""
    assert form["data-confirm"] == "Sure?"
    assert form["class"] == ["needs-operator"]


def test_attributes_may_be_absent_bare_or_escaped(stage: Stage):
    control = draw(stage, "{{ ui.button('Go', hx_get='/a?b=1&c=2', disabled=true, data_a=none, data_b=false) }}").button
    assert control["hx-get"] == "/a?b=1&c=2"
    assert control["disabled"] == ""
    assert not {"data-a", "data-b"} & set(control.attrs)


@pytest.mark.parametrize("code", [400, 403, 404, 409, 413, 422, 429, 500, 503])
def test_every_error_page_says_what_happened_and_leads_on(stage: Stage, code: int):
    soup = BeautifulSoup(stage.app.test_client().get(f"/error/{code}").get_data(as_text=True), "html.parser")
    assert soup.select_one("[data-error-sentence]").get_text() == "The bed is full."
    assert soup.select_one("[data-error-reference]").get_text() == "AB12"
    assert soup.select_one("main a[href='/']")
    assert f"Error {code}" in soup.main.get_text()


def test_an_error_page_needs_nothing_of_the_application():
    app = Flask("bare", template_folder=str(TEMPLATES))
    app.jinja_env.globals["csrf_token"] = lambda: "t"
    app.secret_key = "x"
    with app.test_request_context("/"):
        text = render_template(
            "errors/error.html", code=503, title="Not available", sentence="The database does not answer."
        )
    assert "The database does not answer." in text


@pytest.mark.parametrize("role", ["owner", "viewer", None])
def test_the_role_stands_on_the_body(stage: Stage, role: str | None):
    stage.role = role
    body = BeautifulSoup(stage.app.test_client().get("/").get_data(as_text=True), "html.parser").body
    assert body.get("data-role") == role
