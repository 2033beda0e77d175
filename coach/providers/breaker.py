"""A circuit breaker: a service that has failed several times in a row is left alone for a while."""

from __future__ import annotations

import time

from coach.engine.ports import Clock


class Monotonic:
    """The machine's own clock, seconds."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()


class Breaker:
    """Opens after `failures` in a row; `rest_seconds` later one request may try, and its end decides."""

    def __init__(self, clock: Clock, *, failures: int = 5, rest_seconds: float = 30.0) -> None:
        self._clock = clock
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._in_a_row = 0
        self._opened_at = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether the service is being left alone."""
        return self._in_a_row >= self._failures

    def admit(self) -> bool:
        """Whether a request may leave now; if so, one of the methods below is to tell how it ended."""
        if not self.open:
            return True
        if self._probing or self._clock.now() < self._opened_at + self._rest_seconds:
            return False
        self._probing = True
        return True

    def worked(self) -> None:
        """The service answered, with whatever."""
        self._in_a_row, self._probing = 0, False

    def failed(self) -> None:
        """The service did not answer, or was down."""
        self._in_a_row += 1
        self._opened_at, self._probing = self._clock.now(), False

    def left(self) -> None:
        """The request was given up by its caller: it says nothing of the service."""
        self._probing = False
