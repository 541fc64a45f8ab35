"""One index for everything that can be found, with full text below it."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from migrations.fences import THIS_SHOP, each_shop, fence
from printfarm.core.ids import new_id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The words as PostgreSQL matches them, and one that every line has. Its price keeps the planner from working it out for line
# after line instead of asking the index: the functions inside are cheaper in its books than in life. (SQL would be inlined.)
WORDS = """CREATE FUNCTION words_to_match(words text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000
  AS $$ BEGIN RETURN array_to_tsvector(array_append(string_to_array(words, ' '), 'any')); END $$"""
VECTOR = "words_to_match(words)"
# Below row-level security PostgreSQL uses an index only for what the policy itself asks (its text operators are not leakproof);
# so the question travels with the fence. Nobody asking, every line of the shop is there.
ASKED = f"{VECTOR} @@ coalesce(nullif(current_setting('app.search', true), ''), 'any')::tsquery"


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_search_entries_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_search_entries_shop_id_id")),
    )
    op.create_index(op.f("ix_search_entries_shop_id_kind_id"), "search_entries", ["shop_id", "kind", "id"])
    op.create_table(
        "search_spellings",
        sa.Column("spelling", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_search_spellings_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_spellings")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_search_spellings_shop_id_id")),
        sa.UniqueConstraint("shop_id", "spelling", "word", name=op.f("uq_search_spellings_shop_id_spelling_word")),
    )
    fence("search_entries", "search_spellings")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(WORDS)
        op.execute(f"CREATE INDEX fts_search ON search_entries USING gin (({VECTOR}))")
        op.execute(f"ALTER POLICY one_shop ON search_entries USING ({THIS_SHOP} AND {ASKED}) WITH CHECK ({THIS_SHOP})")
    else:
        _full_text_on_sqlite()
    _promise_to_fill()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE fts_search")
    op.drop_table("search_spellings")
    op.drop_table("search_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION words_to_match")
    op.execute("DELETE FROM owed WHERE kind = 'reindex'")


def _full_text_on_sqlite() -> None:
    """An index without a copy of the words, that knows in which lines each stands and no more; triggers keep it."""
    op.execute(
        "CREATE VIRTUAL TABLE fts_search USING fts5"
        "(words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '_.=+'\")"
    )
    add = "INSERT INTO fts_search (rowid, words) VALUES (new.number, new.words);"
    drop = "INSERT INTO fts_search (fts_search, rowid, words) VALUES ('delete', old.number, old.words);"
    for name, when, deeds in (
        ("added", "AFTER INSERT", add),
        ("gone", "AFTER DELETE", drop),
        ("changed", "AFTER UPDATE OF number, words", f"{drop} {add}"),
    ):
        op.execute(f"CREATE TRIGGER search_entries_{name} {when} ON search_entries BEGIN {deeds} END")


def _promise_to_fill() -> None:
    """A worker fills the index of each shop, in batches of its own: what folds and collects the words is the program's."""
    owed = sa.table(
        "owed",
        sa.column("id", sa.Uuid()),
        sa.column("shop_id", sa.Uuid()),
        sa.column("kind", sa.String()),
        sa.column("subject_id", sa.Uuid()),
        sa.column("due_at", sa.DateTime(timezone=True)),
        sa.column("attempts", sa.Integer()),
    )
    now = datetime.now(UTC) if op.get_bind().dialect.name == "postgresql" else datetime.now(UTC).replace(tzinfo=None)
    for shop_id in list(each_shop()):
        row = {"id": new_id(), "shop_id": shop_id, "subject_id": shop_id, "kind": "reindex", "due_at": now, "attempts": 0}
        op.get_bind().execute(sa.insert(owed).values(**row))
