"""A shop with a hub and printers, and the application behind a real socket."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from flask import Flask

from printfarm.core.work import unit_of_work
from printfarm.fleet import service
from tests.support.hubs import FakeHub
from tests.support.server import Served, serving


@pytest.fixture
def served(app: Flask) -> Iterator[Served]:
    with serving(app) as server:
        yield server


@pytest.fixture
def hub(app: Flask, shop: SimpleNamespace) -> service.NewHub:
    """An enrolled hub of Alice's shop (id, name, secret); nobody has signed in with it."""
    with app.app_context(), unit_of_work(shop.id) as db:
        return service.add_hub(db, "Shelf")


@pytest.fixture
def printer(app: Flask, shop: SimpleNamespace, hub: service.NewHub) -> SimpleNamespace:
    """Anna, a P1S: `printer.id`, `printer.serial`, `printer.access_code`."""
    return add_printer(app, shop, hub, name="Anna", serial="01P00A000000001")


def settings_for(hub: service.NewHub, **more: object) -> service.PrinterSettings:
    values = {
        "name": "Anna",
        "model_id": "C12",
        "address": "192.0.2.10",
        "serial": "01P00A000000001",
        "hub_id": hub.id,
        "access_code": "s3cr3t-1",
        **more,
    }
    return service.PrinterSettings(**values)  # type: ignore[arg-type]


def add_printer(app: Flask, shop: SimpleNamespace, hub: service.NewHub, **more: object) -> SimpleNamespace:
    with app.app_context(), unit_of_work(shop.id) as db:
        made = service.add_printer(db, settings_for(hub, **more))
        return SimpleNamespace(id=made.id, serial=made.serial, access_code="s3cr3t-1", name=made.name)


@pytest.fixture
def connected(served: Served, hub: service.NewHub, printer: SimpleNamespace) -> Iterator[FakeHub]:
    """The hub is signed in and knows Anna."""
    from hub import protocol

    with FakeHub(served.url, hub.id, hub.secret) as fake:
        fake.hear(protocol.SyncPrinters)
        yield fake


@pytest.fixture
def count_statements(app: Flask) -> Callable[[Callable[[], object]], int]:
    """How many statements a deed asks of the database."""
    from sqlalchemy import event

    from printfarm.core.database import db

    with app.app_context():
        engine = db.engine

    def count(deed: Callable[[], object]) -> int:
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            deed()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(asked)

    return count
