"""/healthz: this process is alive. /readyz: everything that the main job needs answers."""

import time

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from printfarm.config import Settings
from printfarm.core import bus
from printfarm.core.errors import Unavailable
from printfarm.core.work import read_only

bp = Blueprint("health", __name__)

SEEN_WITHIN_S = 30
PARTS = ("worker:fast", "worker:slow")


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    return {"ok": True}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    parts = {"database": _database(), "redis": _redis()}
    wanted = (*PARTS, "hub") if _expects_hub() else PARTS
    for part in wanted:
        parts[part] = parts["redis"] and seen_lately(part)
    return {"ok": all(parts.values()), "parts": parts}, 200 if all(parts.values()) else 503


def _expects_hub() -> bool:
    """The built-in hub can sign in only once somebody has set the installation up; before, it waits for its file."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.hub and (settings.hub_dir / "hub.json").exists()


def note_seen(part: str) -> None:
    """A process says that it lives. Raises RedisError when Redis is away."""
    bus.redis().set(f"printfarm:seen:{part}", str(time.time()), ex=SEEN_WITHIN_S)


def seen_lately(part: str) -> bool:
    try:
        return bool(bus.redis().exists(f"printfarm:seen:{part}"))
    except (RedisError, OSError):
        return False


def _database() -> bool:
    try:
        with read_only(None) as db:
            db.execute(text("SELECT 1"))
    except (SQLAlchemyError, Unavailable):
        return False
    return True


def _redis() -> bool:
    try:
        return bool(bus.redis().ping())
    except (RedisError, OSError):
        return False
