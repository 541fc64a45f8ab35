"""What a printer's words mean for a run: pure, with made-up times."""

from dataclasses import replace

import pytest

from hub.adapters.base import Job, PrinterReport, Timings
from hub.ledger import Run
from hub.protocol import ActiveError
from hub.runs import RunWatch
from hub.watches import ErrorWatch, ForeignWatch

TIMINGS = Timings()
OURS = Job(id="77", name="PF-1234_Hook")
OTHER = Job(id="9", name="Screen job")
RUN = Run(
    run_code="PF-1234",
    printer_id="p1",
    command_id="c1",
    job_id="77",
    job_name="PF-1234_Hook",
    remote_name="a.gcode.3mf",
    size_bytes=5,
    phase="published",
)
BUSY = ActiveError(code="0500_4004", sentence="busy", severity="serious")
JAM = ActiveError(code="0300_8003", sentence="spaghetti", severity="serious")


def report(state, job=OURS, **fields):
    return PrinterReport(state=state, job=job, confirmed=True, **fields)


def watch(run=RUN, baseline=None, now=0.0, patience=1.0, resumed=False):
    before = None if resumed else baseline or report("finished", OTHER)
    return RunWatch(run, TIMINGS, patience, now, before)


class Story:
    """Feeds reports and keeps the changes; applies each state as the printer's thread does."""

    def __init__(self, watched):
        self.watch = watched
        self.changes = []

    def says(self, said, now):
        self._keep(self.watch.observe(said, now))
        return self

    def passes(self, now):
        self._keep(self.watch.tick(now))
        return self

    def _keep(self, change):
        if change is not None:
            self.changes.append(change)
            self.watch.run = replace(self.watch.run, state=change.state)

    @property
    def states(self):
        return [change.state for change in self.changes]


def test_the_golden_way():
    story = Story(watch())
    story.says(report("idle"), 1).says(report("preparing"), 4).says(report("printing", percent=40, layer=3), 60)
    story.says(report("finished", total_layers=20), 600)
    assert story.states == ["accepted", "running", "completed"]
    assert (story.watch.run.percent, story.watch.run.layer) == (100, 20)


def test_a_finish_of_the_job_before_is_no_end_of_this_one():
    story = Story(watch(baseline=report("finished", OTHER, percent=100)))
    story.says(report("finished", OTHER, percent=100), 10).says(report("finished", percent=100), 100).passes(100)
    assert story.states == ["accepted"]
    story.says(report("preparing"), 200)
    assert story.states == ["accepted", "running"]


def test_a_stale_failure_of_the_job_before_is_no_failure_of_this_one():
    story = Story(watch(baseline=report("failed", OTHER, errors=(JAM,))))
    story.says(report("failed", errors=(JAM,)), 1).passes(20).says(report("preparing"), 60)
    assert story.states == ["accepted", "running"]


def test_without_a_word_the_printer_is_asked_and_then_the_run_is_unknown():
    quiet = watch()
    assert not quiet.must_ask(89)
    assert quiet.must_ask(91)
    assert not quiet.must_ask(92), "once"
    story = Story(quiet).passes(269)
    assert story.states == []
    story.passes(271).passes(1000)
    assert story.states == ["unknown"]
    assert Story(watch(patience=2.0)).passes(500).states == []


def test_a_run_that_was_unknown_is_settled_by_later_evidence():
    story = Story(watch()).passes(300).says(report("printing", percent=5), 400).says(report("finished"), 900)
    assert story.states == ["unknown", "running", "completed"]


def test_unconfirmed_words_mean_nothing():
    story = Story(watch()).says(replace(report("printing"), confirmed=False), 5)
    assert story.states == []


@pytest.mark.parametrize("idle_job", [Job(), OURS])
def test_an_idle_printer_in_the_middle_of_a_print_has_lost_it(idle_job):
    story = Story(watch()).says(report("printing"), 5)
    story.says(report("idle", idle_job), 50).passes(53)
    assert story.states == ["running"], "a moment to explain itself"
    story.passes(56)
    assert story.states == ["running", "unknown"]


def test_a_flicker_is_no_loss():
    story = Story(watch()).says(report("printing"), 5).says(report("idle"), 50).says(report("printing"), 52).passes(99)
    assert story.states == ["running"]


def test_another_job_on_the_printer_makes_the_run_unknown():
    story = Story(watch()).says(report("printing"), 5).says(report("printing", OTHER), 50).passes(60)
    assert [(change.state, change.code) for change in story.changes[1:]] == [("unknown", "replaced")]


def test_the_word_cancelled_may_come_after_the_word_failed():
    story = (
        Story(watch()).says(report("printing"), 5).says(report("failed"), 50).says(report("cancelled"), 51).passes(60)
    )
    assert story.states == ["running", "cancelled"]


def test_a_stop_by_the_hub_explains_a_failure_without_a_reason():
    stopped = watch()
    story = Story(stopped).says(report("printing"), 5)
    stopped.stop_asked(48)
    story.says(report("failed"), 50).passes(56)
    assert story.states == ["running", "cancelled"]
    failed = Story(watch()).says(report("printing"), 5).says(report("failed", errors=(JAM,)), 50).passes(56)
    assert (failed.changes[-1].state, failed.changes[-1].code) == ("failed", "0300_8003")


def test_a_refused_start_fails_and_a_lingering_error_does_not():
    refused = Story(watch()).says(report("printing", OTHER, errors=(BUSY,), start_refusal=BUSY), 2).passes(8)
    assert (refused.changes[-1].state, refused.changes[-1].code) == ("failed", "0500_4004")
    old = report("finished", OTHER, errors=(BUSY,), start_refusal=BUSY)
    assert Story(watch(baseline=old)).says(old, 2).passes(8).states == []


def test_an_end_that_came_while_nobody_looked_is_marked():
    story = Story(watch()).says(report("printing"), 5)
    story.watch.disconnected()
    story.says(report("finished"), 900)
    assert story.changes[-1].ended_while_offline


def test_after_a_restart_an_end_counts_only_when_the_work_had_been_seen():
    seen = Story(watch(replace(RUN, state="running", seen_active=True), resumed=True)).says(report("finished"), 1)
    assert seen.states == ["completed"]
    assert seen.changes[0].ended_while_offline
    unseen = Story(watch(replace(RUN, state="accepted"), resumed=True)).says(report("finished"), 1).passes(300)
    assert unseen.states == ["unknown"]
    assert "never saw it printing" in unseen.changes[0].sentence


def test_progress_is_kept_when_the_printer_forgets_it_at_the_end():
    story = Story(watch()).says(report("printing", percent=40, layer=8, total_layers=20), 5)
    story.says(report("cancelled", percent=0, layer=0), 60)
    assert (story.watch.run.percent, story.watch.run.layer) == (40, 8)


def test_a_job_without_a_number_is_known_by_its_name():
    story = Story(watch()).says(report("printing", Job(name="PF-1234_Hook")), 5)
    assert story.states == ["running"]
    ghost = Story(watch()).says(report("printing", Job(id="500", name="PF-1234_Hook")), 5)
    assert ghost.states == []


def test_an_error_is_told_once_when_it_comes_and_once_when_it_is_gone():
    errors = ErrorWatch(TIMINGS, {})
    bad, good = report("printing", errors=(JAM,)), report("printing")
    told = [errors.observe(said, now) for now, said in enumerate([bad, good, bad, good, good])]
    assert told == [[(JAM, True)], [], [], [], []]
    assert errors.observe(good, 100) == [(JAM, False)]
    assert errors.observe(good, 200) == []
    assert ErrorWatch(TIMINGS, {JAM.code: JAM}).observe(bad, 0) == [], "told before the restart"


def test_a_foreign_job_is_followed_and_the_same_one_again_is_another():
    foreign = ForeignWatch(TIMINGS, None)
    told = [
        foreign.observe(report(state, OTHER), ours=False, now=now)
        for now, state in [(0, "preparing"), (3, "printing"), (6, "printing"), (60, "paused"), (90, "finished")]
    ]
    assert [[change.state for change in changes] for changes in told] == [
        [],
        [],
        ["running"],
        ["paused"],
        ["completed"],
    ]
    again = [foreign.observe(report("printing", OTHER), ours=False, now=now) for now in (100, 106)]
    assert again[1][0].key == "9#2"


def test_our_own_run_is_never_foreign():
    foreign = ForeignWatch(TIMINGS, None)
    assert [foreign.observe(report("printing"), ours=True, now=now) for now in (0, 10, 20)] == [[], [], []]
