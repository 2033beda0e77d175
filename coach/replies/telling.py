"""Sentences on their way out: cut, counted, put through the guard, replaced where it does not clear them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from coach.ladder import Step
from coach.material import Link, sentences_of
from coach.queries import Attempt
from coach.replies.guard import AnswerFact, Guard, visible
from coach.replies.parts import Sentence
from coach.replies.splitting import asks
from exercises.kinds.base import Finding

ANSWER_ROLE = "answer"
Replacement = Callable[[str], Iterable[str]]
"""What may be said instead, about the finding with this key; best first."""


def findings_in(attempt: Attempt | None) -> tuple[Finding, ...]:
    if attempt is None:
        return ()
    found = [Finding.from_dict(data) for data in attempt.findings]
    return tuple(sorted(found, key=lambda finding: finding.number))


def guard_for(findings: Iterable[Finding], steps: Mapping[str, Step], *, mastered: bool) -> Guard:
    """The facts of an attempt's findings, without those whose answer is open to this learner."""
    facts = [fact_of(finding) for finding in findings]
    opened = {key for key, step in steps.items() if step.answer_is_open}
    return Guard(facts, open_keys={fact.key for fact in facts} if mastered else opened)


def fact_of(finding: Finding) -> AnswerFact:
    """What would give this finding's answer away."""
    return AnswerFact(
        key=finding.key,
        groups=finding.fix_terms,
        fix=finding.fix,
        given=f"{finding.message} {finding.place_label}",
        place_label=finding.place_label,
    )


def _role_of(text: str, role: str) -> str:
    """What stands in for a sentence is what it is itself: a question, or a hint and none."""
    if asks(text):
        return "question"
    return "hint" if role == "question" else role


def _refuses_nothing(text: str) -> bool:
    return False


@dataclass(slots=True)
class Teller:
    """Says paragraphs. `emit` gets only what the guard has cleared; nothing else reaches the learner.

    `refuses`: a further reason to say no to a sentence; it is not asked about what stands in for one.
    """

    emit: Callable[[Sentence], None]
    guard: Guard
    instead: Replacement
    refuses: Callable[[str], bool] = _refuses_nothing
    paragraph: int = 0
    words: int = 0
    replaced: int = 0
    instead_said: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)

    @property
    def asked(self) -> bool:
        """Whether a question was shown."""
        return any(asks(text) for text in self.shown)

    def tell(
        self, text: str, *, role: str = "say", marker: int = 0, link: Link | None = None, finding: str = ""
    ) -> None:
        """One paragraph. The link stands behind the last sentence that may be shown."""
        self.paragraph += 1
        pieces: list[Sentence] = []
        for sentence in sentences_of(visible(text)):
            piece = Sentence(text=sentence, role=role, paragraph=self.paragraph, finding=finding)
            pieces += self._cleared(piece)
        self._emit(pieces, opens=True, marker=marker, link=link)

    def say(
        self,
        text: str,
        *,
        opens: bool,
        role: str = "say",
        marker: int = 0,
        link: Link | None = None,
        finding: str = "",
    ) -> list[Sentence]:
        """One sentence, at once, in a new paragraph or in the one that is open: what was shown of it, or for
        it."""
        self.paragraph += opens
        sentence = Sentence(text=visible(text), role=role, paragraph=self.paragraph, finding=finding)
        pieces = self._cleared(sentence)
        if not opens and pieces and pieces[0].role == "question" != role:
            # What stands in for a statement may be a question, which stands alone.
            self.paragraph += 1
            opens, pieces = True, [replace(piece, paragraph=self.paragraph) for piece in pieces]
        self._emit(pieces, opens=opens, marker=marker, link=link)
        return pieces

    def _emit(self, pieces: list[Sentence], *, opens: bool, marker: int, link: Link | None) -> None:
        for index, piece in enumerate(pieces):
            first, closes = opens and index == 0, index == len(pieces) - 1
            self.words += len(piece.text.split())
            self.shown.append(piece.text)
            self.emit(
                replace(piece, opens=first, marker=marker if first else 0, link=link if closes else None)
            )

    def _cleared(self, sentence: Sentence) -> list[Sentence]:
        """The sentence, or what stands in for it; both count as shown from here on."""
        # The ladder has opened this one answer; that it touches another finding's must not close it again.
        key = None if sentence.role == ANSWER_ROLE else self._blocking(sentence.text)
        if key is None:
            self.guard.saw(sentence.text)
            return [sentence]
        self.replaced += 1
        said = []
        for hint in self.instead(sentence.finding or key):
            text = visible(hint)
            if text in self.instead_said:
                # Said once in this reply; said again it helps nobody.
                break
            if asks(text) and self.asked:
                # One question is enough.
                continue
            pieces = sentences_of(text)
            if not all(self.guard.blocking(piece, alone=True) is None for piece in pieces):
                continue
            for piece in pieces:
                if self.guard.blocking(piece) is None:
                    self.guard.saw(piece)
                    said.append(replace(sentence, text=piece, role=_role_of(piece, sentence.role)))
            self.instead_said.add(text)
            break
        return said

    def _blocking(self, text: str) -> str | None:
        key = self.guard.blocking(text)
        return "" if key is None and self.refuses(text) else key
