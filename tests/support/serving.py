"""The application behind a real server on loopback, and sockets into it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from select import select
from typing import Any

from flask import Flask
from websockets.sync.client import ClientConnection, connect
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.browser import Browser


class Handler(WSGIRequestHandler):
    """Werkzeug's, but it does not wait for more from a socket that has said goodbye: the peer waits for us."""

    def make_environ(self) -> Any:
        environ = super().make_environ()
        if self.headers.get("Upgrade"):
            self.rfile = BytesIO()
        return environ

    def log(self, _kind: str, _message: str, *_args: Any) -> None:
        """Say nothing."""


class Server:
    """Where the application answers: `host` as name and port."""

    def __init__(self, app: Flask, port: int, *, tls: bool) -> None:
        self.app, self.host, self.tls = app, f"127.0.0.1:{port}", tls

    def socket(
        self, browser: Browser | None, *, origin: str | None = "", since: str | int | None = None, **options: Any
    ) -> ClientConnection:
        """The live socket as this browser's page opens it. origin None sends none, "" ours; since: its page's time."""
        cookie = browser.client.get_cookie("printfarm") if browser else None
        headers = {"Cookie": f"printfarm={cookie.value}"} if cookie else {}
        ours = f"{'https' if self.tls else 'http'}://{self.host}" if origin == "" else origin
        if self.tls:
            options["sock"] = _through_tls(self.host)
        address = f"ws://{self.host}/ws/live{f'?since={since}' if since is not None else ''}"
        return connect(address, additional_headers=headers, origin=ours, open_timeout=10, **options)


def _through_tls(host: str) -> socket.socket:
    """The near end of a TLS line. One thread alone speaks TLS: the client reads in one and writes in another, and then
    OpenSSL sometimes keeps to itself what was written."""
    name, _, port = host.partition(":")
    line = ssl._create_unverified_context().wrap_socket(socket.create_connection((name, int(port))))
    ours, far_end = socket.socketpair()
    threading.Thread(target=_carry, args=(far_end, line), daemon=True).start()
    return ours


def _carry(plain: socket.socket, line: ssl.SSLSocket) -> None:
    """Until either side ends."""
    with plain, line, suppress(OSError):
        while True:
            ready = [line] if line.pending() else select([plain, line], [], [])[0]
            for one, other in ((plain, line), (line, plain)):
                if one in ready and not _carry_once(one, other):
                    return


def _carry_once(one: socket.socket, other: socket.socket) -> bool:
    """False at its end. What arrives may be TLS's own, and nothing to carry: nobody waits for more."""
    one.setblocking(False)
    try:
        carried = one.recv(65_536)
    except ssl.SSLWantReadError:
        return True
    finally:
        one.setblocking(True)
    other.sendall(carried)
    return bool(carried)


@contextmanager
def serving(app: Flask, *, tls: bool = False) -> Iterator[Server]:
    server = make_server(
        "127.0.0.1", 0, app, threaded=True, request_handler=Handler, ssl_context="adhoc" if tls else None
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Server(app, server.server_port, tls=tls)
    finally:
        app.extensions["printfarm.live"].shutdown()
        server.shutdown()
        thread.join(5)
        server.server_close()
