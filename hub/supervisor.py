"""Which printers there are, and who gets which command. Nothing here waits for a printer.

Commands come on the link's thread. Each is written in the ledger before anything is done for it, and a command that was
written before is only answered again.
"""

import logging
import time
from datetime import UTC, datetime
from threading import BoundedSemaphore, RLock, Thread

from hub.adapters.base import Timings
from hub.adapters.registry import PROTOCOLS
from hub.files import FileStore
from hub.ledger import Ledger, Run
from hub.orders import carry_out
from hub.printer import Printer, Show
from hub.protocol import (
    Command,
    ConfigurePrinter,
    PrintCommand,
    PrinterCommand,
    PrinterConfig,
    RunReport,
    SyncPrinters,
    TryPrinter,
    TryResult,
)

log = logging.getLogger("hub.supervisor")

_TRIALS_AT_ONCE = 4
_REPEATABLE = ("printer_command", "try_printer", "sync_printers", "configure_printer")


class Supervisor:
    def __init__(self, ledger: Ledger, files: FileStore, show: Show, timings: Timings | None = None) -> None:
        self._ledger = ledger
        self._files = files
        self._show = show
        self._timings = timings or Timings()
        self._lock = RLock()
        self._printers: dict[str, Printer] = {}
        self._parts: dict[int, SyncPrinters] = {}
        self._trials = BoundedSemaphore(_TRIALS_AT_ONCE)

    def open(self) -> None:
        """Connects to the printers that were known before, so that a hub without web still watches them."""
        self._ledger.forget_unfinished(*_REPEATABLE)
        self._ledger.prune()
        with self._lock:
            for config in self._ledger.printers():
                self._put(config)

    def close(self) -> None:
        with self._lock:
            printers = list(self._printers.values())
            self._printers.clear()
        closers = [Thread(target=printer.close, daemon=True) for printer in printers]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(10)

    def republish(self) -> None:
        """Web has just come back: show every printer as it is now."""
        with self._lock:
            for printer in self._printers.values():
                printer.post(printer.republish)

    def take(self, command: Command) -> None:
        """Carry a command out, or answer again what was carried out."""
        if isinstance(command, PrintCommand):
            self._start(command)
        elif isinstance(command, PrinterCommand):
            self._forward(command)
        elif isinstance(command, TryPrinter):
            self._try(command)
        elif isinstance(command, SyncPrinters):
            self._sync(command)
        else:
            self._configure(command)

    # --- Which printers there are ---

    def _sync(self, command: SyncPrinters) -> None:
        if any(part.command_id != command.command_id for part in self._parts.values()):
            self._parts.clear()
        self._parts[command.part] = command
        if set(self._parts) != set(range(1, command.parts + 1)):
            return
        wanted = {config.id: config for part in self._parts.values() for config in part.printers}
        self._parts.clear()
        with self._ledger.transaction():
            if not self._ledger.begin(command.command_id, command.type):
                self._ledger.repeat(command.command_id)
                return
            with self._lock:
                for printer_id in self._printers.keys() - wanted.keys():
                    self._remove(printer_id)
                for config in wanted.values():
                    self._save(config)
            self._finish(command, success=True, code="done")

    def _configure(self, command: ConfigurePrinter) -> None:
        with self._ledger.transaction():
            if not self._ledger.begin(command.command_id, command.type):
                self._ledger.repeat(command.command_id)
                return
            with self._lock:
                problem = None if command.action == "remove" else self._problem(command.printer)
                if problem is None and command.action == "remove":
                    self._remove(command.printer.id)
                elif problem is None:
                    self._save(command.printer)
            if problem is None:
                self._finish(command, success=True, code="done")
            else:
                self._finish(command, success=False, code="refused", sentence=problem)

    def _problem(self, config: PrinterConfig) -> str | None:
        if config.protocol not in PROTOCOLS:
            return f"This hub does not speak {config.protocol}. Update the hub."
        for printer in self._printers.values():
            other = printer.config
            if config.serial and other.serial.upper() == config.serial.upper() and other.id != config.id:
                return "A printer with this serial number is already there. One printer can be entered only once."
        return None

    def _save(self, config: PrinterConfig) -> None:
        if config.protocol not in PROTOCOLS:
            log.error("printer=%s speaks %s, which this hub does not know", config.id, config.protocol)
            return
        known = self._printers.get(config.id)
        pin = known.pin() if known is not None else None
        self._ledger.save_printer(config)
        if known is None or not _is_same(known.config, config, pin):
            self._put(config)

    def _put(self, config: PrinterConfig) -> None:
        old = self._printers.get(config.id)
        adapter = PROTOCOLS[config.protocol].adapter
        new = Printer(config, adapter, self._ledger, self._files, self._show, self._timings)
        self._printers[config.id] = new
        if old is None:
            new.open()
        else:
            Thread(target=_replace, args=(old, new), name=f"replace-{config.id}", daemon=True).start()

    def _remove(self, printer_id: str) -> None:
        printer = self._printers.pop(printer_id, None)
        self._ledger.remove_printer(printer_id)
        if printer is not None:
            Thread(target=printer.close, name=f"close-{printer_id}", daemon=True).start()

    # --- Commands for one printer ---

    def _start(self, command: PrintCommand) -> None:
        with self._lock:
            printer = self._printers.get(command.printer_id)
        with self._ledger.transaction():
            if not self._ledger.begin(command.command_id, command.type, command.model_dump_json()):
                self._ledger.repeat(command.command_id)
                return
            if printer is None:
                self._refuse_start(
                    command, "unknown_printer", "This hub does not know the printer. Nothing was started."
                )
                return
            run = _run_for(command, printer.config.protocol)
            if not self._ledger.add_run(run):
                sentence = "This run was started before. It is not started a second time."
                self._finish(command, success=False, code="already_started", sentence=sentence)
                return
            self._finish(command, success=True, code="accepted")
            self._ledger.say_run(run, at=datetime.now(UTC))
        if not printer.submit(lambda: printer.begin(command, run)):
            sentence = "The hub has too much to do for this printer. Nothing was started; try again."
            printer.start_over(run, state="failed", code="hub_busy", sentence=sentence)

    def _refuse_start(self, command: PrintCommand, code: str, sentence: str) -> None:
        self._finish(command, success=False, code=code, sentence=sentence)
        self._ledger.say(
            RunReport,
            printer_id=command.printer_id,
            run_code=command.run_code,
            state="failed",
            code=code,
            sentence=sentence,
            at=datetime.now(UTC),
        )

    def _forward(self, command: PrinterCommand) -> None:
        with self._lock:
            printer = self._printers.get(command.printer_id)
        if not self._ledger.begin(command.command_id, command.type):
            self._ledger.repeat(command.command_id)
        elif printer is None:
            self._finish(command, success=False, code="unknown_printer", sentence="This hub does not know the printer.")
        elif not printer.submit(lambda: carry_out(printer, command)):
            sentence = "The hub has too much to do for this printer. Try again."
            self._finish(command, success=False, code="hub_busy", sentence=sentence)

    def _finish(self, command: Command, *, success: bool, code: str, sentence: str = "") -> None:
        self._ledger.finish(command.command_id, success=success, code=code, sentence=sentence)

    # --- Trials ---

    def _try(self, command: TryPrinter) -> None:
        if not self._ledger.begin(command.command_id, command.type):
            self._ledger.repeat(command.command_id)
        elif command.printer.protocol not in PROTOCOLS:
            sentence = f"This hub does not speak {command.printer.protocol}. Update the hub."
            self._finish(command, success=False, code="unknown_protocol", sentence=sentence)
        elif not self._trials.acquire(blocking=False):
            sentence = "Several printers are being tried at the moment. Try again in a minute."
            self._finish(command, success=False, code="hub_busy", sentence=sentence)
        else:
            Thread(target=self._carry_out_trial, args=(command,), name="trial", daemon=True).start()

    def _carry_out_trial(self, command: TryPrinter) -> None:
        try:
            trial = PROTOCOLS[command.printer.protocol].trial(command.printer, self._timings)
            with self._ledger.transaction():
                self._ledger.say(
                    TryResult,
                    command_id=command.command_id,
                    steps=trial.in_order(),
                    certificate_sha256=trial.certificate_sha256,
                    model=trial.model,
                    firmware=trial.firmware,
                )
                self._finish(command, success=True, code="done")
        except Exception:
            log.exception("printer=%s the trial broke", command.printer.id)
            sentence = "The trial broke by a fault of the hub; its log says more."
            self._finish(command, success=False, code="hub_fault", sentence=sentence)
        finally:
            self._trials.release()


def _replace(old: Printer, new: Printer) -> None:
    """One printer is never talked to by two: the new one begins when the old one has ended."""
    old.close(timeout_s=60)
    new.open()


def _is_same(known: PrinterConfig, wanted: PrinterConfig, pin: str | None) -> bool:
    """Whether the running connection serves the new settings; a pin that it already uses changes nothing."""
    certificate = {"certificate_sha256": None}
    same = known.model_copy(update=certificate) == wanted.model_copy(update=certificate)
    return same and wanted.certificate_sha256 in {None, pin, known.certificate_sha256}


def _run_for(command: PrintCommand, protocol: str) -> Run:
    names = PROTOCOLS[protocol]
    return Run(
        run_code=command.run_code,
        printer_id=command.printer_id,
        command_id=command.command_id,
        job_id=names.job_id(command.run_code),
        job_name=names.job_name(command.run_code, command.title),
        remote_name=names.remote_name(command.sha256, command.run_code),
        size_bytes=command.size_bytes,
        total_layers=command.layers,
        received_at=time.time(),
    )
