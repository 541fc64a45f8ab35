"""/ws/hub/<hub_id>: a hub signs in, and stays. The protocol is described in hub/protocol.py."""

import logging
import secrets
import threading
from contextlib import suppress
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, current_app, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from hub import protocol
from printfarm.accounts.access import public
from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound, Unavailable
from printfarm.core.ids import new_id
from printfarm.core.live import TRY_AGAIN_LATER, Hall, hall
from printfarm.core.secrets import SecretUnreadable
from printfarm.core.sockets import limit_sending
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.line import Line
from printfarm.fleet.models import Hub
from printfarm.fleet.service.hubs import find_hub, secret_of, shop_of_hub, sign_in, sign_out
from printfarm.fleet.service.reports import as_id

log = logging.getLogger(__name__)

bp = Blueprint("hub_link", __name__)
sock = Sock()

_lock = threading.Lock()

SIGN_IN_S = 10
POLICY, INTERNAL_ERROR = 1008, 1011
UNKNOWN = (
    "This server does not know the hub, or its secret is another one. Enrol the hub again on the page Hubs and copy what it"
    " shows into the hub's file."
)


class NotSignedIn(Exception):
    """The hub may not come in; the message is the sentence that it gets."""


@sock.route("/ws/hub/<uuid:hub_id>", bp=bp)  # type: ignore[untyped-decorator]
@public
def hub_link(ws: Server, hub_id: UUID) -> None:
    place = hall(current_app)
    if not place.hold():
        _close(ws, TRY_AGAIN_LATER, "busy, try again")
        return
    try:
        limit_sending(ws)
        _serve(ws, hub_id, place)
    except NotSignedIn as problem:
        log.warning("hub %s from %s was refused: %s", hub_id, request.remote_addr, problem)
        _close(ws, POLICY, "refused", protocol.Refused(reason=str(problem)))
    except Unavailable:
        _close(ws, TRY_AGAIN_LATER, "database busy")
    except (ConnectionClosed, OSError):
        log.info("hub %s is gone", hub_id)
    except Exception:
        # An error page would go out over the socket as if it were a message.
        log.exception("the line to hub %s broke", hub_id)
        _close(ws, INTERNAL_ERROR, "this is our fault; try again")
    finally:
        place.release()


@bp.errorhandler(ConnectionError)
def gone_before_the_handshake(problem: ConnectionError) -> tuple[str, int]:
    """Whoever knocked has left: nobody reads this answer, and it is no bug of ours."""
    log.info("a hub from %s went in the middle of the handshake: %s", request.remote_addr, problem)
    return "", HTTPStatus.BAD_REQUEST


def _close(ws: Server, code: int, words: str, last: protocol.Message | None = None) -> None:
    """Say goodbye to somebody who may be gone."""
    with suppress(ConnectionClosed, OSError):
        if last is not None:
            ws.send(protocol.dump(last))
        ws.close(code, words)


def _serve(ws: Server, hub_id: UUID, place: Hall) -> None:
    nonce = secrets.token_urlsafe(24)
    shop_id, hub, hello = _let_in(ws, hub_id, nonce)
    connection_id = new_id()
    with unit_of_work(shop_id) as db:
        last_seq = sign_in(db, hub_id, connection_id, hello.firmware)
    line = Line(ws, shop_id, hub_id, connection_id, _base_url(built_in=hub.built_in))
    try:
        _replace_older(hub_id, line)
        ws.send(
            protocol.dump(
                protocol.Welcome(
                    signature=protocol.sign_web(secret_of(hub), hello.hub_id, nonce, hello.hub_nonce),
                    protocol=protocol.PROTOCOL_VERSION,
                    server_time=utc_now(),
                    last_seq=last_seq,
                )
            )
        )
        log.info("hub %s (%s) is connected", hub.name, hello.firmware)
        line.run(place)
    finally:
        _forget(hub_id, line)
        _say_gone(shop_id, hub_id, connection_id)


def _let_in(ws: Server, hub_id: UUID, nonce: str) -> tuple[UUID, Hub, protocol.HubHello]:
    """The shop of a hub that has proved who it is. Raises NotSignedIn."""
    ws.send(protocol.dump(protocol.Challenge(nonce=nonce)))
    hello = _hello(ws, hub_id)
    with read_only(None) as db:
        shop_id = shop_of_hub(db, hub_id)
    if shop_id is None:
        raise NotSignedIn(UNKNOWN)
    try:
        with read_only(shop_id) as db:
            hub = find_hub(db, hub_id)
            if not protocol.verify_hub(secret_of(hub), hello, nonce):
                raise NotSignedIn(UNKNOWN)
    except (NotFound, SecretUnreadable):
        raise NotSignedIn(UNKNOWN) from None
    if not protocol.speaks(hello.protocol):
        older = "hub" if hello.protocol < protocol.PROTOCOL_VERSION else "server"
        raise NotSignedIn(
            f"This hub speaks version {hello.protocol} of the protocol and the server version"
            f" {protocol.PROTOCOL_VERSION}. Update the {older}."
        )
    return shop_id, hub, hello


def _hello(ws: Server, hub_id: UUID) -> protocol.HubHello:
    text = ws.receive(timeout=SIGN_IN_S)
    if text is None:
        raise NotSignedIn(f"The hub did not sign in within {SIGN_IN_S} seconds.")
    try:
        message = protocol.parse_from_hub(text)
    except protocol.ProtocolError:
        raise NotSignedIn("The hub's first message was not a sign-in.") from None
    if not isinstance(message, protocol.HubHello) or as_id(message.hub_id) != hub_id:
        raise NotSignedIn("The hub's first message was not its own sign-in.")
    return message


def _base_url(*, built_in: bool) -> str:
    """Where this hub fetches files: a hub elsewhere by the public address, the built-in one as it has reached us."""
    settings = current_app.config["SETTINGS"]
    if built_in or not settings.public_url:
        return request.url_root
    public_url: str = settings.public_url
    return public_url


def _replace_older(hub_id: UUID, line: Line) -> None:
    """An older connection of the same hub in this process goes at once; one in another process sees it in the row."""
    with _lock:
        older = _lines().get(hub_id)
        _lines()[hub_id] = line
    if older is not None:
        older.replaced = True


def _forget(hub_id: UUID, line: Line) -> None:
    with _lock:
        if _lines().get(hub_id) is line:
            del _lines()[hub_id]


def _lines() -> dict[UUID, Line]:
    lines: dict[UUID, Line] = current_app.extensions.setdefault("printfarm.hub_lines", {})
    return lines


def _say_gone(shop_id: UUID, hub_id: UUID, connection_id: UUID) -> None:
    try:
        with unit_of_work(shop_id) as db:
            sign_out(db, hub_id, connection_id)
    except Unavailable as problem:
        log.warning("hub %s is gone, and it could not be written down: %s", hub_id, problem.sentence)
