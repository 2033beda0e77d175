"""What follows from the end of one task for all that waited for it: joins go on, branches are let go,
failures climb until somebody puts up with them.

The inner half of a `Schedule`. Everything is done from a list of tasks that have just been settled, one after
the other, so no chain is too long. No step looks at more than the neighbours of a settled task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.engine.expected import Caches
from coach.engine.graph import default_needed
from coach.engine.plan import Plan, Policy
from coach.engine.rated_units import RatedUnits
from coach.engine.task import Losers
from coach.engine.units import DONE, DROPPED, ENDED, FAILED, READY, RUNNING, WAITING, Units

OPEN = (WAITING, READY, RUNNING)
"""States in which what becomes of a need still matters to a task."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why a task was let go: `join` went on without it, or without what needed it. `late`: because it had
    waited long enough, not because it had what it wanted."""

    join: int
    losers: Losers
    late: bool


class Settling:
    """The state of the tasks of one run, and what the end of one changes in that of the others.

    `received[j]`: what has arrived for the join `j`, in order. `absent[j]`: the needs that it went on
    without. `impatient`: joins that did so because they had waited long enough. `farewells[i]`: why nobody
    waits for `i` any more. `failed_by[i]`: whose failure made `i` fail. `fatal`: the task whose failure
    nobody puts up with, -1 for none. `caches`: those that the driver looks calls of models up in, if it does.
    """

    __slots__ = (
        "_failing",
        "_fresh",
        "_missed",
        "_opened",
        "_plan",
        "_put_off",
        "_settled",
        "_tracks",
        "_unwanted",
        "_wants",
        "_wins",
        "absent",
        "draining",
        "failed_by",
        "farewells",
        "fatal",
        "gone",
        "impatient",
        "left",
        "lost",
        "needed",
        "pending",
        "received",
        "state",
        "units",
        "unresolved",
        "woken",
    )

    def __init__(
        self, plan: Plan, needed: Sequence[bool] | None = None, caches: Caches | None = None
    ) -> None:
        self._plan = plan
        self.left = plan.size
        self.fatal = -1
        self.pending = plan.pending[:]
        self.lost: list[int] = []
        self.woken: list[int] = []
        self.gone: list[int] = []
        self.needed: list[bool] = []
        self.state: list[int] = []
        if not plan.simple:
            self._prepare(plan, needed, caches)

    def _prepare(self, plan: Plan, needed: Sequence[bool] | None, caches: Caches | None) -> None:
        self.needed = list(needed) if needed is not None else [default_needed(task) for task in plan.tasks]
        self.state = [WAITING] * plan.size
        self.unresolved = plan.unresolved[:]
        self.received: dict[int, list[int]] = {
            j: [] for j, open_needs in enumerate(self.unresolved) if open_needs
        }
        self.units = RatedUnits(plan, self.state, caches) if plan.rates else Units(plan, self.state)
        self.absent: dict[int, set[int]] = {}
        self.farewells: dict[int, Farewell] = {}
        self.failed_by: dict[int, int] = {}
        self.draining: set[int] = set()
        self.impatient: set[int] = set()
        self._tracks = plan.grows or bool(plan.policies)
        self._wants = [plan.wanted_by(i) for i in range(plan.size)] if self._tracks else []
        self._wins = {j: policy.first for j, policy in plan.policies.items() if policy.first}
        self._missed: dict[int, int] = {}
        self._failing: set[int] = set()
        self._fresh: list[int] = []
        self._settled: list[int] = []
        self._unwanted: list[int] = []
        self._put_off: set[int] = set()
        self._opened: set[int] = set()

    def _make_room(self, base: int, needed: Sequence[bool]) -> None:
        """The plan has grown by the tasks from `base` on."""
        plan = self._plan
        self.left += plan.size - base
        self.needed += needed
        self.state += [WAITING] * (plan.size - base)
        self.pending += plan.pending[base:]
        self.unresolved += plan.unresolved[base:]
        self.units.extend(base)
        for i in range(base, plan.size):
            self._wants.append(plan.wanted_by(i))
            if self.unresolved[i]:
                self.received[i] = []
            if i in plan.policies and plan.policies[i].first:
                self._wins[i] = plan.policies[i].first
        for i in range(base, plan.size):
            self._want(i, base)

    def _want(self, i: int, base: int) -> None:
        """Count the new task `i` among those that wait for what was here before."""
        plan, index, wants = self._plan, self._plan.index, self._wants
        task = plan.tasks[i]
        for n in [index[name] for name in task.needs if index[name] < base]:
            wants[n] += plan.successors[n][0] != i  # with its first taker, the caller takes it no more
        if 0 <= plan.decider[i] < base:
            wants[plan.decider[i]] += 1
        for n in [index[name] for name in task.after_output if index[name] < base]:
            wants[n] += n not in self._opened

    def _catch_up(self, i: int, base: int) -> None:
        """What the new task `i` waits for may have happened before."""
        plan, index, state = self._plan, self._plan.index, self.state
        task, decider = plan.tasks[i], plan.decider[i]
        for n in [index[name] for name in task.needs if index[name] < base]:
            if state[n] >= DONE:
                self._satisfy(i, n)
        if 0 <= decider < base and state[decider] >= DONE:
            self._decide(i, decider)
        for n in [index[name] for name in task.after_output if index[name] < base]:
            self.pending[i] -= state[n] >= DONE or n in self._opened
        self._check_ready(i)

    def _go_on(self) -> list[int]:
        """Follow all that has been settled, and then let go of what nobody wants any more: what fails in the
        same moment has failed, whatever the order. Returns the tasks to start."""
        while self._settled or self._unwanted:
            while self._settled:
                i = self._settled.pop()
                self.left -= 1
                self._pass_on(i)
            unwanted, self._unwanted = self._unwanted, []
            for n in unwanted if self.fatal < 0 else ():  # a failure that ends the run stops them all
                if self.state[n] < DONE and not self._wants[n]:
                    self._drop(n)
        fresh, self._fresh = self._fresh, []
        return [] if self.fatal >= 0 else self.units.admit(fresh)

    def _pass_on(self, i: int) -> None:
        plan, state = self._plan, self.state
        if plan.opens[i]:
            self._open(i)
        if state[i] == FAILED:
            self._check_taken(i)
        for c in plan.decides[i]:
            self._decide(c, i)
        for s in plan.successors[i]:
            self._satisfy(s, i)
        if self._tracks and state[i] != DONE and i not in self.draining:
            self._want_no_more(i)

    def _check_taken(self, i: int) -> None:
        """A failure that nobody puts up with is fatal. A join does so that tolerates it or has gone on
        without it; of a task that fails in its turn, the same is asked again."""
        for s in (*self._plan.successors[i], *self._plan.decides[i]):
            if self.state[s] != DROPPED or s in self.farewells:
                return
        if self.fatal < 0:
            self.fatal = self.failed_by[i]

    # Conditions and outputs

    def _undecided(self, i: int) -> bool:
        """Whether it ran ahead of its decider."""
        decider = self._plan.decider[i]
        return decider >= 0 and self.state[decider] < DONE

    def _decide(self, c: int, decider: int) -> None:
        """The decider of `c` is settled."""
        state = self.state
        if state[c] >= DONE:
            return
        if state[decider] == FAILED:
            self._fail(c, decider)
        elif state[decider] != DONE or not self.needed[c]:
            self.farewells.pop(c, None)
            self._drop(c)
        elif state[c] == ENDED:
            self._count(c)
        else:
            self.units.confirm(c)
            if self._plan.gated[c] or c in self._put_off:
                self.pending[c] -= 1
                self._check_ready(c)

    def _count(self, i: int) -> None:
        """What has run counts from now on, its failure too."""
        if i in self._failing:
            self._fail(i, i)
        else:
            self.state[i] = DONE
            self._settled.append(i)

    def _open(self, i: int) -> None:
        """Let go on who waits for the output of `i`, once."""
        if i not in self._opened:
            self._opened.add(i)
            for s in self._plan.opens[i]:
                self.pending[s] -= 1
                self._check_ready(s)
                if self._tracks:
                    self._unwant(i, None)

    # Needs

    def _satisfy(self, s: int, need: int) -> None:
        """One need of `s` is settled."""
        policy = self._plan.policies.get(s)
        if policy is not None:
            self._join(s, need, policy)
            return
        outcome = self.state[need]
        if outcome == FAILED and self.state[s] in OPEN:
            self._fail(s, need)
            return
        if not self._plan.stream[s]:
            self.pending[s] -= 1
        else:
            self.unresolved[s] -= 1
            if outcome == DONE:
                self.received[s].append(need)
            self._wake(s)
        self._check_ready(s)

    def _join(self, s: int, need: int, policy: Policy) -> None:
        """The same for a join with a policy."""
        if not self.unresolved[s] or not self._listens(s):
            return
        outcome = self.state[need]
        arrives = outcome == DONE or need in policy.optional
        if outcome == FAILED and not policy.takes_failure(need):
            self._missed.setdefault(s, need)
        elif arrives or outcome == FAILED:
            self.received[s].append(need)
        self.unresolved[s] -= 1
        if policy.first and outcome == DONE:
            self._wins[s] -= 1
            if not self._wins[s]:
                self._go_on_without(s, policy, late=False)
        self._advance(s, policy)

    def _listens(self, s: int) -> bool:
        """Whether it still matters to `s` what becomes of its needs."""
        return self.state[s] in OPEN or s in self.draining

    def _advance(self, s: int, policy: Policy) -> None:
        """Something has arrived for a join with a policy, or it has gone on without something."""
        if self._misses_too_many(s, policy):
            self._fail(s, self._missed[s])
            return
        if not self.unresolved[s]:
            self.units.wait_no_more(s)
            if not self._plan.stream[s]:
                self.pending[s] -= 1
        self._wake(s)
        self._check_ready(s)

    def _misses_too_many(self, s: int, policy: Policy) -> bool:
        """Whether a need has failed and those that can still come are not enough."""
        if s not in self._missed or self.state[s] not in OPEN:
            return False
        return self.unresolved[s] < self._wins.get(s, len(policy.needs))

    def _wake(self, s: int) -> None:
        if self._plan.stream[s] and (self.state[s] == RUNNING or s in self.draining):
            self.woken.append(s)

    def _check_ready(self, s: int) -> None:
        if self.state[s] != WAITING or self.pending[s]:
            return
        if not self._plan.stream[s] or self.received[s] or not self.unresolved[s]:
            self.state[s] = READY
            self._fresh.append(s)

    # Letting go

    def _go_on_without(self, s: int, policy: Policy, *, late: bool) -> None:
        """The join `s` waits for nothing more."""
        behind = [n for n in policy.needs if self.state[n] < DONE]
        self.absent[s] = set(behind)
        self.unresolved[s] = 0
        if late:
            self.impatient.add(s)
            self.received[s] += [n for n in behind if n in policy.optional]
        if policy.losers != "keep":
            for n in behind:
                self._unwant(n, Farewell(s, policy.losers, late))

    def _unwant(self, n: int, farewell: Farewell | None) -> None:
        """One less waits for `n`. With the last one it goes, if one of them said farewell."""
        self._wants[n] -= 1
        if self.state[n] >= DONE:
            return
        if farewell is not None:
            known = self.farewells.get(n)
            if known is None or self._precedence(farewell) < self._precedence(known):
                self.farewells[n] = farewell
        if not self._wants[n] and n in self.farewells:
            self._unwanted.append(n)

    def _precedence(self, farewell: Farewell) -> tuple[bool, str]:
        """Of several, the least counts: whatever the order in which they were said, for they may be said in
        the same moment. Who lets it end in peace goes first."""
        return farewell.losers != "drain", self._plan.names[farewell.join]

    def _want_no_more(self, i: int) -> None:
        """What `i` waited for loses one who wanted it."""
        farewell = self.farewells.get(i)
        if self.state[i] == FAILED:
            farewell = Farewell(i, "cancel", late=False)
        task, index = self._plan.tasks[i], self._plan.index
        behind = self.absent.get(i, ())
        before = [n for n in map(index.__getitem__, task.needs) if n not in behind]
        if task.condition is not None:
            before.append(self._plan.decider[i])
        before += [n for n in map(index.__getitem__, task.after_output) if n not in self._opened]
        for n in before:
            self._unwant(n, farewell)

    def _drop(self, c: int) -> None:
        """Nobody needs it."""
        before, self.state[c] = self.state[c], DROPPED
        farewell = self.farewells.get(c)
        if before == RUNNING and farewell is not None and farewell.losers == "drain":
            self.draining.add(c)
        else:
            self._stop(c, before)
        self.gone.append(c)
        self._settled.append(c)

    def _fail(self, s: int, need: int) -> None:
        """It fails because `need` has, which may be itself."""
        before, self.state[s] = self.state[s], FAILED
        self.failed_by[s] = self.failed_by.get(need, need)
        self._stop(s, before)
        self.gone.append(s)
        self._settled.append(s)

    def _stop(self, i: int, before: int) -> None:
        if before == RUNNING:
            self.lost.append(i)
            self.units.release(i)
        elif before in (WAITING, READY):
            self.units.give_up(i)
