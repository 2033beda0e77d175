"""The newest message of a prompt: what the program computed, what authors wrote, what the learner typed.

Only what the ladder has open stands in it: a remedy is told to the model when it may be told to the learner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coach.ladder import Rung
from coach.material import Changes
from coach.providers.builtin import amount
from coach.queries import Attempts
from coach.replies.asked import Asked
from coach.replies.drafting import Note
from coach.replies.prompts import clean, learner_block
from coach.replies.situation import FINDINGS_MAX, Words
from exercises.kinds.base import Finding

_PASSAGES_MAX = 3
LANGUAGES = {"en": "English"}


def attempt_lines(
    attempts: Attempts | None, changes: Changes | None, findings: Sequence[Finding]
) -> list[str]:
    """The attempt as it was graded, and what differs from the one before."""
    if attempts is None:
        return []
    if attempts.latest is None:
        return ["The learner has not handed anything in here yet."]
    latest = attempts.latest
    lines = [f"Attempt {latest.number}, {'passed' if latest.passed else 'not passed'}."]
    lines += [
        f"{each['label']}: {amount(each['theirs'], each['unit'])} (as found "
        f"{amount(each['as_found'], each['unit'])}, best possible {amount(each['best'], each['unit'])})"
        for each in latest.measures
    ]
    if latest.prediction:
        lines.append(
            f"Predicted {latest.prediction.get('given', '')}; it came out as "
            f"{latest.prediction.get('actual', '')}."
        )
    lines += [
        f"Finding {each.number} at {each.place_label} ({each.code}): {each.message}" for each in findings
    ]
    if not findings:
        lines.append("Nothing is marked.")
    return [*lines, *_change_lines(changes)]


def _change_lines(changes: Changes | None) -> Iterator[str]:
    if changes is None or not changes.before_number:
        return
    named = (
        ("put right", changes.mended),
        ("still marked", changes.staying),
        ("newly marked", changes.fresh),
    )
    for words, found in named:
        if found:
            places = ", ".join(f"{each.place_label} ({each.code})" for each in found[:FINDINGS_MAX])
            yield f"Since attempt {changes.before_number} {words}: {places}."
    for label, before, now, unit in changes.better:
        yield (
            f"Since attempt {changes.before_number} better: {label}, from {amount(before, unit)} "
            f"to {amount(now, unit)}."
        )


def focus_lines(finding: Finding, rung: Rung, words: Words) -> Iterator[str]:
    """The finding to speak about, and what its rung has open."""
    yield f"Speak about finding {finding.number}, {finding.place_label}. Rung: {rung.name}."
    hint = words.hint(finding, min(rung, Rung.EXAMPLE))
    if hint:
        yield f"The author’s hint for this rung: {hint}"
    if words.belief(finding):
        yield f"A thought that often leads here: “{words.belief(finding)}”"
    if words.explanation(finding) and rung >= Rung.CONCEPT:
        yield f"Why it is not so: {words.explanation(finding)}"
    if rung >= Rung.CONCEPT and words.passage(finding):
        yield f"The passage that explains it: [{words.passage(finding)}]"
    if rung is Rung.ANSWER:
        yield f"The remedy, which may be told now: {finding.fix}"


def passage_lines(asked: Asked) -> Iterator[str]:
    """What the course has on the question outside of the open lesson, which the prompt has anyway."""
    for match in asked.matches[:1]:
        entry = match.entry
        yield f"Authors answered “{entry.question}” so: {entry.answer} [{entry.place}]"
    others = [hit.passage for hit in asked.hits if hit.passage.lesson != asked.lesson]
    for passage in others[:_PASSAGES_MAX]:
        yield f"From another lesson: {passage.text} [{passage.place}]"
    if asked.found.term is not None:
        yield f"{asked.found.term.term}: {asked.found.term.definition} [{asked.found.term.place}]"


def note_lines(notes: Sequence[Note]) -> Iterator[str]:
    for note in notes:
        yield f"({note.role}) {note.text}"


def message(
    situation: Sequence[str], notes: Sequence[Note], *, language: str, learner: str = "", ending: str
) -> tuple[str, str]:
    """The message, and the part of it that is facts: all but what the learner typed."""
    named = LANGUAGES.get(language.split("-", maxsplit=1)[0], "English")
    blocks = [_block("situation", [*situation, f"Language of the reply: {named}."])]
    if notes:
        blocks.append(_block("notes", list(note_lines(notes))))
    facts = "\n".join(blocks)
    parts = [facts, learner_block(learner)] if learner else [facts]
    return "\n".join([*parts, ending]), facts


def _block(name: str, lines: Sequence[str]) -> str:
    """Places and messages may quote what a learner wrote: no line of it begins another, or ends the block."""
    return "\n".join([f"<{name}>", *(clean(" ".join(line.split())) for line in lines), f"</{name}>"])


def without_learner(sent: str) -> str:
    """A message that was sent, without what the learner typed."""
    before, _, rest = sent.partition("<learner_text>")
    return before + rest.rpartition("</learner_text>")[2]
