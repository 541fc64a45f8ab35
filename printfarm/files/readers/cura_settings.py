"""The settings that Cura keeps at the end of its G-code: those that were changed, or in Cura 15 all of the profile."""

import base64
import binascii
import re
import zlib

from printfarm.files.readers.comments import Comments
from printfarm.files.readers.values import clean_text, json_object

_CHANGED = re.compile(r"\n;SETTING_3 ([^\n]{0,200})")
_PROFILE = re.compile(r"\n;CURA_PROFILE_STRING:([A-Za-z0-9+/=]{8,200000})")
_MOST_CHARACTERS = 500_000
_MOST_SETTINGS = 1000
_MOST_EXTRUDERS = 16


def stated_settings(comments: Comments) -> dict[str, str]:
    """By the name that Cura gives them; those of an extruder end with its number. Empty when there are none."""
    return _changed(comments.text) or _profile(comments.text)


def _changed(text: str) -> dict[str, str]:
    """JSON, cut into lines, of which each value is the text of an INI file."""
    joined = "".join(_CHANGED.findall(text))[:_MOST_CHARACTERS]
    try:
        found = json_object(joined.encode(), 10) if joined else {}
    except ValueError:
        return {}
    settings = _values(found.get("global_quality"), "")
    extruders = found.get("extruder_quality")
    for number, one in enumerate(extruders[:_MOST_EXTRUDERS] if isinstance(extruders, list) else [], start=1):
        settings |= _values(one, f" ({number})")
    return dict(list(settings.items())[:_MOST_SETTINGS])


def _values(ini: object, suffix: str) -> dict[str, str]:
    """The pairs below `[values]`; the lines end with a backslash and an n."""
    if not isinstance(ini, str):
        return {}
    _, _, values = ini.replace("\\n", "\n").partition("[values]")
    return _pairs(values.split("\n"), suffix)


def _profile(text: str) -> dict[str, str]:
    """Base64 of deflated pairs; a form feed ends those that are settings."""
    found = _PROFILE.search(text)
    if found is None:
        return {}
    try:
        packed = base64.b64decode(found[1], validate=True)
        plain = zlib.decompressobj().decompress(packed, _MOST_CHARACTERS)
    except (binascii.Error, zlib.error):
        return {}
    return _pairs(plain.decode("utf-8", "replace").partition("\f")[0].split("\b"), "")


def _pairs(lines: list[str], suffix: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines[:_MOST_SETTINGS])
    return {
        f"{name}{suffix}": clean_text(value) or ""
        for key, sign, value in pairs
        if sign and (name := clean_text(key, 80))
    }
