"""The weight of a roll over time, as the lines of an SVG: numbers only, without words and colours (static/css/spool.css)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from printfarm.filament.queries.history import Step

WIDTH, HEIGHT = 600, 160


@dataclass(frozen=True)
class WeightChart:
    """Where the lines go in a box of WIDTH by HEIGHT, and what stands beside it."""

    line: str
    area: str
    low_y: float  # where "low" begins
    now_y: float
    begins_at: datetime
    begun_mg: int
    now_mg: int
    top_mg: int
    least_mg: int
    most_mg: int


def draw_weight(steps: Sequence[Step], *, initial_mg: int, low_below_mg: int, now: datetime) -> WeightChart | None:
    """None before the first line of the ledger."""
    if not steps:
        return None
    least, most = min(step.low_mg for step in steps), max(step.high_mg for step in steps)
    top = max(most, initial_mg, 1)
    bottom = min(least, 0)
    first, last = steps[0].at, max(now, steps[-1].at)
    seconds = (last - first).total_seconds() or 1.0

    def across(at: datetime) -> float:
        return round((at - first).total_seconds() / seconds * WIDTH, 1)

    def down(mg: int) -> float:
        return round((top - mg) / (top - bottom) * HEIGHT, 1)

    line = [f"M{across(first):g} {down(steps[0].held_mg):g}"]
    for step in steps[1:]:
        # Flat until then, and through the least and the most of what happened there.
        line.append(f"H{across(step.at):g}")
        line += [f"V{down(mg):g}" for mg in _through(step)]
    line.append(f"H{WIDTH}")
    drawn = "".join(line)
    return WeightChart(
        line=drawn,
        area=f"{drawn}V{HEIGHT}H0Z",
        low_y=down(low_below_mg) if low_below_mg < top else 0.0,
        now_y=down(steps[-1].held_mg),
        begins_at=first,
        begun_mg=steps[0].held_mg,
        now_mg=steps[-1].held_mg,
        top_mg=top,
        least_mg=least,
        most_mg=most,
    )


def _through(step: Step) -> list[int]:
    extremes = [mg for mg in (step.high_mg, step.low_mg) if mg != step.held_mg]
    return [*extremes, step.held_mg]
