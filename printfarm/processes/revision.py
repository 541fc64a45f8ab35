"""`./dev migration "NAME"`: write the next migration from the difference between the models and the migrations so far."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from printfarm.core.database import make_engine
from printfarm.core.migrations import alembic_config, new_revision


def main(name: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'migrated.db'}")
        command.upgrade(alembic_config(engine), "head")
        path = new_revision(engine, name)
        engine.dispose()
    sys.stdout.write(f"{path}\nRead it, then run it on both databases: ./dev test tests/core tests/architecture\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
