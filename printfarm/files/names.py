"""Names of files and folders as people wrote them, made fit to be shown and never used as a path."""

import re

NAME_LENGTH = 255
PATH_LENGTH = 1000
CONTENT_TYPES = {".3mf": "model/3mf", ".gcode": "text/x.gcode", ".stl": "model/stl", ".obj": "model/obj"}


def plain_name(name: str) -> str:
    """A file name for people, as it came but without folders and control characters; never used as a path."""
    last = re.split(r"[\\/]", name)[-1]
    printable = "".join(c for c in last if c.isprintable()).strip()
    return printable.strip(". ")[-NAME_LENGTH:] or "unnamed file"


def plain_path(path: str) -> str:
    """A path inside the folder that somebody dropped, as "dragons/red/plate.3mf"; for people and guesses, never opened."""
    parts = [plain_name(part) for part in re.split(r"[\\/]+", path) if part.strip(". ")]
    return "/".join(parts)[-PATH_LENGTH:]


def content_type(name: str) -> str:
    """What we call a sliced file towards browsers and hubs."""
    return next((kind for end, kind in CONTENT_TYPES.items() if name.lower().endswith(end)), "application/octet-stream")
