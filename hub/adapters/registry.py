"""The printer protocols that the hub speaks: one line each."""

from collections.abc import Callable
from dataclasses import dataclass

from hub.adapters import bambu_commands
from hub.adapters.bambu import BambuPrinter
from hub.adapters.bambu_trial import try_printer
from hub.adapters.base import AdapterFactory, Timings, Trial
from hub.protocol import PrinterConfig


@dataclass(frozen=True)
class PrinterProtocol:
    """`job_id` (from the run's code), `job_name` (code, title) and `remote_name` (SHA-256, code) are how the run and its
    file are called on the printer.
    """

    adapter: AdapterFactory
    trial: Callable[[PrinterConfig, Timings], Trial]
    job_id: Callable[[str], str]
    job_name: Callable[[str, str], str]
    remote_name: Callable[[str, str], str]


PROTOCOLS: dict[str, PrinterProtocol] = {
    "bambu": PrinterProtocol(
        BambuPrinter, try_printer, bambu_commands.job_number, bambu_commands.job_name, bambu_commands.remote_name
    ),
}
