"""Backups: one zip with a consistent copy of the database, the local files, the key, and a manifest with counts and hashes.

Files in a bucket are not in it; the bucket's own versioning keeps those.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from printfarm.config import Settings
from printfarm.core.backup import postgres, sqlite
from printfarm.core.database import make_engine
from printfarm.version import __version__

FORMAT = 1
KEPT_BEFORE_MIGRATIONS = 10
CHUNK = 1 << 20
MANIFEST = "manifest.json"
KEY_NAME = "secret.key"
DATABASE_ERRORS = (sqlite3.Error, psycopg.Error, SQLAlchemyError)


class BackupRefused(Exception):
    """A backup could not be made or restored; the sentence says why. Nothing was changed."""


def make(settings: Settings, path: Path, *, with_files: bool = True) -> dict[str, Any]:
    """Write a backup to `path`, which appears whole or not at all, readable only by this user. Returns its manifest.

    Raises BackupRefused when the file exists or the disk is full.
    """
    if path.exists():
        raise BackupRefused(f"{path} exists already; a backup never overwrites. Choose another name.")
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        raise BackupRefused(f"There is no database {settings.sqlite_path}, so there is nothing to back up.")
    engine = make_engine(settings.database_owner_url)
    draft: Path | None = None
    try:
        descriptor, draft_name = tempfile.mkstemp(prefix=".backup-", dir=path.parent)
        draft = Path(draft_name)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                manifest = _fill(archive, settings, engine, with_files=with_files)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except (OSError, *DATABASE_ERRORS) as problem:
        raise BackupRefused(f"The backup {path} could not be written: {problem}. Nothing was kept of it.") from problem
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
        engine.dispose()
    return manifest


def before_migration(settings: Settings) -> Path:
    """Keep the database (migrations never touch files) in `<data>/backups`; the ten youngest stay."""
    folder = settings.backups_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"before-migration-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.zip"
    make(settings, path, with_files=False)
    for old in sorted(folder.glob("before-migration-*.zip"))[:-KEPT_BEFORE_MIGRATIONS]:
        old.unlink()
    return path


def restore(settings: Settings, path: Path) -> dict[str, Any]:
    """Put a backup into an empty place, compare row counts and hashes, and return its manifest.

    Raises BackupRefused when the place is not empty, the backup is missing, damaged or of another kind of database.
    """
    if not path.is_file():
        raise BackupRefused(f"There is no file {path}. Nothing was changed.")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(archive)
            _refuse_wrong_place(settings, manifest)
            _verify(archive, manifest)
            _put_back(archive, settings, manifest)
    except (zipfile.BadZipFile, KeyError, ValueError) as problem:
        raise BackupRefused(f"{path} is not a whole backup: {problem}. Nothing was changed.") from problem
    except (OSError, *DATABASE_ERRORS) as problem:
        raise BackupRefused(f"The restore failed and was undone: {problem}.") from problem
    return manifest


def _fill(archive: zipfile.ZipFile, settings: Settings, engine: Engine, *, with_files: bool) -> dict[str, Any]:
    entries: dict[str, dict[str, Any]] = {}
    keeper = sqlite if settings.uses_sqlite else postgres
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.data_dir) as folder:
        tables = keeper.dump(engine, Path(folder))
        for part in sorted(Path(folder).iterdir()):
            entries[f"database/{part.name}"] = _add(archive, part, f"database/{part.name}", compress=True)
    # After the database: a file is stored before the row that names it, so every row's file is here.
    if with_files and settings.files_dir.is_dir():
        for stored in sorted(settings.files_dir.rglob("*")):
            if stored.is_file() and not stored.name.startswith("."):
                name = f"files/{stored.relative_to(settings.files_dir).as_posix()}"
                entries[name] = _add(archive, stored, name, compress=False)
    if settings.secret_key is None and (settings.data_dir / KEY_NAME).exists():
        entries[KEY_NAME] = _add(archive, settings.data_dir / KEY_NAME, KEY_NAME, compress=False)
    manifest = {
        "format": FORMAT,
        "program": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": "sqlite" if settings.uses_sqlite else "postgresql",
        "revision": _revision(engine),
        "with_files": with_files,
        "files_in_bucket": settings.uses_s3,
        "tables": tables,
        "entries": entries,
    }
    archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def _add(archive: zipfile.ZipFile, source: Path, name: str, *, compress: bool) -> dict[str, Any]:
    info = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
    info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, archive.open(info, "w", force_zip64=True) as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            writer.write(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if manifest["format"] != FORMAT:
        raise BackupRefused(f"This backup has format {manifest['format']}; this program reads format {FORMAT}.")
    return manifest


def _refuse_wrong_place(settings: Settings, manifest: dict[str, Any]) -> None:
    kind = "sqlite" if settings.uses_sqlite else "postgresql"
    if manifest["database"] != kind:
        raise BackupRefused(
            f"The backup is of a {manifest['database']} database, but PRINTFARM_DATABASE_URL names {kind}."
        )
    keeper = sqlite if settings.uses_sqlite else postgres
    engine = make_engine(settings.database_owner_url)
    try:
        if not keeper.is_empty(engine, manifest["revision"]):
            raise BackupRefused("There is a database here already. A restore only goes into an empty place.")
    finally:
        engine.dispose()
    if manifest["with_files"] and settings.files_dir.is_dir() and any(settings.files_dir.iterdir()):
        raise BackupRefused(f"{settings.files_dir} holds files already. A restore only goes into an empty place.")
    key = settings.data_dir / KEY_NAME
    if KEY_NAME in manifest["entries"] and key.exists() and _hash(key) != manifest["entries"][KEY_NAME]["sha256"]:
        raise BackupRefused(f"{key} is another key than the backup's. Move it away first; a restore never overwrites.")


def _verify(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Every entry's hash, before anything is written."""
    for name, facts in manifest["entries"].items():
        digest = hashlib.sha256()
        with archive.open(name) as reader:
            while chunk := reader.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != facts["sha256"]:
            raise BackupRefused(f"The backup is damaged: {name} is not what was saved.")


def _put_back(archive: zipfile.ZipFile, settings: Settings, manifest: dict[str, Any]) -> None:
    """Unpack beside the target, then move files, key and database in; what fails before the end is taken back."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as name:
        unpacked = Path(name)
        for entry in manifest["entries"]:
            target = (unpacked / entry).resolve()
            if not target.is_relative_to(unpacked.resolve()):
                raise BackupRefused(f"The backup names a file outside its folder: {entry}. Nothing was changed.")
            _extract(archive, entry, target)
        moved = _move_in(unpacked, settings)
        try:
            _load_database(unpacked / "database", settings, manifest)
        except BaseException:
            for path in moved:
                path.rename(unpacked / path.name)
            raise


def _move_in(unpacked: Path, settings: Settings) -> list[Path]:
    """Files and key to their places; returns what was moved."""
    moved = []
    for source, target in (
        (unpacked / "files", settings.files_dir),
        (unpacked / KEY_NAME, settings.data_dir / KEY_NAME),
    ):
        if source.is_dir() and target.is_dir():
            target.rmdir()  # it is empty; that was checked
        if source.exists() and not target.exists():
            source.rename(target)
            moved.append(target)
    return moved


def _load_database(folder: Path, settings: Settings, manifest: dict[str, Any]) -> None:
    engine = make_engine(settings.database_owner_url)
    try:
        (sqlite if settings.uses_sqlite else postgres).load(engine, folder, manifest)
    finally:
        engine.dispose()


def _extract(archive: zipfile.ZipFile, entry: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with archive.open(entry) as reader, os.fdopen(descriptor, "wb") as writer:
        shutil.copyfileobj(reader, writer, CHUNK)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
