"""Rate limits: so many within a minute, counted in Redis for all processes together, in this process while Redis is away."""

import logging
import time
from functools import cached_property
from ipaddress import IPv6Address, ip_address

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError

from printfarm.core.errors import TooMany

log = logging.getLogger(__name__)


class Rates:
    """The counters of one application."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        self._own = FixedWindowRateLimiter(MemoryStorage())

    @cached_property
    def _shared(self) -> FixedWindowRateLimiter:
        """Made when first asked for: workers never count, and it brings a second client library with it."""
        return FixedWindowRateLimiter(
            storage_from_string(self._url, key_prefix="printfarm:rate", socket_timeout=2, socket_connect_timeout=2)
        )

    def take(self, what: str, key: str, *, per_minute: int) -> None:
        """Count one more. Raises TooMany, which says when to try again."""
        limit = RateLimitItemPerMinute(per_minute)
        try:
            wait_s = self._wait(self._shared, limit, what, key)
        except (RedisError, OSError) as problem:
            log.warning("rates: Redis is away, this process counts alone: %s", problem)
            wait_s = self._wait(self._own, limit, what, key)
        if wait_s:
            raise TooMany(f"That was tried too often. Wait {wait_s} seconds, then try again.", retry_after_s=wait_s)

    @staticmethod
    def _wait(limiter: FixedWindowRateLimiter, limit: RateLimitItemPerMinute, what: str, key: str) -> int:
        if limiter.hit(limit, what, key):
            return 0
        return max(1, round(limiter.get_window_stats(limit, what, key).reset_time - time.time()))


def install(app: Flask, redis_url: str) -> None:
    """Give the application its counters."""
    app.extensions["printfarm.rates"] = Rates(redis_url)


def take(what: str, key: str, *, per_minute: int) -> None:
    """Count one more `what` by `key` (an address, an account). Raises TooMany beyond the limit."""
    rates: Rates = current_app.extensions["printfarm.rates"]
    rates.take(what, key, per_minute=per_minute)


def caller() -> str:
    """Who asks, for counting: the address, of IPv6 the /64 that one household or one server owns."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(IPv6Address(int(address) >> 64 << 64)) if isinstance(address, IPv6Address) else str(address)
