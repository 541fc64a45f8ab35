"""Backup and restore: whole or not at all, compared, and never over something that is there."""

import json
import os
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from printfarm.config import Settings, load_settings
from printfarm.core import backup, migrations
from printfarm.core.work import unit_of_work
from printfarm.filament.service import add_filament, add_spool
from tests.support.cast import open_shop_with
from tests.support.databases import OWNER, Postgres

FILES = {"shop-a/model/1": b"a sliced file" * 1000, "shop-b/model/2": b"", "shop-b/picture/3": b"\x89PNG"}


@pytest.fixture
def owner_settings(app: Flask, settings_environ: dict[str, str], request: pytest.FixtureRequest) -> Settings:
    """The running place, as the backup command sees it."""
    if settings_environ["PRINTFARM_DATABASE_URL"].startswith("postgresql"):
        server: Postgres = request.getfixturevalue("postgres")
        name = settings_environ["PRINTFARM_DATABASE_URL"].split("/")[3].split("?")[0]
        settings_environ["PRINTFARM_DATABASE_OWNER_URL"] = server.url(OWNER, name)
    settings_environ.pop("PRINTFARM_SECRET_KEY")
    return load_settings(settings_environ)


@pytest.fixture
def filled(app: Flask, owner_settings: Settings) -> Settings:
    """Two shops with people, a key, and stored files."""
    for name, brand in (("Alice", "Prusament"), ("Charlie", "Sunlu\t\\N ü")):
        shop = open_shop_with(app, email=f"{name}@example.com", name=name, shop_name=f"{name}'s Prints")
        with app.app_context(), unit_of_work(shop.id) as db:
            filament = add_filament(db, brand=brand, material="PLA", colour_name="Red", colour_hex="#FF0000")
            add_spool(db, filament.id, weight_mg=1_000_000)
    for name, content in FILES.items():
        path = owner_settings.files_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (owner_settings.files_dir / "shop-a/model/.1.77.part").write_bytes(b"half an upload")
    assert owner_settings.secret
    return owner_settings


@pytest.fixture
def elsewhere(filled: Settings, tmp_path: Path, request: pytest.FixtureRequest):
    """An empty place for the same kind of database."""
    environ = {"PRINTFARM_DATA_DIR": str(tmp_path / "elsewhere")}
    if filled.uses_sqlite:
        yield load_settings(environ)
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"elsewhere_{os.getpid()}"
    server.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    url = server.url(OWNER, name)
    yield load_settings({**environ, "PRINTFARM_DATABASE_URL": url})
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def rows(settings: Settings, query: str) -> list[tuple]:
    if settings.uses_sqlite:
        with closing(sqlite3.connect(settings.sqlite_path)) as database:
            return database.execute(query).fetchall()
    found = []
    with psycopg.connect(settings.database_owner_url) as database:
        for (shop,) in database.execute("SELECT id FROM shops").fetchall():
            database.execute("SELECT set_config('app.shop_id', %s, true)", [str(shop)])
            found += database.execute(query).fetchall()
    return sorted(set(found))


def test_everything_comes_back(filled: Settings, elsewhere: Settings, tmp_path: Path):
    manifest = backup.make(filled, tmp_path / "b.zip")
    assert manifest["tables"]["users"] == 2
    assert manifest["tables"]["shops"] == 2
    assert manifest["tables"]["filaments"] == 2
    assert manifest["tables"]["stock_entries"] == 2

    restored = backup.restore(elsewhere, tmp_path / "b.zip")

    assert restored == manifest
    for query in (
        "SELECT id, email, password_hash FROM users ORDER BY id",
        "SELECT * FROM alembic_version",
        "SELECT id, shop_id, brand, colour_hex FROM filaments ORDER BY id",
        "SELECT id, shop_id, spool_id FROM stock_entries ORDER BY id",
    ):
        assert rows(elsewhere, query) == rows(filled, query) != []
    found = {
        path.relative_to(elsewhere.files_dir).as_posix(): path.read_bytes()
        for path in elsewhere.files_dir.rglob("*")
        if path.is_file()
    }
    assert found == FILES
    assert elsewhere.secret == filled.secret


@pytest.mark.postgres
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_the_fence_and_the_keys_stand_again(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    backup.restore(elsewhere, tmp_path / "b.zip")
    catalogue = (
        (
            "SELECT relname::text, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace ="
            " 'public'::regnamespace ORDER BY 1"
        ),
        (
            "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " ORDER BY 1"
        ),
        "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    )
    for query in catalogue:
        assert rows(elsewhere, query) == rows(filled, query)


def test_the_restored_place_starts(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    backup.restore(elsewhere, tmp_path / "b.zip")
    migrations.upgrade(elsewhere)
    assert not elsewhere.backups_dir.exists(), "nothing to migrate, so nothing to back up"


def test_only_this_user_may_read_it(filled: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten(filled: Settings, tmp_path: Path):
    (tmp_path / "b.zip").write_bytes(b"precious")
    with pytest.raises(backup.BackupRefused, match="exists already"):
        backup.make(filled, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == b"precious"


def test_a_missing_folder_is_a_sentence(filled: Settings, tmp_path: Path):
    with pytest.raises(backup.BackupRefused, match="could not be written"):
        backup.make(filled, tmp_path / "nowhere" / "b.zip")


def test_a_restore_over_a_database_is_refused(filled: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    before = rows(filled, "SELECT id FROM users ORDER BY id")
    with pytest.raises(backup.BackupRefused, match="only goes into an empty place"):
        backup.restore(filled, tmp_path / "b.zip")
    assert rows(filled, "SELECT id FROM users ORDER BY id") == before


def test_a_restore_over_files_is_refused(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    elsewhere.files_dir.mkdir(parents=True)
    (elsewhere.files_dir / "mine").write_bytes(b"precious")
    with pytest.raises(backup.BackupRefused, match="holds files already"):
        backup.restore(elsewhere, tmp_path / "b.zip")
    assert [path.name for path in elsewhere.files_dir.iterdir()] == ["mine"]


def test_another_key_is_never_replaced(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    mine = elsewhere.secret
    with pytest.raises(backup.BackupRefused, match="another key"):
        backup.restore(elsewhere, tmp_path / "b.zip")
    assert load_settings({"PRINTFARM_DATA_DIR": str(elsewhere.data_dir)}).secret == mine


def test_a_damaged_entry_stops_it_before_anything_is_written(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for entry in whole.namelist():
            content = whole.read(entry)
            bad.writestr(entry, b"something else" if entry == "files/shop-a/model/1" else content)
    with pytest.raises(backup.BackupRefused, match="damaged: files/shop-a/model/1"):
        backup.restore(elsewhere, tmp_path / "bad.zip")
    assert not elsewhere.files_dir.exists()


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 half a zip"])
def test_what_is_no_backup_is_a_sentence(elsewhere: Settings, tmp_path: Path, content: bytes):
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(backup.BackupRefused, match="is not a whole backup"):
        backup.restore(elsewhere, tmp_path / "b.zip")


def test_a_missing_backup_is_a_sentence(tmp_path: Path):
    with pytest.raises(backup.BackupRefused, match=r"There is no file .*none\.zip"):
        backup.restore(load_settings({"PRINTFARM_DATA_DIR": str(tmp_path / "new")}), tmp_path / "none.zip")
    assert not (tmp_path / "new").exists()


def test_a_name_that_leaves_the_folder_is_refused(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        manifest = json.loads(whole.read("manifest.json"))
        manifest["entries"]["files/../../escaped"] = manifest["entries"]["files/shop-b/model/2"]
        for entry in whole.namelist():
            if entry != "manifest.json":
                bad.writestr(entry, whole.read(entry))
        bad.writestr("files/../../escaped", b"")
        bad.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(backup.BackupRefused, match="outside its folder"):
        backup.restore(elsewhere, tmp_path / "bad.zip")
    assert not (tmp_path / "escaped").exists()


def test_rows_that_differ_from_the_manifest_are_noticed(filled: Settings, elsewhere: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        manifest = json.loads(whole.read("manifest.json"))
        manifest["tables"]["users"] = 3
        for entry in whole.namelist():
            bad.writestr(entry, json.dumps(manifest) if entry == "manifest.json" else whole.read(entry))
    with pytest.raises(backup.BackupRefused, match="users 2 instead of 3"):
        backup.restore(elsewhere, tmp_path / "bad.zip")


def test_the_other_kind_of_database_is_refused(filled: Settings, tmp_path: Path):
    backup.make(filled, tmp_path / "b.zip")
    other = "postgresql://nobody@127.0.0.1:1/none" if filled.uses_sqlite else f"sqlite:///{tmp_path}/x.db"
    wrong = load_settings({"PRINTFARM_DATA_DIR": str(tmp_path / "wrong"), "PRINTFARM_DATABASE_URL": other})
    with pytest.raises(backup.BackupRefused, match="but PRINTFARM_DATABASE_URL names"):
        backup.restore(wrong, tmp_path / "b.zip")


def test_the_last_ten_before_migrations_stay_and_hold_no_files(filled: Settings):
    made = [backup.before_migration(filled) for _ in range(12)]
    kept = sorted(filled.backups_dir.iterdir())
    assert kept == made[2:]
    with zipfile.ZipFile(kept[-1]) as archive:
        assert not [name for name in archive.namelist() if name.startswith("files/")]


def test_a_database_backup_goes_beside_files_that_are_there(filled: Settings, elsewhere: Settings):
    saved = backup.before_migration(filled)
    shutil.copytree(filled.files_dir, elsewhere.files_dir)
    backup.restore(elsewhere, saved)
    assert rows(elsewhere, "SELECT id FROM users ORDER BY id") == rows(filled, "SELECT id FROM users ORDER BY id")


def test_a_full_disk_leaves_nothing_half_written(filled: Settings, tmp_path: Path):
    import resource
    import signal

    folder = tmp_path / "small"
    folder.mkdir()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        with pytest.raises(backup.BackupRefused, match="could not be written"):
            backup.make(filled, folder / "b.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, previous)
    assert list(folder.iterdir()) == []
