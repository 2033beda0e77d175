"""Advice about task graphs: needs that nobody reads, what should start ahead, other ways to do a task,
summaries before joins, calls that share a cold prefix.

A plan is judged by what is to be expected: its seconds and dollars over all that may turn out to be needed,
at typical durations. Units: seconds, US dollars.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product, takewhile
from math import prod

from coach.engine.accounting import ROUNDING, Advice, Figures, Step, account_for
from coach.engine.cache import PrefixCache
from coach.engine.errors import GraphError
from coach.engine.graph import TaskGraph
from coach.engine.graph_decisions import Alternative, Decision, decisions_about, sending
from coach.engine.priming import Priming, primed
from coach.engine.summaries import Summary
from coach.engine.weighing import Weigher, outcomes_of


def advise_graph(
    graph: TaskGraph,
    *,
    value_of_second_usd: float,
    reads: Mapping[str, Sequence[str]] | None = None,
    alternatives: Iterable[Alternative] = (),
    summaries: Iterable[Summary] = (),
    first_output_share: float = 0.0,
    caches: Iterable[PrefixCache] = (),
    at_seconds: float = 0.0,
    most_runs: int = 20_000,
) -> Advice[TaskGraph]:
    """The best plan found for the same work.

    `reads`: for tasks by name, whose results they truly take; needs become exactly those. `alternatives`:
    other ways to do single tasks. `summaries`: branches that may be summarised before their join. Besides,
    each conditional task that is pure or staged may start ahead or not, and calls that share a cold prefix
    are primed. A need that is missing is a must, and is there in `before` as well. `first_output_share` (0
    to 1) of a second's value counts until the first output, the rest until the end. `caches`, `at_seconds`:
    as in `priming.prime`. `most_runs`: see `Search`.
    """
    weigher = Weigher(value_of_second_usd, first_output_share, tuple(caches), at_seconds)
    search = Search(graph, decisions_about(graph, reads or {}, alternatives, summaries), weigher, most_runs)
    chosen, priming, after = search.best()
    if priming.changed:
        search, chosen = search.with_sending(chosen, priming), (*chosen, 1)
    steps = [search.step(d, choice) for d, choice in enumerate(chosen) if choice]
    return Advice(
        plan=priming.graph,
        before=search.figures_of(search.as_found),
        after=after,
        changes=account_for(search.as_found, steps, search.figures),
    )


State = tuple[int, ...]
"""For each decision 0 (as it is) or the number of the option."""


class Search:
    """Looks for the state with the least burden; remembers what it has tried.

    `most_runs` simulated runs are spent on trying everything; where that takes more, it goes by single and
    double changes, and ends after twice as many with what it has. As many again are spent on priming the best
    states, the best first.
    """

    STARTS = 6

    def __init__(
        self, graph: TaskGraph, decisions: Sequence[Decision], weigher: Weigher, most_runs: int
    ) -> None:
        self.graph = graph
        self.decisions = decisions
        self.weigher = weigher
        self.most_runs = most_runs
        self.as_found: State = tuple(int(decision.forced) for decision in decisions)
        self.outcomes = sum(1 for _ in outcomes_of(graph))
        self._tried: dict[State, Figures | None] = {}
        self._calling: set[State] = set()

    def graph_of(self, state: State) -> TaskGraph:
        """The graph in that state. GraphError where it cannot be."""
        tasks = dict(self.graph.tasks)
        for decision, choice in zip(self.decisions, state, strict=True):
            if choice:
                decision.options[choice - 1].edit(tasks)
        return TaskGraph(tasks.values(), self.graph.limits)

    def figures(self, state: State) -> Figures | None:
        """None for a state that cannot be."""
        if state not in self._tried:
            try:
                graph = self.graph_of(state)
            except GraphError:
                self._tried[state] = None
            else:
                self._tried[state] = self.weigher.figures(graph)
                if sum(task.model_call is not None for task in graph) > 1:
                    self._calling.add(state)
        return self._tried[state]

    def figures_of(self, state: State) -> Figures:
        """GraphError for a state that cannot be."""
        found = self.figures(state)
        return self.weigher.figures(self.graph_of(state)) if found is None else found

    def step(self, number: int, choice: int) -> Step[State]:
        """A decision as a step of its own."""
        option = self.decisions[number].options[choice - 1]

        def make(state: State) -> State:
            return (*state[:number], choice, *state[number + 1 :])

        return Step(option.code, option.about, option.sentence, make)

    def best(self) -> tuple[State, Priming, Figures]:
        """The best state, with its shared prefixes primed, and what that takes."""
        if self._are_few():
            for state in product(*self._ranges()):
                self.figures(state)
        else:
            self._descend()
        ranked = sorted((s for s, found in self._tried.items() if found), key=self._rank)
        if not ranked:
            self.graph_of(self.as_found)
        return min(self._primed(ranked), key=lambda each: round(each[2].burden_usd, 9))

    def with_sending(self, chosen: State, priming: Priming) -> Search:
        """The same search with one more decision: to send the calls as it came out for the chosen state."""
        graph = TaskGraph(self.graph, priming.graph.limits)
        decision = sending(self.graph_of(chosen), priming)
        return Search(graph, [*self.decisions, decision], self.weigher, self.most_runs)

    def _primed(self, ranked: Sequence[State]) -> Iterator[tuple[State, Priming, Figures]]:
        """The best state and, of those with calls to send, as many as there are runs for, primed."""
        calling = [state for state in ranked if state in self._calling]
        runs = 0
        for state in dict.fromkeys((ranked[0], *calling)):
            if runs >= self.most_runs:
                return
            priming = primed(self.graph_of(state), self.weigher)
            runs += priming.designs * self.outcomes
            changed = priming.changed
            yield state, priming, self.weigher.figures(priming.graph) if changed else self.figures_of(state)

    def _rank(self, state: State) -> tuple[float, int]:
        """By burden; among equals, the fewest changes."""
        return round(self.figures_of(state).burden_usd, 9), sum(map(bool, state))

    def _ranges(self) -> list[range]:
        return [range(int(decision.forced), len(decision.options) + 1) for decision in self.decisions]

    def _are_few(self) -> bool:
        return prod(map(len, self._ranges())) * self.outcomes <= self.most_runs

    def _descend(self) -> None:
        """Single changes while they help, then double ones; from several states."""
        for start in self._starts():
            at: State | None = start
            while at is not None and not self._spent():
                at = self._better(at, 1) or self._better(at, 2)

    def _starts(self) -> Iterator[State]:
        """As it is, everything changed, and some between."""
        yield self.as_found
        yield tuple(choices[-1] for choices in self._ranges())
        rng = random.Random(0)
        for _ in range(self.STARTS):
            yield tuple(rng.choice(choices) for choices in self._ranges())

    def _spent(self) -> bool:
        return len(self._tried) * self.outcomes > 2 * self.most_runs

    def _better(self, at: State, changes: int) -> State | None:
        here = self.figures(at)
        limit = here.burden_usd - ROUNDING if here else float("inf")
        near = takewhile(lambda _: changes == 1 or not self._spent(), self._near(at, changes))
        found = [(f.burden_usd, s) for s in near if (f := self.figures(s))]
        least = min(found, default=(limit, None))
        return least[1] if least[0] < limit else None

    def _near(self, at: State, changes: int) -> Iterator[State]:
        ranges = self._ranges()
        for numbers in combinations(range(len(at)), changes):
            for choices in product(*(ranges[number] for number in numbers)):
                state = list(at)
                for number, choice in zip(numbers, choices, strict=True):
                    state[number] = choice
                yield tuple(state)
