"""What happens to people and their place in a shop."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Event):
    """A session lost its place in this shop: signed out, revoked, moved to another shop, or its person was removed."""

    session_id: UUID


@dataclass(frozen=True, kw_only=True)
class MembersChanged(Event):
    """Somebody joined or left the shop, got another role, or an invitation was made or withdrawn."""


@dataclass(frozen=True, kw_only=True)
class ShopChanged(Event):
    """The shop's name, currency, zone or another of its settings changed."""
