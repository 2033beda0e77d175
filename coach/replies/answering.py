"""What the built-in coach answers, intent by intent. Everything said goes through the teller's guard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from coach.ladder import Rung, step_for_hint, step_for_showing
from coach.providers import builtin, builtin_talk
from coach.replies.asked import Answer, Asked, kept
from coach.replies.bank import LIKELY, SURE
from coach.replies.explaining import (
    tell_concept,
    tell_here,
    tell_more,
    tell_statement,
    tell_topics,
    tell_unknown,
)
from coach.replies.intents import Intent
from coach.replies.telling import Teller
from coach.replies.wishes import Wish, is_for_the_answer, wish_of
from coach.replies.withholding import ask_back, link_for, tell_rule, tell_try
from exercises.kinds.base import Finding

# A wish is short; who writes as much as this describes something.
LONG = 9
# Rules that read a wish about the attempt or the page from words that may be about the lesson's matter.
_ALSO_CONCEPTS = frozenset(
    {Intent.WHY, Intent.NEXT, Intent.PROGRESS, Intent.COMPARE, Intent.TOPICS, Intent.HERE, Intent.ABLE}
)


def answer(asked: Asked, teller: Teller) -> Answer:
    """Say the answer; return what the next turn should know."""
    wish = wish_of(asked)
    if asked.mastered and asked.finding is not None and is_for_the_answer(asked, wish):
        return _show(asked, teller)
    if wish is not Wish.NONE:
        return _WISHES[wish](asked, teller)
    if asked.reading.intent in _ALSO_CONCEPTS and _was_answered(asked):
        return tell_concept(asked, teller)
    return _HANDLERS.get(asked.reading.intent, tell_concept)(asked, teller)


def _was_answered(asked: Asked) -> bool:
    """Whether authors answered this very question; where nothing is marked, one that is near enough."""
    told = asked.reading.intent is Intent.WHY or len(asked.question.split()) >= LONG
    least = LIKELY if told and not asked.findings else SURE
    return not asked.reading.number and bool(asked.matches) and asked.matches[0].score >= least


# About the attempt


def _needs_attempt(handler: Callable[[Asked, Teller, Finding], Answer]) -> Callable[[Asked, Teller], Answer]:
    """Attempt first: without one, nothing is said about findings, because there are none."""

    def handle(asked: Asked, teller: Teller) -> Answer:
        if asked.attempts is None or asked.attempts.latest is None:
            return _no_attempt(asked, teller)
        if not asked.findings:
            return _nothing_marked(asked, teller)
        if asked.finding is None:
            teller.tell(builtin_talk.no_such_finding(asked.reading.number, asked.findings))
            return kept(asked)
        return handler(asked, teller, asked.finding)

    return handle


def _no_attempt(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None:
        return tell_unknown(asked, teller)
    teller.tell(builtin_talk.attempt_first(asked.attempts.exercise_title, in_exercise=asked.in_exercise))
    section = next(iter(asked.index.of_lesson(asked.attempts.lesson_slug)), None)
    if section is not None:
        teller.tell(builtin_talk.read_before(), link=section.link)
    teller.tell(builtin_talk.predict_question(), role="question")
    return replace(kept(asked, asked_back=True), attempt_first=True)


def _nothing_marked(asked: Asked, teller: Teller) -> Answer:
    assert asked.attempts  # noqa: S101 - looked at by the caller
    assert asked.attempts.latest  # noqa: S101
    teller.tell(builtin_talk.nothing_marked(asked.attempts.latest), role="good")
    teller.tell(builtin.question_after_passing(asked.attempts.latest), role="question")
    return kept(asked, asked_back=True)


@_needs_attempt
def _hint(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    step = step_for_hint(asked.step(finding))
    rung = step.rung or Rung.POINT
    text = asked.words.hint(finding, rung) or builtin.neutral(finding)
    if asked.step(finding).rung is Rung.EXAMPLE:
        teller.tell(builtin_talk.no_more_hints())
    if rung is Rung.ASK:
        teller.tell(builtin_talk.about(finding), marker=finding.number, finding=finding.key)
    say = teller.tell
    say(
        text,
        role="hint" if rung is not Rung.ASK else "question",
        finding=finding.key,
        link=link_for(asked, finding, rung),
    )
    if rung is not Rung.ASK:
        say(ask_back(asked, finding, rung), role="question", finding=finding.key)
    say(builtin.action_for(finding, rung), role="action")
    return kept(asked, finding=finding, steps=(step,), asked_back=True)


@_needs_attempt
def _show(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    step = step_for_showing(asked.step(finding), mastered=asked.mastered)
    say = teller.tell
    say(
        finding.fix or asked.words.hint(finding, Rung.ANSWER),
        role="answer",
        marker=finding.number,
        finding=finding.key,
    )
    reason = asked.words.explanation(finding)
    if reason:
        say(reason, link=link_for(asked, finding, Rung.ANSWER), finding=finding.key)
    if step.shown_answer:
        say(builtin.answer_given(), role="aside")
    say(builtin_talk.explain_back(), role="question")
    say(builtin.action_for(finding, Rung.ANSWER), role="action")
    return kept(asked, finding=finding, steps=(step,), asked_back=True)


@_needs_attempt
def _why(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    rung = asked.step(finding).rung or Rung.POINT
    say = teller.tell
    say(finding.message, role="finding", marker=finding.number, finding=finding.key)
    thought, reason = asked.words.belief(finding), asked.words.explanation(finding)
    if thought and reason:
        say(builtin.belief(thought), role="aside", finding=finding.key)
        say(reason, finding=finding.key, link=link_for(asked, finding, Rung.CONCEPT))
    say(ask_back(asked, finding, max(rung, Rung.CONCEPT)), role="question", finding=finding.key)
    say(builtin_talk.hint_or_run(), role="action")
    return kept(asked, finding=finding, asked_back=True)


def _compare(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None or asked.attempts.latest is None or asked.changes is None:
        return _no_attempt(asked, teller)
    if not asked.changes.before_number:
        teller.tell(builtin_talk.only_one_attempt(asked.attempts.latest))
        teller.tell(builtin_talk.predict_question(), role="question")
        return kept(asked, asked_back=True)
    for text in builtin_talk.comparison(asked.attempts.latest, asked.changes):
        teller.tell(text)
    if asked.findings:
        teller.tell(builtin.question_about(asked.findings[0]), role="question", finding=asked.findings[0].key)
    else:
        teller.tell(builtin.question_after_passing(asked.attempts.latest), role="question")
    return kept(asked, asked_back=True)


def _progress(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None or asked.attempts.latest is None:
        return _no_attempt(asked, teller)
    latest = asked.attempts.latest
    teller.tell(builtin_talk.standing(latest, asked.findings), role="good" if latest.passed else "say")
    if not asked.findings:
        teller.tell(builtin.question_after_passing(latest), role="question")
        return kept(asked, asked_back=True)
    teller.tell(builtin_talk.marked(asked.findings[:3], len(asked.findings)))
    teller.tell(builtin.question_about(asked.findings[0]), role="question", finding=asked.findings[0].key)
    teller.tell(builtin_talk.hint_or_run(), role="action")
    return kept(asked, finding=asked.findings[0], asked_back=True)


def _next(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None and not asked.in_exercise:
        return tell_topics(asked, teller)
    if asked.findings:
        finding = asked.findings[0]
        teller.tell(builtin_talk.start_with(finding), marker=finding.number, finding=finding.key)
        teller.tell(builtin.question_about(finding), role="question", finding=finding.key)
        teller.tell(builtin_talk.hint_or_run(), role="action")
        return kept(asked, finding=finding, asked_back=True)
    if asked.attempts is not None and asked.attempts.latest is not None:
        return _nothing_marked(asked, teller)
    return _no_attempt(asked, teller)


def _more(asked: Asked, teller: Teller) -> Answer:
    if not asked.index.at(asked.memory.topic) and asked.findings and asked.memory.finding:
        return _hint(asked, teller)
    return tell_more(asked, teller)


def _pressure(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.rule_not_mood())
    if asked.findings and asked.finding is not None:
        finding = asked.finding
        teller.tell(
            builtin.question_about(finding), role="question", marker=finding.number, finding=finding.key
        )
    teller.tell(
        builtin_talk.say_show_me() if asked.findings else builtin_talk.able(in_exercise=asked.in_exercise),
        role="action",
    )
    return kept(asked, asked_back=bool(asked.findings))


# About the coach


def _who(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.who(with_model=asked.by_model))
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise), role="action")
    return kept(asked)


def _able(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise))
    return kept(asked)


def _greeting(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.hello())
    if asked.findings and asked.attempts and asked.attempts.latest:
        teller.tell(builtin_talk.standing(asked.attempts.latest, asked.findings))
        teller.tell(builtin_talk.talk_about(asked.findings[0]), role="question")
        return kept(asked, finding=asked.findings[0], asked_back=True)
    section = asked.index.at(asked.here)
    teller.tell(builtin_talk.ask_about(section.title if section else ""), role="question")
    return kept(asked, topic=asked.here, asked_back=True)


def _thanks(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.welcome(asked.findings), role="action")
    return kept(asked)


_WISHES: dict[Wish, Callable[[Asked, Teller], Answer]] = {
    Wish.DEMAND: _needs_attempt(tell_rule),
    Wish.GUESS: _needs_attempt(tell_try),
    Wish.NAMED: _why,
}
_HANDLERS: dict[Intent, Callable[[Asked, Teller], Answer]] = {
    Intent.SHOW: _show,
    Intent.HINT: _hint,
    Intent.WHY: _why,
    Intent.COMPARE: _compare,
    Intent.PROGRESS: _progress,
    Intent.NEXT: _next,
    Intent.MORE: _more,
    Intent.HERE: tell_here,
    Intent.GREETING: _greeting,
    Intent.THANKS: _thanks,
    Intent.WHO: _who,
    Intent.ABLE: _able,
    Intent.PRESSURE: _pressure,
    Intent.TOPICS: tell_topics,
    Intent.CONCEPT: tell_concept,
    Intent.STATEMENT: tell_statement,
}
