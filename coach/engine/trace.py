"""What happened in a run, real or simulated: spans on one time axis, and what they cost.

The runner and the simulator leave the same `Trace`; every picture of time is drawn from one.
Units: seconds from the start of the trace, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DONE = "done"
DROPPED = "dropped"
FAILED = "failed"
CANCELLED = "cancelled"


class Span(NamedTuple):
    """One task's time. `status` is one of done, dropped (speculation or condition said no), failed,
    cancelled.

    `critical`: on the chain that set the length of the trace. `first_output`: when its first piece of
    output was there, if it streams. A dropped task that never ran has `start == end`.
    """

    name: str
    start: float
    end: float
    kind: str = "task"
    status: str = DONE
    label: str = ""
    critical: bool = False
    speculative: bool = False
    first_output: float | None = None
    tokens_read: int = 0
    tokens_written: int = 0
    tokens_fresh: int = 0
    tokens_output: int = 0
    cost_usd: float = 0.0
    needs: tuple[str, ...] = ()
    note: str = ""

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.end - self.start

    @property
    def wasted(self) -> bool:
        """Whether it ran and its result was thrown away."""
        return self.status == DROPPED and self.end > self.start

    @property
    def title(self) -> str:
        """The name for people."""
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Trace:
    """Spans in order of their start. `note` says where they come from, if that matters."""

    spans: tuple[Span, ...] = ()
    note: str = ""
    _by_name: dict[str, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        object.__setattr__(self, "_by_name", {span.name: span for span in self.spans})

    def __getitem__(self, name: str) -> Span:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def makespan(self) -> float:
        """Seconds until the last needed task ended."""
        kept = [span.end for span in self.spans if span.status != DROPPED]
        return max(kept or [span.end for span in self.spans], default=0.0)

    @property
    def cost_usd(self) -> float:
        """Dollars of everything that was started, thrown-away work included."""
        return sum(span.cost_usd for span in self.spans)

    @property
    def wasted_seconds(self) -> float:
        """Running seconds of work whose result was thrown away."""
        return sum(span.seconds for span in self.spans if span.status == DROPPED)

    @property
    def wasted_usd(self) -> float:
        """Dollars of work whose result was thrown away."""
        return sum(span.cost_usd for span in self.spans if span.status == DROPPED)

    @property
    def first_output(self) -> float:
        """Seconds until the first piece of output that was kept; the makespan where nothing streams."""
        pieces = [s.first_output for s in self.spans if s.first_output is not None and s.status != DROPPED]
        return min(pieces, default=self.makespan)

    @property
    def critical_tasks(self) -> tuple[str, ...]:
        """The chain that set the makespan, in order of their ends."""
        chain = sorted((s for s in self.spans if s.critical), key=lambda s: (s.end, s.start))
        return tuple(span.name for span in chain)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe form; `from_dict` reads it back."""
        return {
            "note": self.note,
            "spans": [{**span._asdict(), "needs": list(span.needs)} for span in self.spans],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trace:
        """Read what `to_dict` wrote. Fields of other versions are left out; missing ones get their
        default."""
        return cls(tuple(_span(each) for each in data.get("spans", ())), str(data.get("note", "")))


def _span(data: Mapping[str, Any]) -> Span:
    known = {key: value for key, value in data.items() if key in Span._fields}
    return Span(**{**known, "needs": tuple(data.get("needs", ()))})


def critical_chain(
    starts: Sequence[float],
    ends: Sequence[float],
    causes: Sequence[int],
    begun: Mapping[int, int],
    dropped: frozenset[int],
) -> set[int]:
    """Indices of the chain that ended last: from the last end back over what each one started after.

    `causes[i]` is the index that let `i` go on, by its end or by its output, -1 for none; `begun[i]` the one
    that let it start, where that is another. One that did so by its output was let go on by nothing that came
    later. What was dropped cannot be the last.
    """
    last = max((i for i in range(len(ends)) if i not in dropped), key=ends.__getitem__, default=-1)
    at_end = True
    chain: set[tuple[int, bool]] = set()
    while last >= 0 and (last, at_end) not in chain:
        chain.add((last, at_end))
        waited = at_end and last in begun
        cause = causes[last] if at_end else begun.get(last, causes[last])
        at_end = waited or not starts[last] < ends[cause]
        last = cause
    return {i for i, _ in chain}
