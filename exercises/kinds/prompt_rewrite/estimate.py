"""What a call of a prompt takes and costs, by the engine's time and price models. Tokens are estimates."""

from __future__ import annotations

import random
from dataclasses import dataclass

from coach.engine.pricing import cost_usd, price_of
from coach.engine.prompt import estimate_tokens
from coach.engine.timing import TIERS, time_to_first_token, total_seconds
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer
from exercises.kinds.prompt_rewrite.reading import Reading, read_prompt
from exercises.kinds.prompt_rewrite.spec import RewriteSpec


@dataclass(frozen=True, slots=True)
class Traits:
    """What decides the length of the output, whether the text says it or a setting does."""

    reasons: bool
    thorough: bool
    has_schema: bool
    has_bound: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """One call. Seconds, tokens, dollars; `shown_seconds`: until a reader sees the first useful words."""

    prompt_tokens: int
    reasoning_tokens: int
    answer_tokens: int
    ttft_seconds: float
    reasoning_seconds: float
    answer_seconds: float
    total_seconds: float
    shown_seconds: float
    thousand_calls_usd: float

    @property
    def output_tokens(self) -> int:
        """Reasoning and answer: both are written token by token, and paid."""
        return self.reasoning_tokens + self.answer_tokens


@dataclass(frozen=True, slots=True)
class Draftsheet:
    """A rewrite, what was read in it, and what a call takes."""

    answer: RewriteAnswer
    reading: Reading
    traits: Traits
    estimate: Estimate


def traits_of(answer: RewriteAnswer, reading: Reading) -> Traits:
    """A text that asks for reasoning gets it, whatever the setting; a schema may come from either."""
    return Traits(
        reasons=answer.reasoning or reading.asks_reasoning is not None,
        thorough=reading.asks_thorough is not None,
        has_schema=answer.form == "structured" or reading.has_schema,
        has_bound=reading.has_bound,
    )


def work_out(spec: RewriteSpec, answer: RewriteAnswer, seed: int = 0) -> Draftsheet:
    """Read a rewrite and estimate a call of it. The seed varies the sizes by up to a tenth."""
    reading = read_prompt(spec, answer.text)
    traits = traits_of(answer, reading)
    prompt_tokens = estimate_tokens(answer.text.replace(spec.placeholder, "")) + scale(spec, seed)[0]
    estimate = estimate_call(
        spec, traits, prompt_tokens=prompt_tokens, tier=answer.tier, streaming=answer.streaming, seed=seed
    )
    return Draftsheet(answer, reading, traits, estimate)


def scale(spec: RewriteSpec, seed: int) -> tuple[int, float]:
    """(input tokens, factor on the output) of this seed."""
    rng = random.Random(f"prompt-rewrite {seed}")
    return max(1, round(spec.input_tokens * rng.uniform(0.9, 1.1))), rng.uniform(0.9, 1.1)


def answer_tokens(spec: RewriteSpec, traits: Traits) -> int:
    """Tokens of the answer proper, reasoning left out."""
    output = spec.output
    if traits.has_bound:
        tokens = output.bounded_tokens
    elif traits.has_schema:
        tokens = output.schema_tokens
    else:
        tokens = output.thorough_tokens if traits.thorough else output.free_tokens
    return tokens if traits.has_schema else tokens + output.opener_tokens


def estimate_call(
    spec: RewriteSpec, traits: Traits, *, prompt_tokens: int, tier: str, streaming: bool, seed: int
) -> Estimate:
    """One call with these traits on this tier."""
    speed, factor = TIERS[tier], scale(spec, seed)[1]
    answer = round(answer_tokens(spec, traits) * factor)
    reasoning = round(spec.output.reasoning_tokens * factor) if traits.reasons else 0
    opener = 0 if traits.has_schema else round(spec.output.opener_tokens * factor)
    ttft = time_to_first_token(speed, fresh=prompt_tokens)
    total = total_seconds(speed, fresh=prompt_tokens, output=reasoning + answer)
    decode = speed.decode_tokens_per_second
    return Estimate(
        prompt_tokens=prompt_tokens,
        reasoning_tokens=reasoning,
        answer_tokens=answer,
        ttft_seconds=ttft,
        reasoning_seconds=reasoning / decode,
        answer_seconds=answer / decode,
        total_seconds=total,
        shown_seconds=ttft + (reasoning + opener) / decode if streaming else total,
        thousand_calls_usd=1000 * cost_usd(price_of(tier), fresh=prompt_tokens, output=reasoning + answer),
    )


def as_found(spec: RewriteSpec) -> RewriteAnswer:
    """The scenario as found: free text, not streamed; the text itself asks for what it asks for."""
    return RewriteAnswer(text=spec.text, tier=spec.tier, form="free", reasoning=True, streaming=False)


def reference(spec: RewriteSpec) -> RewriteAnswer:
    """The author's rewrite."""
    return RewriteAnswer.model_validate(spec.reference.model_dump())
