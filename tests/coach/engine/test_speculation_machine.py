"""Speculation step by step, in any order of ends, decisions and refusals: what is started, confirmed,
cancelled."""

from __future__ import annotations

import random

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

from coach.engine.graph import TaskGraph
from coach.engine.schedule import Schedule, plan_of
from tests.coach.engine.graphs import counted, random_graph
from tests.coach.engine.planted import must_find


class Speculating(RuleBasedStateMachine):
    """A driver that lets tasks end in any order, beside a model of what must be so."""

    schedule_class: type[Schedule] = Schedule
    graph: TaskGraph
    schedule: Schedule

    def __init__(self) -> None:
        super().__init__()
        self.running: set[str] = set()
        self.ended: set[str] = set()
        self.cancelled: set[str] = set()
        self.needed: dict[str, bool] = {}
        self.held: set[str] = set()

    @initialize(seed=st.integers(0, 2**32), limits=st.booleans(), refusals=st.booleans())
    def begin(self, seed: int, limits: bool, refusals: bool) -> None:  # noqa: FBT001
        rng = random.Random(seed)
        self.graph = random_graph(rng, rng.randrange(2, 12), limits=limits, conditions=True, streams=False)
        self.needed = {task.name: rng.random() < 0.5 for task in self.graph if task.condition}
        if refusals:
            self.held = {task.name for task in self.graph if rng.random() < 0.4}
        plan = plan_of(self.graph)
        self.names = list(plan.names)
        self.schedule = self.schedule_class(plan, [self.needed.get(name, True) for name in plan.names])
        self.start(self.schedule.begin())

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        self.running.remove(name)
        self.ended.add(name)
        self.start(self.schedule.finish(self.names.index(name)))

    @precondition(lambda self: not self.running)
    @rule()
    def rest(self) -> None:
        """All has been done."""

    def start(self, starting: list[int]) -> None:
        self.stop_lost()
        for i in starting:
            name = self.names[i]
            assert name not in self.running | self.ended | self.cancelled, f"{name} starts twice"
            assert all(self.settled(need) for need in self.graph.tasks[name].needs), f"{name} starts too soon"
            self.running.add(name)
        for i in starting:
            if self.names[i] in self.held and self.schedule.is_ahead(i):
                self.running.remove(self.names[i])
                self.held.remove(self.names[i])
                self.start(self.schedule.put_off(i))

    def stop_lost(self) -> None:
        lost = [self.names[i] for i in self.schedule.lost]
        self.schedule.lost.clear()
        for name in lost:
            assert name in self.running, f"{name} is stopped, but does not run"
            assert self.dropped(name), f"{name} is stopped, but needed"
            self.running.remove(name)
            self.cancelled.add(name)

    # The model

    def dropped(self, name: str) -> bool:
        condition = self.graph.tasks[name].condition
        if condition is None or not self.settled(condition.decider):
            return False
        return self.dropped(condition.decider) or not self.needed[name]

    def settled(self, name: str) -> bool:
        condition = self.graph.tasks[name].condition
        if condition is not None and not self.settled(condition.decider):
            return False
        return self.dropped(name) or name in self.ended

    # What must be so at any time

    @invariant()
    def nothing_useless_runs(self) -> None:
        for name in self.running:
            assert not self.dropped(name), f"{name} runs on, but is not needed"

    @invariant()
    def only_speculative_tasks_run_ahead(self) -> None:
        for name in self.running:
            task = self.graph.tasks[name]
            if task.condition is not None and not self.settled(task.condition.decider):
                assert task.speculative

    @invariant()
    def limits_are_kept(self) -> None:
        for resource, units in counted(getattr(self, "graph", TaskGraph([]))).items():
            assert sum(resource in self.graph.tasks[name].uses for name in self.running) <= units

    @invariant()
    def nothing_is_forgotten(self) -> None:
        if hasattr(self, "graph") and not self.running:
            assert all(self.settled(name) for name in self.names)
            assert self.schedule.left == 0

    def teardown(self) -> None:
        while self.running:
            name = min(self.running)
            self.running.remove(name)
            self.ended.add(name)
            self.start(self.schedule.finish(self.names.index(name)))
        self.nothing_is_forgotten()


class NeverCancels(Schedule):
    """A planted bug: a speculation that is not needed is left running."""

    def finish(self, i: int) -> list[int]:
        starting = super().finish(i)
        self.lost.clear()
        return starting


class ForgetsThePutOff(Schedule):
    """A planted bug: what was held back by the hook is not started when its decider ends."""

    def put_off(self, i: int) -> list[int]:
        starting = super().put_off(i)
        self.pending[i] += 1
        return starting


class BelievesTooSoon(Schedule):
    """A planted bug: a speculative result counts before its decider has ended."""

    def _undecided(self, i: int) -> bool:
        return False


def machine(schedule: type[Schedule]) -> type[Speculating]:
    return type(f"Speculating{schedule.__name__}", (Speculating,), {"schedule_class": schedule})


def test_speculation_is_confirmed_or_cancelled_whatever_happens_first() -> None:
    run_state_machine_as_test(
        machine(Schedule), settings=settings(max_examples=150, stateful_step_count=30, deadline=None)
    )


@pytest.mark.parametrize("planted", [NeverCancels, ForgetsThePutOff, BelievesTooSoon])
def test_a_planted_bug_is_found_by_the_machine(planted: type[Schedule]) -> None:
    must_find(machine(planted), examples=500, steps=30)
