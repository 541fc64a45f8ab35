"""`printfarm reindex`: the search of every shop anew, while the rest goes on."""

from typing import TextIO

from sqlalchemy import select

from printfarm.accounts.models import Shop
from printfarm.config import Settings
from printfarm.core.work import read_only
from printfarm.insight.search.rebuilding import rebuild
from printfarm.processes.application import fenced_app


def all_shops(settings: Settings, out: TextIO) -> None:
    """Shop by shop, in short transactions; says how far it is. May be stopped and started again."""
    with fenced_app(settings).app_context():
        with read_only(None) as db:
            shops = db.execute(select(Shop.id, Shop.name).order_by(Shop.created_at)).all()
        for shop_id, name in shops:
            count = rebuild(shop_id, lambda kind, done: print(f"  {done} of kind {kind}", file=out, flush=True))
            print(f"{name}: {count} things can be found.", file=out, flush=True)
