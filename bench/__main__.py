"""`python -m bench [NAME] [ARGUMENTS]`: one measurement, or all of them one after the other."""

import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PARTS = ("__main__", "__init__")


def names() -> list[str]:
    """Every file here that can be run by itself."""
    return sorted(
        path.stem for path in FOLDER.glob("*.py") if path.stem not in PARTS and "__main__" in path.read_text()
    )


def main() -> int:
    asked = sys.argv[1:2]
    if asked and asked[0] not in names():
        print(f"There is no measurement {asked[0]!r}. There are: {', '.join(names())}", file=sys.stderr)
        return 2
    arguments = sys.argv[2:]
    for name in asked or names():
        print(f"== {name}", flush=True)
        sys.argv = [name, *arguments]
        runpy.run_module(f"bench.{name}", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
