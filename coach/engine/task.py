"""A piece of work: how long it takes, what it costs, what it waits for, whether it is needed at all.

Units: seconds, US dollars.
"""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from coach.engine.errors import GraphError

if TYPE_CHECKING:
    from coach.engine.calls import ModelCall

Join = Literal["all", "stream"]

OnFailure = Literal["fail", "collect"]
"""What a join does about a need that failed: it fails too, or is given an `errors.Failure` as the value."""

Losers = Literal["cancel", "drain", "keep"]
"""What becomes of the needs that a join goes on without, and of the work that only they wanted. "cancel": all
of it is cancelled at once. "drain": what has begun runs on to its end and its result is thrown away, nothing
more is begun for it. "keep": it runs on as if nothing had happened; its result counts for everybody else."""

Effects = Literal["unknown", "pure", "staged"]
"""What a call does besides giving a result. "pure": nothing that anybody could notice, so its result can be
thrown away. "staged": it only prepares; a task of its own, named by `Task.commit`, puts it into effect."""

EFFECTS: tuple[Effects, ...] = ("unknown", "pure", "staged")

LOSERS: tuple[Losers, ...] = ("cancel", "drain", "keep")

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})

Z95 = 1.6448536269514722
"""The 95th percentile of the standard normal distribution."""


def _is_amount(number: float) -> bool:
    return math.isfinite(number) and number >= 0


def _is_async(call: Callable[..., Any] | None) -> bool:
    """Whether it is an async function, or an object that is called as one."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


def _check_seconds(seconds: float, what: str) -> None:
    if not _is_amount(seconds):
        raise GraphError(f"{what} is a number of seconds, 0 or more, not {seconds!r}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A duration that is always the same."""

    seconds: float

    def __post_init__(self) -> None:
        _check_seconds(self.seconds, "A duration")

    @property
    def typical(self) -> float:
        """The median, in seconds."""
        return self.seconds

    @property
    def spread(self) -> float:
        """Sigma of the logarithm: none."""
        return 0.0

    def sample(self, rng: random.Random) -> float:
        """The same seconds each time."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A duration with a long tail: half the calls within `p50` seconds, 95 in 100 within `p95`."""

    p50: float
    p95: float

    def __post_init__(self) -> None:
        _check_seconds(self.p50, "A p50")
        _check_seconds(self.p95, "A p95")
        if not 0 < self.p50 <= self.p95:
            raise GraphError(f"p50 ({self.p50:g} s) must be above 0 and not above p95 ({self.p95:g} s)")

    @property
    def typical(self) -> float:
        """The median, in seconds."""
        return self.p50

    @property
    def spread(self) -> float:
        """Sigma of the logarithm of the seconds."""
        return math.log(self.p95 / self.p50) / Z95

    def sample(self, rng: random.Random) -> float:
        """One draw, in seconds."""
        return self.p50 * math.exp(self.spread * rng.gauss(0.0, 1.0))


Duration = Fixed | LogNormal


@dataclass(frozen=True, slots=True)
class Condition:
    """A task is needed only with `probability`, and that is known when `decider` ends.

    A decider that is itself dropped decides "not needed".
    """

    decider: str
    probability: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise GraphError(f"A probability lies between 0 and 1, not at {self.probability!r}")


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work.

    `needs`: names whose results it takes; it starts when all have ended (`join="all"`), or when the first
    has (`join="stream"`): then it goes on receiving, its duration is split evenly over its needs, portion i
    runs from the later of arrival i and the end of the portion before, and it ends after the last. A need
    that was dropped counts as satisfied, brings no value, and no portion to a streaming join.

    `condition`: it may turn out not to be needed. Without `speculative` it starts after its decider. With
    it, it is dispatched as soon as its needs are met, if the policy of the run finds that worth it (see
    `ahead`), and thrown away when the decider says no; nobody gets its result before the decider has ended.
    Only what declares its `effects` as "pure" or "staged" may be speculative. A staged task names its
    `commit`: a task that needs it and has it as its decider, so that it runs once the staged one counts, and
    never otherwise.

    `uses`: named resources; where the graph sets a limit, one unit of each is held while it runs, or taken
    when it starts where the limit is a `rates.Rate`. `takes`: units of rates by name; what a `model_call`
    takes of "requests", "input tokens" and "output tokens" comes from that. `call`:
    an async function of `runner.Inputs`; with `blocking=True` an ordinary function, run in a thread. What it
    sets in context variables, tasks after it may find or not: it puts them back.
    Without one the runner waits for the typical duration. `timeout_seconds` limits each attempt, `retries`
    more attempts follow a failed one after about `backoff_seconds`, doubled each time. `silence_seconds`
    ends an attempt of which nothing was heard for so long: no output, no note, and no wait for an arrival.
    A blocking task cannot have it, for a thread cannot be stopped; a time limit only abandons its thread.
    `reserve_seconds`: so much of the run's deadline is kept for this task, the answer perhaps: what it needs
    has to be done so much earlier, and is told so by `remaining()`. `must_fit`: it is not started, and fails
    with `CannotFit`, where less time is left than its duration typically takes. (Only on request, because
    half an answer in time may be better than none.)
    `first_output_seconds`: how long after its start its first piece of output is there, if it streams its
    output (typical; it stretches with the duration). `model_call`: what it sends to a model, where it is a
    call of one. `note`: why it is planned as it is, for the trace.

    `hedge`: a call that takes longer than the 95th percentile of its duration is made a second time, and the
    first answer counts. Only a pure call can be, whose duration is a `LogNormal`; see `hedging`.

    `keep`: its result is kept where the run has checkpoints, and not made again for the same inputs. `key`:
    what else it depends on, the version of a prompt perhaps; or a function of `runner.Inputs` that gives all
    it depends on, where the inputs themselves have no digest.

    `after_output`: names of tasks whose output must have begun before it starts: with their first piece of
    output, or with their end where none came. It gets no value from them. A task that reads a prompt's
    prefix which another one is writing to a cache waits like this.

    A task that fails ends the run, unless the joins that it leads to put up with that. `on_failure`: what
    this task does about failed needs. `optional`: needs that may fail, be dropped or be left out, and the
    value that it then gets instead. A need that fails and is neither makes this task fail too, without
    starting; the run ends where nobody further on puts up with it.

    `first`: go on as soon as that many needs have given a result (a failure or a default is none);
    `patience_seconds`: go on without the needs that have not ended so long after this task became part of
    the run. `losers` says what becomes of those left behind. They are absent from its inputs; where not
    enough of them can still come, it goes on with what there is if they were dropped or left out, and fails
    if one of them failed.
    """

    name: str
    needs: tuple[str, ...] = ()
    _: KW_ONLY
    duration: Duration = Fixed(0.0)
    cost_usd: float = 0.0
    blocking: bool = False
    condition: Condition | None = None
    speculative: bool = False
    effects: Effects = "unknown"
    commit: str | None = None
    join: Join = "all"
    uses: tuple[str, ...] = ()
    takes: Mapping[str, float] = field(default_factory=dict, hash=False)
    call: Callable[..., Any] | None = None
    timeout_seconds: float | None = None
    retries: int = 0
    backoff_seconds: float = 0.1
    silence_seconds: float | None = None
    reserve_seconds: float = 0.0
    must_fit: bool = False
    hedge: bool = False
    keep: bool = False
    key: str | Callable[..., Any] = ""
    first_output_seconds: float | None = None
    after_output: tuple[str, ...] = ()
    on_failure: OnFailure = "fail"
    optional: Mapping[str, Any] = field(default_factory=lambda: NO_DEFAULTS, hash=False)
    first: int | None = None
    losers: Losers = "cancel"
    patience_seconds: float | None = None
    kind: str = "task"
    label: str = ""
    model_call: ModelCall | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise GraphError(f"A task needs a name, not {self.name!r}")
        for each in ("needs", "uses", "after_output"):
            object.__setattr__(self, each, self._names(each))
        if self.optional:
            object.__setattr__(self, "optional", MappingProxyType(dict(self.optional)))
        self._check()

    def _names(self, field: str) -> tuple[str, ...]:
        """Without repetition. A single name would be taken for its letters."""
        said = getattr(self, field)
        if isinstance(said, str):
            raise GraphError(
                f"Task {self.name!r} says {field}={said!r}: write a tuple, ({said!r},)", (self.name,)
            )
        return tuple(dict.fromkeys(said))

    @property
    def has_policy(self) -> bool:
        """Whether it joins otherwise than by waiting for all its needs and failing with the first failure."""
        return (
            self.first is not None
            or self.patience_seconds is not None
            or self.on_failure != "fail"
            or bool(self.optional)
        )

    @property
    def portions(self) -> int:
        """Into how many parts a streaming join divides its duration: one for each need it may receive."""
        return len(self.needs) if self.first is None else self.first

    def _check(self) -> None:
        if self.speculative:
            self._check_speculative()
        if self.has_policy or self.losers != "cancel":
            self._check_policy()
        if self.join not in ("all", "stream"):
            raise GraphError(
                f"Task {self.name!r} joins by 'all' or 'stream', not {self.join!r}", (self.name,)
            )
        if self.effects not in EFFECTS:
            raise GraphError(
                f"Task {self.name!r} has the effects {self.effects!r}, not one of {EFFECTS}", (self.name,)
            )
        amounts = (self.cost_usd, self.retries, self.backoff_seconds, *self.takes.values())
        if not all(map(_is_amount, amounts)):
            raise GraphError(
                f"Task {self.name!r}: cost, retries, backoff and units taken are finite, none negative",
                (self.name,),
            )
        if self.blocking and _is_async(self.call):
            raise GraphError(
                f"Task {self.name!r} is blocking, but its call is async: in a thread nobody would await it",
                (self.name,),
            )
        if self.hedge:
            self._check_hedge()
        self._check_times()

    def _check_times(self) -> None:
        for limit in (self.timeout_seconds, self.silence_seconds):
            if limit is not None and not limit > 0:
                raise GraphError(f"Task {self.name!r} has a time limit of {limit!r} s", (self.name,))
        if self.silence_seconds is not None and self.blocking:
            raise GraphError(
                f"Task {self.name!r} is blocking, so its silence cannot end it: a thread cannot be stopped",
                (self.name,),
            )
        _check_seconds(self.reserve_seconds, f"What is kept for task {self.name!r}")
        if self.first_output_seconds is not None:
            _check_seconds(self.first_output_seconds, f"The first output of task {self.name!r}")
        if self.must_fit and not self.duration.typical:
            raise GraphError(f"Task {self.name!r} must fit, but states no duration", (self.name,))

    def _check_hedge(self) -> None:
        if self.effects != "pure" or self.blocking or self.join == "stream":
            raise GraphError(
                f"Task {self.name!r} cannot be hedged: only a pure call can be made twice, and neither a "
                "blocking one nor a streaming join",
                (self.name,),
            )
        if not isinstance(self.duration, LogNormal):
            raise GraphError(
                f"Task {self.name!r} is hedged, but its duration states no 95th percentile", (self.name,)
            )

    def _check_policy(self) -> None:
        for said, allowed in ((self.on_failure, ("fail", "collect")), (self.losers, LOSERS)):
            if said not in allowed:
                raise GraphError(f"Task {self.name!r} says {said!r}, not one of {allowed}", (self.name,))
        for name in self.optional:
            if name not in self.needs:
                raise GraphError(
                    f"{name!r} is optional for {self.name!r}, but no need of it", (self.name, name)
                )
        if self.first is not None and not 1 <= self.first <= len(self.needs):
            raise GraphError(
                f"Task {self.name!r} goes on with the first {self.first!r} of {len(self.needs)} needs",
                (self.name,),
            )
        if self.patience_seconds is not None and not self.patience_seconds >= 0:
            raise GraphError(f"Task {self.name!r} waits for {self.patience_seconds!r} s", (self.name,))

    def _check_speculative(self) -> None:
        if self.condition is None:
            raise GraphError(f"Task {self.name!r} is speculative but has no condition", (self.name,))
        if self.effects not in ("pure", "staged"):
            raise GraphError(
                f"Task {self.name!r} is speculative but not declared pure or staged: what it does could not "
                "be undone",
                (self.name,),
            )
        if self.effects == "staged" and not self.commit:
            raise GraphError(f"Task {self.name!r} is staged but names no commit", (self.name,))


def hedge_seconds(task: Task) -> float:
    """After how long a hedged task is begun a second time."""
    return task.duration.p95 if isinstance(task.duration, LogNormal) else math.inf


def default_needed(task: Task, needed: Mapping[str, bool] | None = None) -> bool:
    """Whether a task counts as needed: as told, else by its probability, one half and more meaning yes."""
    if task.condition is None:
        return True
    if needed is not None and task.name in needed:
        return bool(needed[task.name])
    return task.condition.probability >= 0.5


def waits_for(task: Task) -> tuple[str, ...]:
    """Its needs, its decider, and the tasks whose output must have begun: all that comes before it."""
    if task.condition is None and not task.after_output:
        return task.needs
    decider = () if task.condition is None else (task.condition.decider,)
    return tuple(dict.fromkeys((*task.needs, *decider, *task.after_output)))
