"""What open screens hear of people and shops."""

from printfarm.accounts.events import MembersChanged, SessionRevoked, ShopChanged
from printfarm.core import live


def install() -> None:
    """Register with the hall of sockets."""
    live.ends_screens(SessionRevoked, lambda event: str(event.session_id))
    live.marks(MembersChanged, "members")
    live.marks(ShopChanged, "shop")
