"""A question with all that is known around it, and what is kept of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coach.ladder import Step, step_for_showing
from coach.material import Changes, Section
from coach.queries import Attempts
from coach.replies.bank import Match, Term
from coach.replies.intents import Intent, Reading
from coach.replies.memory import Memory
from coach.replies.naming import finding_named
from coach.replies.passages import Hit, Index
from coach.replies.situation import Words
from coach.replies.terms import folded_terms
from exercises.kinds.base import Finding


@dataclass(frozen=True, slots=True)
class Found:
    """What the course has on a question: paragraphs, answers written to it, the term that it asks for."""

    hits: tuple[Hit, ...] = ()
    matches: tuple[Match, ...] = ()
    term: Term | None = None

    @property
    def place(self) -> str:
        """Where the best of it stands."""
        if self.matches:
            return self.matches[0].entry.place
        return self.hits[0].passage.place if self.hits else ""


NOT_SEARCHED = frozenset(
    {Intent.HINT, Intent.SHOW, Intent.PRESSURE, Intent.GREETING, Intent.THANKS, Intent.WHO, Intent.MORE}
)


def look_up(index: Index, question: str, reading: Reading, *, near: str, lesson: str) -> Found:
    """Search for all that a question may be answered with; what is open (`near`, `lesson`) weighs more."""
    if reading.intent in NOT_SEARCHED:
        return Found()
    hits = tuple(index.find(question, near=near, lesson=lesson))
    support = {hit.passage.place: hit.coverage for hit in reversed(hits)}
    return Found(
        hits,
        tuple(index.bank.match(question, here=near, lesson=lesson, support=support)),
        index.bank.defined(question),
    )


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
    found: Found
    index: Index
    memory: Memory
    by_model: bool = False

    @property
    def hits(self) -> tuple[Hit, ...]:
        return self.found.hits

    @property
    def matches(self) -> tuple[Match, ...]:
        return self.found.matches

    @property
    def finding(self) -> Finding | None:
        """The finding that is talked about: the one named, else the turn before's, else the gravest."""
        if self.reading.number:
            return next((each for each in self.findings if each.number == self.reading.number), None)
        if self.named is not None:
            return self.named
        spoken = next((each for each in self.findings if each.key == self.memory.finding), None)
        return spoken or next(iter(self.findings), None)

    @property
    def named(self) -> Finding | None:
        """The finding whose place or kind stands in the question."""
        return finding_named(folded_terms(self.question), self.findings)

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
    """What is kept of an answer. `attempt_first`: it only said that an attempt comes first."""

    memory: Memory = field(default_factory=Memory)
    steps: tuple[Step, ...] = ()
    attempt_first: bool = False


def kept(
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
    left = replace(
        memory,
        topic=section.place if section else topic or memory.topic,
        finding=finding.key if finding else memory.finding,
        said=(*memory.said, *said),
        discussed=discussed,
        asked=asked_back,
    )
    return Answer(memory=left, steps=steps)
