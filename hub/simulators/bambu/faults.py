"""Everything that can go wrong with a Bambu printer, by name, and when it goes wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CATALOGUE: dict[str, str] = {
    "B01": "drop-tcp: the connection dies; with silent=true without a word, and nobody gets in while the fault lasts",
    "B02": "silent: the connection stays up but says nothing more; sticky=true silences new connections too",
    "B03": "zombie: telemetry flows, commands of this client id are ignored; puback=true still acknowledges packets",
    "B04": "lost-ack: the command is carried out, its answer is lost; count, command",
    "B05": "late-start: the old state stays for delay_s (50-210) after the start was accepted",
    "B06": "stale-progress: percent and layers of an older job stand until the new one runs; percent, layer",
    "B07": "finish-missed: nobody can connect until the job has ended",
    "B08": "finish-repeated: full reports keep saying FINISH every every_s seconds",
    "B09": "reboot-idle: power cycle, the job is lost",
    "B10": "reboot-recovery: power cycle, then PAUSE with the question whether to go on",
    "B11": "ghost-replay: power cycle, then the file left on the card starts with new ids",
    "B12": "foreign-job: a job from the screen or the slicer; subtask_name, duration_s, file",
    "B13": "code-change: another access code; access_code",
    "B14": "cert-change: another key and certificate for the same serial",
    "B15": "serial-mismatch: another printer answers at this address; serial",
    "B16": "ip-change: the printer moves to another address and announces it; host",
    "B17": "sd-full: uploads answer 552 (or reply=553), starts 0500_4006",
    "B18": "sd-removed: no card: uploads 553, starts 0500_400C",
    "B19": "half-upload: the data connection is cut after bytes; reply 426, 226 or none",
    "B20": "late-226: the file is whole, the reply comes after delay_s or, without it, never",
    "B21": "unwrap-hang: the end of an encrypted data connection is never confirmed",
    "B22": "session-reuse: 522 and a file of 0 bytes unless the data connection reuses the TLS session",
    "B23": "slow: bytes_per_s (25000)",
    "B24": "refuse-start-busy: starts answer 0500_4004",
    "B25": "parse-error: starts end with 0500_4003",
    "B26": "dev-mode-off: commands answer 84033543",
    "B27": "garbage: broken payloads between the good ones; mode bad_utf8, nul, truncated or all",
    "B28": "types: numbers as text, floats, nulls, unknown keys, stages and states",
    "B29": "clock: the printer lives in 1970",
    "B30": "shutdown-noise: AMS bits fall to 0, then the power goes",
    "B31": "hms-spam: a health message comes and goes every two seconds",
    "B32": "total-layer-zero: total_layer_num is 0, or absent with absent=true",
    "B33": "too-many-clients: the connection is closed after CONNECT",
    "B34": "overload: MQTT and file server freeze together for for_s (60) seconds",
    "B35": "cancel-vs-fail: the job ends FAILED; user=true as a cancel on the screen, else as a hardware fault",
    "B36": "empty-tray: the spool of a slot is taken out; tray",
    "B37": "nonsense-tray: the spool of a slot is taken out, and its tray goes on to say remain (1000); tray, remain",
    "runout": "the filament runs out: PAUSE until the fault is cleared",
    "no-puback": "packets with QoS 1 are never acknowledged",
    "no-ack": "commands are carried out and never answered",
    "connect-refused": "CONNACK with the given code (5)",
}

MOMENTARY = frozenset({"B09", "B10", "B11", "B12", "B13", "B14", "B16", "B30", "B35", "B36", "B37"})
"""Faults that happen once, when they are set; there is nothing to clear."""

DEFAULT_DURATION_S = {"B34": 60.0}
MODES = ("bad_utf8", "nul", "truncated")

Listener = Callable[[str, str, dict[str, Any]], None]


@dataclass
class Trigger:
    """A fault that waits for a point of the next or current job."""

    name: str
    options: dict[str, Any]
    at_percent: float | None
    when: str | None


@dataclass
class FaultBoard:
    """Which faults are on, with their options, and who wants to know."""

    active: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: list[Trigger] = field(default_factory=list)
    ends_at_s: dict[str, float] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    def is_on(self, name: str) -> bool:
        return name in self.active

    def option(self, name: str, key: str, default: Any = None) -> Any:
        return self.active.get(name, {}).get(key, default)

    def set(self, name: str, options: dict[str, Any], *, now_s: float, for_s: float | None) -> None:
        duration_s = for_s if for_s is not None else DEFAULT_DURATION_S.get(name)
        if name not in MOMENTARY:
            self.active[name] = options
            self.ends_at_s.pop(name, None)
            if duration_s is not None:
                self.ends_at_s[name] = now_s + duration_s
        for listener in self.listeners:
            listener("set", name, options)

    def spend(self, name: str) -> dict[str, Any] | None:
        """The options of a fault that hits a certain number of times (`count`, 1), which is one hit fewer now."""
        options = self.active.get(name)
        if options is None:
            return None
        options["count"] = int(options.get("count", 1)) - 1
        if options["count"] <= 0:
            self.clear(name)
        return options

    def clear(self, name: str) -> None:
        self.waiting = [trigger for trigger in self.waiting if trigger.name != name]
        self.ends_at_s.pop(name, None)
        options = self.active.pop(name, None)
        if options is not None:
            for listener in self.listeners:
                listener("clear", name, options)

    def expired(self, now_s: float) -> list[str]:
        return [name for name, end_s in self.ends_at_s.items() if end_s <= now_s]

    def take_waiting(self, *, state: str) -> list[Trigger]:
        """Triggers for this state, removed from the list."""
        due = [trigger for trigger in self.waiting if trigger.when == state]
        self.waiting = [trigger for trigger in self.waiting if trigger not in due]
        return due


def known(name: str) -> str:
    """The name, or ValueError with what may be written instead."""
    if name not in CATALOGUE:
        raise ValueError(f"There is no fault {name!r}. Known are: {', '.join(CATALOGUE)}.")
    return name


def distort_types(message: dict[str, Any]) -> dict[str, Any]:
    """B28: the same telemetry as other firmwares would write it."""
    content = dict(message.get("print", {}))
    if content.get("command") != "push_status":
        return message
    for key, value in list(content.items()):
        if key in {"mc_percent", "layer_num", "total_layer_num"}:
            content[key] = str(value)
        elif key in {"mc_remaining_time", "print_error"}:
            content[key] = float(value)
        elif key == "cooling_fan_speed":
            content[key] = int(value)
    content |= {"wifi_signal": None, "stg_cur": 4711, "unheard_of": {"deep": [1, None, "x"]}, "queue_sts": "0"}
    return {"print": content, "fragment": 1}


def garbage(payload: bytes, mode: str, count: int) -> bytes:
    """B27: the payload damaged in one way, or in each way in turn."""
    chosen = MODES[count % len(MODES)] if mode == "all" else mode
    if chosen == "bad_utf8":
        return payload[:-1] + b',"\xff\xfe":"\xc3"}'
    if chosen == "nul":
        return payload + b"\x00"
    return payload[: len(payload) // 2]


def old_clock(message: dict[str, Any]) -> dict[str, Any]:
    """B29: every time stamp says 1970."""
    text = json.loads(json.dumps(message))
    content = text.get("print")
    if isinstance(content, dict) and content.get("command") == "push_status":
        content["t_utc"] = 12_000
        content["gcode_start_time"] = "12"
        for entry in content.get("hms", []):
            entry["ts_unix"] = "19700101000012"
    return dict(text)
