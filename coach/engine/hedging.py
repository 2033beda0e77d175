"""Hedging: a call that is slow is made a second time, and the first answer counts.

A call that takes longer than its 95th percentile t95 is likely to be stuck. A second one, begun then, makes
min(X, t95 + X') of its time X, so P(longer than t) = P(X > t) · P(X' > t − t95), while only 5 in 100 calls
are made twice (Dean and Barroso, The Tail at Scale, 2013). Only for pure calls, because both may come to
their end. The second is not begun where a resource has no free unit, where it hardly fits before the
deadline, or once the first has begun to speak; as soon as one of two speaks, or ends, the other is stopped.
"""

from __future__ import annotations

import asyncio
from typing import Any

from coach.engine.inputs import Host, Inputs, remaining
from coach.engine.stopping import stop
from coach.engine.task import Task, hedge_seconds


class Race:
    """The attempt, and maybe a second one beside it, at task `i` of a run."""

    __slots__ = ("_ends", "_facts", "_i", "_run", "_runners", "_starts", "winner")

    def __init__(self, run: Host, i: int) -> None:
        self._run = run
        self._i = i
        self._runners: list[asyncio.Task[Any]] = []
        self._starts: list[float] = []
        self._ends: dict[int, float] = {}
        self._facts: list[dict[str, Any]] = []
        self.winner: int | None = None

    async def result(self) -> Any:
        """What the first to answer gives. Raises what the first attempt raised if none answers."""
        task = self._run.plan.tasks[self._i]
        doubled = False
        try:
            first = self._begin(task)
            await asyncio.wait((first,), timeout=hedge_seconds(task))
            doubled = not first.done() and self.winner is None and self._may_double(task)
            if doubled:
                self._begin(task)
            return await self._first_answer()
        finally:
            interrupted = await stop(self._runners)
            self._tell(hedge_seconds(task))
            if doubled:
                self._run.go_on(self._run.told().give_again(self._i), self._i)
            if interrupted:
                raise asyncio.CancelledError

    def _begin(self, task: Task) -> asyncio.Task[Any]:
        number = len(self._runners)
        self._starts.append(self._run.now())
        self._facts.append({})
        runner = self._run.loop.create_task(self._call(task, number))
        self._runners.append(runner)
        return runner

    async def _call(self, task: Task, number: int) -> Any:
        assert task.call is not None  # noqa: S101  # only calls are hedged
        try:
            return await task.call(HedgedInputs(self._run, self._i, self, number))
        finally:
            self._ends[number] = self._run.now()

    def _may_double(self, task: Task) -> bool:
        left = remaining()
        fits = left is None or task.duration.typical <= left
        return fits and self._run.told().take_again(self._i)

    async def _first_answer(self) -> Any:
        left = set(self._runners)
        while True:
            _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            standing = range(len(self._runners)) if self.winner is None else (self.winner,)
            ended = [number for number in standing if self._runners[number].done()]
            best = min(ended, key=lambda number: _failed(self._runners[number]), default=None)
            if best is not None and (best == self.winner or not left or not _failed(self._runners[best])):
                self.winner = best
                return await self._runners[best]

    def claim(self, number: int) -> bool:
        """Attempt `number` has begun to speak. True if it is the one that counts; then the other is
        stopped."""
        if self.winner is None:
            self.winner = number
            for other, runner in enumerate(self._runners):
                if other != number:
                    runner.cancel()
        return self.winner == number

    def note(self, number: int, fields: dict[str, Any]) -> None:
        """Facts of one attempt; they are the task's if it wins."""
        self._facts[number].update(fields)
        self._run.hear(self._i)

    def _tell(self, after_seconds: float) -> None:
        """Put down what is known of the winner, and what the other one wasted."""
        record, winner = self._run.record, self.winner or 0
        if self._facts[winner]:
            record.facts.setdefault(self._i, {}).update(self._facts[winner])
            self._run.settle(self._i)
        if len(self._runners) > 1:
            loser = 1 - winner
            end = self._ends.get(loser, self._run.now())
            record.lose(self._i, self._starts[loser], end, self._facts[loser])
            record.remark(self._i, told(after_seconds, self.winner))


def _failed(runner: asyncio.Task[Any]) -> bool:
    return runner.cancelled() or runner.exception() is not None


def told(after_seconds: float, winner: int | None) -> str:
    """The remark on a span of a hedged task."""
    came = {None: "neither attempt came to its end", 0: "the first attempt came first"}
    return f"Hedged after {after_seconds:g} s: {came.get(winner, 'the second attempt came first')}."


class HedgedInputs(Inputs):
    """The same for one of two attempts: it is heard only if it speaks first."""

    __slots__ = ("_number", "_race")

    def __init__(self, run: Host, index: int, race: Race, number: int) -> None:
        super().__init__(run, index)
        self._race = race
        self._number = number

    def emit(self, piece: Any) -> None:
        """Hand a piece of output to the caller of the run, unless the other attempt spoke first."""
        if self._race.claim(self._number):
            super().emit(piece)

    def add(self, *tasks: Task) -> None:
        """Add tasks to the run, unless the other attempt spoke first: adding is speaking."""
        if self._race.claim(self._number):
            super().add(*tasks)

    def note(self, **fields: Any) -> None:
        """Facts for the span of this attempt."""
        self._race.note(self._number, fields)
