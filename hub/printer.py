"""One printer: a thread that owns its adapter and every decision about it, and a second one for its transfers.

Whatever happens elsewhere reaches the printer as a call in its inbox. The inbox is bounded: when a printer floods it,
its own words are dropped and it is asked again, and nobody else notices.
"""

import contextlib
import logging
import queue
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Literal

from hub.adapters.base import Adapter, AdapterFactory, Answer, PrinterReport, Timings, TransferError
from hub.files import FileStore
from hub.ledger import Ledger, Run
from hub.protocol import ENDED, Connection, FileProgress, PrintCommand, PrinterConfig, PrinterStatus
from hub.runs import Change, RunWatch, belongs
from hub.starts import RESUME_WITHIN_S, Start
from hub.status import status_of
from hub.watches import ErrorWatch, ForeignWatch

log = logging.getLogger("hub.printer")

_INBOX_CALLS = 2000
_TRANSFERS = 8

Show = Callable[[PrinterStatus | FileProgress], None]


class Printer:
    def __init__(
        self,
        config: PrinterConfig,
        factory: AdapterFactory,
        ledger: Ledger,
        files: FileStore,
        show: Show,
        timings: Timings,
    ) -> None:
        self.config = config
        self.ledger = ledger
        self.files = files
        self.timings = timings
        self.show = show
        self.report = PrinterReport()
        self.heard_at = float("-inf")
        self.connection: Connection = "connecting"
        self.connection_sentence = ""
        self._inbox: queue.Queue[Callable[[], None]] = queue.Queue(_INBOX_CALLS)
        self._transfers: queue.Queue[Callable[[], None] | None] = queue.Queue(_TRANSFERS)
        self._stopping = Event()
        self._overflowed = False
        self.starting: Start | None = None
        self.watched: RunWatch | None = None
        self._has_leftovers = False
        self._status_dirty = True
        self._status_at = float("-inf")
        self._errors = ErrorWatch(timings, ledger.active_errors(config.id))
        self._foreign = ForeignWatch(timings, ledger.foreign_run(config.id))
        self.adapter: Adapter = factory(config, self)
        self._threads = [
            Thread(target=self._run, name=f"printer-{config.id}", daemon=True),
            Thread(target=self._transfer_all, name=f"transfer-{config.id}", daemon=True),
        ]

    # --- Life (from any thread) ---

    def open(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self, timeout_s: float = 10) -> None:
        """Ends both threads; a transfer that is under way is broken off, and its start stays in the ledger."""
        self._stopping.set()
        self.post(lambda: None)
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def post(self, call: Callable[[], None]) -> None:
        try:
            self._inbox.put_nowait(call)
        except queue.Full:
            self._overflowed = True

    def submit(self, call: Callable[[], None]) -> bool:
        """For commands, which must not be dropped silently. False when the inbox is full or the printer is closing."""
        if self._stopping.is_set():
            return False
        try:
            self._inbox.put_nowait(call)
        except queue.Full:
            return False
        return True

    def pin(self) -> str | None:
        return self.ledger.pin(self.config)

    # --- The two threads ---

    def _run(self) -> None:
        self._guarded(self._resume)
        self._guarded(self.adapter.open)
        pause = min(0.5, self.timings.settle / 5)
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                self._guarded(self._inbox.get(timeout=pause))
            self._guarded(self._tick)
        with contextlib.suppress(queue.Empty):
            while True:
                self._guarded(self._inbox.get_nowait())
        if self.starting is not None:
            self.starting.abandon()
        self._transfers.put(None)
        self._guarded(self.adapter.close)

    def _guarded(self, call: Callable[[], None]) -> None:
        """A fault in one step is told in the log and must not end the printer's thread."""
        try:
            call()
        except Exception:
            log.exception("printer=%s", self.config.id)

    def _transfer_all(self) -> None:
        while (work := self._transfers.get()) is not None:
            self._guarded(work)

    def transfer(self, work: Callable[[], None]) -> None:
        self._transfers.put_nowait(work)

    def _tick(self) -> None:
        now = time.monotonic()
        self.adapter.tick(now)
        if self._overflowed:
            self._overflowed = False
            log.warning("printer=%s sent more than could be read; asking for everything", self.config.id)
            self.adapter.ask()
        if self.starting is not None:
            self.starting.tick(now)
            self.starting = None if self.starting.is_over else self.starting
        self._tick_watches(now)
        if self._status_dirty and now - self._status_at >= self.timings.status_every:
            self._status_dirty, self._status_at = False, now
            self.show(status_of(self))

    def _tick_watches(self, now: float) -> None:
        if self.watched is not None:
            if self.watched.must_ask(now):
                self.adapter.ask()
            self._apply(self.watched.tick(now))
        if self.connection == "online":
            self._tell_errors(now)

    # --- What the adapter tells (printer's thread) ---

    def connection_changed(self, connection: Connection, sentence: str = "") -> None:
        if connection == "connecting" and self.connection != "online":
            return  # what went wrong last stays readable while the next try is under way
        if (connection, sentence) == (self.connection, self.connection_sentence):
            return
        log.info("printer=%s connection=%s %s", self.config.id, connection, sentence)
        if self.connection == "online":
            self.report = replace(self.report, confirmed=False)
            if self.watched is not None:
                self.watched.disconnected()
        if connection == "online":
            self._has_leftovers = not self.adapter.keeps_files and bool(self.ledger.files(self.config.id))
        self.connection, self.connection_sentence = connection, sentence
        self._status_dirty = True

    def observed(self, report: PrinterReport) -> None:
        now = time.monotonic()
        self.report, self.heard_at = report, now
        self._status_dirty = True
        ours = False
        if self.watched is not None:
            ours = belongs(self.watched.run, report)
            self._apply(self.watched.observe(report, now))
        for change in self._foreign.observe(report, ours=ours, now=now):
            self.ledger.say_foreign_run(
                printer_id=self.config.id,
                key=change.key,
                state=change.state,
                sentence=change.sentence,
                title=report.job.name,
                file_name=report.job.file,
                percent=report.percent,
                layer=report.layer,
                total_layers=report.total_layers,
                at=datetime.now(UTC),
            )
        self._tell_errors(now)
        if self._has_leftovers and report.is_ready and self.starting is None and self.watched is None:
            self._clean_up()

    def _tell_errors(self, now: float) -> None:
        for error, active in self._errors.observe(self.report, now):
            self.ledger.say_error(self.config.id, error, active=active)

    def start_is_pending(self) -> bool:
        return self.watched is not None and self.watched.is_young(time.monotonic())

    def remember_pin(self, sha256: str) -> None:
        self.ledger.save_pin(self.config, sha256)

    # --- Runs ---

    def _resume(self) -> None:
        """After a restart: take up what was under way. What was published is only watched."""
        for run in self.ledger.open_runs(self.config.id):
            if run.phase == "published":
                self.watched = RunWatch(run, self.timings, self.adapter.patience, time.monotonic(), baseline=None)
                continue
            stored = self.ledger.command(run.command_id)
            if stored is None or time.time() - run.received_at > RESUME_WITHIN_S:
                sentence = "The hub was away too long in the middle of this start. Nothing was started; start it again."
                self.start_over(run, state="failed", code="hub_was_away", sentence=sentence)
            elif self.starting is None:
                self.starting = Start(self, PrintCommand.model_validate_json(stored.body), run)

    def begin(self, command: PrintCommand, run: Run) -> None:
        stored = self.ledger.run(run.run_code)
        resumed = self.starting is not None and self.starting.run.run_code == run.run_code
        if resumed or stored is None or stored.phase != "received":
            return  # this thread began after the run was written down, and has taken it up from the ledger
        if self.starting is not None or (self.watched is not None and self.watched.is_unconfirmed):
            sentence = "Another start is still under way on this printer. Nothing was started."
            self.start_over(run, state="failed", code="printer_busy", sentence=sentence)
            return
        self.starting = Start(self, command, run)

    def watch(self, run: Run, baseline: PrinterReport) -> None:
        """From here on the printer may have the start. An older run that nobody saw end is no longer followed."""
        for older in self.ledger.open_runs(self.config.id):
            if older.run_code != run.run_code and older.phase == "published":
                self.ledger.save_run(older, phase="done")
        self.watched = RunWatch(run, self.timings, self.adapter.patience, time.monotonic(), baseline)

    def start_answered(self, run_code: str, answer: Answer) -> None:
        watch = self.watched
        if watch is None or watch.run.run_code != run_code or not watch.is_unconfirmed:
            return
        if answer.success:
            self._apply(Change("accepted"))
        elif answer.code != "no_answer":
            self._apply(Change("failed", answer.sentence, answer.code))

    def start_over(self, run: Run, *, state: Literal["failed", "cancelled"], code: str, sentence: str) -> None:
        """A start that ended before the printer could have got it."""
        with self.ledger.transaction():
            run = self.ledger.save_run(run, state=state, phase="done")
            self.ledger.say_run(run, code=code, sentence=sentence, at=datetime.now(UTC))

    def _apply(self, change: Change | None) -> None:
        watch = self.watched
        if watch is None:
            return
        if change is None:
            self._keep_progress(watch)
            return
        ended = change.state in ENDED
        with self.ledger.transaction():
            watch.run = self.ledger.save_run(watch.run, state=change.state, phase="done" if ended else "published")
            self.ledger.say_run(
                watch.run,
                sentence=change.sentence,
                code=change.code,
                ended_while_offline=change.ended_while_offline,
                evidence=change.evidence or {},
                at=datetime.now(UTC),
            )
        self._status_dirty = True
        if ended:
            self.watched = None
            self._has_leftovers = not self.adapter.keeps_files
        elif change.state == "running" and watch.must_stop:
            watch.must_stop = False
            self.adapter.act("stop", lambda _answer: None)

    def _keep_progress(self, watch: RunWatch) -> None:
        """So that a hub that restarts, or a printer that forgets, does not lose how far the print was."""
        stored = self.ledger.run(watch.run.run_code) if watch.progressed else None
        if stored is not None:
            watch.progressed = False
            self.ledger.save_run(watch.run)

    def _clean_up(self) -> None:
        """Some models print a file that was left on the card again after a power cut. When removing one fails, it is
        tried again after the next connect.
        """
        self._has_leftovers = False

        def remove() -> None:
            try:
                for name in self.ledger.files(self.config.id):
                    self.adapter.remove_file(name)
                    self.ledger.forget_file(self.config.id, name)
            except TransferError as error:
                log.info("printer=%s could not remove a file: %s", self.config.id, error.sentence)

        self.transfer(remove)

    def republish(self) -> None:
        self._status_dirty = True
