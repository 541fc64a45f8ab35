"""Bringing a database to this program's schema: saved first, all or nothing, never backwards."""

import os
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from printfarm.config import Settings, load_settings
from printfarm.core import backup, migrations
from printfarm.core.database import make_engine
from printfarm.core.fences import Unfenced, refuse_unfenced
from tests.support.databases import OWNER, PROGRAM, Postgres


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"PRINTFARM_DATA_DIR": str(tmp_path)})


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path):
    """Two roles and an empty database, as docs/operating.md sets them up."""
    name = f"operating_{os.getpid()}"
    postgres.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    yield load_settings(
        {
            "PRINTFARM_DATA_DIR": str(tmp_path),
            "PRINTFARM_DATABASE_URL": postgres.url(PROGRAM, name),
            "PRINTFARM_DATABASE_OWNER_URL": postgres.url(OWNER, name),
        }
    )
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def versions(settings: Settings) -> list[str]:
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        return [row[0] for row in database.execute("SELECT version_num FROM alembic_version")]


def age(settings: Settings, revision: str) -> None:
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.commit()


def test_an_empty_place_is_made_without_a_backup(settings: Settings):
    migrations.upgrade(settings)
    assert versions(settings) == [migrations.head()]
    assert not settings.backups_dir.exists()


def test_a_second_time_changes_nothing(settings: Settings):
    migrations.upgrade(settings)
    before = settings.sqlite_path.stat().st_mtime_ns
    migrations.upgrade(settings)
    assert settings.sqlite_path.stat().st_mtime_ns == before


def test_a_newer_database_is_refused_and_left_alone(settings: Settings):
    migrations.upgrade(settings)
    age(settings, "9999")
    with pytest.raises(migrations.MigrationRefused, match="made by a newer PrintFarm"):
        migrations.upgrade(settings)
    assert versions(settings) == ["9999"]
    assert not settings.backups_dir.exists()


def test_what_is_there_is_saved_before_it_changes(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    migrations.upgrade(settings)
    revision = a_next_migration(tmp_path, monkeypatch, "op.add_column('shops', sa.Column('motto', sa.String()))")
    migrations.upgrade(settings)
    assert versions(settings) == [revision]
    (saved,) = settings.backups_dir.iterdir()
    with zipfile.ZipFile(saved) as archive:
        assert b'"revision": "9000"' not in archive.read("manifest.json")
    age(settings, "0000")  # whatever happens to it now, the saved one comes back
    elsewhere = load_settings({"PRINTFARM_DATA_DIR": str(tmp_path / "elsewhere")})
    backup.restore(elsewhere, saved)
    assert versions(elsewhere) != [revision]


def test_a_migration_that_fails_leaves_the_old_schema(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    migrations.upgrade(settings)
    before = versions(settings)
    a_next_migration(
        tmp_path, monkeypatch, "op.create_table('half', sa.Column('a', sa.Integer())); op.drop_table('missing')"
    )
    with pytest.raises(migrations.MigrationRefused, match="is as it was before: no such table: missing"):
        migrations.upgrade(settings)
    assert versions(settings) == before
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_recreating_a_parent_keeps_its_children(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    migrations.upgrade(settings)
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        database.executescript(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE);"
            "INSERT INTO parent VALUES (1, 'x'); INSERT INTO child VALUES (1, 1), (2, 1);"
        )
    a_next_migration(
        tmp_path,
        monkeypatch,
        "batch = op.batch_alter_table('parent', recreate='always')\n"
        "    with batch as b: b.add_column(sa.Column('more', sa.String()))",
    )
    migrations.upgrade(settings)
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        assert database.execute("SELECT count(*) FROM child").fetchone() == (2,)


def test_rows_without_a_parent_stop_a_migration(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    migrations.upgrade(settings)
    a_next_migration(
        tmp_path,
        monkeypatch,
        "op.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');"
        "op.execute('CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id))');"
        "op.execute('INSERT INTO child VALUES (1, 77)')",
    )
    with pytest.raises(RuntimeError, match="1 rows without their parent in child"):
        migrations.upgrade(settings)


def test_a_database_that_does_not_answer_is_a_sentence(tmp_path: Path):
    settings = load_settings(
        {"PRINTFARM_DATA_DIR": str(tmp_path), "PRINTFARM_DATABASE_URL": "postgresql://a:hunter2@127.0.0.1:1/none"}
    )
    with pytest.raises(migrations.MigrationRefused, match="does not answer") as refused:
        migrations.upgrade(settings)
    assert "hunter2" not in str(refused.value)


@pytest.mark.postgres
def test_on_postgresql_the_program_gets_rows_and_the_owner_keeps_the_tables(on_postgres: Settings):
    migrations.upgrade(on_postgres)
    refuse_unfenced(make_engine(on_postgres.database_url))
    with psycopg.connect(on_postgres.database_url, autocommit=True) as program:
        assert program.execute("SELECT count(*) FROM shops").fetchone() == (0,)
        for statement in (
            "DROP TABLE shops",
            "ALTER TABLE filaments DISABLE ROW LEVEL SECURITY",
            "DELETE FROM alembic_version",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                program.execute(statement)


@pytest.mark.postgres
def test_the_owner_may_not_be_the_program(on_postgres: Settings):
    migrations.upgrade(on_postgres)
    with pytest.raises(Unfenced, match="owns the tables"):
        refuse_unfenced(make_engine(on_postgres.database_owner_url))


@pytest.mark.postgres
def test_after_a_restore_the_program_is_let_in_again(on_postgres: Settings, postgres: Postgres, tmp_path: Path):
    migrations.upgrade(on_postgres)
    backup.make(on_postgres, tmp_path / "b.zip")
    with psycopg.connect(on_postgres.database_owner_url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY CURRENT_USER CASCADE")
    backup.restore(on_postgres, tmp_path / "b.zip")
    migrations.upgrade(on_postgres)
    with psycopg.connect(on_postgres.database_url) as program:
        assert program.execute("SELECT count(*) FROM shops").fetchone() == (0,)


def a_next_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statements: str) -> str:
    """A copy of our migrations with one more; returns its revision."""
    import shutil

    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9000_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = '9000'\ndown_revision = {migrations.head()!r}\n\n\n"
        f"def upgrade() -> None:\n    {statements}\n"
    )
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return "9000"


def test_the_next_migration_is_numbered_named_and_applies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import shutil

    from printfarm.processes import revision

    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "FOLDER", folder)
    count = len(migrations.known_revisions())
    assert revision.main("Where spools lie") == 0
    path = folder / "versions" / f"{count + 1:04d}_where_spools_lie.py"
    assert str(path) in capsys.readouterr().out
    assert "op." not in path.read_text(), "models and migrations differ"
    settings = load_settings({"PRINTFARM_DATA_DIR": str(tmp_path)})
    migrations.upgrade(settings)
    assert versions(settings) == [f"{count + 1:04d}"]
