"""What happens when, in virtual seconds; runs only as far as it is told."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Appointment:
    due_s: float
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Agenda:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.horizon_s = 0.0
        """How far the current run goes."""
        self._heap: list[Appointment] = []
        self._numbers = itertools.count()

    def later(self, delay_s: float, action: Callable[[], None]) -> Appointment:
        appointment = Appointment(self.now_s + max(0.0, delay_s), next(self._numbers), action)
        heapq.heappush(self._heap, appointment)
        return appointment

    def repeat_later(self, wait_s: float, action: Callable[[], None]) -> None:
        """For what happens again and again: once at the end of a long step instead of a thousand times within it."""
        self.later(max(wait_s, self.horizon_s - self.now_s), action)

    def run_until(self, now_s: float) -> None:
        """Carry out everything due, in order, each at its own time; time never runs backwards."""
        self.horizon_s = max(self.now_s, now_s)
        while self._heap and self._heap[0].due_s <= self.horizon_s:
            appointment = heapq.heappop(self._heap)
            self.now_s = max(self.now_s, appointment.due_s)
            if not appointment.cancelled:
                appointment.action()
        self.now_s = self.horizon_s
