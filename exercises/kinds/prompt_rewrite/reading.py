"""Reading a prompt without a model: sentences, what each is for, which rules are there.

Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from coach.engine.prompt import estimate_tokens
from exercises.kinds.prompt_rewrite.spec import RewriteSpec, Rule

_THOUSANDS = re.compile(r"(?<=[0-9])[,'’](?=[0-9]{3}(?![0-9]))")
_AT_MOST = re.compile("≤|<=|⩽")
_WORDS = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[^\n]+")
_STOP = re.compile(r"[.!?](?=\s)")


def plain(text: str) -> str:
    """A text as terms are matched against it: small letters, single spaces, no punctuation, a space at both
    ends.
    """
    text = _AT_MOST.sub(" at most ", text)
    return f" {' '.join(_WORDS.findall(_THOUSANDS.sub('', text).casefold()))} "


def holds_term(text: str, term: str) -> bool:
    """Whether a `plain` text holds a term from a word's beginning; a term that ends in a digit must end
    there.
    """
    wanted = _wanted(term)
    return bool(wanted) and wanted in text


@lru_cache(maxsize=4096)
def _wanted(term: str) -> str:
    wanted = plain(term).rstrip()
    return f"{wanted} " if wanted and wanted[-1].isdigit() else wanted


def holds_groups(text: str, groups: Sequence[Sequence[str]]) -> bool:
    """Whether a `plain` text holds a term of every group."""
    return all(any(holds_term(text, term) for term in group) for group in groups)


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence or a line. `kind`: background, task, rule, schema, reasoning, data or other."""

    start: int
    end: int
    text: str
    plain: str
    kind: str

    @property
    def tokens(self) -> int:
        """Estimated."""
        return estimate_tokens(self.text)


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt as read. `task`: position of the first part that states the task, or None."""

    parts: tuple[Part, ...]
    task: int | None
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    has_schema: bool
    has_bound: bool
    asks_reasoning: Part | None
    asks_thorough: Part | None

    @property
    def before_task(self) -> tuple[Part, ...]:
        """The parts that stand before the task; all of them when there is none."""
        return self.parts if self.task is None else self.parts[: self.task]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences and lines begin and end."""
    for line in _SENTENCE.finditer(text):
        start = line.start()
        for stop in _STOP.finditer(text, line.start(), line.end()):
            yield start, stop.end()
            start = stop.end()
        yield start, line.end()


def read_prompt(spec: RewriteSpec, text: str) -> Reading:
    """What a text says, by the spec's terms."""
    pieces = list(_stripped(text))
    plains = [plain(piece) for _start, piece in pieces]
    kept = [rule for rule in spec.rules if keeps(rule, plains)]
    in_rules = _rule_sentences(kept, plains)
    found = _found_sentences(spec)
    parts = tuple(
        Part(
            start, start + len(piece), piece, words, _kind(spec, piece, words, words in found, at in in_rules)
        )
        for at, ((start, piece), words) in enumerate(zip(pieces, plains, strict=True))
    )
    return Reading(
        parts=parts,
        task=next((at for at, part in enumerate(parts) if part.kind == "task"), None),
        kept=tuple(rule.name for rule in kept),
        lost=tuple(rule.name for rule in spec.rules if rule not in kept),
        has_schema=_names_schema(spec, plains),
        has_bound=any(holds_groups(words, spec.words.bound) for words in plains),
        asks_reasoning=_first_with(parts, spec.words.reasoning),
        asks_thorough=_first_with(parts, spec.words.thorough),
    )


def _stripped(text: str) -> Iterator[tuple[int, str]]:
    for start, end in sentences(text):
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), piece.strip()


def _pairs(plains: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Every sentence with its follower: a rule may take two."""
    for at, words in enumerate(plains):
        yield at, words + (plains[at + 1] if at + 1 < len(plains) else "")


def keeps(rule: Rule, plains: Sequence[str]) -> bool:
    """Whether the rule is in these `plain` sentences."""
    whole = holds_groups("".join(plains), rule.groups)
    return whole and (rule.anywhere or any(holds_groups(pair, rule.groups) for _at, pair in _pairs(plains)))


def _rule_sentences(rules: Sequence[Rule], plains: Sequence[str]) -> set[int]:
    """Sentences that one of these rules, all kept, stands in: alone, or else as a pair."""
    found: set[int] = set()
    for rule in rules:
        alone = {at for at, words in enumerate(plains) if holds_groups(words, rule.groups)}
        if alone or rule.anywhere:
            found |= alone
        else:
            starts = {at for at, pair in _pairs(plains) if holds_groups(pair, rule.groups)}
            found |= starts | {at + 1 for at in starts}
    return found


def _found_sentences(spec: RewriteSpec) -> frozenset[str]:
    return frozenset(plain(piece) for _start, piece in _stripped(spec.text))


def _names_schema(spec: RewriteSpec, plains: Sequence[str]) -> bool:
    """JSON is asked for, and each field is named, somewhere in the text."""
    whole = "".join(plains)
    return holds_term(whole, "json") and holds_groups(whole, spec.words.schema_fields)


def _kind(spec: RewriteSpec, piece: str, words: str, is_old: bool, is_rule: bool) -> str:  # noqa: FBT001, PLR0911
    if spec.placeholder in piece:
        return "data"
    if holds_groups(words, spec.words.task):
        return "task"
    if is_rule:
        return "rule"
    if holds_term(words, "json") or holds_groups(words, spec.words.bound):
        return "schema"
    if any(holds_term(words, term) for term in (*spec.words.reasoning, *spec.words.thorough)):
        return "reasoning"
    if is_old or any(holds_term(words, term) for term in spec.words.background):
        return "background"
    return "other"


def _first_with(parts: Sequence[Part], terms: Sequence[str]) -> Part | None:
    return next((part for part in parts if any(holds_term(part.plain, term) for term in terms)), None)
