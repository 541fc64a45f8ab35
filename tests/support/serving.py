"""The application behind a real server on loopback, and sockets into it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from websockets.sync.client import ClientConnection, connect
from werkzeug.serving import make_server

from tests.support.browser import Browser


class Server:
    """Where the application answers: `host` as name and port."""

    def __init__(self, app: Flask, port: int) -> None:
        self.app, self.host = app, f"127.0.0.1:{port}"

    def socket(self, browser: Browser | None, *, origin: str | None = "", **options: Any) -> ClientConnection:
        """The live socket as this browser's page opens it; origin None sends none, "" our own."""
        cookie = browser.client.get_cookie("printfarm") if browser else None
        headers = {"Cookie": f"printfarm={cookie.value}"} if cookie else {}
        ours = f"http://{self.host}" if origin == "" else origin
        return connect(f"ws://{self.host}/ws/live", additional_headers=headers, origin=ours, open_timeout=10, **options)


@contextmanager
def serving(app: Flask) -> Iterator[Server]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Server(app, server.server_port)
    finally:
        app.extensions["printfarm.live"].shutdown()
        server.shutdown()
        thread.join(5)
        server.server_close()
