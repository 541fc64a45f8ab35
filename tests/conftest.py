"""The cast and the stage: real SQLite and PostgreSQL, a real Valkey, two shops with people in every role."""

import gc
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser as PageBrowser
from playwright.sync_api import sync_playwright
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from printfarm.accounts.service import people
from printfarm.application import build
from printfarm.config import load_settings
from tests.support import compiled, databases, valkey
from tests.support.browser import Browser
from tests.support.cast import Person, hire, open_shop_with
from tests.support.chromium import find as find_chromium

SAMPLES = Path(os.environ.get("PRINTFARM_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))

STATEMENTS_KEPT = 4000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the browser drives one."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.journey)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so that nobody looks there for garbage, nor so often elsewhere."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path is limited to about 100 bytes."""
    path = Path(tempfile.mkdtemp(prefix="pf-", dir="/tmp" if sys.platform != "win32" else None))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test builds an application of its own; without this it would compile every template it shows anew."""
    folder = tmp_path_factory.getbasetemp().parent / "templates"
    folder.mkdir(exist_ok=True)
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": compiled.Templates(str(folder))}


@pytest.fixture(scope="session", autouse=True)
def compiled_routes() -> None:
    """Nor is the address of each route compiled anew for each application."""
    compiled.keep_routes()


@pytest.fixture(scope="session", autouse=True)
def compiled_statements() -> None:
    """Nor is each statement: engines of one kind share what they have compiled, as all shops of one process do."""
    DefaultDialect.__eq__ = lambda dialect, other: type(dialect) is type(other)  # it is a part of a statement's key
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))
    made = LRUCache(STATEMENTS_KEPT)
    Engine._compiled_cache = property(lambda _engine: made, lambda _engine, _own: None)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> PasswordHasher:
    """Every test signs people up, and what a real hash costs would be half their time. The value is the real one."""
    real = people._hasher
    people._hasher = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)
    people._NOBODY = people._hasher.hash("nobody has this password")
    return real


@pytest.fixture(scope="session")
def redis_url(short_tmp: Path) -> Iterator[str]:
    with valkey.running(short_tmp) as url:
        yield url


@pytest.fixture(scope="session")
def postgres(short_tmp: Path) -> Iterator[databases.Postgres]:
    with warnings.catch_warnings(), databases.running_postgres(short_tmp / "pg") as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.migrated_sqlite(tmp_path_factory.mktemp("template") / "template.db")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    """Every test that touches the database runs on both."""
    return request.param


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if backend == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        path = tmp_path / "printfarm.db"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres")
        with server.fresh_database() as url:
            yield url


@pytest.fixture
def settings_environ(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of the app under test; a test may add to it through its own `app` fixture."""
    return {
        "PRINTFARM_DATA_DIR": str(tmp_path / "data"),
        "PRINTFARM_DATABASE_URL": database_url,
        "PRINTFARM_REDIS_URL": redis_url,
        "PRINTFARM_SECRET_KEY": "5e" * 32,
        "PRINTFARM_LOG_LEVEL": "warning",
    }


@pytest.fixture
def app(settings_environ: dict[str, str]) -> Iterator[Flask]:
    valkey.flush(settings_environ["PRINTFARM_REDIS_URL"])
    made = build(load_settings(settings_environ))
    made.config["TESTING"] = False  # errors become pages, as they do for people
    yield made
    made.extensions["printfarm.live"].shutdown()
    with made.app_context():
        from printfarm.core.database import db

        db.engine.dispose()


@pytest.fixture
def ctx(app: Flask) -> Iterator[Flask]:
    """An application context, for tests that call services."""
    with app.app_context():
        yield app


@pytest.fixture
def shop(app: Flask) -> SimpleNamespace:
    """Alice's shop: `shop.id`, `shop.owner` (a user id)."""
    return open_shop_with(app, email="alice@example.com", name="Alice", shop_name="Alice's Prints")


@pytest.fixture
def alice(app: Flask, shop: SimpleNamespace) -> Person:
    """Owns the shop."""
    return Person(app, shop.id, shop.owner, "owner", Browser(app).signed_in(shop.owner, shop.id))


@pytest.fixture
def adam(app: Flask, shop: SimpleNamespace) -> Person:
    """Its admin."""
    return hire(app, shop, "adam@example.com", "Adam", "admin")


@pytest.fixture
def olga(app: Flask, shop: SimpleNamespace) -> Person:
    """Its operator."""
    return hire(app, shop, "olga@example.com", "Olga", "operator")


@pytest.fixture
def bob(app: Flask, shop: SimpleNamespace) -> Person:
    """Its viewer."""
    return hire(app, shop, "bob@example.com", "Bob", "viewer")


@pytest.fixture
def charlie(app: Flask, shop: SimpleNamespace) -> Person:
    """Owns another shop."""
    other = open_shop_with(app, email="charlie@example.com", name="Charlie", shop_name="Charlie's Corner")
    return Person(app, other.id, other.owner, "owner", Browser(app).signed_in(other.owner, other.id))


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """Nobody is signed in."""
    return Browser(app)


@pytest.fixture(scope="session")
def chromium() -> Iterator[PageBrowser]:
    """A real browser, one per process (Playwright starts once); each test opens contexts of its own."""
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium on this machine; `./dev browser` fetches one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**found.options)
        yield browser
        browser.close()


@pytest.fixture
def samples() -> Path:
    """Real sliced files of other people; never part of the project."""
    if not SAMPLES.is_dir():
        pytest.skip(f"the real sliced files are not on this machine (looked in {SAMPLES}; set PRINTFARM_SAMPLES)")
    return SAMPLES
