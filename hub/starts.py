"""The way of one start: wait until the printer is confirmed idle, send the file, look again, send the start once.

Every step is written in the ledger first. After a crash the way is walked again from its beginning, up to the moment in
which "published" was written: from then on the start is never sent again.
"""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Literal, Protocol

from hub.adapters.base import Adapter, Answer, PrinterReport, StartJob, Timings, TransferError
from hub.files import FileStore
from hub.ledger import Ledger, Run
from hub.protocol import Connection, FileProgress, PrintCommand

log = logging.getLogger("hub.starts")

RESUME_WITHIN_S = 1800
"""A start that a crash interrupted is not taken up again after this: the person has gone, the bed may be taken."""

Step = Literal["waiting", "sending", "waiting_again", "published", "over"]


class Desk(Protocol):
    """What a start needs of its printer. All on the printer's thread, but `post` and `show`."""

    ledger: Ledger
    files: FileStore
    timings: Timings
    adapter: Adapter
    report: PrinterReport
    heard_at: float
    connection: Connection
    connection_sentence: str

    def post(self, call: Callable[[], None]) -> None: ...
    def transfer(self, work: Callable[[], None]) -> None: ...
    def show(self, progress: FileProgress) -> None: ...
    def watch(self, run: Run, baseline: PrinterReport) -> None: ...
    def start_answered(self, run_code: str, answer: Answer) -> None: ...
    def start_over(self, run: Run, *, state: Literal["failed", "cancelled"], code: str, sentence: str) -> None: ...


class Start:
    def __init__(self, desk: Desk, command: PrintCommand, run: Run) -> None:
        self._desk = desk
        self._command = command
        self.run = run
        self.step: Step = "waiting"
        self._cancelled = Event()
        self._waiting_since = time.monotonic()
        self._shown_at = 0.0
        self._job = StartJob(
            run_code=run.run_code,
            job_id=run.job_id,
            job_name=run.job_name,
            remote_name=run.remote_name,
            md5=command.md5,
            sha256=command.sha256,
            size_bytes=command.size_bytes,
            plate_index=command.plate_index,
            ams_mapping=tuple(command.ams_mapping),
            use_ams=command.use_ams,
            bed_type=command.bed_type,
            options=command.options,
        )

    @property
    def is_over(self) -> bool:
        return self.step in {"published", "over"}

    def cancel(self) -> None:
        """A transfer that is under way ends at its next chunk."""
        self._cancelled.set()
        if self.step != "sending":
            self._end("cancelled", "cancelled", "The start was cancelled before the printer got it.")

    def abandon(self) -> None:
        """The hub stops: break the transfer off and say nothing; the start is taken up again from the ledger."""
        self.step = "over"
        self._cancelled.set()

    def tick(self, now: float) -> None:
        if self.step == "waiting" and self._is_ready(now, fresh=False):
            self.step = "sending"
            self._desk.transfer(self._send)
        elif self.step == "waiting_again" and self._is_ready(now, fresh=True):
            self._publish()

    # --- Is the printer ready? ---

    def _is_ready(self, now: float, *, fresh: bool) -> bool:
        desk = self._desk
        reason = _reason_against(desk)
        if reason is not None:
            self._end("failed", *reason)
            return False
        known = desk.connection == "online" and desk.report.confirmed
        if known and desk.report.is_ready and (not fresh or now - desk.heard_at <= desk.timings.fresh):
            return True
        if known:
            desk.adapter.ask()
        if now - self._waiting_since >= desk.timings.ready_wait:
            self._end("failed", *_waited_in_vain(desk))
        return False

    # --- The file (on the transfer thread) ---

    def _send(self) -> None:
        desk, job = self._desk, self._job
        try:
            path = desk.files.fetch(self._command, self._cancelled)
            reuse = desk.ledger.has_file(self.run.printer_id, job.remote_name, job.sha256)
            desk.ledger.forget_file(self.run.printer_id, job.remote_name)
            desk.adapter.upload(job, path, self._progress, self._cancelled, reuse=reuse)
            desk.ledger.note_file(self.run.printer_id, job.remote_name, job.sha256, job.size_bytes)
        except TransferError as error:
            code, sentence = error.code, error.sentence
            desk.post(lambda: self._end("cancelled" if code == "cancelled" else "failed", code, sentence))
        except Exception:
            log.exception("run=%s the transfer broke", self.run.run_code)
            sentence = "The hub could not send the file because of a fault of its own; its log says more."
            desk.post(lambda: self._end("failed", "hub_fault", sentence))
        else:
            desk.post(self._sent)

    def _progress(self, sent: int, total: int) -> None:
        now = time.monotonic()
        if sent < total and now - self._shown_at < self._desk.timings.status_every:
            return
        self._shown_at = now
        self._desk.show(
            FileProgress(run_code=self.run.run_code, printer_id=self.run.printer_id, bytes_sent=sent, bytes_total=total)
        )

    def _sent(self) -> None:
        if self.step != "sending":
            return
        if self._cancelled.is_set():
            self._end("cancelled", "cancelled", "The start was cancelled before the printer got it.")
            return
        self.run = self._desk.ledger.save_run(self.run, phase="file_sent")
        self.step = "waiting_again"
        self._waiting_since = time.monotonic()

    # --- The start itself ---

    def _publish(self) -> None:
        self.run = self._desk.ledger.save_run(self.run, phase="published")
        self.step = "published"
        self._desk.watch(self.run, self._desk.report)
        self._desk.adapter.start(self._job, lambda answer: self._desk.start_answered(self.run.run_code, answer))

    def _end(self, state: Literal["failed", "cancelled"], code: str, sentence: str) -> None:
        if not self.is_over:
            self.step = "over"
            self._desk.start_over(self.run, state=state, code=code, sentence=sentence)


def _reason_against(desk: Desk) -> tuple[str, str] | None:
    """Why waiting would not help: code and sentence."""
    report = desk.report
    if desk.connection == "refused":
        return "connection_refused", desk.connection_sentence
    if desk.connection != "online" or not report.confirmed:
        return None
    if report.is_active:
        return "printer_busy", "The printer is working on another job. Nothing was started."
    if report.developer_mode is False:
        return "developer_mode_off", (
            "Developer Mode is off, so the printer takes no commands. Switch it on at the printer's screen and enter the "
            "new access code."
        )
    if report.storage == "missing":
        return "no_storage", "There is no memory card in the printer. Insert one, then start again."
    if report.storage == "read_only":
        return "storage_read_only", "The printer's memory card is write-protected. Unlock it, then start again."
    return None


def _waited_in_vain(desk: Desk) -> tuple[str, str]:
    if desk.connection != "online":
        return "printer_offline", desk.connection_sentence or "The printer is not connected. Nothing was started."
    if desk.report.is_ready:
        return "not_confirmed", "The printer did not confirm that it is idle. Nothing was started; try again."
    return (
        "printer_busy",
        "The printer is busy with itself (calibrating or changing filament). Start again when it is idle.",
    )
