"""Redis: wake-ups between processes and the printers' latest telemetry. Losing all of it loses no work."""

import json
import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import current_app
from redis import Redis, RedisError
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from printfarm.core.events import Event, to_message

log = logging.getLogger(__name__)

CHANNEL_PREFIX = "shop:"
TELEMETRY_SECONDS = 3600


@lru_cache(maxsize=8)
def connect(url: str, *, tries: int = 3) -> "Redis":
    """A client (with its pool) for a URL; one per process and URL. What fails is tried again so often, ever later."""
    return Redis.from_url(
        url,
        socket_timeout=30,
        socket_connect_timeout=5,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), tries),
        retry_on_error=[ConnectionError],
    )


def redis() -> "Redis":
    """The application's Redis."""
    return connect(current_app.config["REDIS_URL"], tries=current_app.config.get("REDIS_TRIES", 3))


def listener() -> "Redis":
    """A client for one subscription: a lost connection is an error at once, so that the listener knows what it missed."""
    url: str = current_app.config["REDIS_URL"]
    return Redis.from_url(
        url, socket_timeout=30, socket_connect_timeout=5, health_check_interval=30, retry=Retry(NoBackoff(), 0)
    )


def publish_all(events: Iterable[Event]) -> None:
    """Tell the screens which rows changed. Called after the commit, so a failure is logged and never raised."""
    messages = [(f"{CHANNEL_PREFIX}{event.shop_id}", json.dumps(to_message(event))) for event in events]
    if not messages:
        return
    try:
        line = redis().pipeline(transaction=False)  # one way to Redis and back, however many there are
        for channel, message in messages:
            line.publish(channel, message)
        line.execute()
    except (RedisError, OSError) as problem:
        log.warning("could not tell the screens: %s", problem)


def remember_telemetry(shop_id: UUID, kind: str, key: UUID | str, value: dict[str, Any]) -> None:
    """Keep the latest state of something that changes every second; it is never the only copy of a fact."""
    try:
        redis().set(_telemetry_key(shop_id, kind, key), json.dumps(value), ex=TELEMETRY_SECONDS)
    except (RedisError, OSError) as problem:
        log.warning("could not keep telemetry: %s", problem)


def recall_telemetry(shop_id: UUID, kind: str, keys: Iterable[UUID | str]) -> dict[str, dict[str, Any]]:
    """The latest states by key (as text); what is unknown or expired is left out, all of it when Redis is away."""
    wanted = [str(key) for key in keys]
    if not wanted:
        return {}
    try:
        values = redis().mget([_telemetry_key(shop_id, kind, key) for key in wanted])
    except (RedisError, OSError) as problem:
        log.warning("could not read telemetry: %s", problem)
        return {}
    return {key: json.loads(value) for key, value in zip(wanted, values, strict=True) if value}


def _telemetry_key(shop_id: UUID, kind: str, key: UUID | str) -> str:
    return f"printfarm:{kind}:{shop_id}:{key}"
