"""supervisord inside `printfarm up`: which programs run, how they restart and stop, and their output with their names."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from printfarm.config import Settings
from printfarm.processes.lock import PARENT_VARIABLE

START_S = 4  # a program that ends sooner did not start; between two tries there is a growing pause
LONGEST_PAUSE_S = 10  # between two starts of a program that keeps failing
RETRIES = 1_000_000  # never give up: the database or the disk may come back
NAME_WIDTH = 11
OVERCOMMIT = "Memory overcommit must be enabled"  # matters to a Redis that fills half the memory; ours holds a few MB


@dataclass(frozen=True)
class Program:
    """A child process. Low priorities start first and stop last; `stop_s` is how long it may take to stop."""

    name: str
    arguments: tuple[str, ...]
    priority: int
    stop_s: int = 10
    group: str | None = None  # programs of one group stop at the same time


def programs(settings: Settings) -> list[Program]:
    chosen = [
        Program("worker-slow", ("worker", "--queue", "slow"), 20, group="workers"),
        Program("worker-fast", ("worker", "--queue", "fast"), 20, group="workers"),
        Program("web", ("web",), 40),
    ]
    if settings.redis_is_embedded:
        chosen.append(Program("redis", ("redis",), 10))
    if settings.hub:
        chosen.append(Program("hub", ("hub",), 30))
    if settings.simulators:
        chosen.append(Program("simulators", ("simulators",), 15))
    return sorted(chosen, key=lambda program: program.priority)


def configuration(settings: Settings, chosen: list[Program]) -> str:
    """The supervisord.conf for these programs."""
    parts = [_section("supervisord", _supervisord_options(settings))]
    groups: dict[str, list[Program]] = {}
    for program in chosen:
        parts.append(_section(f"program:{program.name}", _program_options(program)))
        if program.group:
            groups.setdefault(program.group, []).append(program)
    for name, members in groups.items():
        listed = ",".join(member.name for member in members)
        parts.append(_section(f"group:{name}", {"programs": listed, "priority": members[0].priority}))
    return "\n".join(parts)


def _supervisord_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "nodaemon": "true",
        "silent": "true",  # what happens is told in our own words, by _Reporter
        "logfile": settings.data_dir / "supervisord.log",
        "logfile_maxbytes": "1MB",
        "logfile_backups": 1,
        "pidfile": settings.data_dir / "supervisord.pid",
        "childlogdir": settings.data_dir,
        "nocleanup": "true",
    }
    if os.getuid() == 0:
        options["user"] = "root"
    return options


def _program_options(program: Program) -> dict[str, Any]:
    return {
        "command": " ".join(f'"{part}"' for part in (sys.executable, "-m", "printfarm.cli", *program.arguments)),
        "priority": program.priority,
        "autorestart": "true",
        "startsecs": START_S,
        "startretries": RETRIES,
        "stopwaitsecs": program.stop_s,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": "NONE",
        "stdout_events_enabled": "true",
    }


def _section(name: str, options: dict[str, Any]) -> str:
    lines = "".join(f"{key}={str(value).replace('%', '%%')}\n" for key, value in options.items())
    return f"[{name}]\n{lines}"


def readable(line: str) -> str | None:
    """A line for people. Programs that also run alone (hub, simulators) log JSON; None: not worth showing."""
    if OVERCOMMIT in line:
        return None
    if not line.startswith("{"):
        return line
    try:
        entry = json.loads(line)
        if "text" in entry:
            trace = f"\n{entry['trace']}" if entry.get("trace") else ""
            return f"{entry['at']} {entry['level'].upper()} {entry['from']}: {entry['text']}{trace}"
        return " ".join(f"{key}={value}" for key, value in entry.items())
    except (ValueError, KeyError, AttributeError):
        return line


class _Reporter:
    """Prints the programs' lines with their names in front, and what becomes of the programs."""

    def __init__(self, say: Callable[[str], None], on_failing: Callable[[str, int], None]) -> None:
        self._say = say
        self._on_failing = on_failing
        self._unfinished: dict[str, bytes] = {}

    def subscribe(self) -> None:
        events.subscribe(events.ProcessLogEvent, self.output)
        events.subscribe(events.ProcessStateExitedEvent, self.exited)
        events.subscribe(events.ProcessStateBackoffEvent, self.failing)
        events.subscribe(events.ProcessStateStoppedEvent, self.stopped)

    def output(self, event: Any) -> None:
        name = event.process.config.name
        *lines, rest = (self._unfinished.get(name, b"") + event.data).split(b"\n")
        self._unfinished[name] = rest
        for line in lines:
            text = readable(line.decode("utf-8", "replace").rstrip("\r"))
            if text is not None:
                self.line(name, text)

    def exited(self, event: Any) -> None:
        self.line(event.process.config.name, f"process {event.process.pid} ended by itself; starting it again")

    def failing(self, event: Any) -> None:
        """Called when a program ended within its first seconds."""
        process = event.process
        self._on_failing(process.config.name, process.backoff)
        if process.backoff > LONGEST_PAUSE_S:
            process.delay -= process.backoff - LONGEST_PAUSE_S
            process.backoff = LONGEST_PAUSE_S
        self.line(process.config.name, f"did not start; trying again in {process.backoff} s")

    def stopped(self, event: Any) -> None:
        self.line(event.process.config.name, "stopped")

    def line(self, name: str, text: str) -> None:
        self._say(f"{name:<{NAME_WIDTH}} | {text}")


class _Supervisor(Supervisor):  # type: ignore[misc]  # supervisor carries no types
    """supervisord clears its subscribers when it begins to run; ours come right after."""

    reporter: _Reporter

    def runforever(self) -> None:
        self.reporter.subscribe()
        super().runforever()


def run(
    settings: Settings, chosen: list[Program], say: Callable[[str], None], on_failing: Callable[[str, int], None]
) -> None:
    """Run the chosen programs until SIGTERM or SIGINT, then stop them: web, hub, workers, redis.

    `on_failing` hears of a program that ended within its first seconds, with the number of tries so far.
    """
    path = _write_configuration(settings, chosen)
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    options = ServerOptions()
    options.realize(["-c", str(path)], doc="")
    options.first = True
    options.test = False
    supervisor = _Supervisor(options)
    supervisor.reporter = _Reporter(say, on_failing)
    from supervisor.medusa.asyncore_25 import ExitNow

    try:
        supervisor.main()
    except ExitNow:
        options.close_logger()


def _write_configuration(settings: Settings, chosen: list[Program]) -> Path:
    path = settings.data_dir / "supervisord.conf"
    path.write_text(configuration(settings, chosen))
    path.chmod(0o600)
    return path
