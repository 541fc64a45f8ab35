"""Trying a Bambu printer step by step, so that a person reads exactly what is wrong. Changes nothing on the printer but
a tiny file that is removed again.
"""

import queue
import socket
import tempfile
import time
from pathlib import Path
from threading import Event

from hub.adapters import bambu_commands as commands
from hub.adapters.bambu_ftps import PrinterFiles
from hub.adapters.bambu_merge import Report, decode, is_full, is_long, merge
from hub.adapters.bambu_models import model_of
from hub.adapters.bambu_mqtt import MqttSession
from hub.adapters.bambu_parse import parse
from hub.adapters.bambu_tls import CertificateRefusedError, PrinterContext, common_name
from hub.adapters.bambu_values import as_dict, dicts_in
from hub.adapters.base import PrinterReport, Timings, TransferError, Trial
from hub.protocol import PrinterConfig

_PROBE_NAME = "printfarm-test.gcode.3mf"

_STORAGE_PROBLEMS = {
    "missing": "There is no memory card in the printer. Insert one.",
    "faulty": "The printer says that its memory card is faulty. Format or replace it.",
    "read_only": "The printer's memory card is write-protected. Unlock or replace it.",
}
_ABOUT_STORAGE = frozenset({"storage_full", "storage_refused"})


def try_printer(config: PrinterConfig, timings: Timings) -> Trial:
    """Blocks for up to about a minute with the usual timings. A pin in `config` is checked; without one the certificate
    is reported for a person to accept.
    """
    trial = Trial()
    pin = _address_and_certificate(config, timings, trial)
    if pin is None:
        return trial
    report = _talk(config, pin, timings, trial)
    if trial.steps["access_code"].ok:
        _files(config, pin, timings, trial, report)
    return trial


def _address_and_certificate(config: PrinterConfig, timings: Timings, trial: Trial) -> str | None:
    """The certificate's hash when the conversation may go on."""
    context = PrinterContext(config.serial, config.certificate_sha256)
    try:
        plain = socket.create_connection((config.address, config.mqtt_port), timings.connect)
    except OSError:
        where = f"{config.address}:{config.mqtt_port}"
        trial.note(
            "address",
            False,
            f"Nothing answers at {where}. Is the printer on, in the same network, and is this its address?",
        )
        return None
    trial.note("address", True, f"Something answers at {config.address}.")
    try:
        with plain, context.wrap_socket(plain) as secured:
            der = secured.getpeercert(binary_form=True) or b""
    except CertificateRefusedError as error:
        trial.certificate_sha256 = error.sha256
        trial.note("certificate", False, error.sentence)
        if error.code == "other_printer":
            trial.note("serial", False, error.sentence)
        return None
    except OSError:
        sentence = "What answers at this address speaks no TLS 1.2, so it is no Bambu printer. Check the address."
        trial.note("certificate", False, sentence)
        return None
    trial.certificate_sha256 = PrinterContext.fingerprint(der)
    trial.model = model_of(common_name(der) or config.serial).name
    known = "is the one that was accepted" if config.certificate_sha256 else "carries the printer's serial number"
    trial.note("certificate", True, f"The printer's certificate {known}.")
    return trial.certificate_sha256


def _talk(config: PrinterConfig, pin: str, timings: Timings, trial: Trial) -> PrinterReport | None:
    """Access code, serial number and Developer Mode, over MQTT."""
    heard: queue.SimpleQueue[bytes | str] = queue.SimpleQueue()  # drained within seconds, then thrown away
    session = MqttSession(config, PrinterContext(config.serial, pin), lambda: heard.put("up"), heard.put, heard.put)
    try:
        session.open(timings.connect)
        if not _signed_in(heard, timings, trial):
            return None
        session.publish(commands.get_version("30001"))
        session.publish(commands.push_all("30002"))
        return _first_report(config, heard, timings, trial)
    except OSError:
        trial.note("access_code", False, "The printer broke the connection off. Wait a minute and try again.")
        return None
    finally:
        session.close()


def _signed_in(heard: "queue.SimpleQueue[bytes | str]", timings: Timings, trial: Trial) -> bool:
    try:
        word = heard.get(timeout=timings.connect)
    except queue.Empty:
        word = "silent"
    if word == "up":
        trial.note("access_code", True, "The printer accepts the access code.")
        return True
    sentence = {
        "wrong_code": "The printer refuses the access code. Read it again from the printer's screen; it changes when LAN "
        "mode or Developer Mode is switched.",
        "closed": "The printer closed the connection at once. Too many programs are connected to it, or it is starting.",
    }.get(str(word), "The printer did not answer the sign-in. Restart it and try again.")
    trial.note("access_code", False, sentence)
    return False


def _first_report(
    config: PrinterConfig, heard: "queue.SimpleQueue[bytes | str]", timings: Timings, trial: Trial
) -> PrinterReport | None:
    known: Report = {}
    deadline = time.monotonic() + 2 * timings.connect
    while (left := deadline - time.monotonic()) > 0:
        try:
            payload = heard.get(timeout=left)
        except queue.Empty:
            break
        message = (decode(payload) if isinstance(payload, bytes) else None) or {}
        for module in dicts_in(as_dict(message.get("info")).get("module")):
            if module.get("name") == "ota":
                trial.firmware = str(module.get("sw_ver") or "")[:40] or None
                trial.model = str(module.get("product_name") or trial.model or "")[:60] or None
        delta = as_dict(message.get("print"))
        known = merge(known, delta) if delta.get("command", "push_status") == "push_status" else known
        if (delta and is_full(delta)) or is_long(known):
            trial.note("serial", True, f"The printer {config.serial.upper()} reports what it is doing.")
            report = parse(known, model_of(config.serial), confirmed=True)
            _developer_mode(report, trial)
            return report
    sentence = "The printer accepts the connection but says nothing. Check the serial number, letter by letter."
    trial.note("serial", False, sentence)
    return None


def _developer_mode(report: PrinterReport, trial: Trial) -> None:
    if report.developer_mode is None:
        sentence = "This printer does not say whether Developer Mode is on. The first command will show it."
        trial.note("developer_mode", None, sentence)
    elif report.developer_mode:
        trial.note("developer_mode", True, "Developer Mode is on: the printer takes commands.")
    else:
        trial.note(
            "developer_mode",
            False,
            "Developer Mode is off: the printer can be watched, but takes no commands. Switch on LAN only and Developer "
            "Mode on its screen; this changes the access code.",
        )


def _files(config: PrinterConfig, pin: str, timings: Timings, trial: Trial, report: PrinterReport | None) -> None:
    """Sends a tiny file and removes it: shows the sign-in, the data channel and the memory card."""
    files = PrinterFiles(config, pin, timings, model_of(config.serial).clear_data)
    storage = report.storage if report else None
    with tempfile.TemporaryDirectory(prefix="printfarm-") as folder:
        probe = Path(folder) / _PROBE_NAME
        probe.write_bytes(b"PrintFarm tries whether files arrive.\n")
        try:
            files.upload(probe, _PROBE_NAME, lambda _sent, _total: None, Event())
            files.remove(_PROBE_NAME)
        except TransferError as error:
            about_storage = error.code in _ABOUT_STORAGE
            sentence = "Files can be sent; the printer's storage is the problem." if about_storage else error.sentence
            trial.note("ftps", about_storage, sentence)
            if about_storage:
                trial.note("storage", False, _STORAGE_PROBLEMS.get(storage or "", error.sentence))
            return
    trial.note("ftps", True, "A test file arrived and was removed again.")
    if storage in _STORAGE_PROBLEMS:
        trial.note("storage", False, _STORAGE_PROBLEMS[storage])
    else:
        trial.note("storage", True, "The printer can store files.")
