"""On PostgreSQL the program refuses to run as somebody whom row-level security would not hold."""

from sqlalchemy import Engine, text

ROLE = text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
OWNED = text(
    "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname = 'public' AND r.rolname = current_user"
)


class Unfenced(RuntimeError):
    """The program's database role could see every shop; the message says what to change."""


def refuse_unfenced(engine: Engine) -> None:
    """Raise Unfenced when the role is a superuser, may bypass row-level security, or owns the tables."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        superuser, bypasses = connection.execute(ROLE).one()
        owned = connection.execute(OWNED).scalar_one()
    if superuser or bypasses or owned:
        why = "is a superuser" if superuser else "may bypass row-level security" if bypasses else "owns the tables"
        raise Unfenced(
            f"The database role in PRINTFARM_DATABASE_URL {why}, so shops would not be kept apart. Use a plain role there"
            " and the owner's in PRINTFARM_DATABASE_OWNER_URL; docs/operating.md has the statements."
        )
