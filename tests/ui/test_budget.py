"""What the look promises in numbers: weight of the first load, contrast of the colours, icons that exist, nothing inline."""

import gzip
import re

import pytest

from printfarm.core.compression import lean
from tests.ui.stage import ROOT, STATIC, TEMPLATES, Stage

CSS_LIMIT, JS_LIMIT, HTML_LIMIT, FIRST_LOAD_LIMIT = 15_000, 25_000, 20_000, 60_000


def weight(*texts: bytes) -> int:
    return sum(len(gzip.compress(text, 6)) for text in texts)


def linked(html: str, pattern: str) -> list[bytes]:
    """What travels of the files, before it is compressed."""
    paths = [STATIC / name for name in dict.fromkeys(re.findall(pattern, html))]
    return [lean(path, path.read_bytes()) for path in paths]


def test_the_first_load_is_light(stage: Stage):
    html = stage.app.test_client().get("/showcase").get_data(as_text=True)
    css = weight(*linked(html, r'rel="stylesheet" href="/static/([^"?]+)'))
    scripts = weight(*linked(html, r'<script defer src="/static/([^"?]+)'))
    icons = weight((STATIC / "icons.svg").read_bytes())
    page = weight(html.encode())
    assert 0 < css <= CSS_LIMIT
    assert 0 < scripts <= JS_LIMIT
    assert page <= HTML_LIMIT
    assert css + scripts + page + icons <= FIRST_LOAD_LIMIT


TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


def colours() -> dict[str, tuple[str, str]]:
    return {name: (light, dark) for name, light, dark in TOKEN.findall((STATIC / "app.css").read_text())}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT_ON = [
    *((ink, ground) for ink in ("ink", "soft", "accent", "ok", "warn", "bad") for ground in ("paper", "card", "well")),
    *((ink, "accent-tint") for ink in ("ink", "soft", "accent", "accent-strong")),
    *((tone, f"{tone}-tint") for tone in ("ok", "warn", "bad")),
    *(("ink", f"{tone}-tint") for tone in ("ok", "warn", "bad")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bad", "bad"),
    ("paper", "ink"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_ON)
def test_text_can_be_read(ink: str, ground: str, theme: str):
    side = ["light", "dark"].index(theme)
    assert contrast(colours()[ink][side], colours()[ground][side]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("line", "grounds"), [("edge", ("card", "paper")), ("accent", ("card", "paper", "well"))])
def test_the_edge_of_a_control_can_be_seen(line: str, grounds: tuple[str, ...], theme: str):
    side = ["light", "dark"].index(theme)
    assert min(contrast(colours()[line][side], colours()[ground][side]) for ground in grounds) >= 3


def all_templates() -> list[tuple[str, str]]:
    return [(str(path.relative_to(TEMPLATES)), path.read_text()) for path in sorted(TEMPLATES.rglob("*.html"))]


def test_every_icon_that_is_named_exists():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    patterns = (
        r'\bicon(?:_name)?\s*[=(]\s*"([a-z0-9-]+)"',
        r'\bstate\(\s*(?:"[^"]*"|[\w.]+)\s*,\s*"([a-z0-9-]+)"',
        r"icons\.svg'\) }}#([a-z0-9-]+)",
    )
    named = {
        (name, icon) for name, text in all_templates() for pattern in patterns for icon in re.findall(pattern, text)
    }
    for path in (ROOT / "printfarm").rglob("*.py"):
        named |= {
            (path.name, icon) for icon in re.findall(r'["\']?icon["\']?\s*[=:]\s*"([a-z0-9-]+)"', path.read_text())
        }
    in_script = re.compile(r'"((?:circle|triangle|octagon)-[a-z]+|monitor|sun|moon|info)"')
    for path in (STATIC / "js").glob("*.js"):
        named |= {(path.name, icon) for icon in in_script.findall(path.read_text())}
    assert len(named) > 40
    assert {(where, icon) for where, icon in named if icon not in sprite} == set()


def test_no_template_carries_inline_style_or_script():
    for name, text in all_templates():
        assert not re.search(r"\sstyle\s*=\s*[\"']", text), f"{name}: a style attribute"
        assert not re.search(r"<style\b", text), f"{name}: a style element"
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), f"{name}: an inline script"
        assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), f"{name}: an inline handler"
        assert "javascript:" not in text, name


def test_what_is_not_ours_comes_with_its_licence_and_version():
    vendor = STATIC / "vendor"
    for path in vendor.glob("*.js"):
        stem = re.fullmatch(r"(.+-\d+\.\d+\.\d+)\.min\.js", path.name)
        assert stem, f"{path.name} has no version in its name"
        assert (vendor / f"{stem[1]}.LICENSE.txt").read_text().strip()
    assert list(vendor.glob("lucide-*.LICENSE.txt"))
    assert 'version:"2.0.11"' in (vendor / "htmx-2.0.11.min.js").read_text()


def test_our_scripts_never_evaluate_text():
    for path in (STATIC / "js").glob("*.js"):
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", path.read_text()), (
            path.name
        )
