"""Ctrl-C between two steps, never in the middle of one: a statement that is cut off leaves a connection nobody can use."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupting:
    """Whether a person pressed Ctrl-C. The second time does not wait for the step to end."""

    def __init__(self) -> None:
        self.asked = False

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Between two steps. Raises KeyboardInterrupt."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def between_steps() -> Iterator[Interrupting]:
    """While this lasts, Ctrl-C is heard and waits for `check`."""
    interrupting = Interrupting()
    before = signal.signal(signal.SIGINT, interrupting.hear)
    try:
        yield interrupting
    finally:
        signal.signal(signal.SIGINT, before)
