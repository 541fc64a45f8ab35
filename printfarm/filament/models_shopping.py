"""What the shop wants to buy and what it has ordered, beside filaments and spools."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table


class ShoppingWish(ShopScoped, Base):
    """So many rolls of a filament that a person wants, whatever the stock says; gone once they are ordered."""

    __tablename__ = "shopping_wishes"
    __table_args__ = shop_table(shop_reference("filament_id", "filaments"), UniqueConstraint("shop_id", "filament_id"))

    filament_id: Mapped[UUID]
    rolls: Mapped[int] = mapped_column(default=1)
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Purchase(ShopScoped, Base):
    """Rolls of one filament, ordered at once. The rolls name it (`Spool.purchase_id`); those that have come keep it."""

    __tablename__ = "purchases"
    __table_args__ = shop_table(
        shop_reference("filament_id", "filaments"),
        # The same form sent twice orders once.
        UniqueConstraint("shop_id", "token", "filament_id"),
        Index(None, "shop_id", "filament_id"),
    )

    filament_id: Mapped[UUID]
    rolls: Mapped[int]
    wished: Mapped[int] = mapped_column(default=0)  # how many of them a person had wished for
    price_minor: Mapped[int | None] = mapped_column(BigInteger)  # of one roll; None: nobody has said
    supplier: Mapped[str] = mapped_column(default="")
    token: Mapped[str | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
