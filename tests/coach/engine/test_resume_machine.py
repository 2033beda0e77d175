"""Runs that are stopped anywhere and taken over, again and again, while what they start from changes: nothing
kept is made twice for the same inputs, and what comes out is what an undisturbed run gives."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from coach.engine.checkpoints import Checkpoints, Keeping, MemoryStore
from coach.engine.errors import RunError
from coach.engine.graph import Task, TaskGraph
from coach.engine.inputs import ABSENT, Host, Inputs
from coach.engine.runner import RunResult, run
from tests.coach.engine.graphs import random_graph
from tests.coach.engine.planted import must_find
from tests.coach.engine.virtual_time import run_virtually


class Resuming(RuleBasedStateMachine):
    """One graph, one store, any number of runs. `made` counts successes by task and inputs."""

    keeping_class: type[Keeping] = Keeping

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.made: Counter[tuple[str, str]] = Counter()
        self.failing: set[str] = set()
        self.versions: dict[str, int] = {}

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        rng = random.Random(seed)
        graph = random_graph(rng, rng.randrange(1, 9), limits=True, conditions=True, streams=True)
        self.needed = {task.name: rng.random() < 0.7 for task in graph if task.condition}
        self.kept = {task.name for task in graph if rng.random() < 0.7}
        self.shapes = list(graph)
        self.limits = graph.limits

    def graph(self, *, counted: bool = True) -> TaskGraph:
        return TaskGraph([self.with_call(task, counted=counted) for task in self.shapes], self.limits)

    def with_call(self, task: Task, *, counted: bool) -> Task:
        version = self.versions.get(task.name, 0)

        async def call(inputs: Inputs) -> Any:
            await asyncio.sleep(task.duration.typical)
            given = sorted([[name, value] async for name, value in inputs.arrivals()])
            if counted and task.name in self.failing:
                raise ValueError("no answer")
            if counted:
                self.made[task.name, repr((version, given))] += 1
            return [task.name, version, given]

        return replace(task, call=call, keep=task.name in self.kept, key=str(version))

    def play(
        self, *, stop_after: float | None = None, deadline_seconds: float | None = None
    ) -> RunResult | None:
        async def main() -> RunResult | None:
            checkpoints = PlantedCheckpoints(self.store, "a run", keeping_class=self.keeping_class)
            playing = run(
                self.graph(), checkpoints=checkpoints, needed=self.needed, deadline_seconds=deadline_seconds
            )
            with suppress(TimeoutError, RunError):
                async with asyncio.timeout(stop_after):
                    return await playing
            return None

        return run_virtually(main())

    # What happens

    @rule(after=st.floats(0, 8))
    def stop(self, after: float) -> None:
        self.play(stop_after=after)

    @rule(after=st.floats(0.01, 8))
    def run_out_of_time(self, after: float) -> None:
        self.play(deadline_seconds=after)

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        self.failing = {data.draw(st.sampled_from([task.name for task in self.shapes]))}
        self.play()
        self.failing = set()

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([task.name for task in self.shapes]))
        self.versions[name] = data.draw(st.integers(0, 1))

    @rule()
    def finish(self) -> None:
        result = self.play()
        undisturbed = run_virtually(run(self.graph(counted=False), needed=self.needed))
        assert result is not None
        assert result.values == undisturbed.values
        assert result.unsaved == {}
        before = self.made.copy()
        again = self.play()
        assert again is not None
        assert {name for (name, _), count in (self.made - before).items() if count}.isdisjoint(self.kept)
        for name in self.kept & set(again.values):
            assert again.trace[name].cost_usd == 0

    # What must be so at any time

    @invariant()
    def nothing_kept_is_made_twice(self) -> None:
        for (name, given), count in self.made.items():
            assert name not in getattr(self, "kept", ()) or count == 1, f"{name} was made twice of {given}"


@dataclass(frozen=True, slots=True)
class PlantedCheckpoints(Checkpoints):
    keeping_class: type[Keeping] = Keeping

    def keeping(self, host: Host) -> Keeping:
        return self.keeping_class(host, self)


class NeverFinds(Keeping):
    """A planted bug: everything is made again."""

    __slots__ = ()

    def find(self, i: int) -> Any:
        return ABSENT


class OverlooksInputs(Keeping):
    """A planted bug: a result is found whatever it was made of."""

    __slots__ = ()

    def _given(self, i: int, inputs: Inputs) -> dict[str, str]:
        return {}


class SavesOnlyTheFirst(Keeping):
    """A planted bug: once something is there, nothing is added."""

    __slots__ = ()

    def _save(self, i: int, value: Any) -> None:
        if not self._found:
            super()._save(i, value)


class SavesAtTheEnd(Keeping):
    """A planted bug: what was made before a failure or a stop is lost."""

    __slots__ = ()

    async def _save_one(self, key: str, value: Any) -> None:
        await asyncio.sleep(4)
        await super()._save_one(key, value)


def machine(keeping: type[Keeping]) -> type[Resuming]:
    return type(f"Resuming{keeping.__name__}", (Resuming,), {"keeping_class": keeping})


def test_a_run_taken_over_repeats_nothing_and_comes_to_the_same() -> None:
    run_state_machine_as_test(
        machine(Keeping), settings=settings(max_examples=100, stateful_step_count=12, deadline=None)
    )


@pytest.mark.parametrize("planted", [NeverFinds, OverlooksInputs, SavesOnlyTheFirst, SavesAtTheEnd])
def test_a_planted_bug_is_found_by_the_machine(planted: type[Keeping]) -> None:
    must_find(machine(planted), examples=300, steps=12)
