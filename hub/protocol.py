"""The messages of /ws/hub/<hub_id>, for this hub, for web, and for anybody who writes another hub.

Every message is one JSON object in one text frame of at most MAX_MESSAGE_BYTES, with its kind in `type`. Fields that a
receiver does not know are ignored, so that one version of skew is harmless; an unknown `type` is logged and
dropped (UnknownMessageError). Times are ISO 8601 with an offset (UTC). Temperatures are °C, sizes bytes, durations
seconds unless the name says otherwise. `None` always means "not known", never zero.

Sign-in (the secret is shared when the hub is enrolled; its UTF-8 text is the HMAC key):

    web  challenge {nonce}
    hub  hub_hello {hub_id, firmware, protocol, hub_nonce,
                    signature = HMAC-SHA256(secret, "hub:<id>:<nonce>:<hub_nonce>")}
    web  welcome   {signature = HMAC-SHA256(secret, "web:<id>:<hub_nonce>:<nonce>"), protocol, server_time, last_seq}
         or refused {reason}, and closes

Then web sends sync_printers (the complete list), and re-sends every command that the hub has not acknowledged. The hub
re-sends its durable messages above `last_seq`. Durable messages carry `seq`, which only grows, with gaps; the hub keeps
each until web says received {seq}, which covers every durable message up to that number. Web stores first and
says received afterwards, and ignores a seq that it has already stored. Volatile messages may be lost.

What an acknowledgement means: the hub has carried the command out (`success`), or never will. For a start it means
"written down": its fate always comes as run_report, also when the ack says no (but for the code already_started, when
the run had been started before). A trial is acknowledged together with its try_result. A command id that the hub has
seen before gets the stored answer again and does nothing twice.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from hub.reported import RemainPercent, Tag

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 32_000

RUN_CODE_PATTERN = r"^[A-Za-z0-9-]{4,40}$"

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
RunCode = Annotated[str, StringConstraints(pattern=RUN_CODE_PATTERN)]
Sentence = Annotated[str, StringConstraints(max_length=500)]
Code = Annotated[str, StringConstraints(max_length=60)]
Short = Annotated[str, StringConstraints(max_length=120)]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Seq = Annotated[int, Field(ge=1, le=2**53)]
Layers = Annotated[int, Field(ge=0, le=1_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]

RunState = Literal["sending", "accepted", "running", "paused", "completed", "failed", "cancelled", "unknown"]
"""sending: the file is on its way. accepted: the printer took the start. running: the printer says it works on it.
unknown: the evidence is missing and a person must look; a later report may still settle it."""

ENDED: frozenset[RunState] = frozenset({"completed", "failed", "cancelled"})

PrinterState = Literal[
    "offline", "starting_up", "idle", "preparing", "printing", "pausing", "paused", "attention",
    "finished", "cancelled", "failed", "busy", "unknown",
]  # fmt: skip
"""attention: paused by an error. finished, cancelled, failed: idle, and how its last job ended. busy: calibrating,
changing filament."""

Connection = Literal["connecting", "online", "offline", "refused"]
Severity = Literal["info", "warning", "serious", "fatal"]
TryStep = Literal["address", "certificate", "access_code", "serial", "developer_mode", "ftps", "storage"]


class ProtocolError(ValueError):
    """A message that is too long, not JSON, or not of the shape that its type asks for."""


class UnknownMessageError(ProtocolError):
    """Well-formed, but of a type that this version does not know: log it and go on."""


class Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# --- Sign-in -----------------------------------------------------------------------------------------------------


class Challenge(Message):
    type: Literal["challenge"] = "challenge"
    nonce: Annotated[str, StringConstraints(min_length=16, max_length=128)]


class HubHello(Message):
    type: Literal["hub_hello"] = "hub_hello"
    hub_id: Id
    firmware: Short
    protocol: int
    hub_nonce: Annotated[str, StringConstraints(min_length=16, max_length=128)]
    signature: Hex64


class Welcome(Message):
    """`last_seq`: the highest durable message of this hub that web has stored, 0 when none."""

    type: Literal["welcome"] = "welcome"
    signature: Hex64
    protocol: int
    server_time: AwareDatetime
    last_seq: int = Field(ge=0)


class Refused(Message):
    type: Literal["refused"] = "refused"
    reason: Sentence


# --- Web to hub --------------------------------------------------------------------------------------------------


class PrinterConfig(Message):
    """How to reach one printer. `certificate_sha256` is the pin (lower-case hex) once a person has accepted it."""

    id: Id
    protocol: Annotated[str, StringConstraints(max_length=20)] = "bambu"
    model: Short = ""
    address: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    mqtt_port: Port = 8883
    ftps_port: Port = 990
    serial: Annotated[str, StringConstraints(max_length=40)] = ""
    access_code: Annotated[str, StringConstraints(max_length=64)] = Field(default="", repr=False)
    certificate_sha256: Hex64 | None = None


class ConfigurePrinter(Message):
    type: Literal["configure_printer"] = "configure_printer"
    command_id: Id
    action: Literal["add", "update", "remove"]
    printer: PrinterConfig


class SyncPrinters(Message):
    """The complete list; printers that are not in it are forgotten. A list that is too long for one message comes as
    `parts` messages with the same `command_id` and `part` counting from 1 (see `sync_printers`).
    """

    type: Literal["sync_printers"] = "sync_printers"
    command_id: Id
    printers: list[PrinterConfig] = Field(max_length=500)
    part: int = Field(default=1, ge=1)
    parts: int = Field(default=1, ge=1, le=100)


class TryPrinter(Message):
    type: Literal["try_printer"] = "try_printer"
    command_id: Id
    printer: PrinterConfig


class PrintOptions(Message):
    timelapse: bool = False
    bed_leveling: bool = True
    flow_cali: bool = False
    vibration_cali: bool = False


class PrintCommand(Message):
    """Start one plate. `ams_mapping[i]` is the printer's slot (unit · 4 + slot, AMS HT 128…) for the file's filament i,
    or -1 when the plate does not use it or it is on the external spool. `file_url` is signed and fetched with GET.
    """

    type: Literal["print_command"] = "print_command"
    command_id: Id
    printer_id: Id
    action: Literal["start"] = "start"
    run_id: Id
    run_code: RunCode
    file_url: Annotated[str, StringConstraints(max_length=4000, pattern=r"^https?://")]
    file_name: Short
    sha256: Hex64
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{32}$")]
    size_bytes: int = Field(ge=1)
    plate_index: int = Field(ge=1, le=1000)
    title: Short
    ams_mapping: list[int] = Field(default_factory=list, max_length=64)
    use_ams: bool = False
    bed_type: Short | None = None
    options: PrintOptions = PrintOptions()
    layers: int | None = None
    expected_duration_s: int | None = None


class PrinterCommand(Message):
    """With a `run_code`, pause, resume and stop apply only while the printer works on that run. A stop for a run whose
    file is still on its way cancels the start.
    """

    type: Literal["printer_command"] = "printer_command"
    command_id: Id
    printer_id: Id
    action: Literal["pause", "resume", "stop", "clear_error", "refresh", "light_on", "light_off"]
    run_code: RunCode | None = None


class Received(Message):
    type: Literal["received"] = "received"
    seq: int = Field(ge=0)


class Ping(Message):
    type: Literal["ping"] = "ping"


# --- Hub to web, durable -----------------------------------------------------------------------------------------


class Durable(Message):
    seq: Seq


class CommandAck(Durable):
    """`code` is a word for programs ("done", "accepted", "printer_offline", …), `sentence` the words for people."""

    type: Literal["command_ack"] = "command_ack"
    command_id: Id
    success: bool
    code: Code = ""
    sentence: Sentence = ""


class RunReport(Durable):
    """`at` is when the hub saw it. `evidence` holds what the printer said, for the run's history and for support."""

    type: Literal["run_report"] = "run_report"
    printer_id: Id
    run_code: RunCode
    state: RunState
    sentence: Sentence = ""
    code: Code = ""
    percent: Percent | None = None
    layer: Layers | None = None
    total_layers: Layers | None = None
    ended_while_offline: bool = False
    at: AwareDatetime
    evidence: dict[str, str | int | float | bool | None] = Field(default_factory=dict, max_length=20)


class ForeignRun(Durable):
    """A job that this hub did not start (from the screen or a slicer). `key` tells two of them apart on one printer."""

    type: Literal["foreign_run"] = "foreign_run"
    printer_id: Id
    key: Short
    title: Short
    file_name: Short = ""
    state: RunState
    sentence: Sentence = ""
    percent: Percent | None = None
    layer: Layers | None = None
    total_layers: Layers | None = None
    at: AwareDatetime


class TryStepResult(Message):
    """`ok` is None when the step was not reached or cannot be told yet."""

    name: TryStep
    ok: bool | None
    sentence: Sentence = ""


class TryResult(Durable):
    type: Literal["try_result"] = "try_result"
    command_id: Id
    steps: list[TryStepResult]
    certificate_sha256: Hex64 | None = None
    model: Short | None = None
    firmware: Short | None = None


class PrinterError(Durable):
    """An error appeared (`active`) or went away. `code` is the printer's own, as its maker writes it."""

    type: Literal["printer_error"] = "printer_error"
    printer_id: Id
    code: Code
    sentence: Sentence
    severity: Severity
    active: bool
    at: AwareDatetime


# --- Hub to web, volatile ----------------------------------------------------------------------------------------


class SlotStatus(Message):
    """An AMS slot or the external spool (`ams_unit` 255). `colour_hex`: RRGGBB; `loaded`: feeds the nozzle; `tag`: its chip."""

    ams_unit: int = Field(ge=0, le=255)
    slot: int = Field(ge=0, lt=16)
    material: Annotated[str, StringConstraints(max_length=40)] = ""
    colour_hex: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{6}$")] | None = None
    remain_percent: RemainPercent = None
    tag: Tag = None
    loaded: bool = False
    empty: bool = False


class ActiveError(Message):
    code: Code
    sentence: Sentence
    severity: Severity


class PrinterStatus(Message):
    """The printer as it is now. `confirmed` is false until the printer has sent a full report on this connection.
    `active_slot` counts as in `ams_mapping`; 255 is the external spool.
    """

    type: Literal["printer_status"] = "printer_status"
    printer_id: Id
    connection: Connection
    connection_sentence: Sentence = ""
    state: PrinterState
    percent: Percent | None = None
    layer: Layers | None = None
    total_layers: Layers | None = None
    remaining_minutes: int | None = Field(default=None, ge=0, le=100_000)
    stage_word: Short = ""
    run_code: RunCode | None = None
    nozzle_c: float | None = None
    nozzle_target_c: float | None = None
    bed_c: float | None = None
    bed_target_c: float | None = None
    chamber_c: float | None = None
    speed: Literal["silent", "standard", "sport", "ludicrous"] | None = None
    wifi_dbm: int | None = None
    slots: list[SlotStatus] = Field(default_factory=list, max_length=64)
    active_slot: int | None = None
    firmware: Short | None = None
    errors: list[ActiveError] = Field(default_factory=list, max_length=20)
    developer_mode: bool | None = None
    capabilities: list[Short] = Field(default_factory=list, max_length=40)
    confirmed: bool = False
    at: AwareDatetime


class FileProgress(Message):
    type: Literal["file_progress"] = "file_progress"
    run_code: RunCode
    printer_id: Id
    bytes_sent: int = Field(ge=0)
    bytes_total: int = Field(ge=0)


class Pong(Message):
    type: Literal["pong"] = "pong"


# --- Reading and writing -----------------------------------------------------------------------------------------

DurableFromHub = CommandAck | RunReport | ForeignRun | TryResult | PrinterError
FromHub = HubHello | DurableFromHub | PrinterStatus | FileProgress | Pong
FromWeb = (
    Challenge | Welcome | Refused | SyncPrinters | ConfigurePrinter | TryPrinter | PrintCommand | PrinterCommand
    | Received | Ping
)  # fmt: skip
Command = SyncPrinters | ConfigurePrinter | TryPrinter | PrintCommand | PrinterCommand

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL. PostgreSQL stores none: a text with one would be refused for ever, and hold up all that comes after."""

_Parsed = TypeVar("_Parsed")
_FROM_HUB: TypeAdapter[FromHub] = TypeAdapter(Annotated[FromHub, Field(discriminator="type")])
_FROM_WEB: TypeAdapter[FromWeb] = TypeAdapter(Annotated[FromWeb, Field(discriminator="type")])


def parse_from_hub(text: str | bytes) -> FromHub:
    """Raises ProtocolError, or its child UnknownMessageError."""
    return _parse(_FROM_HUB, text)


def parse_from_web(text: str | bytes) -> FromWeb:
    """Raises ProtocolError, or its child UnknownMessageError."""
    return _parse(_FROM_WEB, text)


def dump(message: Message) -> str:
    """Raises ProtocolError when the message would be longer than a receiver accepts."""
    text = message.model_dump_json()
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"A message of {len(text.encode())} bytes is over the limit of {MAX_MESSAGE_BYTES}.")
    return text


def _parse(adapter: TypeAdapter[_Parsed], text: str | bytes) -> _Parsed:
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(raw) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"A message of {len(raw)} bytes is over the limit of {MAX_MESSAGE_BYTES}.")
    try:
        return adapter.validate_json(_NUL.sub(rb"\1", raw))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        kind = UnknownMessageError if problem["type"] == "union_tag_invalid" else ProtocolError
        raise kind(f"{where or 'message'}: {problem['msg']}"[:400]) from None


def speaks(version: int) -> bool:
    """Whether the other side's protocol version can be worked with: the same, one older or one newer."""
    return abs(version - PROTOCOL_VERSION) <= 1


def sync_printers(command_id: str, printers: Iterable[PrinterConfig]) -> list[SyncPrinters]:
    """The complete list in as many messages as it needs."""
    batches: list[list[PrinterConfig]] = [[]]
    room = MAX_MESSAGE_BYTES - 500
    for printer in printers:
        size = len(printer.model_dump_json().encode()) + 1
        if size > room:
            batches.append([])
            room = MAX_MESSAGE_BYTES - 500
        batches[-1].append(printer)
        room -= size
    return [
        SyncPrinters(command_id=command_id, printers=batch, part=number, parts=len(batches))
        for number, batch in enumerate(batches, 1)
    ]


# --- Signatures --------------------------------------------------------------------------------------------------


def sign_hub(secret: str, hub_id: str, nonce: str, hub_nonce: str) -> str:
    """The signature of hub_hello, lower-case hex."""
    return _hmac(secret, f"hub:{hub_id}:{nonce}:{hub_nonce}")


def sign_web(secret: str, hub_id: str, nonce: str, hub_nonce: str) -> str:
    """The signature of welcome, lower-case hex."""
    return _hmac(secret, f"web:{hub_id}:{hub_nonce}:{nonce}")


def verify_hub(secret: str, hello: HubHello, nonce: str) -> bool:
    return hmac.compare_digest(hello.signature, sign_hub(secret, hello.hub_id, nonce, hello.hub_nonce))


def verify_web(secret: str, welcome: Welcome, hub_id: str, nonce: str, hub_nonce: str) -> bool:
    return hmac.compare_digest(welcome.signature, sign_web(secret, hub_id, nonce, hub_nonce))


def _hmac(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
