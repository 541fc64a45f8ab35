"""Ctrl-C between two steps, never in the middle of one: a statement that is cut off leaves a connection nobody can use."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STANDARD_ERROR = 2


class Interrupting:
    """Whether a person pressed Ctrl-C. The first time `said` answers, the second time does not wait for the step to end."""

    def __init__(self, said: str) -> None:
        self.asked = False
        self.said = f"\n{said}\n".encode()

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        with suppress(OSError):  # nobody reads it any more
            os.write(STANDARD_ERROR, self.said)  # a stream may be in the middle of a line of its own

    def check(self) -> None:
        """Between two steps. Raises KeyboardInterrupt."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def between_steps(said: str) -> Iterator[Interrupting]:
    """While this lasts, Ctrl-C is heard, answered with a sentence on standard error, and waits for `check`."""
    interrupting = Interrupting(said)
    before = signal.signal(signal.SIGINT, interrupting.hear)
    try:
        yield interrupting
    finally:
        signal.signal(signal.SIGINT, before)
