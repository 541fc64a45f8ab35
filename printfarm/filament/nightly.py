"""Every night, shop by shop: do the cached weights still say what the ledger says?"""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from printfarm.accounts.models import Shop
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed, due_of, owe_at_commit, renew
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.service.checking import find_drift, keep_check

log = logging.getLogger(__name__)

CHECK = "check-stock"
HOUR = 3  # of the shop's own night


def promise_checks() -> int:
    """See to it that every shop has its check coming, whoever made the shop and when; how many had none."""
    with read_only(None) as db:
        known = select(Owed.subject_id).where(Owed.kind == CHECK)
        missing = list(db.execute(select(Shop.id, Shop.timezone).where(Shop.id.not_in(known))))
    for shop_id, timezone in missing:
        with unit_of_work(shop_id) as db:
            owe_at_commit(db, CHECK, shop_id, within_s=seconds_to_night(shop_id, timezone))
    return len(missing)


def check_shop(shop_id: UUID) -> int:
    """Compare every weight of a shop, and write down what was found; the next night is promised first. How many drifted.

    The comparing takes as long as it takes, so nothing is locked for it.
    """
    with unit_of_work(shop_id) as db:
        due_at, shop = due_of(db, CHECK, shop_id), db.get(Shop, shop_id)
        if due_at is not None and shop is not None:
            renew(db, CHECK, shop_id, due_at=due_at, within_s=seconds_to_night(shop_id, shop.timezone))
    with read_only(shop_id) as db:
        drift = find_drift(db)
    with unit_of_work(shop_id) as db:
        keep_check(db, drift)
    for one in drift:
        what = f"spool {one.spool.id}" if one.spool else f"grams without a spool of filament {one.filament.id}"
        log.error("shop %s: %s: %s mg cached, %s mg booked", shop_id, what, one.cached_mg, one.booked_mg)
    return len(drift)


def seconds_to_night(shop_id: UUID, timezone: str) -> float:
    """Until the coming night's hour in the shop's zone; shops of one zone take their turns within that hour."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    now = utc_now().astimezone(zone)
    night = datetime(now.year, now.month, now.day, HOUR, shop_id.int % 60, tzinfo=zone)
    if night <= now:
        night += timedelta(days=1)
    return (night.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
