"""The database: one declarative base, exact column types, and the engine's habits on SQLite and PostgreSQL."""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON as _JSON
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# How long a statement waits for SQLite's one writer before the person is asked to try again.
SQLITE_BUSY_MS = 5_000


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time. A naive value is a bug and is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with a fixed number of places, stored as an integer: SQLite has no exact decimal of its own."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int = 4) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        if value is None:
            return None
        return int(Decimal(value).scaleb(self.places).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(int(value)).scaleb(-self.places)


Json = _JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Every table of PrintFarm."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, dict[str, Any]: Json, list[Any]: Json}


db = SQLAlchemy(metadata=Base.metadata)


def make_engine(url: str, **options: Any) -> Engine:
    """An engine with the habits that every process needs; `options` go to SQLAlchemy's create_engine."""
    engine = create_engine(url, **engine_options(url), **options)
    tune(engine)
    return engine


def engine_options(url: str) -> dict[str, Any]:
    """Connection settings by kind of database."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 40, "pool_timeout": 10}


def tune(engine: Engine) -> None:
    """SQLite: WAL, foreign keys, and transactions that we begin ourselves (pysqlite's own begin comes too late)."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(dbapi: sqlite3.Connection, _record: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={SQLITE_BUSY_MS}", "synchronous=NORMAL"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A deferred transaction that reads first and writes later fails at once when somebody else wrote in between,
        # whatever the busy timeout; so whoever will write says so when it begins.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
