"""What the hub has done and must still say, in one SQLite file that survives kill -9 at any moment.

Everything that must not be forgotten is written, with the message that tells web about it, in one transaction before
it is done. Access codes are sealed with a key made from the hub's secret. Every method may be called from any thread.
"""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.outbox import Outbox
from hub.protocol import ActiveError, CommandAck, ForeignRun, PrinterConfig, PrinterError, RunReport, RunState

KEEP_DONE_S = 60 * 86_400

Phase = Literal["received", "file_sent", "published", "done"]
"""received: written down. file_sent: on the printer, size verified. published: the start may have reached the printer,
and is therefore never sent again. done: the run has ended, or was refused before it began."""

_SCHEMA = """
CREATE TABLE commands (
    command_id TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL, result TEXT, at REAL NOT NULL);
CREATE TABLE runs (
    run_code TEXT PRIMARY KEY, printer_id TEXT NOT NULL, command_id TEXT NOT NULL, body TEXT NOT NULL,
    phase TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX runs_open ON runs (printer_id) WHERE phase <> 'done';
CREATE TABLE foreign_runs (printer_id TEXT PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE errors (
    printer_id TEXT NOT NULL, code TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (printer_id, code));
CREATE TABLE printers (printer_id TEXT PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE pins (printer_id TEXT PRIMARY KEY, serial TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE files (
    printer_id TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    PRIMARY KEY (printer_id, name));
"""


@dataclass(frozen=True)
class Run:
    """One attempt as the hub knows it. `job_id` and `job_name` are how the printer's reports name it. Times are epoch
    seconds.
    """

    run_code: str
    printer_id: str
    command_id: str
    job_id: str
    job_name: str
    remote_name: str
    size_bytes: int
    phase: Phase = "received"
    state: RunState = "sending"
    seen_active: bool = False
    percent: int | None = None
    layer: int | None = None
    total_layers: int | None = None
    received_at: float = 0.0


@dataclass(frozen=True)
class StoredCommand:
    body: str
    result: dict[str, Any] | None


class Ledger(Outbox):
    def __init__(self, path: Path, secret: str) -> None:
        super().__init__(path, _SCHEMA)
        self._seal = AESGCM(HKDF(hashes.SHA256(), 32, None, b"printfarm hub ledger").derive(secret.encode()))

    # --- Commands ---

    def command(self, command_id: str) -> StoredCommand | None:
        with self._lock:
            row = self._db.execute("SELECT body, result FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        return StoredCommand(row[0], json.loads(row[1]) if row[1] else None) if row else None

    def begin(self, command_id: str, kind: str, body: str = "") -> bool:
        """Write a command down. False when it was there before: then nothing may be done for it again."""
        with self.transaction():
            made = self._db.execute(
                "INSERT OR IGNORE INTO commands (command_id, type, body, at) VALUES (?, ?, ?, ?)",
                (command_id, kind, body, time.time()),
            )
            return made.rowcount == 1

    def finish(self, command_id: str, *, success: bool, code: str, sentence: str = "") -> None:
        """Store the result and queue the acknowledgement."""
        result = {"success": success, "code": code, "sentence": sentence}
        with self.transaction():
            self._db.execute("UPDATE commands SET result = ? WHERE command_id = ?", (json.dumps(result), command_id))
            self.say(CommandAck, command_id=command_id, **result)

    def repeat(self, command_id: str) -> None:
        """Acknowledge again what was asked again, unless its first answer is still to be sent."""
        stored = self.command(command_id)
        if stored is None or stored.result is None:
            return
        with self.transaction():
            waiting = self._db.execute("SELECT body FROM outbox WHERE type = 'command_ack'").fetchall()
            if not any(json.loads(body)["command_id"] == command_id for (body,) in waiting):
                self.say(CommandAck, command_id=command_id, **stored.result)

    def forget_unfinished(self, *kinds: str) -> None:
        """Commands that a crash interrupted and that are safe to do again when web sends them again."""
        marks = ", ".join("?" * len(kinds))
        with self.transaction():
            self._db.execute(f"DELETE FROM commands WHERE result IS NULL AND type IN ({marks})", kinds)  # noqa: S608

    def prune(self) -> None:
        """Forget what was done long ago."""
        limit = time.time() - KEEP_DONE_S
        with self.transaction():
            self._db.execute("DELETE FROM runs WHERE phase = 'done' AND at < ?", (limit,))
            self._db.execute(
                "DELETE FROM commands WHERE at < ? AND command_id NOT IN (SELECT command_id FROM runs)", (limit,)
            )

    # --- Runs ---

    def add_run(self, run: Run) -> bool:
        """False when a run of this code was there before: it is not started again, whatever the command's id."""
        with self.transaction():
            made = self._db.execute(
                "INSERT OR IGNORE INTO runs (run_code, printer_id, command_id, body, phase, at) VALUES (?,?,?,?,?,?)",
                (run.run_code, run.printer_id, run.command_id, json.dumps(asdict(run)), run.phase, time.time()),
            )
            return made.rowcount == 1

    def save_run(self, run: Run, **changes: Any) -> Run:
        run = replace(run, **changes)
        with self.transaction():
            self._db.execute(
                "UPDATE runs SET body = ?, phase = ?, at = ? WHERE run_code = ?",
                (json.dumps(asdict(run)), run.phase, time.time(), run.run_code),
            )
        return run

    def run(self, run_code: str) -> Run | None:
        with self._lock:
            row = self._db.execute("SELECT body FROM runs WHERE run_code = ?", (run_code,)).fetchone()
        return Run(**json.loads(row[0])) if row else None

    def open_runs(self, printer_id: str) -> list[Run]:
        """Runs that have not ended, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM runs WHERE printer_id = ? AND phase <> 'done' ORDER BY rowid", (printer_id,)
            ).fetchall()
        return [Run(**json.loads(body)) for (body,) in rows]

    def say_run(self, run: Run, **fields: Any) -> RunReport:
        """A run_report with the run's progress as it is stored."""
        progress = {"percent": run.percent, "layer": run.layer, "total_layers": run.total_layers}
        return self.say(
            RunReport, printer_id=run.printer_id, run_code=run.run_code, state=run.state, **{**progress, **fields}
        )

    def foreign_run(self, printer_id: str) -> tuple[str, RunState] | None:
        """Key and state of the last job on this printer that the hub did not start."""
        with self._lock:
            row = self._db.execute("SELECT key, state FROM foreign_runs WHERE printer_id = ?", (printer_id,)).fetchone()
        return (row[0], row[1]) if row else None

    def say_foreign_run(self, **fields: Any) -> None:
        with self.transaction():
            self._db.execute(
                "INSERT INTO foreign_runs VALUES (:printer_id, :key, :state) "
                "ON CONFLICT (printer_id) DO UPDATE SET key = excluded.key, state = excluded.state",
                {name: fields[name] for name in ("printer_id", "key", "state")},
            )
            self.say(ForeignRun, **fields)

    def active_errors(self, printer_id: str) -> dict[str, ActiveError]:
        """What web was told is wrong with this printer and has not been told is over."""
        with self._lock:
            rows = self._db.execute("SELECT code, body FROM errors WHERE printer_id = ?", (printer_id,)).fetchall()
        return {code: ActiveError.model_validate_json(body) for code, body in rows}

    def say_error(self, printer_id: str, error: ActiveError, *, active: bool) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM errors WHERE printer_id = ? AND code = ?", (printer_id, error.code))
            if active:
                self._db.execute(
                    "INSERT INTO errors VALUES (?, ?, ?)", (printer_id, error.code, error.model_dump_json())
                )
            self.say(PrinterError, printer_id=printer_id, active=active, at=datetime.now(UTC), **error.model_dump())

    # --- Printers ---

    def save_printer(self, config: PrinterConfig) -> None:
        """A certificate that web names replaces the one that the hub pinned by itself."""
        sealed = self._sealed(config.model_dump_json(), config.id)
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO printers VALUES (?, ?)", (config.id, sealed))
            if config.certificate_sha256:
                self.save_pin(config, config.certificate_sha256)

    def remove_printer(self, printer_id: str) -> None:
        with self.transaction():
            for table in ("printers", "pins", "files", "errors", "foreign_runs"):
                self._db.execute(f"DELETE FROM {table} WHERE printer_id = ?", (printer_id,))  # noqa: S608

    def printers(self) -> list[PrinterConfig]:
        with self._lock:
            rows = self._db.execute("SELECT printer_id, sealed FROM printers ORDER BY printer_id").fetchall()
        opened = [self._opened(sealed, printer_id) for printer_id, sealed in rows]
        return [PrinterConfig.model_validate_json(config) for config in opened if config is not None]

    def pin(self, config: PrinterConfig) -> str | None:
        """The certificate to expect: web's, else the one of the first contact with this serial."""
        if config.certificate_sha256:
            return config.certificate_sha256
        with self._lock:
            row = self._db.execute(
                "SELECT sha256 FROM pins WHERE printer_id = ? AND serial = ?", (config.id, config.serial.upper())
            ).fetchone()
        return row[0] if row else None

    def save_pin(self, config: PrinterConfig, sha256: str) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", (config.id, config.serial.upper(), sha256))

    def note_file(self, printer_id: str, name: str, sha256: str, size_bytes: int) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (printer_id, name, sha256, size_bytes))

    def has_file(self, printer_id: str, name: str, sha256: str) -> bool:
        with self._lock:
            query = "SELECT 1 FROM files WHERE printer_id = ? AND name = ? AND sha256 = ?"
            return self._db.execute(query, (printer_id, name, sha256)).fetchone() is not None

    def files(self, printer_id: str) -> list[str]:
        with self._lock:
            rows = self._db.execute("SELECT name FROM files WHERE printer_id = ?", (printer_id,)).fetchall()
        return [name for (name,) in rows]

    def forget_file(self, printer_id: str, name: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM files WHERE printer_id = ? AND name = ?", (printer_id, name))

    # --- Seals ---

    def _sealed(self, text: str, printer_id: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._seal.encrypt(nonce, text.encode(), printer_id.encode())

    def _opened(self, sealed: bytes, printer_id: str) -> bytes | None:
        """None when it was sealed with another secret: the hub was enrolled anew, and web sends its printers again."""
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], printer_id.encode())
        except InvalidTag:
            return None
