"""Findings about decisions: what starts ahead, how results come together, which model does it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from coach.engine.simulation import simulate
from coach.engine.speculation import SpeculationDecision
from exercises.kinds.base import Finding
from exercises.kinds.dispatch_plan.answer import PlanAnswer
from exercises.kinds.dispatch_plan.design import (
    best_plan,
    burden_usd,
    decisions,
    graph_of,
    right_plan,
    tokens_in,
)
from exercises.kinds.dispatch_plan.spec import PlanSpec, TaskSpec
from exercises.kinds.dispatch_plan.words import dollars
from lessons.figures.text import seconds_text

BREAK_EVEN = "parallel-execution#break-even"
SPECULATION = "parallel-execution#speculation"
FAN_IN = "parallel-execution#fan-in"


def speculation_findings(spec: PlanSpec, answer: PlanAnswer) -> Iterator[Finding]:
    """speculation-not-worth-it, speculation-missed: on the wrong side of break-even, and unlike the best
    plan, in which first words count as well."""
    judged, best = decisions(spec), best_plan(spec).ahead
    for task in spec.conditional:
        decision = judged[task.name]
        if _waits_anyway(task, answer):
            continue  # one finding is enough: that it waits for its decider is marked as an arrow
        if task.name in answer.ahead and task.name not in best and not decision.worth_it:
            yield _not_worth_it(task, decision)
        elif task.name not in answer.ahead and task.name in best and decision.worth_it:
            yield _missed(spec, task, decision)


def _waits_anyway(task: TaskSpec, answer: PlanAnswer) -> bool:
    return task.name in answer.ahead and task.decider in answer.waits_of(task.name)


def _figures(decision: SpeculationDecision) -> dict[str, float | str]:
    return {
        "probability": decision.probability,
        "hidden_s": decision.hidden_seconds,
        "saving_s": decision.expected_saving_seconds,
        "saving_usd": decision.expected_saving_usd,
        "waste_usd": decision.expected_waste_usd,
    }


def _words(task: TaskSpec, decision: SpeculationDecision) -> dict[str, str]:
    return {
        "task": task.label,
        "chance": f"{100 * decision.probability:.0f}",
        "hidden": seconds_text(decision.hidden_seconds),
        "saving": seconds_text(decision.expected_saving_seconds),
        "gain": dollars(decision.expected_saving_usd),
        "waste": dollars(decision.expected_waste_usd),
    }


def _not_worth_it(task: TaskSpec, decision: SpeculationDecision) -> Finding:
    words = _words(task, decision)
    if decision.hidden_seconds > 0:
        message = _(
            "“%(task)s” starts early and is needed in %(chance)s %% of all cases. On average that saves "
            "%(saving)s, "
            "worth %(gain)s, and throws away work worth %(waste)s."
        )
    else:
        message = _(
            "“%(task)s” starts early and is needed in %(chance)s %% of all cases. Even then the answer "
            "comes no "
            "sooner, because others take longer; and work worth %(waste)s is thrown away on average."
        )
    return Finding(
        code="speculation-not-worth-it",
        place=f"task:{task.name}",
        place_label=task.label,
        severity="costly",
        message=message % words,
        fix=_("Start “%(task)s” only once it is known to be needed, not speculatively.") % words,
        fix_terms=(
            (task.label.lower(), task.name),
            ("only once", "until it is known", "not speculat", "wait for the verdict", "not start early"),
        ),
        passage=BREAK_EVEN,
        evidence=_figures(decision),
    )


def _missed(spec: PlanSpec, task: TaskSpec, decision: SpeculationDecision) -> Finding:
    words = {**_words(task, decision), "decider": spec.labels[task.decider or ""]}
    return Finding(
        code="speculation-missed",
        place=f"task:{task.name}",
        place_label=task.label,
        severity="slow",
        message=_(
            "“%(task)s” is needed in %(chance)s %% of all cases and waits until “%(decider)s” has "
            "ended. That "
            "costs %(saving)s on average, worth %(gain)s, against %(waste)s of wasted work."
        )
        % words,
        fix=_("Start “%(task)s” speculatively, beside “%(decider)s”; throw it away if it is not needed.")
        % words,
        fix_terms=(
            (task.label.lower(), task.name),
            ("speculativ", "ahead", "start early", "before it is known", "beside"),
        ),
        passage=SPECULATION,
        evidence=_figures(decision),
    )


def fan_in_findings(spec: PlanSpec, answer: PlanAnswer) -> Iterator[Finding]:
    """fan-in-outweighs, fan-in-waits, tier-too-large.

    Judged among the plans that are right otherwise, so that one mistake is not found twice.
    """
    chosen = right_plan(
        spec, join=answer.join, handover=answer.handover, tier=answer.tier, ahead=best_plan(spec).ahead
    )
    if chosen.handover == "verbatim":
        yield from _outweighs(spec, chosen)
    if chosen.join == "all":
        yield from _waits(spec, chosen)
    if chosen.tier != spec.fan_in.tiers_by_size[0]:
        yield _tier(spec, chosen)


def _outweighs(spec: PlanSpec, chosen: PlanAnswer) -> Iterator[Finding]:
    shorter = chosen.model_copy(update={"handover": "summarised"})
    graph = graph_of(spec, chosen)
    seconds = graph.tasks[spec.fan_in.name].duration.typical
    longest = max(task.p50_seconds for task in spec.tasks)
    if seconds <= longest or burden_usd(spec, shorter) >= burden_usd(spec, chosen):
        return
    tokens = tokens_in(spec, "verbatim")
    yield Finding(
        code="fan-in-outweighs",
        place="choice:handover",
        place_label=spec.fan_in.label,
        severity="slow",
        message=_(
            "“%(task)s” has to read %(tokens)s tokens and takes %(seconds)s. The longest task before it "
            "takes "
            "%(longest)s."
        )
        % {
            "task": spec.fan_in.label,
            "tokens": f"{tokens:,}",
            "seconds": seconds_text(seconds),
            "longest": seconds_text(longest),
        },
        fix=_("Hand the results over as summaries instead of verbatim."),
        fix_terms=(("summar", "digest", "condens", "shorten", "fields instead"),),
        passage=FAN_IN,
        evidence={"tokens": float(tokens), "seconds": seconds, "longest_s": longest},
    )


def _waits(spec: PlanSpec, chosen: PlanAnswer) -> Iterator[Finding]:
    streaming = chosen.model_copy(update={"join": "stream"})
    if burden_usd(spec, streaming) >= burden_usd(spec, chosen):
        return
    trace = simulate(graph_of(spec, chosen))
    first = min(trace[name].end for name in spec.fan_in.reads if trace[name].status == "done")
    yield Finding(
        code="fan-in-waits",
        place="choice:join",
        place_label=spec.fan_in.label,
        severity="slow",
        message=_(
            "The first result is there after %(first)s. The first words of “%(task)s” appear after "
            "%(words)s, because "
            "it waits until the last result is in."
        )
        % {
            "task": spec.fan_in.label,
            "first": seconds_text(first),
            "words": seconds_text(trace.first_output),
        },
        fix=_("Let “%(task)s” stream: begin with the first result that arrives.")
        % {"task": spec.fan_in.label},
        fix_terms=(("stream", "first arrival", "begin with the first", "as they come", "as they arrive"),),
        passage=FAN_IN,
        evidence={"first_result_s": first, "first_words_s": trace.first_output},
    )


def _tier(spec: PlanSpec, chosen: PlanAnswer) -> Finding:
    smallest = chosen.model_copy(update={"tier": spec.fan_in.tiers_by_size[0]})
    theirs, least = (graph_of(spec, plan).tasks[spec.fan_in.name] for plan in (chosen, smallest))
    seconds, usd = theirs.duration.typical, theirs.cost_usd
    return Finding(
        code="tier-too-large",
        place="choice:tier",
        place_label=spec.fan_in.label,
        severity="costly",
        message=_(
            "“%(task)s” puts finished results in order, and takes %(seconds)s of model time and %(usd)s "
            "on the model chosen; "
            "%(more)s of that and %(money)s pay for ability that this step does not need."
        )
        % {
            "task": spec.fan_in.label,
            "seconds": seconds_text(seconds),
            "usd": dollars(usd),
            "more": seconds_text(seconds - least.duration.typical),
            "money": dollars(usd - least.cost_usd),
        },
        fix=_("Let the smallest tier offered do “%(task)s”.") % {"task": spec.fan_in.label},
        fix_terms=(("smallest", "smaller", "small tier", "small model", "faster model", "cheaper"),),
        passage=FAN_IN,
        evidence={"seconds": seconds, "usd": usd, "smallest_s": least.duration.typical},
    )
