"""The hub's SQLite file and, in it, the messages that web must hear, numbered and kept until web has stored them."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from hub.protocol import Durable, PrinterError, dump

LEDGER_VERSION = 1
MOST_WAITING_MESSAGES = 20_000

_SCHEMA = "CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, body TEXT NOT NULL);"

Message = TypeVar("Message", bound=Durable)


class LedgerError(RuntimeError):
    """The ledger cannot be used; the message says why and what to do."""


class Outbox:
    """Every method may be called from any thread."""

    def __init__(self, path: Path, further_schema: str = "") -> None:
        self._lock = RLock()
        self._depth = 0
        self.on_news: Callable[[], None] = lambda: None
        """Called when there may be new messages to send; must be quick."""
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._open_schema(path, _SCHEMA + further_schema)

    def _open_schema(self, path: Path, schema: str) -> None:
        with self.transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > LEDGER_VERSION:
                raise LedgerError(f"{path} was written by a newer hub. Install the newer hub again.")
            if version == 0:
                for statement in filter(str.strip, schema.split(";")):
                    self._db.execute(statement)
                self._count_from(int(time.time() // 60))
                self._db.execute(f"PRAGMA user_version = {LEDGER_VERSION}")

    def _count_from(self, number: int) -> None:
        """The next message gets the number after this one. A new ledger counts from the minutes since 1970, so that
        after the loss of one its numbers are above those that web has stored.
        """
        self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
        self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (number,))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested calls join the outer one."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._db.execute("COMMIT")
                    self.on_news()
            except BaseException:
                if self._depth == 1 and self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def say(self, kind: type[Message], **fields: Any) -> Message:
        """Queue a durable message under the next number."""
        with self.transaction():
            if kind is PrinterError:
                self._make_room()
            cursor = self._db.execute("INSERT INTO outbox (type, body) VALUES (?, '')", (kind.__name__,))
            message = kind(seq=cursor.lastrowid or 0, **fields)
            type_word = message.model_dump()["type"]
            self._db.execute(
                "UPDATE outbox SET type = ?, body = ? WHERE seq = ?", (type_word, dump(message), message.seq)
            )
        return message

    def _make_room(self) -> None:
        """A web that stays away for weeks must not fill the disk: the oldest printer errors give way, runs never."""
        count = self._db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        if count >= MOST_WAITING_MESSAGES:
            self._db.execute(
                "DELETE FROM outbox WHERE seq IN "
                "(SELECT seq FROM outbox WHERE type = 'printer_error' ORDER BY seq LIMIT 100)"
            )

    def waiting(self, after_seq: int, limit: int = 50) -> list[tuple[int, str]]:
        with self._lock:
            return self._db.execute(
                "SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, limit)
            ).fetchall()

    def count_waiting(self, until_seq: int) -> int:
        """How many messages up to this one web has not confirmed."""
        with self._lock:
            row = self._db.execute("SELECT count(*) FROM outbox WHERE seq <= ?", (until_seq,)).fetchone()
        return int(row[0])

    def received(self, seq: int) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM outbox WHERE seq <= ?", (seq,))

    def meet(self, last_seq: int) -> None:
        """Web says what it has stored. When that is ahead of this ledger (lost, and the clock was wrong), the waiting
        messages are renumbered, or web would take them for repeats.
        """
        with self.transaction():
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            highest = row[0] if row else 0
            if last_seq <= highest:
                self.received(last_seq)
                return
            waiting = self._db.execute("SELECT type, body FROM outbox ORDER BY seq").fetchall()
            self._db.execute("DELETE FROM outbox")
            self._count_from(last_seq)
            for kind, body in waiting:
                cursor = self._db.execute("INSERT INTO outbox (type, body) VALUES (?, '')", (kind,))
                renumbered = json.dumps({**json.loads(body), "seq": cursor.lastrowid})
                self._db.execute("UPDATE outbox SET body = ? WHERE seq = ?", (renumbered, cursor.lastrowid))
