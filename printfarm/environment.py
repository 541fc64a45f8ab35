"""Takes single settings out of the environment, and refuses wrong ones in words."""

import difflib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

PREFIX = "PRINTFARM_"


class SettingsError(Exception):
    """A setting is wrong; the text is a sentence that names the variable and says what would be right."""


class EnvironmentReader:
    """Single values by the name that follows the prefix; an empty one counts as absent."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        return self._environ.get(PREFIX + name, "").strip() or None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        given = self.text(name)
        if given is None:
            return default
        if not re.fullmatch(r"-?\d{1,9}", given) or not low <= int(given) <= high:
            raise SettingsError(f"{PREFIX}{name} must be a whole number from {low} to {high}, not {given!r}.")
        return int(given)

    def decimal(self, name: str, default: float, low: float, high: float) -> float:
        given = self.text(name)
        if given is None:
            return default
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", given) or not low <= float(given) <= high:
            raise SettingsError(f"{PREFIX}{name} must be a number from {low:g} to {high:g}, not {given!r}.")
        return float(given)

    def choice(self, name: str, default: str, options: tuple[str, ...]) -> str:
        given = (self.text(name) or default).lower()
        if given not in options:
            raise SettingsError(f"{PREFIX}{name} must be one of {', '.join(options)}, not {given!r}.")
        return given

    def url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        given = self.text(name)
        if given is None:
            return None
        try:
            parts = urlsplit(given)
            in_query = parts.scheme.startswith("postgres") and "host=" in parts.query  # a Unix socket's folder
            place = parts.path if parts.scheme == "unix" else parts.hostname or in_query
            _ = parts.port
        except ValueError:
            place = None
        if not place or parts.scheme not in schemes:
            allowed = " or ".join(f"{scheme}://" for scheme in schemes)
            raise SettingsError(f"{PREFIX}{name} must be an address that begins with {allowed}.")
        return given

    def refuse_misspelt(self, names: tuple[str, ...]) -> None:
        """A misspelt variable would otherwise be ignored in silence."""
        for given in self._environ:
            of_the_hub = given.startswith(PREFIX + "HUB_")  # a program of its own, with settings of its own
            if given.startswith(PREFIX) and given not in names and not of_the_hub:
                near = difflib.get_close_matches(given, names, n=1, cutoff=0.9)
                if near:
                    raise SettingsError(f"{given} is not a setting. Did you mean {near[0]}?")
