"""An answer on its way to the caller, whole or as events, with the fault that meets it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from coach.rehearsal.asked import Json
from coach.rehearsal.faults import HUGE_MEGABYTES, Fault
from coach.rehearsal.ledger import Entry
from coach.rehearsal.provider import Answer, Delta, Provider
from coach.rehearsal.refusals import Refused, error_body
from coach.rehearsal.wire import HungUp, Wire, dumped

PING_SECONDS = 1.0
SHORTEST_WAIT = 0.002
"""Real seconds; what is due sooner is sent now."""
SIGNATURE = "cmVoZWFyc2Fs"
_REFUSAL = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "A refusal, rehearsed.",
}
_OVERLOADED = Refused(529, "overloaded_error", "Overloaded (rehearsed)")


class Sending(ABC):
    """One answer. Subclasses say how it is written."""

    def __init__(
        self, provider: Provider, wire: Wire, answer: Answer, fault: Fault | None, entry: Entry
    ) -> None:
        self.provider, self.wire, self.answer, self.fault = provider, wire, answer, fault
        self.entry = entry
        self.wire.sliced = self.meets("one_byte")

    def meets(self, *names: str) -> bool:
        """Whether the fault is one of these."""
        return self.fault is not None and self.fault.name in names

    @abstractmethod
    async def send(self) -> None:
        """Raises ClientGone, HungUp, Refused."""

    async def begin(self) -> None:
        """Until the first token is there; then the cache can be read."""
        await self.until(self.answer.begins_at)
        await self.provider.gate.wait()
        self.provider.begun(self.answer)
        self.note(0)

    async def until(self, moment: float) -> None:
        """A moment of the provider's clock."""
        ahead = (moment - self.provider.now()) / self.provider.scale
        await (self.wire.wait(ahead) if ahead > SHORTEST_WAIT else self.wire.turn())

    async def pause(self, seconds: float | None) -> None:
        """So many of the provider's seconds, or until the caller goes."""
        await self.wire.wait(None if seconds is None else seconds / self.provider.scale)

    def note(self, tokens: int) -> None:
        """So many have been decoded."""
        self.entry.usage = self.answer.usage(tokens)

    def ended(self) -> Json:
        """What is known of the message at its end."""
        reason = self.entry.stop_reason = self.answer.stop_reason
        details = _REFUSAL if reason == "refusal" else None
        return {"stop_reason": reason, "stop_sequence": self.answer.stop_sequence, "stop_details": details}


class Whole(Sending):
    """One JSON body when all has been written."""

    async def send(self) -> None:
        if self.meets("error_event"):
            raise _OVERLOADED
        await self.begin()
        tokens = 0
        for delta in self.provider.deltas(self.answer):
            await self.until(delta.due_at)
            tokens = delta.tokens
            self.note(tokens)
        message = {**self.answer.message(), "content": self._content(), "usage": self.answer.usage(tokens)}
        body = dumped({**message, **self.ended()})
        await self._write(body)
        self.entry.reported = not self.meets("bad_json")

    def _content(self) -> list[Json]:
        answer, text = self.answer, "".join(self.answer.text)
        if self.meets("huge_delta"):
            text += _huge(self.fault)
        blocks: list[Json] = []
        if answer.thinking:
            blocks.append({"type": "thinking", "thinking": _shown(answer), "signature": SIGNATURE})
        return [*blocks, {"type": "text", "text": text}] if text else blocks

    async def _write(self, body: bytes) -> None:
        half = len(body) // 2
        if self.meets("clean_eof", "cut_chunk", "reset", "stall", "pings_only"):
            self.wire.head(200, "application/json", {"content-length": str(len(body))})
            await self.wire.raw(body[:half])
            await self._silent()
            await self.wire.raw(body[half:])
        else:
            await self.wire.whole(200, body[:half] if self.meets("bad_json") else body)

    async def _silent(self) -> None:
        """In the middle of the body. Raises HungUp unless it is a pause."""
        if self.meets("reset"):
            await self.wire.reset()
        if not self.meets("stall", "pings_only"):
            raise HungUp
        await self.pause(self.fault.amount if self.fault else None)


class Streamed(Sending):
    """Events as the tokens come."""

    index = -1
    open = ""

    async def send(self) -> None:
        await self.begin()
        await self.wire.open_stream()
        await self.event("message_start", message=self.answer.message())
        goes_on = await self._deltas()
        if goes_on:
            await self._end()
        await self.wire.close_stream()

    async def event(self, kind: str, **fields: Any) -> None:
        await self.wire.event(kind, dumped({"type": kind, **fields}))

    async def _deltas(self) -> bool:
        """All content; whether the message goes on to its end."""
        said, met = 0, False
        for delta in self.provider.deltas(self.answer):
            if self.fault is not None and not met and delta.kind == "text" and said >= self.fault.after:
                met = True
                if not await self._strike(self.fault):
                    return False
            await self.until(delta.due_at)
            await self._delta(delta)
            said += delta.kind == "text"
        # An answer shorter than the fault's place meets it at its end.
        return met or self.fault is None or await self._strike(self.fault)

    async def _delta(self, delta: Delta) -> None:
        await self._in_block(delta.kind)
        self.note(delta.tokens)
        if delta.kind == "text":
            await self._text(delta.text)
        elif _shown(self.answer):
            piece = {"type": "thinking_delta", "thinking": delta.text}
            await self.event("content_block_delta", index=self.index, delta=piece)

    async def _text(self, text: str) -> None:
        await self._in_block("text")
        self.entry.note_text(len(text))
        piece = {"type": "text_delta", "text": text}
        await self.event("content_block_delta", index=self.index, delta=piece)

    async def _in_block(self, kind: str) -> None:
        if self.open == kind:
            return
        await self._close_block()
        self.index, self.open = self.index + 1, kind
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}[kind]
        await self.event("content_block_start", index=self.index, content_block={"type": kind, **empty})
        if not self.index:
            await self.event("ping")

    async def _close_block(self) -> None:
        if self.open == "thinking":
            signed = {"type": "signature_delta", "signature": SIGNATURE}
            await self.event("content_block_delta", index=self.index, delta=signed)
        if self.open:
            await self.event("content_block_stop", index=self.index)
        self.open = ""

    async def _end(self) -> None:
        await self._close_block()
        usage = {key: value for key, value in self.entry.usage.items() if key not in _ONLY_AT_START}
        await self.event("message_delta", delta=self.ended(), usage=usage)
        self.entry.reported = True
        for _ in range(2 if self.meets("duplicate_stop") else 1):
            await self.event("message_stop")

    async def _strike(self, fault: Fault) -> bool:
        """The fault happens; whether the answer goes on. Raises HungUp, ClientGone."""
        if fault.name in {"error_event", "clean_eof", "bad_json"}:
            await self._break(fault)
            return False
        if fault.name == "reset":
            await self.wire.reset()
        if fault.name == "cut_chunk":
            await self.wire.cut()
        await self._disturb(fault)
        return True

    async def _break(self, fault: Fault) -> None:
        """What ends the answer before its end."""
        if fault.name == "error_event":
            error = error_body(_OVERLOADED.kind, _OVERLOADED.message, self.entry.request_id)
            await self.wire.event("error", dumped(error))
        elif fault.name == "bad_json":
            await self._in_block("text")
            await self.wire.event("content_block_delta", b'{"type": "content_block_delta", "index": 0, "del')

    async def _disturb(self, fault: Fault) -> None:
        """What an answer can go on after."""
        if fault.name == "stall":
            await self.pause(fault.amount)
        elif fault.name == "pings_only":
            await self._ping(fault.amount)
        elif fault.name == "unknown_event":
            await self.event("content_block_glow", index=0, glow={"type": "unheard_of"})
        elif fault.name == "huge_delta":
            await self._text(_huge(fault))

    async def _ping(self, seconds: float | None) -> None:
        end = None if seconds is None else self.provider.now() + seconds
        while end is None or self.provider.now() < end:
            await self.event("ping")
            await self.pause(PING_SECONDS)


_ONLY_AT_START = frozenset({"cache_creation", "service_tier"})


def _shown(answer: Answer) -> str:
    """Thinking is shown only to who asks for it."""
    wanted: Mapping[str, Any] = answer.asked.body.get("thinking") or {}
    return "".join(answer.thinking) if wanted.get("display") == "summarized" else ""


def _huge(fault: Fault | None) -> str:
    megabytes = fault.amount if fault is not None and fault.amount is not None else HUGE_MEGABYTES
    return "huge " * int(megabytes * 2**20 / 5)
