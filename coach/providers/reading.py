"""An answer as it comes in, event by event, and how long each piece may take.

Units: seconds on the loop's clock, tokens, characters.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from coach.providers.faults import Failed, Fault
from coach.providers.port import Call, Stop

STOPS: dict[str, Stop] = {
    "end_turn": "done",
    "stop_sequence": "done",
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "pause_turn": "truncated",
    "refusal": "refused",
}
"""What a reason to stop means for who reads. Any other one fails closed."""

MOST_CHARACTERS_PER_TOKEN = 12
"""An answer of more than that is not one of a model, and is cut there."""

MOST_TOKENS = 10**8
"""More is no count of tokens."""


@dataclass(slots=True)
class Counted:
    """Tokens as the service counted them. `written_by_ttl` where it says that."""

    fresh: int = 0
    read: int = 0
    written: int = 0
    output: int = 0
    written_by_ttl: dict[str, int] = field(default_factory=dict)

    @property
    def prompt(self) -> int:
        """All tokens of the prompt."""
        return self.fresh + self.read + self.written

    def take(self, usage: Any) -> None:
        """Figures are of the whole message so far; what is left out stays as it was."""
        self.fresh = _count(usage, "input_tokens", self.fresh)
        self.read = _count(usage, "cache_read_input_tokens", self.read)
        self.written = _count(usage, "cache_creation_input_tokens", self.written)
        self.output = _count(usage, "output_tokens", self.output)
        if (lives := getattr(usage, "cache_creation", None)) is not None:
            self.written_by_ttl = {
                ttl: _count(lives, f"ephemeral_{ttl}_input_tokens", 0) for ttl in ("5m", "1h")
            }


def _count(holder: Any, name: str, otherwise: int) -> int:
    value = getattr(holder, name, None)
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return int(value) if counts else otherwise  # type: ignore[arg-type]


@dataclass(slots=True, kw_only=True)
class Reading:
    """What has come of one answer. `room`: characters that it may still have; `thought`: characters of
    thinking; `stopped`: its last event was there; `content`: how many events carried any of it."""

    room: int
    text: list[str] = field(default_factory=list)
    thought: int = 0
    message: str = ""
    counted: Counted | None = None
    stop_reason: str | None = None
    stopped: bool = False
    cut: bool = False
    content: int = 0
    miss_reason: str = ""
    begun: Callable[[], None] = lambda: None

    @property
    def characters(self) -> int:
        """Of text and of thinking."""
        return self.thought + sum(map(len, self.text))

    @property
    def stop(self) -> Stop:
        """How it ended. Raises Failed where it did not end as an answer does."""
        if self.cut:
            return "truncated"
        if not self.stopped:
            raise Failed(Fault(reason="interrupted", again=True, outage=True, billed=True, detail="no end"))
        stop = STOPS.get(self.stop_reason or "")
        if stop is None:
            raise Failed(Fault(reason="unusable", billed=True, detail="unknown reason to stop"))
        if stop == "done" and not "".join(self.text).strip():
            raise Failed(Fault(reason="unusable", billed=True, detail="empty answer"))
        return stop

    def take(self, event: Any) -> str:
        """One event in; the piece of text that it brought, "" for none. Unknown events bring none."""
        taker = _TAKERS.get(str(getattr(event, "type", "")))
        return taker(self, event) if taker is not None else ""

    def start(self, event: Any) -> str:
        """The message begins."""
        self.take_message(getattr(event, "message", None))
        return ""

    def take_message(self, message: Any) -> None:
        """Id, usage and diagnosis, of a message that begins or is whole; `begun` is told."""
        self.message = str(getattr(message, "id", "") or "")
        self.counted = self.counted or Counted()
        self.counted.take(getattr(message, "usage", None))
        reason = getattr(getattr(message, "diagnostics", None), "cache_miss_reason", None)
        self.miss_reason = str(getattr(reason, "type", "") or "")
        self.begun()

    def open_block(self, event: Any) -> str:
        """A block may begin with text."""
        block = getattr(event, "content_block", None)
        return self._add(getattr(block, "text", None)) if getattr(block, "type", "") == "text" else ""

    def extend(self, event: Any) -> str:
        """More of a block. Thinking is counted and not shown."""
        delta = getattr(event, "delta", None)
        if getattr(delta, "type", "") == "text_delta":
            return self._add(getattr(delta, "text", None))
        thinking = getattr(delta, "thinking", None)
        if isinstance(thinking, str) and thinking:
            self.thought += len(thinking)
            self.content += 1
        return ""

    def conclude(self, event: Any) -> str:
        """Why it stops, and what it took."""
        self.stop_reason = getattr(getattr(event, "delta", None), "stop_reason", None)
        self.counted = self.counted or Counted()
        self.counted.take(getattr(event, "usage", None))
        return ""

    def end(self, event: Any) -> str:
        """Nothing more comes."""
        self.stopped = True
        return ""

    def _add(self, text: Any) -> str:
        if not isinstance(text, str) or not text:
            return ""
        self.content += 1
        self.cut = self.cut or len(text) > self.room
        piece = text[: self.room]
        self.room -= len(piece)
        self.text.append(piece)
        return piece


_TAKERS = {
    "message_start": Reading.start,
    "content_block_start": Reading.open_block,
    "content_block_delta": Reading.extend,
    "message_delta": Reading.conclude,
    "message_stop": Reading.end,
}


class Patience:
    """How long the next event may take: until the first piece, then between pieces, and in all.

    One timer for the whole answer, which looks when it rings whether there was content meanwhile: to set one
    for each event takes longer than to read the event.
    """

    def __init__(self, call: Call, until: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._call, self._until = call, until
        self._at = min(until, self._loop.time() + call.first_seconds)
        self._limit = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False

    def hear(self) -> None:
        """There was content. Pings and events without content do not count."""
        self._at = min(self._until, self._loop.time() + self._call.progress_seconds)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Around all that is awaited of one answer. Raises Failed where that took too long."""
        try:
            async with self._limit:
                self._wait()
                yield
        except TimeoutError:
            if not self._limit.expired():
                raise
            fault = Fault(reason="stalled", outage=True, billed=True, detail="no progress in time")
            raise Failed(fault) from None
        finally:
            self._waiting = False
            if self._timer is not None:
                self._timer.cancel()

    def _wait(self) -> None:
        self._waiting = True
        if self._timer is not None and self._timer.when() > self._at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiting and self._loop.time() >= self._at:
            self._limit.reschedule(self._at)
        elif self._waiting:
            self._wait()

    async def through(self, events: Any, reading: Reading) -> AsyncGenerator[str, None]:
        """The pieces of text of a stream, up to its end or to where it has to be cut."""
        heard = reading.content
        async for event in events:
            piece = reading.take(event)
            if piece:
                # Who takes a piece may take their time.
                self._waiting = False
                yield piece
            if reading.content > heard:
                heard = reading.content
                self.hear()
            if reading.stopped or reading.cut:
                break
            self._wait()
        self._waiting = False
