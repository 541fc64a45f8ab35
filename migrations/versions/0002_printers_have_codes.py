"""printers have codes"""

import secrets

import sqlalchemy as sa
from alembic import op

from migrations.fences import each_shop

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 5

def upgrade() -> None:
    op.add_column("printers", sa.Column("code", sa.String(), nullable=True))
    _give_codes()
    with op.batch_alter_table("printers", schema=None, table_args=(_connection(),)) as batch_op:
        batch_op.alter_column("code", existing_type=sa.String(), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_printers_shop_id_code"), ["shop_id", "code"])


def downgrade() -> None:
    with op.batch_alter_table("printers", schema=None, table_args=(_connection(),)) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_printers_shop_id_code"), type_="unique")
        batch_op.drop_column("code")


def _connection() -> sa.CheckConstraint:
    """SQLite changes a table by copying it, and the copy is made without the checks that are not stated."""
    states = "connection IN ('unknown', 'connecting', 'online', 'offline', 'refused')"
    return sa.CheckConstraint(states, name=op.f("ck_printers_connection"))


def _give_codes() -> None:
    printers = sa.table(
        "printers", sa.column("id", sa.Uuid()), sa.column("shop_id", sa.Uuid()), sa.column("code", sa.String())
    )
    connection = op.get_bind()
    for shop_id in each_shop():
        taken: set[str] = set()
        for printer_id in connection.scalars(sa.select(printers.c.id).where(printers.c.shop_id == shop_id)).all():
            code = _unused(taken)
            taken.add(code)
            connection.execute(sa.update(printers).where(printers.c.id == printer_id).values(code=code))


def _unused(taken: set[str]) -> str:
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if code not in taken:
            return code
