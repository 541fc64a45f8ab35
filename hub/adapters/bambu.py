"""Bambu Lab printers over the local network: MQTT for words, FTPS for files.

One session at a time, opened and given up on the printer's own thread. The rules of when to ask, to doubt and to
reconnect are those of Timings.
"""

import logging
import random
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

from hub.adapters import bambu_commands as commands
from hub.adapters import bambu_errors, bambu_merge
from hub.adapters.bambu_ftps import PrinterFiles
from hub.adapters.bambu_models import model_of
from hub.adapters.bambu_mqtt import Loss, MqttSession
from hub.adapters.bambu_parse import is_cancelled, parse
from hub.adapters.bambu_tls import CertificateRefusedError, PrinterContext
from hub.adapters.bambu_values import as_dict, dicts_in, whole
from hub.adapters.base import Answer, Done, Job, PrinterHost, PrinterReport, Progress, StartJob
from hub.protocol import PrinterConfig

log = logging.getLogger("hub.bambu")

_MISSED_ACKS_OF_A_ZOMBIE = 2
_FIRST_SEQUENCE_ID = 30_000  # Bambu Studio shows dialogs for failed commands from 20000 to 29999, whoever sent them

NO_ANSWER = "The printer did not answer the command. It is asked what it is doing."

_LOSSES: dict[Loss, str] = {
    "wrong_code": "The printer refuses the access code. Read it again from the printer's screen and enter it here.",
    "refused": "The printer refuses the connection. Check the serial number and the access code.",
    "closed": "The printer closed the connection. It is off, restarting, or too many programs are connected to it.",
}


@dataclass
class _Awaited:
    deadline: float
    done: Done | None
    changes_something: bool


class BambuPrinter:
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"start", "pause", "resume", "stop", "clear_error", "refresh", "light", "slots", "upload"}
    )

    def __init__(self, config: PrinterConfig, host: PrinterHost) -> None:
        self._config = config
        self._host = host
        self._timings = host.timings
        self._model = model_of(config.serial)
        self.keeps_files = self._model.keeps_files
        self.patience = self._model.patience
        self._session: MqttSession | None = None
        self._is_up = False
        self._sequence = _FIRST_SEQUENCE_ID
        self._connect_at = 0.0
        self._backoff = self._timings.backoff_first
        self._opened_at = self._heard_at = self._asked_at = 0.0
        self._known: bambu_merge.Report = {}
        self._confirmed = False
        self._firmware: str | None = None
        self._cancelled: Job | None = None
        self._signature_missing = False
        self._awaited: dict[str, _Awaited] = {}
        self._given_up: deque[str] = deque(maxlen=20)
        self._missed_acks = 0

    # --- Life ---

    def open(self) -> None:
        self._connect_at = time.monotonic()

    def close(self) -> None:
        self._drop()

    def tick(self, now: float) -> None:
        if self._session is None:
            if now >= self._connect_at:
                self._connect(now)
            return
        self._check_acks(now)
        self._check_silence(now)

    def _connect(self, now: float) -> None:
        self._host.connection_changed("connecting")
        context = PrinterContext(self._config.serial, self._host.pin(), self._host.remember_pin)
        session = MqttSession(
            self._config,
            context,
            on_up=lambda: self._host.post(lambda: self._up(session)),
            on_loss=lambda loss: self._host.post(lambda: self._lost(session, loss)),
            on_message=lambda payload: self._host.post(lambda: self._heard(session, payload)),
        )
        try:
            session.open(self._timings.connect)
        except CertificateRefusedError as error:
            session.close()
            self._retry(now, error.sentence, refused=True)
        except (OSError, ValueError) as error:
            session.close()
            log.info("printer=%s connect failed: %s", self._config.id, error)
            address = f"{self._config.address}:{self._config.mqtt_port}"
            self._retry(now, f"Nothing answers at {address}. Is the printer on, and is this still its address?")
        else:
            self._session = session
            self._opened_at = self._heard_at = time.monotonic()

    def _up(self, session: MqttSession) -> None:
        if session is not self._session:
            return
        self._is_up = True
        self._heard_at = time.monotonic()
        self._publish(commands.get_version(self._next_id()), None)
        self._asked_at = float("-inf")
        self.ask()

    def _lost(self, session: MqttSession, loss: Loss) -> None:
        if session is self._session:
            self._give_up(_LOSSES[loss], refused=loss != "closed")

    def _give_up(self, sentence: str, *, refused: bool = False) -> None:
        """Leave this session; a new one follows after a pause."""
        self._drop()
        self._retry(time.monotonic(), sentence, refused=refused)

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._is_up = self._confirmed = False
        self._known = {}
        self._missed_acks = 0
        awaited, self._awaited = self._awaited, {}
        if session is not None:
            session.close()
        for each in awaited.values():
            if each.done is not None:
                each.done(Answer(success=False, code="no_answer", sentence=NO_ANSWER))

    def _retry(self, now: float, sentence: str, *, refused: bool = False) -> None:
        pause = self._timings.refused if refused else self._backoff
        self._backoff = min(self._backoff * 2, self._timings.backoff_most)
        self._connect_at = now + pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, hides nothing
        self._host.connection_changed("refused" if refused else "offline", sentence)

    # --- Silence and missing answers ---

    def _check_silence(self, now: float) -> None:
        quiet_for = now - max(self._heard_at, self._opened_at)
        if quiet_for >= self._timings.silent:
            heard = "has fallen silent" if self._confirmed else "accepts the connection but says nothing"
            self._give_up(
                f"The printer {heard}. It is asked again; if this stays, restart it and check its serial number."
            )
        elif quiet_for >= self._timings.quiet or now - self._asked_at >= self._ask_again_after:
            self.ask()

    @property
    def _ask_again_after(self) -> float:
        """Without a full report nothing that the printer says counts, so a lost answer is not waited for long."""
        return self._timings.ask_every if self._confirmed else self._timings.ack

    def _check_acks(self, now: float) -> None:
        for sequence_id in [key for key, each in self._awaited.items() if now >= each.deadline]:
            each = self._awaited.pop(sequence_id)
            self._given_up.append(sequence_id)
            self._missed_acks += 1
            if each.done is not None:
                each.done(Answer(success=False, code="no_answer", sentence=NO_ANSWER))
            if self._missed_acks < _MISSED_ACKS_OF_A_ZOMBIE or not self._talks(now):
                self._missed_acks = 1
                self._publish(commands.get_version(self._next_id()), None)
        if self._missed_acks >= _MISSED_ACKS_OF_A_ZOMBIE and not self._host.start_is_pending():
            log.warning("printer=%s hears nothing on this session; opening a new one", self._config.id)
            self._backoff = self._timings.backoff_first
            self._give_up("The printer reports but does not hear. The hub connects again.")

    def _talks(self, now: float) -> bool:
        """A printer that is silent altogether is overloaded rather than deaf; the silence rules apply to it."""
        return now - self._heard_at < self._timings.ack

    # --- What the printer says ---

    def _heard(self, session: MqttSession, payload: bytes) -> None:
        if session is not self._session:
            return
        message = bambu_merge.decode(payload)
        if message is None:
            log.info("printer=%s sent %d bytes of garbage", self._config.id, len(payload))
            return
        self._heard_at = time.monotonic()
        for category in ("info", "system", "print"):
            body = as_dict(message.get(category))
            if body and body.get("command") != "push_status":
                self._take_answer(category, body)
        status = as_dict(message.get("print"))
        if status and status.get("command", "push_status") == "push_status":
            self._take_status(status)

    def _take_status(self, delta: bambu_merge.Report) -> None:
        self._known = bambu_merge.merge(self._known, delta)
        self._confirmed = self._confirmed or bambu_merge.is_full(delta) or bambu_merge.is_long(self._known)
        if not self._confirmed:
            return
        self._backoff = self._timings.backoff_first
        self._host.connection_changed("online")
        self._host.observed(self._report())

    def _report(self) -> PrinterReport:
        report = parse(self._known, self._model, confirmed=self._confirmed, firmware=self._firmware)
        if is_cancelled(self._known):
            self._cancelled = report.job
        elif report.is_active:
            self._cancelled = None
        if report.state == "failed" and report.job == self._cancelled:
            report = replace(report, state="cancelled")
        if self._signature_missing:
            report = replace(report, developer_mode=False)
        return report

    def _take_answer(self, category: str, body: dict[str, Any]) -> None:
        if category == "info" and body.get("command") == "get_version":
            self._take_version(body)
        sequence_id = str(body.get("sequence_id"))
        awaited = self._awaited.pop(sequence_id, None)
        if awaited is not None or sequence_id in self._given_up:
            self._missed_acks = 0
        if awaited is None:
            return
        answer = _answer(category, body)
        if awaited.changes_something and (answer.success or answer.code == "0502_4007"):
            self._signature_missing = not answer.success
            if self._confirmed:
                self._host.observed(self._report())
        if awaited.done is not None:
            awaited.done(answer)

    def _take_version(self, body: dict[str, Any]) -> None:
        for module in dicts_in(body.get("module")):
            if module.get("name") == "ota" and module.get("sw_ver"):
                self._firmware = str(module["sw_ver"])[:40]

    # --- What the hub says ---

    def ask(self) -> None:
        now = time.monotonic()
        if self._is_up and self._session is not None and now - self._asked_at >= self._timings.ask_gap:
            self._asked_at = now
            self._session.publish(commands.push_all(self._next_id()))

    def start(self, job: StartJob, done: Done) -> None:
        self._publish(commands.project_file(self._next_id(), job), done, changes_something=True)

    def act(self, action: str, done: Done) -> None:
        payload = commands.action(self._next_id(), action)
        self._publish(payload, done, changes_something="print" in payload)

    def _publish(self, payload: commands.Payload, done: Done | None, *, changes_something: bool = False) -> None:
        sequence_id = next(iter(payload.values()))["sequence_id"]
        if not self._is_up or self._session is None or not self._session.publish(payload):
            if done is not None:
                done(Answer(success=False, code="not_sent", sentence="The printer is not connected. Nothing was sent."))
            return
        self._awaited[sequence_id] = _Awaited(time.monotonic() + self._timings.ack, done, changes_something)

    def _next_id(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    # --- Files (on the transfer thread) ---

    def upload(self, job: StartJob, path: Path, progress: Progress, cancelled: Event, *, reuse: bool) -> None:
        self._files().upload(path, job.remote_name, progress, cancelled, reuse=reuse)

    def remove_file(self, remote_name: str) -> None:
        self._files().remove(remote_name)

    def _files(self) -> PrinterFiles:
        return PrinterFiles(self._config, self._host.pin(), self._timings, self._model.clear_data)


def _answer(category: str, body: dict[str, Any]) -> Answer:
    """`print` commands that the printer echoes without a result were refused."""
    result = str(body.get("result", "" if category == "print" else "success")).lower()
    number = whole(body.get("err_code"))
    if result == "success" and not number:
        return Answer(success=True, code="done")
    code, sentence = bambu_errors.refusal(body, number)
    return Answer(success=False, code=code, sentence=sentence)
