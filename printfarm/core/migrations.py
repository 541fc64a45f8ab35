"""The database's schema over time: Alembic revisions in `migrations/versions`, one head, a backup before every change."""

import re
from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from printfarm.config import Settings
from printfarm.core import backup
from printfarm.core.database import make_engine

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "migrations"


class MigrationRefused(Exception):
    """The database cannot be brought to this program's version; the sentence says why and what to do."""


def upgrade(settings: Settings) -> None:
    """Bring the database to this program's schema, after a backup of what is there.

    Raises MigrationRefused when the database is newer than the program, or does not answer.
    """
    if settings.sqlite_path is not None:
        settings.sqlite_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = make_engine(settings.database_owner_url)
    try:
        current, wanted = current_revision(engine), head()
        if current != wanted:
            _refuse_newer(current)
            if current is not None:
                backup.before_migration(settings)
            _apply(engine)
        program = make_url(settings.database_url).username
        if engine.dialect.name == "postgresql" and program and program != engine.url.username:
            let_in(engine, program)  # each time: a restore makes tables that nobody was let into
    except OperationalError as problem:
        raise MigrationRefused(
            f"The database {engine.url.render_as_string()} does not answer: {str(problem.orig).strip()}."
            " Check PRINTFARM_DATABASE_URL and whether it runs."
        ) from problem
    finally:
        engine.dispose()


def _apply(engine: Engine) -> None:
    try:
        command.upgrade(alembic_config(engine), "head")
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", problem)).strip()
        raise MigrationRefused(
            f"The database could not be brought to this version, and is as it was before: {reason}."
            " Go back to the version that worked, and report this sentence."
        ) from problem


def let_in(engine: Engine, role: str) -> None:
    """Give the program's role what it needs on PostgreSQL: rows, not tables. `engine` is the owner's."""
    quoted = engine.dialect.identifier_preparer.quote(role)
    with engine.begin() as connection:
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {quoted}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
            f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}",
        ):
            connection.execute(text(statement))


def current_revision(engine: Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(settings: Settings) -> bool:
    """Whether there is a database, and at this program's version."""
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        return False
    engine = make_engine(settings.database_url)
    try:
        return current_revision(engine) == head()
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def head() -> str | None:
    """The revision that this program needs."""
    return _scripts().get_current_head()


def known_revisions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def new_revision(engine: Engine, name: str) -> Path:
    """Write the next numbered migration from the difference between models and database (`./dev migration`)."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    number = f"{len(known_revisions()) + 1:04d}"
    import_models()
    script = command.revision(alembic_config(engine), message=slug, autogenerate=True, rev_id=number)
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


def alembic_config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["engine"] = engine
    return config


def has_model(name: str | None, _kind: str, _parents: object) -> bool:
    """Whether models speak of it: the full-text indexes (`fts_…`, and what SQLite lays beside them) are the migrations' own."""
    return not (name or "").startswith("fts_")


def import_models() -> None:
    """Import every area's models, so that the metadata knows all tables."""
    for path in sorted((ROOT / "printfarm").rglob("models*")):
        if path.suffix == ".py" or (path / "__init__.py").exists():
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    import_module("printfarm.core.owed")


def somebody_owns_it(engine: Engine) -> bool:
    """Whether a person exists; before that the set-up page asks for the code from the log."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1 FROM users LIMIT 1")).first() is not None


def _refuse_newer(current: str | None) -> None:
    if current is not None and current not in known_revisions():
        raise MigrationRefused(
            f"The database was made by a newer PrintFarm (its version {current} is not known here)."
            " Install that version again, or restore a backup made by this one."
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(FOLDER))
