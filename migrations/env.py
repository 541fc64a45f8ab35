"""Alembic's environment: one transaction for all steps, on SQLite with the foreign keys asleep."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine, text

from printfarm.core.database import Base, ExactDecimal, UtcDateTime
from printfarm.core.migrations import has_model, import_models


def run(engine: Engine) -> None:
    import_models()
    with engine.execution_options(writes=True).connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            # Changing a table means copying and dropping it; with foreign keys awake, dropping a parent would silently
            # delete its children (ON DELETE CASCADE). Outside a transaction, or the pragma has no effect.
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            include_name=has_model,
            render_item=_render_item,
        )
        with context.begin_transaction():
            if not is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(7231049)"))  # one machine migrates, others wait
            context.run_migrations()
            if is_sqlite:
                _check_foreign_keys(connection)
    engine.dispose()  # the next connection has its foreign keys on again


def _render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Migrations name the database's own types, so that they stay true when our classes change."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, ExactDecimal):
        return "sa.BigInteger()"
    return False


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = sorted({row[0] for row in broken})
        raise RuntimeError(f"the migration would leave {len(broken)} rows without their parent in {', '.join(tables)}")


run(context.config.attributes["engine"])
