"""What the instructor sets: a slow prompt, the rules in it, and what an answer to it costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from coach.engine.timing import TIERS

MAX_TEXT_CHARS = 20_000
MAX_TERM_CHARS = 60

TierName = Literal["small", "medium", "large"]
OutputForm = Literal["free", "structured"]
TIER_NAMES: tuple[TierName, ...] = ("small", "medium", "large")
"""Smallest first, as in `timing.TIERS`."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Expected = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\n,]*$", max_length=40)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\n]+$", max_length=300)]
PromptText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TERM_CHARS)]
TermGroup = Annotated[tuple[Term, ...], Field(min_length=1, max_length=20)]
TermGroups = Annotated[tuple[TermGroup, ...], Field(min_length=1, max_length=12)]
Terms = Annotated[tuple[Term, ...], Field(max_length=60)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Frozen):
    """A policy rule that the task needs.

    It is kept when two neighbouring sentences hold a term of every group (`anywhere`: when the whole text
    does). Terms are plain text, matched from a word's beginning, whatever the case. `case` is an input that
    only this rule decides; `text` says the rule as it might be written. `expected`: the right answer to the
    case, from a small set that all cases share; a case without one is not tried with a model.
    """

    name: Name
    label: Label
    text: Sentence
    case: Sentence
    groups: TermGroups
    anywhere: bool = False
    expected: Expected = ""


class Output(_Frozen):
    """Output tokens of one answer: asked for thoroughness, left free, in a schema, in a schema with a bound.

    `opener_tokens`: what a model says before it comes to the point where no schema forbids it.
    `reasoning_tokens`: what thinking first adds.
    """

    thorough_tokens: int = Field(ge=1, le=20_000)
    free_tokens: int = Field(ge=1, le=20_000)
    schema_tokens: int = Field(ge=1, le=20_000)
    bounded_tokens: int = Field(ge=1, le=20_000)
    opener_tokens: int = Field(ge=0, le=200)
    reasoning_tokens: int = Field(ge=0, le=50_000)

    @model_validator(mode="after")
    def _check(self) -> Output:
        if not self.thorough_tokens >= self.free_tokens >= self.schema_tokens >= self.bounded_tokens:
            raise ValueError("an answer gets shorter from thorough over free and schema to bounded")
        return self


class Accuracy(_Frozen):
    """Shares (0 to 1) of labelled cases that a tier gets right with all rules, without and with reasoning."""

    plain: float = Field(ge=0, le=1)
    reasoning: float = Field(ge=0, le=1)


class Words(_Frozen):
    """Plain terms by which a sentence is known. Groups: one term of every group must be in one sentence."""

    task: TermGroups
    schema_fields: TermGroups
    bound: TermGroups
    background: Terms
    reasoning: Terms
    thorough: Terms


class Reference(_Frozen):
    """The author's own rewrite; it must earn full marks."""

    text: PromptText
    tier: TierName
    form: OutputForm = "structured"
    reasoning: bool = False
    streaming: bool = True


class RewriteSpec(_Frozen):
    """A prompt as found, with its settings.

    `placeholder`: where the input goes; a rewrite must keep it. `offered`: lines that a learner may add by a
    click, good ones and plausible bad ones.
    """

    text: PromptText
    placeholder: Label
    tier: TierName = "large"
    input_tokens: int = Field(ge=1, le=100_000)
    needed_accuracy: float = Field(ge=0, le=1)
    accuracy: dict[TierName, Accuracy]
    output: Output
    words: Words
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=30)
    fields: tuple[Label, ...] = Field(min_length=1, max_length=10)
    offered: tuple[Line, ...] = Field(default=(), max_length=12)
    reference: Reference

    @model_validator(mode="after")
    def _check(self) -> RewriteSpec:
        if set(self.accuracy) != set(TIERS):
            raise ValueError(f"accuracies are needed for {', '.join(TIERS)}")
        if self.placeholder not in self.text or self.placeholder not in self.reference.text:
            raise ValueError(f"both texts must hold the placeholder {self.placeholder}")
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("every rule needs a name of its own")
        if not any(max(a.plain, a.reasoning) >= self.needed_accuracy for a in self.accuracy.values()):
            raise ValueError("no tier reaches the accuracy that is needed")
        if len({rule.expected for rule in self.rules if rule.expected}) == 1:
            raise ValueError("cases that all expect the same answer would tell nothing; expect two or more")
        return self

    def accuracy_of(self, tier: TierName, *, reasoning: bool) -> float:
        """Share of cases right with all rules kept."""
        return self.accuracy[tier].reasoning if reasoning else self.accuracy[tier].plain
