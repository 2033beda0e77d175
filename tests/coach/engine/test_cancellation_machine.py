"""Runs step by step: tasks end, fail, lose races and come too late in any order, the caller gives up at any
moment. A model beside the run says what may run, what has to have been cancelled, and how it has to end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
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

from coach.engine.errors import TaskFailed
from coach.engine.graph import Task, TaskGraph
from coach.engine.plan import Plan
from coach.engine.runner import Inputs
from coach.engine.running import Run
from coach.engine.schedule import RUNNING, Schedule
from coach.engine.settling import Farewell
from coach.engine.stopping import stop
from tests.coach.engine.planted import must_find
from tests.coach.engine.virtual_time import VirtualTimeLoop

CLEANUP_SECONDS = 0.25


class Observed(Run):
    """A run whose schedule can be another one."""

    schedule_class: type[Schedule] = Schedule

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.schedule = self.schedule_class(plan)
        self.record.schedule = self.schedule


class Model:
    """What must be so, from what the tasks have seen."""

    def __init__(self, graph: TaskGraph) -> None:
        self.tasks = graph.tasks
        self.takers = {name: [t.name for t in graph if name in t.needs] for name in graph.tasks}
        self.begun: set[str] = set()
        self.running: set[str] = set()
        self.finished: set[str] = set()
        self.failed: set[str] = set()
        self.cancelled: set[str] = set()
        self.now = 0.0

    def is_dead(self, name: str) -> bool:
        """Whether it has failed, or must because of what it needs."""
        task = self.tasks[name]
        if name in self.failed:
            return True
        if name in self.finished or (name in self.begun and task.join == "all"):
            return False
        dead = sum(map(self.is_dead, task.needs))
        if task.first is not None:
            return self.has_won(task) is False and len(task.needs) - dead < task.first
        return dead > 0 and not self.tolerates(task)

    def tolerates(self, task: Task) -> bool:
        return task.on_failure == "collect" or bool(task.optional)

    def has_won(self, task: Task) -> bool:
        return task.first is not None and sum(need in self.finished for need in task.needs) >= task.first

    def has_lost_patience(self, task: Task) -> bool:
        return task.patience_seconds is not None and self.now >= task.patience_seconds - 1e-9

    def is_wanted(self, name: str) -> bool:
        takers = self.takers[name]
        return not takers or any(self.waits(self.tasks[taker]) for taker in takers)

    def waits(self, task: Task) -> bool:
        """Whether it still wants its needs, or would not have them cancelled."""
        if self.goes_on(task):
            return task.losers != "cancel" or (task.name not in self.begun and self.may_be_drained(task.name))
        if self.is_dead(task.name) or task.name in self.cancelled | self.finished:
            return False
        return task.name in self.running or self.is_wanted(task.name)

    def goes_on(self, task: Task) -> bool:
        """Whether it waits for its needs no more."""
        return self.has_won(task) or self.has_lost_patience(task)

    def may_be_drained(self, name: str) -> bool:
        """Whether it, and so what it needed, may have been let go by a join that drains."""
        takers = [self.tasks[taker] for taker in self.takers[name]]
        return any(
            (self.goes_on(taker) and taker.losers == "drain")
            or (taker.name not in self.begun and self.may_be_drained(taker.name))
            for taker in takers
        )

    def may_begin(self, task: Task) -> bool:
        arrived = [need in self.finished for need in task.needs]
        settled = [need in self.finished or self.is_dead(need) for need in task.needs]
        if not task.needs or self.has_lost_patience(task):
            return True
        if task.join == "stream":
            return any(settled if self.tolerates(task) else arrived)
        if task.first is not None:
            return self.has_won(task)
        return all(settled if self.tolerates(task) else arrived)

    def is_fatal(self, name: str) -> bool:
        """Whether nobody puts up with the failure of `name`."""
        takers = self.takers[name]
        return not takers or any(self.is_dead(taker) and self.is_fatal(taker) for taker in takers)

    @property
    def must_fail(self) -> bool:
        return any(self.is_fatal(name) for name in self.failed)


def random_race(rng: random.Random, size: int) -> TaskGraph:
    names, taken = [f"t{i}" for i in range(size)], set[str]()
    tasks: list[Task] = []
    for i, name in enumerate(names):
        alone = [name for name in names[:i] if name not in taken]
        pool = alone if rng.random() < 0.7 else names[:i]
        needs = tuple(rng.sample(pool, rng.randrange(0, min(len(pool), 3) + 1))) if i > 1 else ()
        taken.update(needs)
        more: dict[str, Any] = {}
        if needs:
            more["join"] = rng.choice(["all", "stream"])
            more["losers"] = rng.choice(["cancel", "cancel", "cancel", "drain", "keep"])
            kind = rng.choice(["plain", "collect", "optional", "first", "first", "patience"])
            if kind == "first":
                more["first"] = rng.randrange(1, len(needs) + 1)
            if kind == "optional":
                more["optional"] = dict.fromkeys(needs, "default")
            if kind in {"collect", "patience"}:
                more["on_failure"] = "collect"
            if kind == "patience":
                more["patience_seconds"] = rng.random() * 4
        if rng.random() < 0.4:
            more["uses"] = ("calls",)
        tasks.append(Task(name, needs, **more))
    return TaskGraph(tasks, {"calls": rng.choice([1, 1, 2])})


class Cancelling(RuleBasedStateMachine):
    """Decides what the tasks of a real run do next."""

    run_class: type[Observed] = Observed

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        # Planted bugs leave failures behind. Telling of them parses source, and Python 3.11 cannot do that in
        # a collection of garbage that falls into another parsing, such as that of the assertion that fails.
        self.loop.set_exception_handler(lambda loop, context: None)
        self.wrong: list[str] = []
        self.gates: dict[str, asyncio.Future[bool]] = {}
        self.cleaning: set[str] = set()
        self.given_up = False

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        rng = random.Random(seed)
        graph = random_race(rng, rng.randrange(3, 10))
        self.stubborn = {name for name in graph.tasks if rng.random() < 0.2}
        calls = [replace(task, call=self.work) for task in graph]
        self.model = Model(graph)
        self.main = self.loop.create_task(self.play(TaskGraph(calls, graph.limits)))
        self.step()

    async def play(self, graph: TaskGraph) -> None:
        await self.run_class(Plan(graph)).play()

    async def work(self, inputs: Inputs) -> str:
        """The call of every task."""
        name, model = inputs.task.name, self.model
        self.check_begin(inputs.task)
        model.begun.add(name)
        model.running.add(name)
        gate = self.loop.create_future()
        try:
            if inputs.task.join == "stream":
                async for _ in inputs.arrivals():
                    pass
            self.gates[name] = gate
            fails = await gate
        except asyncio.CancelledError:
            self.gates.pop(name, None)
            model.running.discard(name)
            model.cancelled.add(name)
            await self.clean_up(name)
            if name in self.stubborn:
                return "anyway"
            raise
        del self.gates[name]
        model.running.discard(name)
        if fails:
            model.failed.add(name)
            raise ValueError(name)
        model.finished.add(name)
        return name

    async def clean_up(self, name: str) -> None:
        self.cleaning.add(name)
        try:
            await asyncio.sleep(CLEANUP_SECONDS)
        finally:
            self.cleaning.discard(name)

    def check_begin(self, task: Task) -> None:
        self.model.now = self.loop.time()
        if task.name in self.model.begun:
            self.wrong.append(f"{task.name} begins twice")
        if self.given_up or self.main.done():
            self.wrong.append(f"{task.name} begins after the end")
        if not self.model.may_begin(task):
            self.wrong.append(f"{task.name} begins too soon")

    def step(self, seconds: float = 0.0) -> None:
        """Let everything happen that can, for so long."""

        async def spin() -> None:
            await asyncio.sleep(seconds)
            await asyncio.sleep(0)
            while self.loop.is_busy():
                await asyncio.sleep(0)

        self.loop.run_until_complete(spin())
        self.model.now = self.loop.time()

    # What can happen

    @precondition(lambda self: self.gates)
    @rule(data=st.data(), chance=st.integers(0, 5))
    def finish_or_fail(self, data: st.DataObject, chance: int) -> None:
        self.gates[data.draw(st.sampled_from(sorted(self.gates)))].set_result(chance == 0)
        self.step()

    @precondition(lambda self: not self.main.done())
    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0]))
    def wait(self, seconds: float) -> None:
        self.step(seconds)

    @precondition(lambda self: not self.main.done())
    @rule(chance=st.integers(0, 15))
    def give_up(self, chance: int) -> None:
        if not chance:
            self.given_up = True
            self.main.cancel()
            self.step()
            assert not self.model.running, f"{self.model.running} run on"
            self.step(2 * CLEANUP_SECONDS)
            assert self.main.done(), "the run outlives its caller"

    @precondition(lambda self: self.main.done())
    @rule()
    def rest(self) -> None:
        """It is over."""

    # What must be so at any time

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert not self.wrong, self.wrong

    @invariant()
    def nothing_useless_runs(self) -> None:
        if not self.gone and not self.model.must_fail:
            for name in self.model.running:
                assert self.model.is_wanted(name), f"{name} runs on, but nobody wants it"

    @invariant()
    def a_failure_that_nobody_puts_up_with_stops_everything(self) -> None:
        if hasattr(self, "model") and self.model.must_fail:
            assert not self.model.running, f"{self.model.running} run on after a failure"

    @invariant()
    def nothing_is_left_after_the_end(self) -> None:
        if self.gone:
            assert not self.model.running | self.cleaning
            assert not asyncio.all_tasks(self.loop), "tasks are left behind"
            assert self.main.cancelled() == self.given_up
            assert self.given_up or isinstance(self.main.exception(), TaskFailed) == self.model.must_fail

    @property
    def gone(self) -> bool:
        return hasattr(self, "main") and self.main.done()

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.step(1)
            self.loop.close()

    def come_to_an_end(self) -> None:
        for _ in range(100):
            if self.gone:
                break
            if self.gates:
                self.gates[min(self.gates)].set_result(False)
            self.step(0.0 if self.gates else 5.0)
            self.nothing_went_wrong()
            self.nothing_useless_runs()
        assert self.gone, "the run does not end"
        self.nothing_is_left_after_the_end()
        if not self.given_up and not self.model.must_fail:
            forgotten = {name for name in self.model.tasks if self.is_forgotten(name)}
            assert not forgotten, f"{forgotten} never began"

    def is_forgotten(self, name: str) -> bool:
        model = self.model
        return name not in model.begun and not model.is_dead(name) and not model.takers[name]


# Planted bugs


class LosesAWakeUp(Observed):
    """A streaming join is not told of what arrives while it waits."""

    def _heed(self, cause: int, now: float) -> None:
        self.schedule.woken.clear()
        super()._heed(cause, now)


class DropsACancellation(Observed):
    """Who lost a race is not told."""

    def _heed(self, cause: int, now: float) -> None:
        self.schedule.lost.clear()
        super()._heed(cause, now)


class LetsTasksOutliveTheRun(Observed):
    """What runs is cancelled at the end, but not waited for."""

    async def _reap(self, *, at_once: bool) -> bool:
        self.stopping = True
        for walker in self.walkers.values():
            walker.cancel()
        return False


class SparesOneAtTheEnd(Observed):
    """What ends the run is told to all tasks but one."""

    async def _reap(self, *, at_once: bool) -> bool:
        self.stopping = True
        return await stop(list(self.walkers.values())[1:])


class _StartsTwice(Schedule):
    def _end(self, i: int) -> list[int]:
        starting = super()._end(i)
        return starting + starting[:1]


class StartsATaskTwice(Observed):
    """The first of those that became ready is started once more."""

    schedule_class = _StartsTwice


class _FiresEarly(Schedule):
    def begin(self) -> list[int]:
        self.pending = [count - (count > 1) for count in self.pending]
        return super().begin()


class FiresAJoinEarly(Observed):
    """A join does not wait for its last need."""

    schedule_class = _FiresEarly


class _CountsFailures(Schedule):
    def _satisfy(self, s: int, need: int) -> None:
        if s in self._wins and self.state[s] < RUNNING:
            self._wins[s] = max(1, self._wins[s] - 1)
        super()._satisfy(s, need)


class CountsFailuresAsResults(Observed):
    """A race is won by what failed."""

    schedule_class = _CountsFailures


class _ForgetsOthers(Schedule):
    def _unwant(self, n: int, farewell: Farewell | None) -> None:
        self._wants[n] = 1
        super()._unwant(n, farewell)


class CancelsWhatOthersWant(Observed):
    """A loser is cancelled though somebody else needs it."""

    schedule_class = _ForgetsOthers


class _KeepsUnits(Schedule):
    def _stop(self, i: int, before: int) -> None:
        if before == RUNNING:
            self.lost.append(i)
        else:
            super()._stop(i, before)


class KeepsTheUnitsOfLosers(Observed):
    """A cancelled loser does not give its units back."""

    schedule_class = _KeepsUnits


class _IgnoresFailures(Schedule):
    def _check_taken(self, i: int) -> None:
        """Every failure is somebody else's."""


class IgnoresFailures(Observed):
    """A failure that nobody puts up with does not end the run."""

    schedule_class = _IgnoresFailures


def machine(run: type[Observed]) -> type[Cancelling]:
    return type(f"Cancelling{run.__name__}", (Cancelling,), {"run_class": run})


def test_a_run_ends_right_whatever_happens_first() -> None:
    run_state_machine_as_test(
        machine(Observed), settings=settings(max_examples=300, stateful_step_count=25, deadline=None)
    )


@pytest.mark.parametrize(
    "planted",
    [
        LosesAWakeUp,
        DropsACancellation,
        LetsTasksOutliveTheRun,
        SparesOneAtTheEnd,
        StartsATaskTwice,
        FiresAJoinEarly,
        CountsFailuresAsResults,
        CancelsWhatOthersWant,
        KeepsTheUnitsOfLosers,
        IgnoresFailures,
    ],
)
def test_a_planted_bug_is_found_by_the_machine(planted: type[Observed]) -> None:
    must_find(machine(planted), examples=4000, steps=25)
