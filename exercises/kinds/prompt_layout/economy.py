"""Findings about time and money: lifetimes, warm-ups, keep-alives.

Each compares the design with one change to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from django.utils.translation import gettext as _

from exercises.kinds.base import Finding
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.design import WORTH_TELLING, Bench, Run, suited_minutes, wake_time
from exercises.kinds.prompt_layout.spec import LayoutSpec, clock, seconds_of
from exercises.kinds.prompt_layout.words import lifetime

_READS_AT_ALL = 0.3
"""Below this hit rate the order or the breakpoints are the matter, and lifetimes are moot."""


_First = dict[str, tuple[float, int, float]]
"""Document -> its first call's second, tokens read, seconds to its first token."""


def economy_findings(spec: LayoutSpec, bench: Bench, run: Run) -> Iterator[Finding]:
    """ttl-against-gaps, warmup-misses and keepalive-costs-more of a design that was run."""
    reads = run.day.hit_rate >= _READS_AT_ALL
    if reads and run.answer.marks:
        yield from _lifetime_finding(spec, bench, run)
    if run.answer.prewarm_at is not None and run.answer.marks:
        yield from _warmup_finding(spec, bench, run)
    elif reads:
        yield from _no_warmup_finding(spec, bench, run)
    if run.answer.keepalive_minutes is not None:
        yield from _keepalive_finding(bench, run)


def _changed(answer: LayoutAnswer, **changes: object) -> LayoutAnswer:
    return answer.model_copy(update=changes)


def _lifetime_finding(spec: LayoutSpec, bench: Bench, run: Run) -> Iterator[Finding]:
    """Another lifetime is better even when both are kept alive as suits them best."""
    own = [bench.run(answer) for answer in _kept_alive(spec, run.answer, _shortest(spec, run.answer))]
    others = [bench.run(answer) for answer in _other_lifetimes(spec, run.answer)]
    if not others:
        return
    better = min(others, key=lambda other: other.worth_usd)
    least = min(kept.worth_usd for kept in (run, *own))
    if better.worth_usd > least * (1 - WORTH_TELLING):
        return
    yield _lifetime(spec, bench, run, better)


def _lifetime(spec: LayoutSpec, bench: Bench, run: Run, better: Run) -> Finding:
    chosen, other = _shortest(spec, run.answer), next(iter(better.answer.marks.values()))
    gaps = _gaps(bench)
    longer = sum(gap >= spec.rules.ttls[chosen] for gap in gaps)
    item = next(item for item in reversed(run.answer.order) if item in run.answer.marks)
    return Finding(
        code="ttl-against-gaps",
        place=f"block:{item}",
        place_label=spec.label_of(item),
        severity="costly",
        message=_(
            "Entries live %(ttl)s here. Of %(gaps)s pauses between two calls about the same document, "
            "%(longer)s are longer. The day wrote %(written)s tokens and cost $%(cost)s; with the same "
            "blocks in "
            "the same order it can cost $%(other)s."
        )
        % {
            "ttl": lifetime(chosen),
            "gaps": len(gaps),
            "longer": longer,
            "written": f"{run.day.tokens.written:,}",
            "cost": f"{run.day.cost_usd:.2f}",
            "other": f"{better.day.cost_usd:.2f}",
        },
        fix=_("Choose the lifetime of %(ttl)s for this day's pauses.") % {"ttl": lifetime(other)},
        fix_terms=(
            ("choose", "use", "switch", "take", "set", "buy", "pick"),
            (lifetime(other).lower(), *_spellings(other)),
        ),
        passage="prompt-caching#gaps",
        evidence={
            "gaps": len(gaps),
            "longer": longer,
            "cost_usd": run.day.cost_usd,
            "other_cost_usd": better.day.cost_usd,
        },
    )


def _spellings(ttl: str) -> tuple[str, ...]:
    return {
        "1h": ("1h", "one hour", "one-hour", "an hour", "60 minutes", "full hour", "longer lifetime"),
        "5m": ("5m", "five minutes", "five-minute", "5-minute", "shorter lifetime"),
    }.get(ttl, (ttl,))


def _shortest(spec: LayoutSpec, answer: LayoutAnswer) -> str:
    return min(answer.marks.values(), key=lambda ttl: spec.rules.ttls[ttl])


def _other_lifetimes(spec: LayoutSpec, answer: LayoutAnswer) -> Iterator[LayoutAnswer]:
    """The same design with one other lifetime throughout, with its keep-alive, one to suit, or none."""
    for ttl in spec.rules.ttls:
        if set(answer.marks.values()) != {ttl}:
            changed = _changed(answer, marks=dict.fromkeys(answer.marks, ttl))
            yield changed
            yield from _kept_alive(spec, changed, ttl)


def _kept_alive(spec: LayoutSpec, answer: LayoutAnswer, ttl: str) -> Iterator[LayoutAnswer]:
    """Where there is a keep-alive: the design without it, and with one just inside the lifetime."""
    if answer.keepalive_minutes is not None:
        yield _changed(answer, keepalive_minutes=None)
        yield _changed(answer, keepalive_minutes=suited_minutes(spec, ttl))


def _gaps(bench: Bench) -> list[float]:
    """Seconds between two calls of the day about the same document."""
    gaps: list[float] = []
    for document in bench.spec.traffic.documents:
        times = [call.at_seconds for call in bench.calls if call.document == document]
        gaps += [later - earlier for earlier, later in pairwise(times)]
    return gaps


def _first_reads(run: Run) -> _First:
    """For each document the first call's second, tokens read and seconds to its first token."""
    first: _First = {}
    for call in run.day.calls:
        first.setdefault(call.group, (call.at_seconds, call.use.read, call.ttft_seconds))
    return first


def _warmup_finding(spec: LayoutSpec, bench: Bench, run: Run) -> Iterator[Finding]:
    """A warm-up that no document's first call reads, where one at the right time would be read."""
    plain = _first_reads(bench.run(_changed(run.answer, prewarm_at=None)))
    mine = _first_reads(run)
    timely = _first_reads(bench.run(_changed(run.answer, prewarm_at=wake_time(spec))))
    if _warms(mine, plain) or not _warms(timely, plain):
        return
    at_seconds = seconds_of(run.answer.prewarm_at or spec.traffic.opens_at)
    spent = sum(call.cost_usd for call in run.day.warming if call.kind == "prewarm")
    until = clock(at_seconds + max(spec.rules.ttls[ttl] for ttl in run.answer.marks.values()))
    yield _warmup(
        spec,
        message=_(
            "The warm-up at %(at)s cost $%(spent)s and no document's first call read any more for it: what "
            "it "
            "stored lives until %(until)s, and the first calls came at %(times)s."
        )
        % {
            "at": clock(at_seconds),
            "spent": f"{spent:.2f}",
            "until": until,
            "times": ", ".join(clock(at) for at, _read, _ttft in mine.values()),
        },
        evidence={"spent_usd": spent, "at_seconds": at_seconds},
    )


def _warms(some: _First, plain: _First) -> bool:
    """Whether any document's first call read more than in the plain day."""
    return any(read > plain[document][1] for document, (_at, read, _ttft) in some.items())


def _no_warmup_finding(spec: LayoutSpec, bench: Bench, run: Run) -> Iterator[Finding]:
    """No warm-up, where one would have paid for itself."""
    warmed = bench.run(_changed(run.answer, prewarm_at=wake_time(spec)))
    if warmed.worth_usd >= run.worth_usd:
        return
    before, after = _first_reads(run), _first_reads(warmed)
    cold = [document for document, (_at, read, _ttft) in before.items() if after[document][1] > read]
    if not cold:
        return
    longest = max(before[document][2] for document in cold)
    yield _warmup(
        spec,
        message=_(
            "Nothing is stored when the day begins: the first call about each of %(count)s documents finds "
            "a cold "
            "cache and waits up to %(seconds)s s for its first token (median of the day: %(median)s s)."
        )
        % {"count": len(cold), "seconds": f"{longest:.1f}", "median": f"{run.day.ttft_p50:.1f}"},
        evidence={"cold_documents": len(cold), "longest_seconds": longest},
    )


def _warmup(spec: LayoutSpec, *, message: str, evidence: dict[str, float | str]) -> Finding:
    at = wake_time(spec)
    text = at.strftime("%H:%M")
    return Finding(
        code="warmup-misses",
        place="choice:prewarm",
        place_label=_("Warm-up"),
        severity="slow",
        message=message,
        fix=_("Send the warm-up at %(time)s: shortly before the first calls, well inside the lifetime.")
        % {"time": text},
        fix_terms=((text, text.lstrip("0"), "shortly before", "minutes before", "closer to"),),
        passage="prompt-caching#warming",
        evidence=evidence,
    )


def _keepalive_finding(bench: Bench, run: Run) -> Iterator[Finding]:
    """A keep-alive whose calls cost more than the writes and the waiting that they spare."""
    without = bench.run(_changed(run.answer, keepalive_minutes=None))
    pings = [call for call in run.day.warming if call.kind == "keepalive"]
    spent = sum(call.cost_usd for call in pings)
    if run.worth_usd <= without.worth_usd or not pings:
        return
    saved = without.worth_usd - (run.worth_usd - spent)
    yield Finding(
        code="keepalive-costs-more",
        place="choice:keepalive",
        place_label=_("Keep-alive"),
        severity="costly",
        message=_(
            "The keep-alive every %(minutes)s minutes made %(pings)s calls for $%(spent)s. In writes and "
            "waiting "
            "they spared the day $%(saved)s."
        )
        % {
            "minutes": run.answer.keepalive_minutes,
            "pings": len(pings),
            "spent": f"{spent:.2f}",
            "saved": f"{max(0.0, saved):.2f}",
        },
        fix=_("Drop the keep-alive, or ping only shortly before the lifetime ends."),
        fix_terms=(
            ("keep-alive", "keepalive", "ping"),
            ("drop", "turn it off", "switch it off", "remove", "leave out", "shortly before", "less often"),
        ),
        passage="prompt-caching#gaps",
        evidence={"pings": len(pings), "spent_usd": spent, "saved_usd": saved},
    )
