"""Findings about breakpoints: missing, on a block that changes, over a prefix that is too short."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from coach.engine.prompt import Stability, changing_blocks, lint
from exercises.kinds.base import Finding
from exercises.kinds.prompt_layout.design import WORTH_TELLING, Bench, Run
from exercises.kinds.prompt_layout.order import order_findings
from exercises.kinds.prompt_layout.spec import LayoutSpec
from exercises.kinds.prompt_layout.words import lifetime, names_of


def mark_findings(spec: LayoutSpec, bench: Bench, theirs: Run, best: Run) -> Iterator[Finding]:
    """no-breakpoint, below-minimum and breakpoint-on-changing-block of a design that was run."""
    defects = lint(theirs.prompt, spec.rules)
    short = [defect.block for defect in defects if defect.code == "below-minimum"]
    if any(defect.code == "no-breakpoint" for defect in defects):
        yield _no_mark(spec, theirs, best)
    elif theirs.answer.marks:
        yield from _mark_missing(spec, bench, theirs)
    yield from (_too_short(spec, theirs, block) for block in short)
    changing = _never_read(spec, theirs)
    for item in theirs.answer.order:
        if item in theirs.answer.marks and item in changing and item not in short:
            yield _mark_on_changing(spec, bench, theirs, item)


def _never_read(spec: LayoutSpec, run: Run) -> set[str]:
    """Items whose prefix never comes again.

    Where the order itself is a finding, only those that change themselves.
    """
    changing = set(changing_blocks(run.prompt))
    if any(finding.code == "volatile-before-stable" for finding in order_findings(spec, run)):
        return {item for item in changing if spec.stability_of(item) == Stability.CALL}
    return changing


def _no_mark(spec: LayoutSpec, run: Run, best: Run) -> Finding:
    fresh, could = run.day.tokens.fresh, best.day.tokens.read
    labels = [spec.label_of(item) for item in best.answer.marks]
    return Finding(
        code="no-breakpoint",
        place="choice:marks",
        place_label=_("Breakpoints"),
        severity="costly",
        message=_(
            "No block carries a breakpoint, so nothing is ever stored: all %(fresh)s tokens of the day were "
            "sent "
            "fresh. As much as %(best)s of them could have been read from the cache."
        )
        % {"fresh": f"{fresh:,}", "best": f"{could:,}"},
        fix=_("Set breakpoints at the ends of: %(blocks)s.") % {"blocks": ", ".join(labels)},
        fix_terms=(
            ("breakpoint", "mark", "cache entry"),
            tuple(name for item in best.answer.marks for name in names_of(spec, item)),
        ),
        passage="prompt-caching#breakpoints",
        evidence={"fresh": fresh, "could_read": could},
    )


def _mark_missing(spec: LayoutSpec, bench: Bench, run: Run) -> Iterator[Finding]:
    """There are breakpoints, but none at the end of what comes again, and one there would pay for itself."""
    steady = [block.name for block in run.prompt.blocks if block.name not in changing_blocks(run.prompt)]
    last = next((i for i in reversed(steady) if spec.stability_of(i) <= Stability.SHARED), None)
    covered = steady[steady.index(last) :] if last else []
    if last is None or any(item in run.answer.marks for item in covered):
        return
    ttl = min(run.answer.marks.values(), key=lambda name: spec.rules.ttls[name])
    other = bench.run(run.answer.model_copy(update={"marks": {**run.answer.marks, last: ttl}}))
    if other.worth_usd > run.worth_usd * (1 - WORTH_TELLING):
        return
    label, fresh = spec.label_of(last), run.day.tokens.written + run.day.tokens.fresh
    could = other.day.tokens.read
    yield Finding(
        code="no-breakpoint",
        place=f"block:{last}",
        place_label=label,
        severity="costly",
        message=_(
            "“%(block)s” comes again, but no entry ends with it: %(fresh)s of the day's %(all)s tokens were "
            "computed anew. %(could)s of them could have been read from the cache."
        )
        % {
            "block": label,
            "fresh": f"{fresh:,}",
            "all": f"{run.day.tokens.tokens:,}",
            "could": f"{could:,}",
        },
        fix=_("Set a breakpoint at the end of “%(block)s”.") % {"block": label},
        fix_terms=(("breakpoint", "mark"), names_of(spec, last)),
        passage="prompt-caching#breakpoints",
        evidence={"fresh": fresh, "could_read": could},
    )


def _too_short(spec: LayoutSpec, run: Run, item: str) -> Finding:
    position = run.answer.order.index(item)
    tokens, minimum = run.prompt.prefix_tokens()[position], spec.rules.minimum_tokens
    return Finding(
        code="below-minimum",
        place=f"block:{item}",
        place_label=spec.label_of(item),
        severity="risk",
        message=_(
            "The prefix that ends with “%(block)s” has %(tokens)s tokens. %(model)s stores nothing under "
            "%(minimum)s, and says nothing about it: this breakpoint never made an entry."
        )
        % {
            "block": spec.label_of(item),
            "tokens": f"{tokens:,}",
            "model": spec.model,
            "minimum": f"{minimum:,}",
        },
        fix=_("Take this breakpoint away, or set it at a later block, where the prefix is long enough."),
        fix_terms=(
            ("breakpoint", "mark"),
            ("take it away", "take this", "remove", "drop", "later block", "longer prefix", "further down"),
        ),
        passage="prompt-caching#rules",
        evidence={"prefix_tokens": tokens, "minimum_tokens": minimum},
    )


def _mark_on_changing(spec: LayoutSpec, bench: Bench, run: Run, item: str) -> Finding:
    marks = {name: ttl for name, ttl in run.answer.marks.items() if name != item}
    other = bench.run(run.answer.model_copy(update={"marks": marks}))
    written = run.day.tokens.written - other.day.tokens.written
    extra = run.day.cost_usd - other.day.cost_usd
    label, count = spec.label_of(item), len(run.day.calls)
    return Finding(
        code="breakpoint-on-changing-block",
        place=f"block:{item}",
        place_label=label,
        severity="costly",
        message=_(
            "The breakpoint at “%(block)s” (%(ttl)s) wrote an entry on each of %(calls)s calls, %(written)s "
            "tokens "
            "in all, and no call could ever read one of them. That is %(extra)s of the day’s cost."
        )
        % {
            "block": label,
            "ttl": lifetime(run.answer.marks[item]),
            "calls": count,
            "written": f"{written:,}",
            "extra": f"${extra:,.2f}",
        },
        fix=_("Take the breakpoint off “%(block)s”: set it at the last block that comes again.")
        % {"block": label},
        fix_terms=(("take", "remove", "drop", "clear", "move"), ("breakpoint", "mark"), names_of(spec, item)),
        passage="prompt-caching#breakpoints",
        evidence={"written": written, "extra_usd": extra, "calls": count},
    )
