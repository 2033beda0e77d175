"""Results that outlive a run: kept as tasks end, found again by a later run of the same name.

Only tasks that say `keep` are kept. A result is kept under a key made of the task's name, its `Task.key` and
a digest of the results it was given, so what a run finds fits its inputs, whatever else has changed.
Saving goes on beside the run: no task waits for the store, and a result that was not yet saved when the
process died is made again. What was to be saved and was not is told by `RunResult.unsaved` and in the trace;
it never costs the result of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from typing import Any

from coach.engine.errors import DeadlineExceeded, StoreFailed
from coach.engine.inputs import ABSENT, Host, Inputs
from coach.engine.ports import Store

FOUND = "Kept from an earlier run."


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where the results of a run are kept, and under which name. When all tasks have ended, the run waits for
    what is still being saved, `patience_seconds` at most and never beyond its deadline."""

    store: Store
    run: str
    patience_seconds: float = 5.0

    def keeping(self, host: Host) -> Keeping:
        """What one run does with them."""
        return Keeping(host, self)


class MemoryStore:
    """Keeps results for as long as the process lives."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    async def load(self, run: str) -> Mapping[str, Any]:
        """What was saved, by key."""
        return dict(self.runs.get(run, {}))

    async def save(self, run: str, key: str, value: Any) -> None:
        """Keep one result, as it is: not a copy."""
        self.runs.setdefault(run, {})[key] = value


def digest(value: Any) -> str:
    """The same 32 hexadecimal digits for equal values, in any process.

    For None, Booleans, numbers, text, bytes, dataclasses, sequences (a tuple is as good as a list) and
    mappings from text (in any order) of these. TypeError for anything else: what looks alike might not be
    the same.
    """
    digits = blake2b(digest_size=16)
    try:
        for piece in _pieces(value):
            digits.update(piece)
    except RecursionError:
        raise TypeError("a value that contains itself has no digest") from None
    return digits.hexdigest()


def _pieces(value: Any) -> Iterable[bytes]:
    """The value as bytes from which it could be read back: kinds and lengths are told."""
    if value is None or isinstance(value, bool | int | float):
        yield f"{_kind(value)}{value!r};".encode()
    elif isinstance(value, str | bytes):
        text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        yield f"{_kind(value)}{len(text)};".encode() + text
    elif isinstance(value, list | tuple):
        yield f"list{len(value)};".encode()
        for each in value:
            yield from _pieces(each)
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        yield f"map{len(value)};".encode()
        for key in sorted(value):
            yield from _pieces(key)
            yield from _pieces(value[key])
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _pieces(type(value).__qualname__)
        yield from _pieces({each.name: getattr(value, each.name) for each in fields(value)})
    else:
        raise TypeError(f"a {type(value).__name__} has no digest")


def _kind(value: Any) -> str:
    return next(kind.__name__ for kind in (bool, int, float, str, bytes, object) if isinstance(value, kind))


class Keeping:
    """What one run finds in its store, and what it saves there."""

    __slots__ = ("_checkpoints", "_digests", "_found", "_keys", "_run", "_saving", "unsaved")

    def __init__(self, run: Host, checkpoints: Checkpoints) -> None:
        self._run = run
        self._checkpoints = checkpoints
        self._found: Mapping[str, Any] = {}
        self._keys: dict[int, str | None] = {}
        self._digests: dict[int, str] = {}
        self._saving: dict[asyncio.Task[None], int] = {}
        self.unsaved: dict[str, BaseException] = {}

    async def load(self) -> None:
        """Ask the store, before anything is started. Raises `StoreFailed`: whoever has a store does not want
        to make everything again without being told."""
        began, expiry = self._run.loop.time(), self._run.expiry
        try:
            async with asyncio.timeout_at(expiry) as limit:
                self._found = await self._checkpoints.store.load(self._checkpoints.run)
        except Exception as error:
            if limit.expired() and expiry is not None:
                raise DeadlineExceeded(expiry - began, self._run.plan.names) from error
            raise StoreFailed(self._checkpoints.run, error) from error

    async def result(self, i: int, make: Callable[[], Awaitable[Any]]) -> Any:
        """The kept result of task `i`, or the one that `make` gives, which is then kept."""
        if self._run.plan.stream[i]:
            await self._until_settled(i)
        found = self.find(i)
        if found is not ABSENT:
            self._run.record.remark(i, FOUND)
            self._run.record.facts[i]["cost_usd"] = 0.0
            if self._run.plan.rates:
                self._run.go_on(self._run.told().refund(i), i)
            return found
        if self._settled(i):
            self._key(i)  # of the inputs as they are now, whatever the call does to them
        value = await make()
        self._save(i, value)
        return value

    def find(self, i: int) -> Any:
        """The kept result of task `i` for its present inputs, or absent."""
        if not self._found or not self._run.plan.tasks[i].keep or not self._settled(i):
            return ABSENT
        key = self._key(i)
        return ABSENT if key is None else self._found.get(key, ABSENT)

    async def _until_settled(self, j: int) -> None:
        """A streaming join that has once been kept waits for all its inputs: they say whether it still is."""
        prefix = _prefix(self._run.plan.names[j])
        if any(key.startswith(prefix) for key in self._found):
            while not self._settled(j):
                await self._run.next_arrival(j)

    def _settled(self, i: int) -> bool:
        return not (self._run.plan.stream[i] and self._run.schedule.unresolved[i])

    # Keys

    def _key(self, i: int) -> str | None:
        """What its result is kept under; None where an input has no digest."""
        if i in self._run.altered:
            return self._make_key(i)
        if i not in self._keys:
            self._keys[i] = self._make_key(i)
        return self._keys[i]

    def _make_key(self, i: int) -> str | None:
        task, inputs = self._run.plan.tasks[i], Inputs(self._run, i)
        given = task.key(inputs) if callable(task.key) else None
        try:
            return _prefix(task.name) + digest([task.key, self._given(i, inputs)] if given is None else given)
        except TypeError as error:
            self._lose(i, error)
            return None

    def _given(self, i: int, inputs: Inputs) -> dict[str, str]:
        """Digests of its inputs by name; what is absent is left out."""
        needs = self._run.plan.tasks[i].needs
        if i in self._run.altered:
            return {name: digest(inputs[name]) for name in needs if name in inputs}
        return {name: self._digest_of(name, inputs[name]) for name in needs if name in inputs}

    def _digest_of(self, name: str, value: Any) -> str:
        """A result that many need is gone through once. (One join may be given a default in its place.)"""
        n = self._run.plan.index[name]
        if value is not self._run.values[n]:
            return digest(value)
        if n not in self._digests:
            self._digests[n] = digest(value)
        return self._digests[n]

    # Saving

    def _save(self, i: int, value: Any) -> None:
        if not self._settled(i):
            self._lose(i, ValueError("it ended before all its inputs had arrived"))
            return
        key = self._key(i)
        if key is not None:
            saving = self._run.loop.create_task(self._save_one(key, value))
            self._saving[saving] = i
            saving.add_done_callback(self._saved)

    async def _save_one(self, key: str, value: Any) -> None:
        await self._checkpoints.store.save(self._checkpoints.run, key, value)

    def _saved(self, saving: asyncio.Task[None]) -> None:
        i = self._saving.pop(saving)
        if saving.cancelled():
            self._lose(i, TimeoutError("the store took too long"))
        elif (error := saving.exception()) is not None:
            self._lose(i, error)

    def _lose(self, i: int, error: BaseException) -> None:
        self.unsaved[self._run.plan.names[i]] = error
        self._run.record.remark(i, f"Not kept: {type(error).__name__}: {error}.")

    async def close(self, *, at_once: bool = False) -> bool:
        """Wait for what is being saved as long as that is allowed, then stop it. True if the caller was
        cancelled meanwhile."""
        patience: float | None = 0.0 if at_once else self._patience()
        interrupted = False
        while self._saving:
            try:
                _, late = await asyncio.wait(self._saving, timeout=patience)
            except asyncio.CancelledError:
                interrupted, late = True, set(self._saving)
            patience = None
            for saving in late:
                saving.cancel()
        return interrupted

    def _patience(self) -> float:
        patience, expiry = self._checkpoints.patience_seconds, self._run.expiry
        return patience if expiry is None else min(patience, max(0.0, expiry - self._run.loop.time()))


def _prefix(name: str) -> str:
    return f"{name}:"
