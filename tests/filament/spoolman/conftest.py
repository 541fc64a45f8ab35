"""A program with a token, and a roll that it may use."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from printfarm.accounts.service import make_token
from printfarm.core.database import db as database
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from tests.filament.spoolman.program import Program


@pytest.fixture
def token(app, shop) -> str:
    with app.app_context(), unit_of_work(None) as db:
        return make_token(db, shop.id, "Moonraker on Voron", "stock")


@pytest.fixture
def program(app, token) -> Program:
    return Program(app, token)


@pytest.fixture
def reader(app, shop) -> Program:
    with app.app_context(), unit_of_work(None) as db:
        return Program(app, make_token(db, shop.id, "Screen on the wall", "read"))


@pytest.fixture
def stranger_program(app, charlie) -> Program:
    """With a token of another shop."""
    with app.app_context(), unit_of_work(None) as db:
        return Program(app, make_token(db, charlie.shop_id, "Charlie's", "stock"))


@pytest.fixture
def roll(app, shop) -> SimpleNamespace:
    """A kilogram of black PLA."""
    with app.app_context(), unit_of_work(shop.id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Black", colour_hex="#111111", density_g_cm3="1.24"
        )
        spool = service.add_spool(db, black.id, weight_mg=1_000_000)
        return SimpleNamespace(id=spool.id, number=spool.number, filament_id=black.id, filament=black.number)


@pytest.fixture
def in_shop(app, shop):
    """A reading transaction in the shop, for looking at the rows themselves."""
    with app.app_context(), read_only(shop.id) as db:
        yield db


@pytest.fixture
def statements(app):
    """What is said to the database meanwhile."""

    @contextmanager
    def listening():
        said = []
        with app.app_context():
            engine = database.engine

        def note(_connection, _cursor, statement, *_more):
            said.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield said
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return listening
