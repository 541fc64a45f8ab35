"""Virtual time: a print of three hours in three seconds, or exactly as far as a test steps."""

import threading
import time


class VirtualClock:
    """Seconds since the simulator started, running `speed` times as fast as the wall clock.

    Speed 0 is the manual clock: it stands still until `advance` moves it.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed < 0 or speed > 1000:
            raise ValueError("The speed of a simulated printer lies between 0 (stepped by hand) and 1000.")
        self.speed = speed
        self._started_at = time.monotonic()
        self._stepped_s = 0.0
        self._lock = threading.Lock()

    @property
    def is_manual(self) -> bool:
        return self.speed == 0

    def now_s(self) -> float:
        with self._lock:
            return (time.monotonic() - self._started_at) * self.speed + self._stepped_s

    def advance(self, seconds: float) -> float:
        """Jump ahead; works on a running clock too. Returns the new time."""
        if seconds < 0:
            raise ValueError("Virtual time only moves forward.")
        with self._lock:
            self._stepped_s += seconds
        return self.now_s()

    def real_s(self, virtual_s: float) -> float:
        """How long the wall clock needs for so many virtual seconds; 0 on the manual clock."""
        return virtual_s / self.speed if self.speed else 0.0
