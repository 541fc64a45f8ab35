"""What a printer's reports mean for the run that the hub started on it. Pure: reports and times in, changes out.

An ending counts only as an edge between two confirmed reports of the same job: one in which the printer worked on it
and one in which it has ended. Anything else is "unknown", which a later report may still settle.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from hub.adapters.base import PrinterReport, Timings
from hub.ledger import Run
from hub.protocol import RunState

Doubt = Literal["failed", "vanished", "replaced"]

_SENTENCES: dict[Doubt, str] = {
    "vanished": "The printer no longer knows this print; it was probably switched off and on. Look at the bed and say "
    "how it ended.",
    "replaced": "The printer has gone on to another job, and the end of this one was not seen. Say how it ended.",
}
NEVER_CONFIRMED = (
    "The start was sent, but the printer never said that it works on this print. Look at the printer: when it prints, "
    "wait; when it does not, mark this run as failed and start again."
)
FINISHED_UNSEEN = (
    "The printer says that this print has ended, but the hub never saw it printing. Look at the bed and say how it "
    "ended."
)


@dataclass(frozen=True)
class Change:
    """A new state of the run, with what web is told about it."""

    state: RunState
    sentence: str = ""
    code: str = ""
    ended_while_offline: bool = False
    evidence: dict[str, Any] | None = None


def belongs(run: Run, report: PrinterReport) -> bool:
    """Whether the printer's job is this run: by its number, or by its name when the printer gives no number."""
    if report.job.id not in {"", "0"}:
        return report.job.id == run.job_id
    return bool(report.job.name) and report.job.name == run.job_name


class RunWatch:
    """Follows one run from the moment when its start may have reached the printer. Times are monotonic seconds."""

    def __init__(self, run: Run, timings: Timings, patience: float, now: float, baseline: PrinterReport | None) -> None:
        """`baseline` is the last report before the start was sent; None when the hub was restarted since."""
        self.run = run
        self.timings = timings
        self._patience = patience
        self._published_at = now
        self._baseline = baseline
        self._gap = baseline is None
        self._asked = False
        self._doubt: tuple[Doubt, float, PrinterReport] | None = None
        self._stop_asked_at: float | None = None
        self.must_stop = False
        """A stop came before the printer had begun: it is to be told again when it begins."""
        self.progressed = False
        """The run's progress has changed since it was saved; the owner resets this."""

    @property
    def is_unconfirmed(self) -> bool:
        return not self.run.seen_active and self.run.state != "unknown"

    def is_young(self, now: float) -> bool:
        """The start was sent lately and is not confirmed."""
        return self.is_unconfirmed and now - self._published_at < self.timings.ask_after * self._patience

    def disconnected(self) -> None:
        self._gap = True
        self._doubt = None

    def stop_asked(self, now: float) -> None:
        self._stop_asked_at = now
        self.must_stop = not self.run.seen_active

    def observe(self, report: PrinterReport, now: float) -> Change | None:
        if not report.confirmed:
            return None
        change = self._judge(report, now)
        self._gap = False
        return change

    def _judge(self, report: PrinterReport, now: float) -> Change | None:
        if not belongs(self.run, report):
            return self._judge_absence(report, now)
        if report.is_active:
            return self._working(report)
        if self.run.seen_active:
            return self._judge_ending(report, now)
        return self._judge_before_work(report, now)

    def _working(self, report: PrinterReport) -> Change | None:
        self._doubt = None
        state: RunState = "paused" if report.state in {"paused", "attention"} else "running"
        first = not self.run.seen_active
        before = self.run
        self.run = replace(
            self.run,
            seen_active=True,
            percent=_known(report.percent, self.run.percent),
            layer=_known(report.layer, self.run.layer),
            total_layers=_known(report.total_layers, self.run.total_layers),
        )
        self.progressed = self.progressed or self.run != before
        if state == self.run.state and not first:
            return None
        error = report.errors[0] if state == "paused" and report.errors else None
        return Change(state, error.sentence if error else "", error.code if error else "", evidence=report.evidence)

    def _judge_ending(self, report: PrinterReport, now: float) -> Change | None:
        if report.state == "finished":
            return self._ended("completed", report)
        if report.state == "cancelled":
            return self._ended("cancelled", report)
        if report.state == "failed":
            # The code that tells a cancelled print from a failed one may come a moment later, and leaves soon.
            return self._doubt_it("failed", report, now)
        if report.state == "idle":
            return self._doubt_it("vanished", report, now)
        return None

    def _judge_before_work(self, report: PrinterReport, now: float) -> Change | None:
        """The printer names this job but was never seen working on it. It may still be showing the ending of the job
        before (late start), so only an ending that came after the start counts.
        """
        if self._baseline is not None and _ending(report) != _ending(self._baseline):
            if report.state == "cancelled":
                return self._ended("cancelled", report)
            if report.state == "failed" and report.errors:
                return self._doubt_it("failed", report, now)
        return Change("accepted", evidence=report.evidence) if self.run.state == "sending" else None

    def _judge_absence(self, report: PrinterReport, now: float) -> Change | None:
        """The printer names another job, or none."""
        if not self.run.seen_active:
            return self._judge_refusal(report, now)
        if self.run.state == "unknown" or report.state in {"unknown", "starting_up", "busy"}:
            return None
        named = report.job.id not in {"", "0"} or report.job.name
        return self._doubt_it("replaced" if named and report.state != "idle" else "vanished", report, now)

    def _judge_refusal(self, report: PrinterReport, now: float) -> Change | None:
        refusal = report.start_refusal
        if refusal is None or self._baseline is None or refusal in self._baseline.errors:
            return None
        return self._doubt_it("failed", report, now)

    def _doubt_it(self, doubt: Doubt, report: PrinterReport, now: float) -> Change | None:
        if self._doubt is None or self._doubt[0] != doubt:
            self._doubt = (doubt, now, report)
            return None
        if report.errors:
            self._doubt = (doubt, self._doubt[1], report)
        return None

    def tick(self, now: float) -> Change | None:
        if self._doubt is not None and now - self._doubt[1] >= self.timings.settle:
            doubt, _, report = self._doubt
            self._doubt = None
            return self._settle(doubt, report, now)
        patience = self._patience * (self.timings.ask_after + self.timings.unknown_after)
        if self.is_unconfirmed and now - self._published_at >= patience:
            sentence = FINISHED_UNSEEN if self.run.state == "accepted" and self._gap_since_start else NEVER_CONFIRMED
            return Change("unknown", sentence, "never_confirmed")
        return None

    @property
    def _gap_since_start(self) -> bool:
        return self._baseline is None

    def must_ask(self, now: float) -> bool:
        """True once, when the start has gone unconfirmed so long that the printer should be asked."""
        due = self.is_unconfirmed and now - self._published_at >= self.timings.ask_after * self._patience
        if due and not self._asked:
            self._asked = True
            return True
        return False

    def _settle(self, doubt: Doubt, report: PrinterReport, now: float) -> Change:
        if doubt != "failed":
            return Change("unknown", _SENTENCES[doubt], doubt, evidence=report.evidence)
        stopped = self._stop_asked_at is not None and now - self._stop_asked_at <= self.timings.stop_memory
        return self._ended("cancelled" if stopped and not report.errors else "failed", report)

    def _ended(self, state: RunState, report: PrinterReport) -> Change:
        self._doubt = None
        if state == "completed":
            total = _known(report.total_layers, self.run.total_layers)
            self.run = replace(self.run, percent=100, layer=total, total_layers=total)
        error = report.errors[0] if state == "failed" and report.errors else None
        error = error or (report.start_refusal if state == "failed" else None)
        sentence = error.sentence if error else _ENDINGS[state]
        return Change(state, sentence, error.code if error else "", self._gap, report.evidence)


_ENDINGS: dict[RunState, str] = {
    "completed": "",
    "cancelled": "The print was stopped.",
    "failed": "The printer says that the print failed, and gives no reason.",
}


def _ending(report: PrinterReport) -> tuple[str, tuple[str, ...]]:
    return report.state, tuple(error.code for error in report.errors)


def _known(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
