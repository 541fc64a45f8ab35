"""The web process: gunicorn with one worker and many threads, because sockets and slow uploads each hold a thread."""

import logging
import signal
import sys
import threading
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from printfarm.config import Settings
from printfarm.processes import lock, logs
from printfarm.processes.tls import certificate_files

log = logging.getLogger(__name__)

GRACEFUL_S = 5  # how long open requests may take when the process is asked to stop
REQUEST_LINE_BYTES = 8190
HEADER_BYTES = 8190
HEADERS = 60


class QuietLogger(Logger):  # type: ignore[misc]
    """Gunicorn's own, which tells no token that stands in a path."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for own in (self.error_log, self.access_log):
            for handler in own.handlers:
                handler.addFilter(logs.HidesTokens())


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from printfarm.core.fences import Unfenced
        from printfarm.processes.application import fenced_app

        try:
            return fenced_app(self._settings)
        except Unfenced as problem:
            log.error("%s", problem)  # noqa: TRY400  # a sentence for the operator, not a bug
            sys.exit(Arbiter.APP_LOAD_ERROR)


def options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings for these settings."""
    chosen: dict[str, Any] = {
        "bind": f"{_host(settings.host)}:{settings.port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": settings.threads,
        "worker_connections": settings.threads * 4,  # beyond the threads, connections wait for one
        "timeout": 60,  # the worker's own heartbeat, not a request's; slow uploads are fine
        "graceful_timeout": GRACEFUL_S,
        "keepalive": 5,
        "control_socket_disable": True,
        "limit_request_line": REQUEST_LINE_BYTES,
        "limit_request_fields": HEADERS,
        "limit_request_field_size": HEADER_BYTES,
        "forwarded_allow_ips": "",  # proxies are counted and trusted in one place, in the application
        "secure_scheme_headers": {},
        "logger_class": QuietLogger,
        "accesslog": "-" if settings.log_level == "debug" else None,
        "errorlog": "-",
        "loglevel": "warning" if settings.log_level == "info" else settings.log_level,
        "proc_name": "printfarm-web",
        "post_fork": _post_fork,
        "post_worker_init": _close_sockets_on_sigterm,
    }
    if settings.tls != "off":
        cert, key = certificate_files(settings)
        chosen |= {"certfile": str(cert), "keyfile": str(key)}
    return chosen


def run(settings: Settings) -> None:
    logs.configure(settings.log_level)
    lock.die_with_parent()
    held = lock.take_lock(settings.data_dir, "web", wait_s=GRACEFUL_S + 5)
    with held:
        WebServer(settings).run()


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _post_fork(_server: Any, _worker: Any) -> None:
    lock.die_with_this_parent()


def _close_sockets_on_sigterm(worker: Any) -> None:
    """Open sockets would stretch the stop to the full graceful time: say 1012 (service restart) to each at once."""
    previous = signal.getsignal(signal.SIGTERM)
    hall = worker.wsgi.extensions["printfarm.live"]

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=hall.shutdown, daemon=True, name="close-sockets").start()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGTERM, stop)
