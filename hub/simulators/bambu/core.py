"""The printer itself: takes requests, lets virtual time pass, and says what it would publish."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.simulators.bambu import commands
from hub.simulators.bambu.agenda import Agenda
from hub.simulators.bambu.ams import Ams, Spool
from hub.simulators.bambu.effects import EFFECTS, UNDOING
from hub.simulators.bambu.faults import FaultBoard, Trigger, distort_types, garbage, known, old_clock
from hub.simulators.bambu.power import Afterwards, Power
from hub.simulators.bambu.profiles import PROFILES, Profile
from hub.simulators.bambu.report import (
    CARD_BITS,
    CARD_NORMAL,
    FUN_DEVELOPER_MODE,
    FUN_SIGNED_COMMANDS,
    Report,
    ReportStream,
    first_report,
    mirror_fans,
    mirror_new_fields,
    to_bytes,
)
from hub.simulators.bambu.runner import JobRunner
from hub.simulators.bambu.sliced_file import PlateFacts
from hub.simulators.bambu.spool_moves import SpoolMoves
from hub.simulators.bambu.storage import FileStore
from hub.simulators.bambu.telemetry import Telemetry
from hub.simulators.spec import PrinterSpec, SpoolSpec
from hub.simulators.transcript import Transcript


class PrinterCore:
    """Knows no socket. Safe to use from several threads: every public method holds `lock`."""

    def __init__(self, spec: PrinterSpec, serial: str, folder: Path, *, transcript: Transcript | None = None) -> None:
        self.profile: Profile = PROFILES[spec.model]
        self.serial, self.seed = serial, spec.seed
        self.store = FileStore(folder, quota_bytes=spec.quota_bytes)
        self.transcript = transcript or Transcript()
        self.lock = threading.RLock()
        self.jitter = random.Random(f"{spec.seed}/{serial}")
        self.agenda = Agenda()
        units = [list(unit) for unit in self.profile.default_ams] if spec.ams is None else spec.ams
        self.ams = Ams.build(
            units, info=self.profile.ams_info, seed=spec.seed, auto_switch=spec.auto_switch, ht=spec.ams_ht
        )
        if spec.external is not None:
            self.ams.external = Spool(spec.external, spec.external.remaining_g)
        self.report: Report = first_report(self.profile, self.ams)
        self.stream = ReportStream(self.profile)
        self.faults = FaultBoard()
        self.checks_model = spec.checks_model
        self.runner: JobRunner = JobRunner(self)
        self.spools = SpoolMoves(self)
        self.power = Power(self)
        self.on_event: list[Callable[[str], None]] = []
        self._outbox: list[Report] = []
        self._garbled = 0
        self._foreign_jobs = 0
        if not spec.developer_mode:
            self.set_fault("B26", {})
        for wish in spec.faults:
            self.fault(wish.name, at_percent=wish.at_percent, when=wish.when, for_s=wish.for_s, **wish.options)
        self._outbox.clear()
        self.telemetry = Telemetry(self)

    # -- the two ways to drive it -------------------------------------------------------------------------------------

    def handle_request(self, request: object) -> list[Report]:
        """One message from `device/<serial>/request`; the messages to publish, in order."""
        with self.lock:
            if not self.is_powered or not isinstance(request, dict):
                return []
            for category, body in request.items():
                if isinstance(body, dict):
                    self._handle(str(category), body)
            return self._take_outbox()

    def _handle(self, category: str, body: dict[str, Any]) -> None:
        before = len(self._outbox)
        reply = commands.answer(self, category, body)
        if reply is not None and not self._loses_ack(str(body.get("command", ""))):
            self._outbox.insert(before, reply)

    def tick(self, now_s: float) -> list[Report]:
        """Let virtual time run until `now_s`; the messages to publish, in order."""
        with self.lock:
            self.agenda.run_until(now_s)
            for name in self.faults.expired(self.agenda.now_s):
                self.clear(name)
            return self._take_outbox()

    def to_bytes(self, message: Report) -> list[bytes]:
        """The payloads for one message: one, or with B27 a damaged one before the good one."""
        with self.lock:
            if self.faults.is_on("B28"):
                message = distort_types(message)
            if self.faults.is_on("B29"):
                message = old_clock(message)
            payload = to_bytes(message, pretty=self.profile.pretty)
            if not self.faults.is_on("B27"):
                return [payload]
            self._garbled += 1
            return [garbage(payload, str(self.faults.option("B27", "mode", "all")), self._garbled), payload]

    def _take_outbox(self) -> list[Report]:
        taken, self._outbox = self._outbox, []
        return taken

    def _loses_ack(self, command: str) -> bool:
        if self.faults.is_on("no-ack"):
            return True
        options = self.faults.active.get("B04")
        if options is None or options.get("command", command) != command:
            return False
        self.faults.spend("B04")
        return True

    # -- what its parts use -------------------------------------------------------------------------------------------

    @property
    def is_powered(self) -> bool:
        return self.power.state == "on"

    @property
    def developer_mode(self) -> bool:
        return not self.faults.is_on("B26")

    def change(self, **fields: object) -> None:
        """Set fields of the report and tell the listeners at once."""
        self.report.update(fields)
        self.push_changes()

    def push_changes(self) -> None:
        if not self.is_powered:
            return
        self._mirror()
        if self.profile.sends_deltas:
            delta = self.stream.delta(self.report)
            if delta is not None:
                self._outbox.append(self._without_layers(delta))
        else:
            self._outbox.append(self._without_layers(self.stream.full(self.report)))

    def push_full(self) -> None:
        if self.is_powered:
            self._mirror()
            self._outbox.append(self._without_layers(self.stream.full(self.report)))

    def _without_layers(self, message: Report) -> Report:
        if self.faults.is_on("B32") and self.faults.option("B32", "absent"):
            message["print"].pop("total_layer_num", None)
        return message

    def _mirror(self) -> None:
        mirror_fans(self.report)
        if self.profile.has_new_fields:
            self.report["fun"] = FUN_DEVELOPER_MODE if self.developer_mode else FUN_SIGNED_COMMANDS
            mirror_new_fields(self.report, now_s=self.agenda.now_s, tray_now=self.ams.now)

    def refresh_ams(self) -> None:
        self.change(ams=self.ams.report(), vt_tray=self.ams.external_report())

    def refresh_card(self) -> None:
        """Card presence as `sdcard` and as home_flag bits 8-9."""
        flags = self.report["home_flag"] & ~CARD_BITS
        self.change(sdcard=self.store.has_card, home_flag=flags | (CARD_NORMAL if self.store.has_card else 0))

    def add_hms(self, attr: int, code: int) -> None:
        entry = {"attr": attr, "code": code}
        if not any(known_entry["attr"] == attr for known_entry in self.report["hms"]):
            self.change(hms=[*self.report["hms"], entry])

    def remove_hms(self, attr: int) -> None:
        kept = [entry for entry in self.report["hms"] if entry["attr"] != attr]
        if len(kept) != len(self.report["hms"]):
            self.change(hms=kept)

    def clear_error(self, code: int) -> None:
        if self.report["print_error"] == code:
            self.change(print_error=0)

    def note(self, kind: str, text: str = "", **more: object) -> None:
        self.transcript.note(kind, text, serial=self.serial, virtual_s=round(self.agenda.now_s, 2), **more)

    def announce(self, event: str) -> None:
        for listener in self.on_event:
            listener(event)

    # -- faults -------------------------------------------------------------------------------------------------------

    def fault(
        self,
        name: str,
        *,
        at_percent: float | None = None,
        when: str | None = None,
        for_s: float | None = None,
        **options: Any,
    ) -> None:
        """Switch a fault of the catalogue on: now, at a percentage of the job, or `when` a gcode_state is entered.

        `for_s` virtual seconds later it ends by itself. Raises ValueError for an unknown name.
        """
        with self.lock:
            known(name)
            if for_s is not None:
                options["for_s"] = for_s
            if at_percent is None and when is None:
                self.set_fault(name, options)
                return
            self.faults.waiting.append(Trigger(name, options, at_percent, when))
            if at_percent is not None:
                self.runner.add_trigger(name, at_percent)

    def clear(self, name: str) -> None:
        with self.lock:
            self.faults.clear(known(name))
            self.note("fault cleared", name)
            if name in UNDOING:
                UNDOING[name](self)

    def fire(self, name: str) -> None:
        """A waiting fault's moment has come."""
        trigger = next((waiting for waiting in self.faults.waiting if waiting.name == name), None)
        if trigger is not None:
            self.faults.waiting.remove(trigger)
            self.set_fault(name, trigger.options)

    def set_fault(self, name: str, options: dict[str, Any]) -> None:
        wishes = dict(options)
        for_s = wishes.pop("for_s", None)
        self.note("fault", name, options=options)
        self.faults.set(name, wishes, now_s=self.agenda.now_s, for_s=for_s)
        effect = EFFECTS.get(name)
        if effect is not None:
            effect(self, wishes)

    # -- a person at the printer --------------------------------------------------------------------------------------

    def start_foreign_job(
        self, *, subtask_name: str = "From the screen", duration_s: float = 600.0, file: str = "", echo: bool = True
    ) -> str:
        """A job that the hub did not send; returns its subtask_id."""
        with self.lock:
            self._foreign_jobs += 1
            subtask_id = str(700_000_000 + self.seed * 1000 + self._foreign_jobs)
            request = {
                "command": "project_file",
                "sequence_id": self.stream.next_sequence_id(),
                "param": "Metadata/plate_1.gcode",
                "url": f"ftp://{file}" if file else "",
                "file": file or f"{subtask_name.replace(' ', '_')}.gcode.3mf",
                "subtask_name": subtask_name,
                "subtask_id": subtask_id,
                "task_id": subtask_id,
            }
            facts = None if file else PlateFacts(duration_s=duration_s, layers=50)
            if echo and self.is_powered:
                self._outbox.append({"print": request | {"result": "success", "reason": ""}})
            self.runner.request_start(request, foreign=True, facts=facts)
            return subtask_id

    def cancel_on_screen(self) -> None:
        with self.lock:
            self.runner.request_stop()

    def remove_card(self) -> None:
        with self.lock:
            self.store.has_card = False
            self.refresh_card()

    def insert_card(self) -> None:
        with self.lock:
            self.store.has_card = True
            self.refresh_card()

    def insert_spool(self, tray: int, spec: SpoolSpec) -> None:
        with self.lock:
            self.spools.insert(tray, spec)

    def remove_spool(self, tray: int, *, nonsense: int | None = None) -> None:
        """A person takes a roll out; with `nonsense` the slot goes on saying that so many per cent remain."""
        with self.lock:
            self.spools.remove(tray, nonsense=nonsense)

    def power_cut(
        self,
        afterwards: Afterwards = "idle",
        *,
        off_s: float | None = None,
        boot_s: float | None = None,
        noise: bool = False,
    ) -> None:
        with self.lock:
            self.power.cut(afterwards, off_s=off_s, boot_s=boot_s, noise=noise)

    def status(self) -> dict[str, Any]:
        """What a test wants to know, without the protocol in between."""
        with self.lock:
            keys = (
                "gcode_state",
                "mc_percent",
                "layer_num",
                "total_layer_num",
                "subtask_id",
                "subtask_name",
                "print_error",
            )
            return {
                "serial": self.serial,
                "power": self.power.state,
                "virtual_s": round(self.agenda.now_s, 2),
                **{key: self.report[key] for key in keys},
                "starts": dict(self.runner.starts),
                "start_requests": dict(self.runner.start_requests),
                "refused_starts": self.runner.refused_starts,
                "endings": list(self.runner.endings),
                "faults": sorted(self.faults.active),
                "remaining_g": self._remaining_g(),
            }

    def _remaining_g(self) -> dict[str, float]:
        weights = {}
        for unit in self.ams.units:
            for slot, spool in enumerate(unit.slots):
                if spool is not None:
                    weights[str(unit.first_tray + slot)] = round(spool.remaining_g, 3)
        return weights
