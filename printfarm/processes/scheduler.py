"""The one scheduler: a thread in whichever fast worker holds the lease. It hurries RQ's delayed jobs and runs the sweeps.

The database says what is owed; a sweep claims rows by lease. So a second scheduler, for the moment in which a lease changes
hands, does no harm.
"""

import logging
import threading
from uuid import uuid4

from flask import Flask
from redis import Redis, RedisError
from rq.scheduler import RQScheduler

log = logging.getLogger(__name__)

LEASE_KEY = "printfarm:lease:scheduler"
LEASE_S = 10
EVERY_S = 2
QUEUES = ("fast", "slow")

TAKE_OR_EXTEND = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


def run(app: Flask, redis_url: str, stop: threading.Event) -> None:
    """Until `stop` is set: whenever this process holds the lease, do what is due. A failure is logged and tried again."""
    me = uuid4().hex
    client = Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=10)
    while not stop.wait(EVERY_S):
        try:
            if client.eval(TAKE_OR_EXTEND, 1, LEASE_KEY, me, LEASE_S):
                _tick(app, client)
        except (RedisError, OSError) as problem:
            log.warning("the scheduler cannot reach Redis (%s); trying again", problem)
        except Exception:
            log.exception("a sweep failed; trying again")
    _release(client, me)


def _tick(app: Flask, client: Redis) -> None:
    from jobs.sweeps import run_due

    # The fixed name lets a restarted worker take RQ's own scheduling locks over at once; our lease is what excludes others.
    delayed = RQScheduler(QUEUES, connection=client, name="printfarm", logging_level="WARNING")
    delayed.acquire_locks()
    delayed.enqueue_scheduled_jobs()
    with app.app_context():
        run_due()


def _release(client: Redis, me: str) -> None:
    try:
        if client.get(LEASE_KEY) == me.encode():
            client.delete(LEASE_KEY)
    except (RedisError, OSError) as problem:
        log.debug("the lease ends by itself: %s", problem)
