"""Deadlines step by step: time passes, attempts end, fail, speak or hang, in any order. What each is told of
its time, when it is stopped, and that nothing outlives the run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coach.engine.errors import RunError
from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.plan import Plan
from coach.engine.runner import Inputs, RunResult, remaining, run
from tests.coach.engine.planted import must_find
from tests.coach.engine.virtual_time import VirtualTimeLoop

CLOSE = 1e-6


@dataclass
class Attempt:
    """One that was begun. `limit`, `quiet_until`: moments at which it has to be stopped, by the model."""

    task: Task
    inputs: Inputs
    gate: asyncio.Future[None]
    limit: float
    quiet_until: float


def random_task(rng: random.Random, name: str, earlier: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "needs": tuple(rng.sample(earlier, rng.randrange(min(len(earlier), 2) + 1))),
        "duration": Fixed(rng.choice([1.0, 2.0, 4.0])),
        "reserve_seconds": rng.choice([0.0, 0.0, 1.0, 3.0]),
        "timeout_seconds": rng.choice([None, None, 2.0, 5.0]),
        "silence_seconds": rng.choice([None, None, 1.5]),
        "must_fit": rng.random() < 0.3,
        "retries": rng.choice([0, 3]),
        "backoff_seconds": rng.choice([0.0, 0.5]),
    }


class Deadlines(RuleBasedStateMachine):
    """A run whose attempts end when the machine says so, beside a model of their limits."""

    plan_class: type[Plan] = Plan

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.open: dict[str, Attempt] = {}
        self.early: list[str] = []
        self.wrong: list[str] = []
        self.running: asyncio.Task[RunResult] | None = None

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        rng = random.Random(seed)
        names = [f"t{i}" for i in range(rng.randrange(1, 6))]
        tasks = [Task(call=self.call, **random_task(rng, name, names[:i])) for i, name in enumerate(names)]
        self.graph = TaskGraph(tasks)
        self.graph._plan = self.plan_class(self.graph)
        self.expiry = rng.choice([4.0, 8.0, 16.0])
        self.running = self.loop.create_task(run(self.graph, deadline_seconds=self.expiry))
        self.settle()

    def settle(self) -> None:
        for _ in range(12):
            self.loop.run_until_complete(asyncio.sleep(0))

    # The model

    def kept_after(self, name: str) -> float:
        followers = [task for task in self.graph if name in task.needs]
        return max((task.reserve_seconds + self.kept_after(task.name) for task in followers), default=0.0)

    def share_of(self, task: Task) -> float:
        """The moment at which its time is over, whatever its own limit."""
        return self.expiry - self.kept_after(task.name)

    async def call(self, inputs: Inputs) -> None:
        task, now = inputs.task, self.loop.time()
        own = now + (task.timeout_seconds or 1e9)
        quiet = now + (task.silence_seconds or 1e9)
        attempt = Attempt(task, inputs, self.loop.create_future(), min(own, self.share_of(task)), quiet)
        self.check_begin(attempt, now)
        self.open[task.name] = attempt
        with self.watched(attempt):
            await attempt.gate

    def check_begin(self, attempt: Attempt, now: float) -> None:
        task, left = attempt.task, remaining()
        if left is None or abs(left - max(0.0, attempt.limit - now)) > CLOSE:
            self.wrong.append(f"{task.name} is told {left} s, but has {attempt.limit - now} s")
        if task.must_fit and now + task.duration.typical > self.share_of(task) + CLOSE:
            self.wrong.append(f"{task.name} was started, but cannot fit")

    @contextmanager
    def watched(self, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            if self.loop.time() < min(attempt.limit, attempt.quiet_until) - CLOSE:
                self.early.append(attempt.task.name)
            raise
        finally:
            if self.loop.time() > min(attempt.limit, attempt.quiet_until) + CLOSE:
                self.wrong.append(f"{attempt.task.name} ran longer than it may")
            del self.open[attempt.task.name]

    # What happens

    @rule(seconds=st.sampled_from([0.1, 0.4, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        self.settle()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), fails=st.sampled_from([False, False, True]))
    def end(self, data: st.DataObject, fails: bool) -> None:  # noqa: FBT001
        gate = self.open[data.draw(st.sampled_from(sorted(self.open)))].gate
        if fails:
            gate.set_exception(ValueError("no answer"))
        else:
            gate.set_result(None)
        self.settle()

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def speak(self, data: st.DataObject) -> None:
        attempt = self.open[data.draw(st.sampled_from(sorted(self.open)))]
        self.loop.run_until_complete(self.emit(attempt))
        attempt.quiet_until = self.loop.time() + (attempt.task.silence_seconds or 1e9)

    async def emit(self, attempt: Attempt) -> None:
        attempt.inputs.emit("word")

    # What must be so at any time

    @invariant()
    def nobody_was_told_or_given_the_wrong_time(self) -> None:
        assert not self.wrong

    @invariant()
    def nobody_is_stopped_early_unless_the_run_is_over(self) -> None:
        assert not self.early or (self.running is not None and self.running.done())

    @invariant()
    def nothing_outlives_the_run(self) -> None:
        if self.running is not None and self.loop.time() > self.expiry + CLOSE:
            assert self.running.done()
        if self.running is not None and self.running.done():
            assert not self.open
            assert not asyncio.all_tasks(self.loop)

    def teardown(self) -> None:
        if self.running is not None:
            self.running.cancel()
            with suppress(asyncio.CancelledError, RunError):
                self.loop.run_until_complete(self.running)
        self.loop.close()


class KeepsNothing(Plan):
    """A planted bug: nothing is kept for the answer."""

    __slots__ = ()

    def _reserve(self, base: int, backwards: list[int]) -> None:
        super()._reserve(base, backwards)
        self.reserved[:] = [0.0] * self.size


class KeepsForTheNextOnly(Plan):
    """A planted bug: what is kept for the answer is kept by the last before it alone."""

    __slots__ = ()

    def _reserve(self, base: int, backwards: list[int]) -> None:
        super()._reserve(base, backwards)
        for i in range(self.size):
            self.reserved[i] = max((self.tasks[s].reserve_seconds for s in self.successors[i]), default=0.0)


class KnowsNoLimits(Plan):
    """A planted bug: calls are made as they stand."""

    __slots__ = ()

    def _reserve(self, base: int, backwards: list[int]) -> None:
        super()._reserve(base, backwards)
        self.works = [task.call for task in self.tasks]


def machine(plan: type[Plan]) -> type[Deadlines]:
    return type(f"Deadlines{plan.__name__}", (Deadlines,), {"plan_class": plan})


def test_every_attempt_has_the_time_that_is_its_own() -> None:
    run_state_machine_as_test(
        machine(Plan), settings=settings(max_examples=100, stateful_step_count=25, deadline=None)
    )


@pytest.mark.parametrize("planted", [KeepsNothing, KeepsForTheNextOnly, KnowsNoLimits])
def test_a_planted_bug_is_found_by_the_machine(planted: type[Plan]) -> None:
    must_find(machine(planted), examples=300, steps=25)
