"""Before the processes start: back up and migrate the database, and look whether somebody owns the place.

Run as a program; prints one line of JSON on standard output, and on refusal a sentence on standard error.
"""

import atexit
import gc
import json
import sys

from printfarm.config import Settings, SettingsError, load_settings
from printfarm.core import migrations
from printfarm.core.backup import BackupRefused
from printfarm.core.database import make_engine
from printfarm.core.fences import Unfenced, refuse_unfenced
from printfarm.core.secrets import setup_code_from
from printfarm.processes import logs


def main() -> int:
    atexit.register(gc.freeze)  # as in printfarm.cli: at the end nobody looks for garbage among what was imported
    try:
        settings = load_settings()
        logs.configure("warning")
        migrations.upgrade(settings)
        _refuse_unfenced(settings)
        print(json.dumps({"setup_code": due_setup_code(settings)}))  # noqa: T201  # the parent reads it
    except (SettingsError, migrations.MigrationRefused, BackupRefused, Unfenced) as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _refuse_unfenced(settings: Settings) -> None:
    engine = make_engine(settings.database_url)
    try:
        refuse_unfenced(engine)
    finally:
        engine.dispose()


def due_setup_code(settings: Settings) -> str | None:
    """The code that the first owner must enter, or None when a person exists already."""
    engine = make_engine(settings.database_owner_url)
    try:
        return None if migrations.somebody_owns_it(engine) else setup_code_from(settings.secret)
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
