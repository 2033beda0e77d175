"""Hedged tasks on the virtual clock: who answers first, when, and what the other attempt wasted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coach.engine.hedging import told
from coach.engine.record import Record
from coach.engine.task import hedge_seconds


@dataclass(slots=True)
class _Race:
    """Moments: the second attempt began, the loser was stopped, the task ends."""

    began: float
    stopped: float
    end: float
    second_wins: bool
    first_output: float | None


class SecondAttempts:
    """Those of one simulated run. `again`: seconds of second attempts by task (default: typical).

    A task that `is_slow` is looked at when its 95th percentile is over (`double` or `alone`), and again when
    it ends or is dropped (`finish`).
    """

    __slots__ = ("_again", "_races", "_record", "_slow")

    def __init__(self, record: Record, again: Mapping[int, float]) -> None:
        self._record = record
        self._again = again
        self._slow: set[int] = set()
        self._races: dict[int, _Race] = {}

    def look(self, i: int, seconds: float, first: float | None) -> float | None:
        """For a task that takes `seconds`: when it is to be looked at again, or None if it is not that slow.
        `first`: seconds to its first output, if it has any."""
        after = hedge_seconds(self._record.plan.tasks[i])
        if seconds <= after or (first is not None and first <= after):
            return None
        self._slow.add(i)
        return self._record.starts[i] + after

    def is_due(self, i: int) -> bool:
        """Whether this is the moment to begin it again; once."""
        due = i in self._slow
        self._slow.discard(i)
        return due

    def double(self, i: int, now: float, seconds: float, first: float | None) -> float:
        """It is begun again at `now`. Returns when it ends."""
        task, start = self._record.plan.tasks[i], self._record.starts[i]
        again = self._again.get(i, task.duration.typical)
        heard, answer = start + (seconds if first is None else first), start + seconds
        heard_again = answer_again = now + again
        if first is not None and task.first_output_seconds is not None:
            heard_again = now + min(again, task.first_output_seconds * again / task.duration.typical)
        second_wins = heard_again < heard
        stopped = min(heard, heard_again)
        end = answer_again if second_wins else answer
        self._races[i] = _Race(now, stopped, end, second_wins, None if first is None else stopped - start)
        return end

    def first_output_of(self, i: int) -> float | None:
        """Seconds from its start to the first output of the attempt that won."""
        return self._races[i].first_output if i in self._races else None

    def finish(self, i: int, now: float) -> bool:
        """It ends or is dropped. True if there was a second attempt, which holds resources no longer."""
        race = self._races.get(i)
        if race is None:
            return False
        decided = race.stopped <= now
        second_won = decided and race.second_wins
        start = self._record.starts[i] if second_won else race.began
        self._record.lose(i, start, min(race.stopped, now), {})
        winner = int(race.second_wins) if decided else None
        self._record.remark(i, told(hedge_seconds(self._record.plan.tasks[i]), winner))
        return True
