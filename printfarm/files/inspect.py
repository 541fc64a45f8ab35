"""`printfarm inspect --json FILE…`: what the readers see, one JSON object a line."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from printfarm.files.readers import Limits, UnreadableFile, read_file
from printfarm.files.readers.scan import count_moves

_LIMITS = Limits(seconds=8.0)
_UNREAD: dict[str, Any] = {
    "format": None,
    "sliced": None,
    "slicer": None,
    "title": None,
    "designer": None,
    "licence": None,
    "plates": [],
    "thumbnails": [],
    "mesh": None,
    "warnings": [],
}


def inspect_files(paths: Sequence[str], out: TextIO) -> int:
    """Print a line for each file in the given order; 1 when one of them could not be read, else 0."""
    failed = False
    for path in paths:
        answer = _inspect(path)
        failed = failed or not answer["ok"]
        out.write(json.dumps(answer, ensure_ascii=True, allow_nan=False) + "\n")
        out.flush()
    return 1 if failed else 0


def _inspect(path: str) -> dict[str, Any]:
    try:
        reading = count_moves(Path(path), read_file(Path(path), limits=_LIMITS))
    except UnreadableFile as refusal:
        return {"file": path, "ok": False, "error": refusal.sentence, **_UNREAD}
    return {"file": path, "ok": True, "error": None, **reading.to_json()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="printfarm inspect", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line (the only form there is)")
    parser.add_argument("files", nargs="+", metavar="FILE")
    return inspect_files(parser.parse_args(arguments).files, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
