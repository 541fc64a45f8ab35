"""The schema: migrations and models say the same, every table belongs to a shop or is listed, no key leads out of a shop."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, inspect

from printfarm.core import migrations
from printfarm.core.database import Base, make_engine
from printfarm.core.tenancy import ShopScoped

# These belong to no shop; everything in them that names one says so in a column, and no view lists them unfiltered.
GLOBAL = {"users", "shops", "memberships", "sessions", "credentials", "owed"}

migrations.import_models()
TABLES = {table.name: table for table in Base.metadata.sorted_tables}
SCOPED = {m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, ShopScoped)}


@pytest.fixture
def engine(database_url):
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def test_migrated_schema_and_models_are_the_same(engine):
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": migrations.has_model}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_partial_indexes_of_the_models_are_in_the_database(engine):
    partial = {
        index.name
        for table in TABLES.values()
        for index in table.indexes
        if index.dialect_options[engine.dialect.name].get("where") is not None
    }
    assert partial
    found = inspect(engine)
    indexes = {
        index["name"]
        for name in TABLES
        for index in found.get_indexes(name)
        if index.get("dialect_options", {}).get(f"{engine.dialect.name}_where") is not None
    }
    assert partial <= indexes


def test_every_table_belongs_to_a_shop_or_is_listed():
    assert set(TABLES) - SCOPED == GLOBAL


def test_there_is_one_head():
    assert len(migrations._scripts().get_heads()) == 1


@pytest.mark.parametrize("name", sorted(TABLES))
def test_foreign_keys_stay_inside_the_shop(name):
    for key in TABLES[name].foreign_key_constraints:
        targets = [element.target_fullname for element in key.elements]
        columns = [column.name for column in key.columns]
        assert key.ondelete in {"RESTRICT", "CASCADE"}, f"{name}.{columns}: SET NULL would null the shop too"
        if name in SCOPED and columns == ["shop_id"]:
            assert targets == ["shops.id"]
        elif key.elements[0].column.table.name in SCOPED:
            target = key.elements[0].column.table.name
            assert columns[0] == "shop_id", f"{name}.{columns} could lead into another shop"
            assert targets == [f"{target}.shop_id", f"{target}.id"], f"{name}.{columns}"


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_scoped_tables_can_be_pointed_at_and_name_their_shop(name):
    table = TABLES[name]
    assert table.columns["shop_id"].nullable is False
    pairs = {tuple(c.name for c in u.columns) for u in table.constraints if isinstance(u, UniqueConstraint)}
    assert ("shop_id", "id") in pairs


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_what_is_unique_or_looked_up_is_so_within_its_shop(name):
    """An index that does not begin with the shop would let one shop's rows slow down, or refuse, another's."""
    # What a printer reports back is found by the run's code alone, which is random.
    listed = {("print_runs", ("code",))}
    table = TABLES[name]
    for one in [*table.indexes, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]:
        columns = tuple(column.name for column in one.columns)
        assert columns[0] == "shop_id" or (name, columns) in listed, f"{name}: {columns}"


def test_every_foreign_key_is_declared_in_the_database_too(engine):
    found = inspect(engine)
    for name, table in TABLES.items():
        declared = {tuple(sorted(key["constrained_columns"])) for key in found.get_foreign_keys(name)}
        wanted = {
            tuple(sorted(c.name for c in key.columns))
            for key in table.constraints
            if isinstance(key, ForeignKeyConstraint)
        }
        assert wanted <= declared, name
