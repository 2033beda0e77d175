"""The calls of a trial as a graph, and what came of each. The engine runs it: in parallel, so many at once,
one first where calls share a prefix that is worth caching.

The learner's text is the instruction that is tested: it goes out alone, with no tools and nothing of ours
beside it, and what comes back is text to be shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from coach.engine.calls import ModelCall
from coach.engine.graph import TaskGraph
from coach.engine.inputs import Inputs
from coach.engine.priming import prime
from coach.engine.prompt import Stability, estimate_tokens
from coach.engine.rules import CacheRules
from coach.engine.task import LogNormal, Task
from coach.providers.catalogue import Tier
from coach.providers.port import Call, OverLimit, Part, Provider, ProviderError, Purse
from coach.replies.calling import Stream
from coach.replies.prompts import VALUE_OF_SECOND_USD, prompt_of
from exercises.kinds.trials import Case, Trial, TriedPrompt, label_in

Side = Literal["found", "own"]
SIDES: tuple[Side, ...] = ("found", "own")
TIER: Tier = "small"
MAX_OUTPUT_TOKENS = 800
KEPT_CHARACTERS = 4_000
AT_ONCE = 2
"""As many requests as one learner may have under way, unless the installation says otherwise."""
BUSY_SECONDS = 0.25
CALL_SECONDS = 25.0
_ANSWER = LogNormal(2.0, 6.0)
_TYPICAL_OUTPUT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One call: the model's own seconds, without waits for other calls or for another try; tokens as settled.
    `label`: the verdict found in `text`, or ""."""

    side: Side
    case: int
    outcome: str
    label: str
    text: str
    first_seconds: float | None
    seconds: float
    usage: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who is asked, who pays, and who is told of each answer."""

    trial: Trial
    provider: Provider
    purse: Purse
    tell: Callable[[Answered], None]

    def graph(self) -> TaskGraph:
        """Two calls a case."""
        tasks = [self._task(side, at) for at in range(len(self.trial.cases)) for side in SIDES]
        return prime(TaskGraph(tasks, {"calls": AT_ONCE}), value_of_second_usd=VALUE_OF_SECOND_USD).graph

    def _task(self, side: Side, at: int) -> Task:
        model = self.provider.model(TIER)
        parts = parts_of(self._prompt(side), self.trial.cases[at], self.trial.asked, model.rules)

        async def call(inputs: Inputs) -> None:
            self.tell(await self._ask(inputs, side, at, parts))

        return Task(
            f"{side} {at}",
            call=call,
            duration=_ANSWER,
            uses=("calls",),
            model_call=ModelCall(prompt_of(parts), model.id, _TYPICAL_OUTPUT) if model.billed else None,
        )

    def _prompt(self, side: Side) -> TriedPrompt:
        return self.trial.found if side == "found" else self.trial.own

    async def _ask(self, inputs: Inputs, side: Side, at: int, parts: tuple[Part, ...]) -> Answered:
        """Raises OverLimit. Where only the other requests of the learner are in the way it waits for them."""
        while True:
            try:
                stream, text = await self._hear(inputs, parts)
            except OverLimit as error:
                if error.scope != "calls":
                    raise
                await asyncio.sleep(BUSY_SECONDS)
            else:
                return answered(stream, side, at, text, label_in(text, self.trial.labels))

    async def _hear(self, inputs: Inputs, parts: tuple[Part, ...]) -> tuple[Stream, str]:
        call = Call(
            purpose="run",
            tier=TIER,
            parts=parts,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            total_seconds=CALL_SECONDS,
            value_of_second_usd=VALUE_OF_SECOND_USD,
        )
        pieces: list[str] = []
        stream = Stream(call, inputs, self.provider, self.purse)
        try:
            async for piece in stream.pieces():
                if not pieces:
                    inputs.emit(piece)
                pieces.append(piece)
        except ProviderError:
            # Part of an answer is none: it may have ended in the middle of the verdict.
            pieces.clear()
        finally:
            await stream.close()
        return stream, "" if stream.outcome == "refused" else "".join(pieces)


def answered(stream: Stream, side: Side, case: int, text: str, label: str) -> Answered:
    return Answered(
        side=side,
        case=case,
        outcome=stream.outcome,
        label=label,
        text=text.replace("\x00", "")[-KEPT_CHARACTERS:],
        first_seconds=stream.own_first_seconds,
        seconds=stream.own_seconds,
        usage=asdict(stream.receipts.usage),
    )


def parts_of(prompt: TriedPrompt, case: Case, asked: str, rules: CacheRules) -> tuple[Part, ...]:
    """What all cases share first, with a breakpoint where it is long enough to be cached; the case behind."""
    before, after = prompt.filled(case.text)
    ttl = rules.default_ttl if estimate_tokens(before) >= rules.minimum_tokens else None
    shared = Part(name="prompt", role="user", text=before, stability=Stability.SESSION, breakpoint=ttl)
    rest = f"{after.rstrip()}\n\n{asked}"
    last = Part(name="case", role="user", text=rest, stability=Stability.CALL)
    return (shared, last) if before.strip() else (last,)
