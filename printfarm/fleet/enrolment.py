"""The built-in hub enrols itself: a row in the database, and the file with which the hub beside us signs in."""

import json
import logging
import os
import tempfile
from pathlib import Path
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from printfarm.accounts.models import Shop
from printfarm.config import Settings
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.service.hubs import NewHub, enrol_built_in, shop_of_built_in_hub, shop_of_hub

log = logging.getLogger(__name__)

FILE = "hub.json"
_checked = "printfarm.hub_file_checked"


def ensure_built_in_hub() -> bool:
    """See to it that the hub beside us can sign in; called at every round of the sweeps. Whether the file was written now.

    The hub waits for its file, so this may come after its start, and again after the file or the database was lost.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.hub:
        return False
    path = settings.hub_dir / FILE
    stamp = path.stat().st_mtime_ns if path.exists() else None
    if stamp is not None and current_app.extensions.get(_checked) == stamp:
        return False
    if stamp is not None and _is_known(path):
        current_app.extensions[_checked] = stamp
        return False
    hub = _enrol()
    if hub is None:
        return False
    _write(path, hub, settings.local_url)
    log.info("the built-in hub is enrolled")
    return True


def _enrol() -> NewHub | None:
    with read_only(None) as db:
        shop_id = shop_of_built_in_hub(db) or db.scalar(select(Shop.id).order_by(Shop.created_at, Shop.id).limit(1))
    if shop_id is None:
        return None  # nobody has set the installation up yet
    with unit_of_work(shop_id) as db:
        return enrol_built_in(db)


def _is_known(path: Path) -> bool:
    try:
        hub_id = UUID(json.loads(path.read_text(encoding="utf-8"))["hub_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    with read_only(None) as db:
        return shop_of_hub(db, hub_id) is not None


def _write(path: Path, hub: NewHub, url: str) -> None:
    """Whole or not at all, readable by nobody else."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".hub-", dir=path.parent)  # mkstemp gives mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": url, "hub_id": str(hub.id), "secret": hub.secret}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
