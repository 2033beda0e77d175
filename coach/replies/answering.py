"""What the built-in coach answers, intent by intent. Everything said goes through the teller's guard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from coach.providers import builtin, builtin_talk
from coach.queries import Attempts
from coach.replies.extracting import opening_of, sentences_for
from coach.replies.intents import Intent, Reading
from coach.replies.ladder import Rung, Step, step_for_hint, step_for_showing
from coach.replies.memory import Memory
from coach.replies.passages import Hit, Index, Section
from coach.replies.situation import Changes, Words
from coach.replies.telling import Teller
from exercises.kinds.base import Finding

# A passage that covers less of a question than this is not about it; nor may it be offered as "the nearest".
COVERAGE_MIN = 0.26
NEAREST_MIN = 0.19


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with all that is known around it."""

    question: str
    reading: Reading
    lesson: str
    here: str
    in_exercise: bool
    attempts: Attempts | None
    findings: tuple[Finding, ...]
    changes: Changes | None
    steps: Mapping[str, Step]
    words: Words
    hits: tuple[Hit, ...]
    index: Index
    memory: Memory

    @property
    def finding(self) -> Finding | None:
        """The finding that is talked about: the one named, else the turn before's, else the gravest."""
        named = next((each for each in self.findings if each.number == self.reading.number), None)
        if self.reading.number:
            return named
        spoken = next((each for each in self.findings if each.key == self.memory.finding), None)
        return spoken or next(iter(self.findings), None)

    @property
    def mastered(self) -> bool:
        return bool(self.attempts and self.attempts.mastered)

    def step(self, finding: Finding) -> Step:
        return self.steps.get(finding.key, Step(finding_key=finding.key))

    def with_opened_steps(self) -> dict[str, Step]:
        """The ladder as this turn leaves it: only an explicit wish opens the last rung."""
        steps = dict(self.steps)
        if self.reading.intent is Intent.SHOW and self.finding is not None:
            steps[self.finding.key] = step_for_showing(self.step(self.finding), mastered=self.mastered)
        return steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is kept of an answer."""

    memory: Memory = field(default_factory=Memory)
    steps: tuple[Step, ...] = ()


def answer(asked: Asked, teller: Teller) -> Answer:
    """Say the answer; return what the next turn should know."""
    return _HANDLERS.get(asked.reading.intent, _concept)(asked, teller)


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
            return _kept(asked)
        return handler(asked, teller, asked.finding)

    return handle


def _no_attempt(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None:
        return _unknown(asked, teller)
    teller.tell(builtin_talk.attempt_first(asked.attempts.exercise_title, in_exercise=asked.in_exercise))
    section = next(iter(asked.index.of_lesson(asked.attempts.lesson_slug)), None)
    if section is not None:
        teller.tell(builtin_talk.read_before(), link=section.link)
    teller.tell(builtin_talk.predict_question(), role="question")
    return _kept(asked, asked_back=True)


def _nothing_marked(asked: Asked, teller: Teller) -> Answer:
    assert asked.attempts  # noqa: S101 - looked at by the caller
    assert asked.attempts.latest  # noqa: S101
    teller.tell(builtin_talk.nothing_marked(asked.attempts.latest), role="good")
    teller.tell(builtin.question_after_passing(asked.attempts.latest), role="question")
    return _kept(asked, asked_back=True)


@_needs_attempt
def _hint(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    if asked.mastered:
        return _show(asked, teller)
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
        link=_link(asked, finding, rung),
    )
    if rung is not Rung.ASK:
        say(_ask_back(asked, finding, rung), role="question", finding=finding.key)
    say(builtin.action_for(finding, rung), role="action")
    return _kept(asked, finding=finding, steps=(step,), asked_back=True)


def _ask_back(asked: Asked, finding: Finding, rung: Rung) -> str:
    authored = asked.words.hint(finding, Rung.ASK) if rung > Rung.ASK else ""
    return authored or builtin.question_about(finding)


def _link(asked: Asked, finding: Finding, rung: Rung) -> builtin_talk.Link | None:
    section = asked.index.at(asked.words.passage(finding)) if rung >= Rung.CONCEPT else None
    return section.link if section else None


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
        say(reason, link=_link(asked, finding, Rung.ANSWER), finding=finding.key)
    if step.shown_answer:
        say(builtin.answer_given(), role="aside")
    say(builtin_talk.explain_back(), role="question")
    say(builtin.action_for(finding, Rung.ANSWER), role="action")
    return _kept(asked, finding=finding, steps=(step,), asked_back=True)


@_needs_attempt
def _why(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    rung = asked.step(finding).rung or Rung.POINT
    say = teller.tell
    say(finding.message, role="finding", marker=finding.number, finding=finding.key)
    thought, reason = asked.words.belief(finding), asked.words.explanation(finding)
    if thought and reason:
        say(builtin.belief(thought), role="aside", finding=finding.key)
        say(reason, finding=finding.key, link=_link(asked, finding, Rung.CONCEPT))
    say(_ask_back(asked, finding, max(rung, Rung.CONCEPT)), role="question", finding=finding.key)
    say(builtin_talk.hint_or_run(), role="action")
    return _kept(asked, finding=finding, asked_back=True)


def _compare(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None or asked.attempts.latest is None or asked.changes is None:
        return _no_attempt(asked, teller)
    if not asked.changes.before_number:
        teller.tell(builtin_talk.only_one_attempt(asked.attempts.latest))
        teller.tell(builtin_talk.predict_question(), role="question")
        return _kept(asked, asked_back=True)
    for text in builtin_talk.comparison(asked.attempts.latest, asked.changes):
        teller.tell(text)
    if asked.findings:
        teller.tell(builtin.question_about(asked.findings[0]), role="question", finding=asked.findings[0].key)
    else:
        teller.tell(builtin.question_after_passing(asked.attempts.latest), role="question")
    return _kept(asked, asked_back=True)


def _progress(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None or asked.attempts.latest is None:
        return _no_attempt(asked, teller)
    latest = asked.attempts.latest
    teller.tell(builtin_talk.standing(latest, asked.findings), role="good" if latest.passed else "say")
    if not asked.findings:
        teller.tell(builtin.question_after_passing(latest), role="question")
        return _kept(asked, asked_back=True)
    teller.tell(builtin_talk.marked(asked.findings[:3], len(asked.findings)))
    teller.tell(builtin.question_about(asked.findings[0]), role="question", finding=asked.findings[0].key)
    teller.tell(builtin_talk.hint_or_run(), role="action")
    return _kept(asked, finding=asked.findings[0], asked_back=True)


def _next(asked: Asked, teller: Teller) -> Answer:
    if asked.attempts is None and not asked.in_exercise:
        return _topics(asked, teller)
    if asked.findings:
        finding = asked.findings[0]
        teller.tell(builtin_talk.start_with(finding), marker=finding.number, finding=finding.key)
        teller.tell(builtin.question_about(finding), role="question", finding=finding.key)
        teller.tell(builtin_talk.hint_or_run(), role="action")
        return _kept(asked, finding=finding, asked_back=True)
    if asked.attempts is not None and asked.attempts.latest is not None:
        return _nothing_marked(asked, teller)
    return _no_attempt(asked, teller)


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
    return _kept(asked, asked_back=bool(asked.findings))


# About the lessons


def _concept(asked: Asked, teller: Teller) -> Answer:
    if not _is_about(asked):
        follow = asked.index.at(asked.memory.topic) if asked.memory.topic and _follows_up(asked) else None
        return _from_section(asked, teller, follow) if follow else _unknown(asked, teller)
    section = asked.index.at(asked.hits[0].passage.place)
    return _from_section(asked, teller, section) if section else _unknown(asked, teller)


def _is_about(asked: Asked) -> bool:
    return bool(asked.hits) and asked.hits[0].coverage >= COVERAGE_MIN


def _follows_up(asked: Asked) -> bool:
    """A question without words of its own is about the topic before it."""
    return not asked.index.asked(asked.question)


def _from_section(asked: Asked, teller: Teller, section: Section) -> Answer:
    said = asked.memory.said
    found = sentences_for(asked.question, section, asked.index, said=said, best_text=_best_text(asked))
    sentences = found or opening_of(section, said=said)
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    _tie_to_attempt(asked, teller, section)
    _also(asked, teller, section)
    teller.tell(_section_question(asked, section), role="question")
    return _kept(asked, section=section, said=tuple(sentences), asked_back=True)


def _best_text(asked: Asked) -> str:
    return asked.hits[0].passage.text if asked.hits else ""


def _tie_to_attempt(asked: Asked, teller: Teller, section: Section) -> None:
    """What was handed in, where it meets the passage."""
    finding = next((each for each in asked.findings if asked.words.passage(each) == section.place), None)
    if finding is not None and asked.attempts and asked.attempts.latest:
        text = builtin_talk.in_your_attempt(finding, asked.attempts.latest.number)
        teller.tell(text, marker=finding.number, finding=finding.key)


def _also(asked: Asked, teller: Teller, section: Section) -> None:
    others = [
        hit for hit in asked.hits[1:] if hit.passage.place != section.place and hit.coverage >= COVERAGE_MIN
    ]
    if others and others[0].score >= 0.6 * asked.hits[0].score:
        teller.tell(builtin_talk.see_also(), link=others[0].passage.link, role="aside")


def _section_question(asked: Asked, section: Section) -> str:
    if section.question and section.place not in asked.memory.discussed:
        return builtin_talk.try_this(section.question)
    return builtin_talk.question_of_transfer(section.title, asked.memory.turns)


def _exhausted(asked: Asked, teller: Teller, section: Section) -> Answer:
    teller.tell(builtin_talk.said_all(section.title), link=section.link)
    rest = _undiscussed(asked, section.place)
    if rest:
        teller.tell(builtin_talk.offer(rest[:2]), role="question")
    return _kept(asked, section=section, asked_back=True)


def _undiscussed(asked: Asked, besides: str = "") -> list[Section]:
    done = {*asked.memory.discussed, besides}
    return [
        section
        for section in asked.index.of_lesson(asked.lesson)
        if section.place not in done and section.passages
    ]


def _more(asked: Asked, teller: Teller) -> Answer:
    section = asked.index.at(asked.memory.topic)
    if section is not None:
        return _from_section(replace(asked, question=section.title), teller, section)
    if asked.findings and asked.memory.finding:
        return _hint(asked, teller)
    return _here(asked, teller) if asked.here else _topics(asked, teller)


def _here(asked: Asked, teller: Teller) -> Answer:
    section = asked.index.at(asked.here) or asked.index.at(asked.memory.topic)
    if section is None:
        return _topics(asked, teller)
    teller.tell(builtin_talk.open_section(section.title))
    sentences = opening_of(section, said=asked.memory.said)
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    teller.tell(_section_question(asked, section), role="question")
    return _kept(asked, section=section, said=tuple(sentences), asked_back=True)


def _topics(asked: Asked, teller: Teller) -> Answer:
    rest = _undiscussed(asked)
    if not rest:
        teller.tell(builtin_talk.all_discussed())
        return _kept(asked)
    first = rest[0]
    sentences = opening_of(first, said=asked.memory.said)
    teller.tell(builtin_talk.topics(rest[:4]))
    if sentences:
        teller.tell(" ".join(sentences), role="passage", link=first.link)
    teller.tell(builtin_talk.which_is_yours(), role="question")
    return _kept(asked, topic=first.place, said=tuple(sentences), asked_back=True)


def _statement(asked: Asked, teller: Teller) -> Answer:
    """An answer to what the coach asked, or a description: set beside the passage, not judged."""
    if asked.in_exercise and asked.findings:
        teller.tell(builtin_talk.cannot_judge_text(), finding=asked.findings[0].key)
        teller.tell(builtin.question_about(asked.finding or asked.findings[0]), role="question")
        teller.tell(builtin_talk.run_judges(), role="action")
        return _kept(asked, asked_back=True)
    section = (
        asked.index.at(asked.hits[0].passage.place) if _touches(asked) else asked.index.at(asked.memory.topic)
    )
    if section is None:
        return _unknown(asked, teller)
    said = asked.memory.said
    # The first time a section comes up, what it begins with; then what is nearest to the learner's words.
    sentences = opening_of(section, said=said) if section.place not in asked.memory.discussed else []
    sentences = (
        sentences
        or sentences_for(asked.question, section, asked.index, said=said)
        or opening_of(section, said=said)
    )
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(builtin_talk.beside_your_words(section.title))
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    rest = list(_undiscussed(asked, section.place))[:1]
    teller.tell(builtin_talk.what_differs(), role="question")
    if rest:
        teller.tell(builtin_talk.next_conflict(rest[0].title), role="aside")
    return _kept(asked, section=section, said=tuple(sentences), asked_back=True)


def _touches(asked: Asked) -> bool:
    return bool(asked.hits) and asked.hits[0].coverage >= NEAREST_MIN


# About the coach


def _unknown(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.unknown())
    nearest = [hit for hit in asked.hits if hit.coverage >= NEAREST_MIN][:1]
    if nearest:
        teller.tell(builtin_talk.nearest(), link=nearest[0].passage.link)
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise), role="action")
    return _kept(asked)


def _who(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.who())
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise), role="action")
    return _kept(asked)


def _able(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise))
    return _kept(asked)


def _greeting(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.hello())
    if asked.findings and asked.attempts and asked.attempts.latest:
        teller.tell(builtin_talk.standing(asked.attempts.latest, asked.findings))
        teller.tell(builtin_talk.talk_about(asked.findings[0]), role="question")
        return _kept(asked, finding=asked.findings[0], asked_back=True)
    section = asked.index.at(asked.here)
    teller.tell(builtin_talk.ask_about(section.title if section else ""), role="question")
    return _kept(asked, topic=asked.here, asked_back=True)


def _thanks(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.welcome(asked.findings), role="action")
    return _kept(asked)


def _kept(
    asked: Asked,
    *,
    section: Section | None = None,
    topic: str = "",
    finding: Finding | None = None,
    said: tuple[str, ...] = (),
    steps: tuple[Step, ...] = (),
    asked_back: bool = False,
) -> Answer:
    memory = asked.memory
    discussed = memory.discussed
    if section is not None and section.place not in discussed:
        discussed = (*discussed, section.place)
    kept = replace(
        memory,
        topic=section.place if section else topic or memory.topic,
        finding=finding.key if finding else memory.finding,
        said=(*memory.said, *said),
        discussed=discussed,
        asked=asked_back,
    )
    return Answer(memory=kept, steps=steps)


_HANDLERS: dict[Intent, Callable[[Asked, Teller], Answer]] = {
    Intent.SHOW: _show,
    Intent.HINT: _hint,
    Intent.WHY: _why,
    Intent.COMPARE: _compare,
    Intent.PROGRESS: _progress,
    Intent.NEXT: _next,
    Intent.MORE: _more,
    Intent.HERE: _here,
    Intent.GREETING: _greeting,
    Intent.THANKS: _thanks,
    Intent.WHO: _who,
    Intent.ABLE: _able,
    Intent.PRESSURE: _pressure,
    Intent.TOPICS: _topics,
    Intent.CONCEPT: _concept,
    Intent.STATEMENT: _statement,
}
