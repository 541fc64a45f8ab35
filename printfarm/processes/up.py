"""`printfarm up`: checks, migrations, then every process under one supervisor."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO
from urllib.parse import urlsplit

from printfarm.config import Settings
from printfarm.processes import supervise, valkey
from printfarm.processes.lock import AlreadyRunning, take_lock, wait_until_free
from printfarm.processes.supervise import Program

LEFTOVERS = ["web", "hub", "worker-fast", "worker-slow", "redis", "simulators", "demo"]
LEFTOVERS_S = 20
PATIENCE_S = 30  # then it is said what is missing
BROKEN_AFTER_TRIES = 3  # a Redis that fails so often at once cannot read its data


class CannotStart(Exception):
    """The sentence says why and what to do."""


def run(settings: Settings, more: Sequence[Program] = ()) -> None:
    """Blocks until SIGTERM or Ctrl-C; `more` are programs beside the usual ones. Raises CannotStart before any starts."""
    _make_data_dir(settings)
    with _only_one(settings):
        _wait_for_leftovers(settings)
        _check_port(settings)
        if settings.redis_is_embedded:
            valkey.server_binary()
        setup_code = prepare()
        if more:  # the demo makes its own owner
            setup_code = None
        threading.Thread(target=_announce, args=(settings, setup_code), daemon=True, name="announce").start()
        chosen = [*supervise.programs(settings), *more]
        supervise.run(settings, chosen, say, lambda name, tries: _on_failing(settings, name, tries))
        say("PrintFarm has stopped.")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command line prints


def prepare() -> str | None:
    """Migrate the database in a process of its own, so that this one stays small. Returns the set-up code, if one is due."""
    done = subprocess.run(  # our own program
        [sys.executable, "-m", "printfarm.processes.prepare"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotStart("")  # the sentence is already on standard error
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    code: str | None = answer["setup_code"]
    return code


def _make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise CannotStart(
            f"The data folder {settings.data_dir} cannot be written ({problem.strerror})."
            " Give it to this user, or choose another with PRINTFARM_DATA_DIR."
        ) from problem


def _only_one(settings: Settings) -> IO[str]:
    try:
        return take_lock(settings.data_dir, "up")
    except AlreadyRunning as running:
        raise CannotStart(
            f"PrintFarm already runs in {settings.data_dir} (process {running.pid})."
            " Stop that one first, or choose another folder with PRINTFARM_DATA_DIR."
        ) from running


def _wait_for_leftovers(settings: Settings) -> None:
    """Processes of a run that was killed end by themselves; they must not meet the new ones."""
    still = wait_until_free(settings.data_dir, LEFTOVERS, LEFTOVERS_S)
    if still:
        raise CannotStart(
            f"Processes of an earlier start still run in {settings.data_dir}: {', '.join(still)}. Stop them, then start again."
        )


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except PermissionError as problem:
            raise CannotStart(
                f"Port {settings.port} needs more rights than this user has. Choose one above 1023 with PRINTFARM_PORT."
            ) from problem
        except OSError as problem:
            raise CannotStart(
                f"Port {settings.port} on {settings.host} is not free: another program uses it, or the address is not one"
                " of this machine. Choose another with PRINTFARM_PORT or PRINTFARM_HOST."
            ) from problem


def _on_failing(settings: Settings, name: str, tries: int) -> None:
    if name == "redis" and tries >= BROKEN_AFTER_TRIES:
        aside = valkey.set_broken_data_aside(settings)
        if aside:
            say(
                f"redis cannot read its data; it was set aside as {aside}. No work is lost: the database knows what is owed."
            )


def _announce(settings: Settings, setup_code: str | None) -> None:
    """Say once that everything answers."""
    started = time.monotonic()
    warned = False
    while not answers(settings, "/readyz"):
        if not warned and time.monotonic() - started > PATIENCE_S:
            say(f"PrintFarm is not ready yet: {what_is_missing(settings)}. It goes on trying; Ctrl-C stops it.")
            warned = True
        time.sleep(0.2)
    say(f"PrintFarm is ready: {settings.address}")
    if setup_code:
        say(f"Nobody owns it yet. Open the page and enter this set-up code: {setup_code}")


def answers(settings: Settings, path: str) -> bool:
    """Whether the web process answers 200 on this path now."""
    status, _ = _ask(settings, path)
    return status == 200


def what_is_missing(settings: Settings) -> str:
    """What keeps `printfarm up` from being ready, in words."""
    status, text = _ask(settings, "/readyz")
    if not status:
        return "the web process does not answer; the lines above say why"
    parts: dict[str, bool] = json.loads(text)["parts"]
    silent = ", ".join(name for name, seen in parts.items() if not seen)
    if not parts["redis"] and not settings.redis_is_embedded:
        return f"no word from {silent}. Check PRINTFARM_REDIS_URL and whether that Redis runs"
    return f"no word from {silent}"


def _ask(settings: Settings, path: str) -> tuple[int, str]:
    """Status and text of the web process's answer; 0 and nothing when there is none."""
    place = urlsplit(settings.local_url)
    assert place.hostname is not None
    connection: http.client.HTTPConnection
    if place.scheme == "https":
        # Our own process on this machine, perhaps with a certificate that it signed itself: there is nothing to verify.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
