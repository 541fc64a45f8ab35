"""The one socket of every open page."""

from uuid import UUID

from flask import current_app, request
from flask_login import current_user
from flask_sock import Sock
from simple_websocket import Server

from printfarm.accounts.access import own_origin, public
from printfarm.accounts.login import find
from printfarm.accounts.views.blueprint import bp
from printfarm.core import live
from printfarm.core.errors import NotAllowed
from printfarm.core.work import read_only

SIGNED_OUT = 4401  # the page reloads at this code, and so comes to the sign-in page

sock = Sock()


@bp.before_request
def only_from_our_pages() -> None:
    """A page elsewhere could open a socket with this browser's cookie: no same-origin rule holds it back."""
    if request.endpoint == "accounts.live_screen" and not own_origin():
        raise NotAllowed("Live updates are only for PrintFarm's own pages.")


@sock.route("/ws/live", bp=bp)  # type: ignore[untyped-decorator]
@public
def live_screen(ws: Server) -> None:
    """Push what changes in the person's shop, until they are signed out or go."""
    who = current_user
    if not who.is_authenticated or who.shop is None:
        ws.close(SIGNED_OUT, "signed out")
        return
    app, token, shop_id = current_app._get_current_object(), who.token, who.shop.id  # type: ignore[attr-defined]  # noqa: SLF001
    since = request.args.get("since", type=int)
    screen = live.Screen(shop_id, str(who.session.id), asked_at=since / 1000 if since is not None else None)
    live.serve(ws, screen, live.hall(app), lambda: _still_there(token, shop_id))


def _still_there(token: str, shop_id: UUID) -> bool:
    with read_only(None) as db:
        who = find(db, token)
    return who is not None and who.shop is not None and who.shop.id == shop_id
