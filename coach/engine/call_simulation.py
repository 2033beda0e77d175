"""Graphs whose tasks call models, on a virtual clock beside the models' prefix caches.

What a call takes depends on what is cached when it starts, and so on which calls began before it: durations,
tokens and dollars of these tasks come out of the run, by the rules of `cache`, `timing` and `pricing`.
Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from coach.engine.cache import PrefixCache
from coach.engine.calls import ModelCall
from coach.engine.expected import Caches
from coach.engine.graph import Fixed, Task, TaskGraph, default_needed
from coach.engine.schedule import Plan, Schedule, plan_of
from coach.engine.simulation import Play
from coach.engine.trace import Trace


def simulate_calls(
    graph: TaskGraph,
    *,
    caches: Iterable[PrefixCache] = (),
    at_seconds: float = 0.0,
    needed: Mapping[str, bool] | None = None,
) -> Trace:
    """One timeline that starts at `at_seconds` on the caches' clock. `caches`: what is cached by then, at
    most one for each rule set; they stay as they are. `needed` as in `simulation.simulate`.

    A streaming join keeps its own duration and cost, also where it is a call of a model: what it reads is
    not there when it starts.
    """
    return CallSimulation(graph, caches=caches, at_seconds=at_seconds).run(needed)


class CallSimulation:
    """The same for several timelines of one graph, all from the same caches."""

    def __init__(
        self, graph: TaskGraph, *, caches: Iterable[PrefixCache] = (), at_seconds: float = 0.0
    ) -> None:
        self._calling = any(looks_up(task) is not None for task in graph)
        self._plan = plan_of(with_call_times(graph) if self._calling else graph)
        self._caches = tuple(caches)
        self._at = at_seconds

    def run(self, needed: Mapping[str, bool] | None = None) -> Trace:
        """One timeline."""
        caches = Caches(self._caches, self._at)
        schedule = Schedule(self._plan, [default_needed(task, needed) for task in self._plan.tasks], caches)
        seconds = [task.duration.typical for task in self._plan.tasks]
        if not self._calling:
            return Play(self._plan, schedule, seconds).trace()
        return _CallPlay(self._plan, schedule, seconds, caches).trace()


def looks_up(task: Task) -> ModelCall | None:
    """The call of a task whose prompt is there when it starts."""
    return None if task.join == "stream" and task.needs else task.model_call


def with_call_times(graph: TaskGraph) -> TaskGraph:
    """The graph with the time and money of a cold call for each task that calls a model."""
    return TaskGraph([_timed(task) for task in graph], graph.limits)


def _timed(task: Task) -> Task:
    call = looks_up(task)
    if call is None:
        return task
    cold = PrefixCache(call.price.rules).peek(call.laid, 0.0, call.price.model)
    return replace(
        task,
        duration=Fixed(call.seconds(cold)),
        hedge=False,
        cost_usd=call.cost_usd(cold),
        first_output_seconds=call.first_output_seconds(cold),
    )


class _CallPlay(Play):
    """A run in which each call of a model looks its prompt up as it starts."""

    __slots__ = ("_caches", "_firsts", "_times")

    def __init__(self, plan: Plan, schedule: Schedule, times: list[float], caches: Caches) -> None:
        self._caches = caches
        self._firsts: dict[int, float] = {}
        self._times = times
        super().__init__(plan, schedule, times)

    def _run_simple(self) -> None:
        heap, record = self._heap, self.record
        starting, now = self.schedule.begin(), 0.0
        cause = -1
        while True:
            for s in starting:
                record.starts[s], record.causes[s] = now, cause
                self._look_up(s, now)
                heappush(heap, (now + self._times[s], s))
            if not heap:
                break
            now, cause = heappop(heap)
            record.ends[cause] = now
            starting = self.schedule.finish(cause)
        self.seconds = now

    def _start(self, starting: Sequence[int], now: float, cause: int) -> None:
        for s in starting:
            self._look_up(s, now)
        super()._start(starting, now, cause)

    def _look_up(self, i: int, now: float) -> None:
        call = looks_up(self.plan.tasks[i])
        if call is None:
            return
        pending = self._caches.begin(call, now)
        use = pending.use
        self._times[i] = call.seconds(use)
        self._firsts[i] = first = call.first_output_seconds(use)
        # Added up as the moment is at which followers start: a rounding less, and they would come too early.
        self._caches.finish(call, pending, now + first)
        self.record.facts[i] = {
            "tokens_read": use.read,
            "tokens_written": use.written,
            "tokens_fresh": use.fresh,
            "tokens_output": call.output_tokens,
            "cost_usd": call.cost_usd(use),
        }

    def _own_first(self, i: int, default: float) -> float:
        return self._firsts[i] if i in self._firsts else super()._own_first(i, default)
