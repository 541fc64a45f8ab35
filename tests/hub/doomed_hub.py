"""A hub that kills itself with SIGKILL at one step of a start; run as a program by test_kill.py.

Arguments: data folder, the file with the start command, the file with the printer, the step.
"""

import os
import signal
import sys
import time
from pathlib import Path

from hub.adapters import bambu
from hub.files import FileStore
from hub.ledger import Ledger
from hub.protocol import PrintCommand, PrinterConfig, SyncPrinters
from hub.starts import Start
from hub.supervisor import Supervisor
from tests.hub.rig import QUICK


def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner, name):
    setattr(owner, name, die)


def after(owner, name):
    original = getattr(owner, name)

    def then_die(*args, **kwargs):
        original(*args, **kwargs)
        time.sleep(0.3)  # a message that was handed over leaves the machine
        die()

    setattr(owner, name, then_die)


STEPS = {
    "received": lambda: before(Start, "tick"),
    "fetched": lambda: before(bambu.BambuPrinter, "upload"),
    "uploaded": lambda: after(bambu.BambuPrinter, "upload"),
    "file sent": lambda: before(Start, "_publish"),
    "published, not sent": lambda: before(bambu.BambuPrinter, "start"),
    "published and sent": lambda: after(bambu.BambuPrinter, "start"),
}


def main(folder, command, printer, step):
    STEPS[step]()
    ledger = Ledger(Path(folder) / "ledger.sqlite3", "secret of the hub")
    supervisor = Supervisor(ledger, FileStore(Path(folder) / "files"), lambda _message: None, QUICK)
    supervisor.open()
    config = PrinterConfig.model_validate_json(Path(printer).read_text())
    supervisor.take(SyncPrinters(command_id="sync", printers=[config]))
    supervisor.take(PrintCommand.model_validate_json(Path(command).read_text()))
    time.sleep(30)


if __name__ == "__main__":
    main(*sys.argv[1:])
