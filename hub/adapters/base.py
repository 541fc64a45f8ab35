"""What every printer protocol gives the hub, and what the hub gives it.

An adapter has two halves: pure functions from payloads to a PrinterReport, and the transport. All its methods run on
its printer's own thread, except `upload` and `remove_file`, which run on that printer's transfer thread and may block.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Event
from typing import ClassVar, Literal, Protocol, get_args

from hub.protocol import (
    ActiveError,
    Connection,
    PrinterConfig,
    PrinterState,
    PrintOptions,
    SlotStatus,
    TryStep,
    TryStepResult,
)

ACTIVE: frozenset[PrinterState] = frozenset({"preparing", "printing", "pausing", "paused", "attention"})
READY: frozenset[PrinterState] = frozenset({"idle", "finished", "cancelled", "failed"})

Storage = Literal["ready", "missing", "faulty", "read_only"]


@dataclass(frozen=True)
class Timings:
    """Every wait of the hub, in seconds. The defaults are for real printers; tests shrink them together."""

    connect: float = 10
    ack: float = 10
    quiet: float = 30  # after this without a word the printer is asked
    silent: float = 60  # after this it counts as offline
    ask_gap: float = 3  # between two requests for a full report
    ask_every: float = 300
    fresh: float = 10  # how old the last word may be when a print is started
    ready_wait: float = 40  # for a printer to come online and confirm that it is idle
    ask_after: float = 90  # from a start to the first doubt
    unknown_after: float = 180  # from the first doubt to "unknown"
    settle: float = 5  # for the words that belong to an ending to arrive
    stop_memory: float = 60
    backoff_first: float = 2
    backoff_most: float = 60
    refused: float = 60  # between two tries with an access code or certificate that was refused
    transfer_least: float = 600
    stall: float = 120  # no byte moved
    reply: float = 60  # for the reply after the last byte
    error_gone: float = 30  # an error is over when it has stayed away this long
    status_every: float = 0.5

    def scaled(self, factor: float) -> "Timings":
        return Timings(**{each.name: getattr(self, each.name) * factor for each in fields(self)})


@dataclass(frozen=True)
class Job:
    """What the printer works on, or last worked on, in its own words."""

    id: str = ""
    name: str = ""
    file: str = ""


@dataclass(frozen=True)
class PrinterReport:
    """The printer as far as it is known; units as in PrinterStatus. `confirmed`: a full report of this connection is in
    it. `start_refused`: it says that the last start was refused, so an ending now belongs to no earlier print.
    """

    state: PrinterState = "unknown"
    job: Job = Job()
    confirmed: bool = False
    percent: int | None = None
    layer: int | None = None
    total_layers: int | None = None
    remaining_minutes: int | None = None
    stage_word: str = ""
    nozzle_c: float | None = None
    nozzle_target_c: float | None = None
    bed_c: float | None = None
    bed_target_c: float | None = None
    chamber_c: float | None = None
    speed: Literal["silent", "standard", "sport", "ludicrous"] | None = None
    wifi_dbm: int | None = None
    slots: tuple[SlotStatus, ...] = ()
    active_slot: int | None = None
    firmware: str | None = None
    errors: tuple[ActiveError, ...] = ()
    developer_mode: bool | None = None
    storage: Storage | None = None
    start_refusal: ActiveError | None = None
    evidence: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_ready(self) -> bool:
        return self.state in READY


@dataclass(frozen=True)
class StartJob:
    """One print to start. `job_id` and `job_name` are what the printer will call it in its reports; `remote_name` is
    the file's name on the printer.
    """

    run_code: str
    job_id: str
    job_name: str
    remote_name: str
    md5: str
    sha256: str
    size_bytes: int
    plate_index: int
    ams_mapping: tuple[int, ...]
    use_ams: bool
    bed_type: str | None
    options: PrintOptions


@dataclass(frozen=True)
class Answer:
    """How a command went. `code` is for programs, `sentence` for people."""

    success: bool
    code: str
    sentence: str = ""


class TransferError(Exception):
    """A file did not reach the printer. The message is the sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class TransferCancelledError(TransferError):
    def __init__(self) -> None:
        super().__init__("cancelled", "The start was cancelled while the file was on its way.")


@dataclass
class Trial:
    """What was found; steps that were not reached have `ok` None."""

    steps: dict[TryStep, TryStepResult] = field(default_factory=dict)
    certificate_sha256: str | None = None
    model: str | None = None
    firmware: str | None = None

    def note(self, name: TryStep, ok: bool | None, sentence: str) -> None:
        self.steps[name] = TryStepResult(name=name, ok=ok, sentence=sentence)

    def in_order(self) -> list[TryStepResult]:
        return [
            self.steps.get(name)
            or TryStepResult(name=name, ok=None, sentence="Not tried, because a step before failed.")
            for name in get_args(TryStep)
        ]


Progress = Callable[[int, int], None]
Done = Callable[[Answer], None]


class PrinterHost(Protocol):
    """What the hub offers an adapter. `post` may be called from any thread and runs the call on the printer's thread;
    the rest is for the printer's thread.
    """

    timings: Timings

    def post(self, call: Callable[[], None]) -> None: ...
    def connection_changed(self, connection: Connection, sentence: str = "") -> None: ...
    def observed(self, report: PrinterReport) -> None: ...
    def start_is_pending(self) -> bool:
        """A start was sent and the printer has not confirmed it: reconnecting now could spoil it."""

    def pin(self) -> str | None:
        """SHA-256 of the certificate that this printer must show, None on first contact."""

    def remember_pin(self, sha256: str) -> None: ...


class Adapter(Protocol):
    capabilities: ClassVar[frozenset[str]]
    keeps_files: bool
    """Whether files may stay on the printer after a run; when false they are deleted."""
    patience: float
    """Factor on the windows in which a start may be confirmed."""

    def open(self) -> None: ...
    def tick(self, now: float) -> None:
        """Called about once a second, and after every event; `now` is monotonic seconds."""

    def close(self) -> None: ...
    def ask(self) -> None:
        """Ask for a full report (no more often than the printer bears)."""

    def start(self, job: StartJob, done: Done) -> None:
        """Send the start, once. `done` tells the printer's answer, or code "no_answer"."""

    def act(self, action: str, done: Done) -> None: ...
    def upload(self, job: StartJob, path: Path, progress: Progress, cancelled: Event, *, reuse: bool) -> None:
        """Raises TransferError. `reuse`: the hub has put this very file there before; check the size and skip."""

    def remove_file(self, remote_name: str) -> None:
        """Raises TransferError; a file that is not there is fine."""


AdapterFactory = Callable[[PrinterConfig, PrinterHost], Adapter]
