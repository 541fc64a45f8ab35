"""Two more things a printer's reports tell: errors that come and go, and jobs that somebody else started. Pure."""

from dataclasses import dataclass

from hub.adapters.base import PrinterReport, Timings
from hub.protocol import ENDED, ActiveError, RunState


class ErrorWatch:
    """Tells each error once when it comes and once when it has stayed away for a while, however it flickers."""

    def __init__(self, timings: Timings, known: dict[str, ActiveError]) -> None:
        """`known`: what had been told as active before the hub restarted."""
        self._timings = timings
        self._active = dict(known)
        self._missing_since: dict[str, float] = {}

    def observe(self, report: PrinterReport, now: float) -> list[tuple[ActiveError, bool]]:
        """Errors to tell, each with whether it is active."""
        present = {error.code: error for error in report.errors}
        news = [(error, True) for code, error in present.items() if code not in self._active]
        for code, error in list(self._active.items()):
            if code in present:
                self._missing_since.pop(code, None)
            elif now - self._missing_since.setdefault(code, now) >= self._timings.error_gone:
                del self._active[code], self._missing_since[code]
                news.append((error, False))
        self._active.update(present)
        return news


@dataclass(frozen=True)
class ForeignChange:
    key: str
    state: RunState
    sentence: str = ""


_ENDINGS: dict[str, RunState] = {"finished": "completed", "failed": "failed", "cancelled": "cancelled"}
_LOST = "The end of this job was not seen."


class ForeignWatch:
    """Follows a job that the hub did not start. Such a job counts once it has been seen active for a moment."""

    def __init__(self, timings: Timings, known: tuple[str, RunState] | None) -> None:
        self._timings = timings
        self._key, self._state = known or ("", "completed")
        self._first_seen: tuple[str, float] | None = None

    def observe(self, report: PrinterReport, *, ours: bool, now: float) -> list[ForeignChange]:
        if not report.confirmed or report.state in {"unknown", "starting_up"}:
            return []
        name = report.job.id or f"{report.job.name}|{report.job.file}"[:110]
        same = not ours and self._key.split("#")[0] == name
        if self._state not in ENDED and self._state != "unknown" and same:
            return self._follow(report)
        changes = []
        if self._state not in ENDED and self._state != "unknown":
            changes.append(self._to(self._key, "unknown", _LOST))
        if report.is_active and not ours and self._has_settled(name, now):
            changes.append(self._to(self._next_key(name), _state(report)))
        return changes

    def _follow(self, report: PrinterReport) -> list[ForeignChange]:
        state = _ENDINGS.get(report.state) or (_state(report) if report.is_active else None)
        if state is None:
            return [self._to(self._key, "unknown", _LOST)] if report.state == "idle" else []
        return [self._to(self._key, state)] if state != self._state else []

    def _has_settled(self, name: str, now: float) -> bool:
        """The number and the state of a job do not always come in one message."""
        if self._first_seen is None or self._first_seen[0] != name:
            self._first_seen = (name, now)
        return now - self._first_seen[1] >= self._timings.settle

    def _next_key(self, name: str) -> str:
        """The same file printed again from the screen may come under the same number: it is another run."""
        stem, _, count = self._key.partition("#")
        if stem != name:
            return name
        return f"{name}#{int(count or 1) + 1}" if self._state in ENDED else self._key

    def _to(self, key: str, state: RunState, sentence: str = "") -> ForeignChange:
        self._key, self._state = key, state
        self._first_seen = None
        return ForeignChange(key, state, sentence)


def _state(report: PrinterReport) -> RunState:
    return "paused" if report.state in {"paused", "attention"} else "running"
