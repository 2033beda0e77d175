"""One turn while it is being answered, and the voice that its reply is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from django.db import Error, connection

from coach.beginning import Place
from coach.frames import Subject
from coach.models import Turn, TurnEvent
from coach.replies.parts import Sentence

T = TypeVar("T")
Cut = Literal["stopped", "lost", "broken", "released"]


@dataclass(eq=False)
class Run:
    """One turn while it is being answered."""

    turn: Turn
    place: Place
    learner_id: int
    subject: Subject
    seq: int = 1
    stored: int = 1
    sentences: list[Sentence] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    # Why it was cut short, if it was: "lost" says that another process has taken the turn.
    cut: Cut | None = None
    broken: bool = False
    ending: bool = False


Emit = Callable[[Run, str, dict[str, Any], Sentence | None], None]


class Voice:
    """What a reply may do: say what it is doing, and say a sentence. From any thread."""

    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop, emit: Emit) -> None:
        self._run = run
        self._loop = loop
        self._store = emit

    def status(self, text: str) -> None:
        self._emit(TurnEvent.Kind.STATUS, {"text": text})

    def say(self, sentence: Sentence) -> None:
        self._emit(TurnEvent.Kind.SENTENCE, sentence.to_dict(), sentence)

    def _emit(self, kind: str, payload: dict[str, Any], sentence: Sentence | None = None) -> None:
        try:
            on_loop = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            self._store(self._run, kind, payload, sentence)
        else:
            self._loop.call_soon_threadsafe(self._store, self._run, kind, payload, sentence)


def reading(ask: Callable[[], T]) -> Callable[[], T]:
    """A read that survives a connection which the server has closed meanwhile."""

    def read() -> T:
        try:
            return ask()
        except Error:
            connection.close()
            return ask()

    return read
