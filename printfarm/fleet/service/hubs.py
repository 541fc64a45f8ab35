"""Hubs: who they are, and whether they are there.

One built-in hub per installation, enrolled by itself for the shop that was opened first: `printfarm up` runs one hub
process, and a hub belongs to one shop. Other shops of the same installation, and other sites, enrol hubs of their own
(add_hub) and run `printfarm-hub` with what it shows.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Credential
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.ids import new_id
from printfarm.core.locks import KEEPING_KEYS
from printfarm.core.secrets import seal, token_hash, unseal
from printfarm.core.tenancy import shop_of
from printfarm.fleet.events import HubConnected, HubLost, PrinterChanged, PrintersListed
from printfarm.fleet.models import Hub, Printer

CREDENTIAL = "hub"
BUILT_IN = "built-in"
FOREVER = timedelta(days=365 * 100)


@dataclass(frozen=True)
class NewHub:
    """What a hub signs in with; the secret is shown once and kept only sealed."""

    id: UUID
    name: str
    secret: str


def shop_of_hub(db: Session, hub_id: UUID) -> UUID | None:
    """The shop of a hub, asked before any shop is known: `db` is a session without one."""
    return db.scalar(
        select(Credential.shop_id).where(
            Credential.kind == CREDENTIAL,
            Credential.token_hash == token_hash(str(hub_id)),
            Credential.expires_at > utc_now(),
        )
    )


def shop_of_built_in_hub(db: Session) -> UUID | None:
    """The shop that the built-in hub serves already; `db` is a session without a shop."""
    return db.scalar(select(Credential.shop_id).where(Credential.kind == CREDENTIAL, Credential.note == BUILT_IN))


def add_hub(db: Session, name: str, *, built_in: bool = False) -> NewHub:
    """Enrol a hub. Raises DomainError for a name that is taken."""
    name = name.strip()
    if db.scalar(select(Hub.id).where(Hub.name == name, Hub.archived_at.is_(None))) is not None:
        raise DomainError(f"There is a hub called {name} already. Choose another name.")
    hub_id, secret = new_id(), secrets.token_urlsafe(32)
    shop_id = shop_of(db)
    db.add(Hub(id=hub_id, name=name, built_in=built_in, secret_sealed=seal(secret, bound_to=_place(shop_id, hub_id))))
    db.add(
        Credential(
            kind=CREDENTIAL,
            token_hash=token_hash(str(hub_id)),
            shop_id=shop_id,
            note=BUILT_IN if built_in else "",
            expires_at=utc_now() + FOREVER,
        )
    )
    db.flush()
    emit(db, PrintersListed(shop_id=shop_id))
    return NewHub(hub_id, name, secret)


def enrol_built_in(db: Session) -> NewHub:
    """The shop's built-in hub: the one that is there with its secret, or a new one."""
    hub = db.scalar(select(Hub).where(Hub.built_in.is_(True), Hub.archived_at.is_(None)))
    if hub is None:
        return add_hub(db, "Built-in hub", built_in=True)
    return NewHub(hub.id, hub.name, secret_of(hub))


def archive_hub(db: Session, hub_id: UUID) -> None:
    """A hub is no longer used; it cannot sign in any more. Refused while printers hang on it."""
    hub = find_hub(db, hub_id)
    if hub.built_in:
        raise DomainError("The built-in hub belongs to this installation. Set PRINTFARM_HUB=off to run without it.")
    used = db.scalar(
        select(func.count()).select_from(Printer).where(Printer.hub_id == hub_id, Printer.archived_at.is_(None))
    )
    if used:
        count = "1 printer is" if used == 1 else f"{used} printers are"
        raise DomainError(f"{count} connected through {hub.name}. Choose another hub for them first.")
    hub.archived_at, hub.connected_at, hub.connection_id = utc_now(), None, None
    credential = db.scalar(select(Credential).where(Credential.token_hash == token_hash(str(hub_id))))
    if credential is not None:
        db.delete(credential)
    emit(db, PrintersListed(shop_id=shop_of(db)))


def find_hub(db: Session, hub_id: UUID) -> Hub:
    """A hub in use. Raises NotFound."""
    hub = db.get(Hub, hub_id)
    if hub is None or hub.archived_at is not None:
        raise NotFound
    return hub


def secret_of(hub: Hub) -> str:
    """The shared secret, in the clear."""
    return unseal(hub.secret_sealed, bound_to=_place(hub.shop_id, hub.id))


def sign_in(db: Session, hub_id: UUID, connection_id: UUID, version: str) -> int:
    """From now on this connection is the one that counts; returns the highest durable message that is stored."""
    hub = db.get(Hub, hub_id, with_for_update=KEEPING_KEYS)
    if hub is None or hub.archived_at is not None:
        raise NotFound
    hub.connection_id, hub.version = connection_id, version
    hub.connected_at = hub.last_seen_at = utc_now()
    # What was known of its printers is old: each counts as connecting until the hub has spoken of it.
    for printer in _printers_of(db, hub_id):
        if printer.connection == "online":
            printer.connection, printer.connection_sentence = "connecting", ""
        emit(db, PrinterChanged(shop_id=shop_of(db), printer_id=printer.id))
    emit(db, HubConnected(shop_id=shop_of(db), hub_id=hub_id))
    return hub.last_seq


def still_here(db: Session, hub_id: UUID, connection_id: UUID) -> None:
    """Renew a connection's sign of life."""
    hub = db.get(Hub, hub_id, with_for_update=KEEPING_KEYS)
    if hub is not None and hub.connection_id == connection_id:
        hub.last_seen_at = utc_now()
        hub.connected_at = hub.connected_at or hub.last_seen_at


def sign_out(db: Session, hub_id: UUID, connection_id: UUID) -> None:
    """The connection ended. A newer one of the same hub is left alone."""
    hub = db.get(Hub, hub_id, with_for_update=KEEPING_KEYS)
    if hub is None or hub.connection_id != connection_id:
        return
    hub.connection_id, hub.connected_at, hub.last_seen_at = None, None, utc_now()
    for printer in _printers_of(db, hub_id):
        emit(db, PrinterChanged(shop_id=shop_of(db), printer_id=printer.id))
    emit(db, HubLost(shop_id=shop_of(db), hub_id=hub_id))


def _printers_of(db: Session, hub_id: UUID) -> list[Printer]:
    return list(db.scalars(select(Printer).where(Printer.hub_id == hub_id, Printer.archived_at.is_(None))))


def _place(shop_id: UUID, hub_id: UUID) -> str:
    return f"{shop_id}:hub:{hub_id}"
