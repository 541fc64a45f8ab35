"""What the search knows: one line per thing that can be found, and the words that it spells."""

from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from printfarm.core.database import Base
from printfarm.core.ids import new_id
from printfarm.core.tenancy import ShopScoped, shop_table


class SearchEntry(ShopScoped, Base):
    """One thing that can be found; `id` is the thing's own. Derived, and rebuilt by `printfarm reindex`.

    The migration lays a full-text index over `words`: FTS5 on SQLite, kept by triggers, and GIN on PostgreSQL.
    """

    __tablename__ = "search_entries"
    __table_args__ = shop_table(Index(None, "shop_id", "kind", "id"))

    # FTS5 knows a row by its number.
    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[UUID] = mapped_column(default=new_id)
    kind: Mapped[str]  # one of printfarm.insight.search.KINDS
    name: Mapped[str]  # the words of its name, folded: by them the hits are ordered
    words: Mapped[str]  # everything by which it is found: printfarm.insight.search.tokens
    rank: Mapped[int] = mapped_column(default=0)  # what is over stands behind what is going on
    duration_s: Mapped[int | None] = mapped_column(BigInteger)  # how long its longest plate prints


class SearchSpelling(ShopScoped, Base):
    """A word of the shop's names under one of its spellings with a letter left out; two that share one are a slip apart."""

    __tablename__ = "search_spellings"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "spelling", "word"))

    spelling: Mapped[str]
    word: Mapped[str]
