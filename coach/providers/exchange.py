"""One request and its answer, and what they took: for the record before, and for the books after.

Units: tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coach.engine.cache import CacheUse
from coach.engine.ports import Usage
from coach.engine.pricing import Price, cost_of_use, cost_usd
from coach.providers.asking import Asked
from coach.providers.catalogue import Model
from coach.providers.forecast import Expected, Forecast, Unwritten, written_by_ttl
from coach.providers.port import Attempt, Call, Kept, Purse, Settled, Stop, Waited
from coach.providers.reading import MOST_CHARACTERS_PER_TOKEN, Counted, Reading

CLEARLY_LESS = 0.8
"""Expected tokens are estimates: so much less is more than their error."""


def worst_usd(asked: Asked, model: Model) -> float:
    """What the request can cost at most: nothing read, all in front of a breakpoint written to the cache at
    the dearest lifetime that reaches it, the whole answer, the rates of a long prompt if it can be one."""
    dear, shape = model.rules.write_multiplier, asked.shape
    written: dict[str, int] = {}
    for place, tokens in enumerate(shape.bounds):
        reaching = [ttl for mark, ttl in shape.marks if mark >= place]
        if reaching:
            ttl = max(reaching, key=lambda each: dear[each])
            written[ttl] = written.get(ttl, 0) + tokens
    fresh = shape.most_tokens - sum(written.values())
    return cost_usd(model.price, fresh=fresh, written=written, output=int(asked.body["max_tokens"]))


def expected_usage(use: CacheUse, price: Price) -> Usage:
    """What the prompt should take; nobody knows yet how long the answer is."""
    return Usage(
        tokens_read=use.read,
        tokens_written=use.written,
        tokens_fresh=use.fresh,
        cost_usd=cost_of_use(price, use),
    )


@dataclass(slots=True, kw_only=True)
class Exchange:
    """Attempt `number` at a call. `sent`: the request may have left; `free`: it was answered with an error
    that nobody bills, or never arrived; `waited`: for another one, before it; `on_begin` is called when its
    answer begins."""

    call: Call
    asked: Asked
    model: Model
    number: int
    forecast: Forecast
    reading: Reading
    expected: Expected | None = None
    waited: Waited | None = None
    stop: Stop = "done"
    sent: bool = False
    free: bool = False
    request_id: str = ""
    on_begin: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.reading.begun = self.begin

    @property
    def attempt(self) -> Attempt:
        """For the record, before it is sent."""
        return Attempt(
            purpose=self.call.purpose,
            turn=self.call.turn,
            model=self.model.id,
            number=self.number,
            worst_usd=worst_usd(self.asked, self.model),
            waited=self.waited,
        )

    @property
    def tokens(self) -> tuple[int, ...]:
        """About how many each block of the prompt has."""
        return self.forecast.tokens(self.asked.shape, self.model)

    def unwritten(self) -> tuple[Unwritten, ...]:
        """What it would write to the cache if it were sent now."""
        return self.forecast.unwritten(self.asked.shape, self.model)

    async def recall(self, purse: Purse) -> None:
        """What it would write may have been written by another process: the books know."""
        if self.unwritten():
            keys = self.forecast.keys(self.asked.shape, self.model)
            self.forecast.recall(await purse.recall(self.model.id, keys), self.model)

    @property
    def cold(self) -> bool:
        """Whether it would find nothing cached of what it asks to be."""
        return any(prefix.read < 0 for prefix in self.unwritten())

    def leave(self) -> None:
        """It is sent now."""
        self.sent = True
        self.expected = self.forecast.begin(self.asked.shape, self.model)

    def begin(self) -> None:
        """The answer begins: its prompt has been counted."""
        if self.expected is not None and self.reading.counted is not None:
            self.forecast.began(self.expected, self.reading.message)
            self.forecast.learn(self.expected, self.reading.counted.prompt)
        self.on_begin()

    @property
    def foreseen(self) -> Usage:
        """What the engine said of the prompt."""
        return Usage() if self.expected is None else expected_usage(self.expected.use, self.model.price)

    @property
    def usage(self) -> Usage:
        """What it took, as far as it was told; the rest is estimated."""
        counted = self.reading.counted
        if counted is None:
            return Usage() if self.free or not self.sent else self.foreseen
        output = counted.output if self._told else max(counted.output, self._output_so_far())
        return self._usage(counted, output)

    @property
    def estimated(self) -> bool:
        """Whether part of `usage` is a guess."""
        return not self._told and self.sent and not (self.free and self.reading.counted is None)

    @property
    def _told(self) -> bool:
        return self.reading.counted is not None and self.reading.stop_reason is not None

    def _output_so_far(self) -> int:
        seen = self.forecast.output_tokens(self.reading.characters, self.model)
        return min(seen, int(self.asked.body["max_tokens"]))

    def _usage(self, counted: Counted, output: int) -> Usage:
        written = written_by_ttl(counted.written, counted.written_by_ttl, self.asked.shape.marks)
        return Usage(
            tokens_read=counted.read,
            tokens_written=counted.written,
            tokens_fresh=counted.fresh,
            tokens_output=output,
            cost_usd=cost_usd(
                self.model.price, fresh=counted.fresh, read=counted.read, written=written, output=output
            ),
        )

    @property
    def miss_reason(self) -> str:
        """Why less was read than expected, as told. The service compares whole requests, so a new question is
        a difference too: its word counts only where something was missed."""
        expected = 0 if self.expected is None else self.expected.use.read
        read = 0 if self.reading.counted is None else self.reading.counted.read
        return self.reading.miss_reason if read < CLEARLY_LESS * expected else ""

    def _news(self) -> tuple[Kept, ...]:
        """What others may read from now on; nothing where the answer never began."""
        if self.expected is None or self.reading.counted is None:
            return ()
        return self.forecast.news(self.expected, self.reading.message)

    def settled(self, outcome: str) -> Settled:
        """For the books, after it has ended like this."""
        return Settled(
            outcome=outcome,
            usage=self.usage,
            expected=self.foreseen,
            estimated=self.estimated,
            miss_reason=self.miss_reason,
            request_id=self.request_id or self.reading.message,
            kept=self._news(),
        )


def new_exchange(call: Call, asked: Asked, model: Model, number: int, forecast: Forecast) -> Exchange:
    """An attempt that has not been sent."""
    room = max(1, int(asked.body["max_tokens"])) * MOST_CHARACTERS_PER_TOKEN
    reading = Reading(room=room)
    return Exchange(call=call, asked=asked, model=model, number=number, forecast=forecast, reading=reading)
