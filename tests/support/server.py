"""The application behind a real socket, in threads of this process: for what a test client cannot do (websockets)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server


class Served:
    """`url` is where it answers; `stop` says goodbye to open sockets, as a process that is asked to stop does."""

    def __init__(self, app: Flask, port: int = 0) -> None:
        self.app = app
        self._server = make_server("127.0.0.1", port, app, threaded=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> "Served":
        self._thread.start()
        return self

    def stop(self) -> None:
        self.app.extensions["printfarm.live"].shutdown()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@contextmanager
def serving(app: Flask) -> Iterator[Served]:
    served = Served(app).start()
    try:
        yield served
    finally:
        served.stop()
