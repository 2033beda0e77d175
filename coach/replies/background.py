"""The parts of a prompt that many share: the glossary, the open lesson, the exercise as everybody sees it.

Deterministic to the byte: two learners at the same exercise get the same text. No answer stands in it: no
remedy, no reference, no hint, nothing of any learner.
"""

from __future__ import annotations

from functools import lru_cache

from coach.queries import UNSPEAKABLE, Authored, Setting
from coach.replies.passages import Index


def shared_texts(
    index: Index, lesson: str, setting: Setting | None, authored: Authored
) -> tuple[tuple[str, str], ...]:
    """By name, from what most share to what fewest do."""
    about = lesson_text(index, lesson)
    if setting is not None:
        about = "\n\n".join(filter(None, (about, exercise_text(setting, authored))))
    return (("glossary", glossary_text(index)), ("subject", about.translate(_TYPED)))


# As it is typed: what a provider counts, and what may be put aside for it, is known best of plain letters.
_TYPED = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "×": "x",
        "→": "->", "≤": "<=", "≥": ">=", "≈": "about ", "·": "*", "\u00a0": " ", "\u202f": " ", "\u2011": "-",
    }
)  # fmt: skip


@lru_cache(maxsize=8)
def glossary_text(index: Index) -> str:
    """Every term of the course with its definition, and which lessons there are."""
    terms = [f"{term.term}: {_plain(term.definition)} [{term.place}]" for term in index.glossary]
    titles = {section.lesson: section.link.label.partition(":")[0] for section in index.sections.values()}
    lessons = [f"{title} ({slug})" for slug, title in titles.items()]
    text = "\n".join(["The course’s lessons: " + "; ".join(lessons), "", "Glossary", *terms]) + "\n"
    return text.translate(_TYPED)


@lru_cache(maxsize=16)
def lesson_text(index: Index, lesson: str) -> str:
    """A lesson's paragraphs under its headings, each with its place."""
    lines = [f"The open lesson, {lesson}"]
    for section in index.of_lesson(lesson):
        lines += ["", f"{section.title} [{section.place}]"]
        lines += [_plain(passage.text) for passage in section.passages if UNSPEAKABLE not in passage.text]
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""


def exercise_text(setting: Setting, authored: Authored) -> str:
    """The brief, the scenario, and what learners often believe when something is marked."""
    lines = [f"The exercise: {setting.title}", "", setting.brief.strip(), "", setting.scenario.strip()]
    beliefs = [
        f"{code}: some think “{_plain(str(row['statement']))}” But: {_plain(str(row['explanation']))}"
        for code in sorted(authored.misconceptions)
        for row in authored.misconceptions[code]
    ]
    if beliefs:
        lines += ["", "Kinds of findings, and what is often believed when one comes up", *beliefs]
    return "\n".join(lines).strip() + "\n"


def _plain(text: str) -> str:
    return " ".join(text.split())
