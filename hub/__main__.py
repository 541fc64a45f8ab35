"""printfarm-hub: the program. Settings come from the environment, arguments win.

PRINTFARM_HUB_URL       web's address, for example https://farm.example
PRINTFARM_HUB_ID        who this hub is, as web shows it when the hub is enrolled
PRINTFARM_HUB_SECRET    the secret that web shows then
PRINTFARM_HUB_DATA_DIR  folder for the ledger and for files on their way (default ./hub-data)

Instead of address, id and secret, a file hub.json in the data folder may hold {"url", "hub_id", "secret"}; the hub waits
until it appears, which is how the built-in hub is enrolled.
"""

import argparse
import fcntl
import json
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from hub import __version__
from hub.files import FileStore
from hub.ledger import Ledger
from hub.link import Link
from hub.outbox import LedgerError
from hub.supervisor import Supervisor

log = logging.getLogger("hub")

CREDENTIALS_FILE = "hub.json"


class StartError(RuntimeError):
    """The hub cannot start; the message is for the person who started it."""


@dataclass(frozen=True)
class Credentials:
    url: str
    hub_id: str
    secret: str = field(repr=False)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _log_as_json_lines()
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    try:
        run(options, stopping)
    except (StartError, LedgerError, sqlite3.Error, OSError) as error:
        log.error("the hub cannot go on: %s", error)  # noqa: TRY400 - a sentence for the person, no trace
        return 1
    return 0


def run(options: argparse.Namespace, stopping: Event) -> None:
    """Until `stopping` is set. Raises StartError."""
    folder = Path(options.data_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(folder):
        credentials = _credentials(options, folder, stopping)
        if credentials is None:
            return
        _serve(credentials, folder, stopping)


def _serve(credentials: Credentials, folder: Path, stopping: Event) -> None:
    ledger = Ledger(folder / "ledger.sqlite3", credentials.secret)
    supervisor = Supervisor(ledger, FileStore(folder / "files"), show=lambda message: link.show(message))  # noqa: PLW0108 - made below
    link = Link(credentials.url, credentials.hub_id, credentials.secret, ledger, supervisor.take, supervisor.republish)
    ledger.on_news = link.wake
    supervisor.open()
    link.open()
    log.info("hub %s started, web at %s", credentials.hub_id, credentials.url)
    stopping.wait()
    supervisor.close()
    link.close()
    ledger.close()
    log.info("hub %s stopped", credentials.hub_id)


def _parser() -> argparse.ArgumentParser:
    setting = os.environ.get
    parser = argparse.ArgumentParser(prog="printfarm-hub", description="Connects printers to PrintFarm.")
    parser.add_argument("--version", action="version", version=f"printfarm-hub {__version__}")
    parser.add_argument("--url", default=setting("PRINTFARM_HUB_URL"), help="web's address")
    parser.add_argument("--hub-id", default=setting("PRINTFARM_HUB_ID"), help="who this hub is")
    parser.add_argument(
        "--data-dir",
        "--data",
        default=setting("PRINTFARM_HUB_DATA_DIR", "hub-data"),
        help="folder for ledger and files",
    )
    parser.epilog = (
        "The secret comes from PRINTFARM_HUB_SECRET or from hub.json in the data folder, never as an argument."
    )
    return parser


def _credentials(options: argparse.Namespace, folder: Path, stopping: Event) -> Credentials | None:
    """From the settings, else from the file as soon as it is there; None when stopped before."""
    secret = os.environ.get("PRINTFARM_HUB_SECRET")
    if options.url and options.hub_id and secret:
        return Credentials(options.url, options.hub_id, secret)
    if options.hub_id or secret:
        raise StartError("PRINTFARM_HUB_URL, PRINTFARM_HUB_ID and PRINTFARM_HUB_SECRET belong together: set all three.")
    path = folder / CREDENTIALS_FILE
    said = False
    while not path.exists():
        if not said:
            log.info("waiting for %s, or for PRINTFARM_HUB_URL, _ID and _SECRET", path)
            said = True
        if stopping.wait(0.5):
            return None
    return _read_credentials(path, options.url)


def _read_credentials(path: Path, url: str | None) -> Credentials:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(url or content["url"], content["hub_id"], content["secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path} does not hold url, hub_id and secret as JSON: {error}") from error


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two hubs on one ledger would start prints twice."""
    path = folder / "hub.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"Another hub is running with the data folder {folder}. Stop it first.") from None
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def _log_as_json_lines() -> None:
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[stream], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log signed addresses


if __name__ == "__main__":
    sys.exit(main())
