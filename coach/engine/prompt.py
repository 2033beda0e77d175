"""Prompts as ordered blocks, and what is wrong with an order.

A prefix cache compares prompts from the first token on, so the order of the blocks decides what can be
shared: whatever stands behind a block that changes is new on every call. Units: tokens. Nothing here knows a
provider; the rules that differ between providers come in as `CacheRules` (see `cache.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Protocol

from coach.engine.errors import PromptError

TTL_SECONDS = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "24h": 86400.0}
"""Names of cache lifetimes and their seconds. Source: the providers' pages named in `cache.RULES`."""


class Stability(IntEnum):
    """How often a block's text changes; smaller means more stable, and belongs further to the front."""

    FIXED = 0
    """Never changes between deployments: instructions, tools, examples."""
    SHARED = 1
    """The same for everybody who works on the same thing, e.g. one contract."""
    SESSION = 2
    """The same within one conversation: its history so far."""
    USER = 3
    """One text per user: a name, a profile, a preference."""
    CALL = 4
    """New on every call: a timestamp, the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a prompt. `tokens` >= 0; `fingerprint` stands for the exact text: same fingerprint, same
    text.

    `breakpoint` is None or the name of a lifetime ("5m", "1h"): a cache entry is asked for at the block's
    end. Raises PromptError for an empty name or negative tokens.
    """

    name: str
    tokens: int
    stability: Stability
    fingerprint: str = ""
    breakpoint: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise PromptError("A block needs a name.")
        if self.tokens < 0:
            raise PromptError(f"Block “{self.name}” has {self.tokens} tokens; it cannot have fewer than 0.")


@dataclass(frozen=True, slots=True)
class Prompt:
    """Blocks in the order in which the model reads them. Raises PromptError when two blocks share a name."""

    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        seen: set[str] = set()
        for block in self.blocks:
            if block.name in seen:
                raise PromptError(f"Two blocks are called “{block.name}”.")
            seen.add(block.name)

    @property
    def tokens(self) -> int:
        """All tokens of the prompt."""
        return sum(block.tokens for block in self.blocks)

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """Positions (from 0) of the blocks that end in a breakpoint."""
        return tuple(i for i, block in enumerate(self.blocks) if block.breakpoint is not None)

    def prefix_keys(self) -> tuple[bytes, ...]:
        """One key per block for the prefix that ends with it: equal keys, equal prefixes."""
        return chain_keys([(block.fingerprint or block.name, block.tokens) for block in self.blocks])

    def prefix_tokens(self) -> tuple[int, ...]:
        """Tokens of the prefix that ends with each block."""
        return running_sums([block.tokens for block in self.blocks])


@lru_cache(maxsize=65536)
def _chain_key(previous: bytes, fingerprint: str, tokens: int) -> bytes:
    data = previous + tokens.to_bytes(8, "big") + fingerprint.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16).digest()


def chain_keys(parts: Sequence[tuple[str, int]]) -> tuple[bytes, ...]:
    """Hash-chained keys of the prefixes of (fingerprint, tokens) pairs: 16 bytes each, O(1) per block."""
    keys: list[bytes] = []
    key = b""
    for fingerprint, tokens in parts:
        key = _chain_key(key, fingerprint, tokens)
        keys.append(key)
    return tuple(keys)


def running_sums(tokens: Sequence[int]) -> tuple[int, ...]:
    """Tokens up to and including each block."""
    sums: list[int] = []
    total = 0
    for count in tokens:
        total += count
        sums.append(total)
    return tuple(sums)


class LintRules(Protocol):
    """What the lint needs of a rule set; `cache.CacheRules` has it."""

    @property
    def name(self) -> str:
        """The rule set's name."""

    @property
    def minimum_tokens(self) -> int:
        """Shortest prefix that is cached, tokens."""

    @property
    def max_breakpoints(self) -> int:
        """Most breakpoints that a request may carry."""

    @property
    def lookback(self) -> int:
        """Positions looked at, from a breakpoint to the front."""

    @property
    def automatic(self) -> bool:
        """Whether entries are made without breakpoints."""

    def seconds_of(self, ttl: str, /) -> float | None:
        """Seconds of a lifetime, or None when the rule set does not offer it."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with a layout: a stable code, the block where it is, a sentence, and the block it
    harms.
    """

    code: str
    block: str
    message: str
    harmed: str = ""


def lint(prompt: Prompt, rules: LintRules) -> tuple[Defect, ...]:
    """All defects of a layout, front to back within each check.

    Codes: volatile-before-stable, user-in-shared-prefix, instructions-after-document (orders);
    breakpoint-on-changing-block, no-breakpoint, below-minimum, too-many-breakpoints, unknown-ttl, ttl-order,
    beyond-lookback (breakpoints).
    """
    defects = [*_order_defects(prompt), *_breakpoint_defects(prompt, rules)]
    return tuple(defects)


def order_code(earlier: Stability, later: Stability) -> str | None:
    """The code of the defect when a block of stability `earlier` stands before one of `later`, or None."""
    if later >= earlier or earlier == Stability.FIXED:
        return None
    if earlier == Stability.SHARED:
        return "instructions-after-document"
    if earlier == Stability.USER and later <= Stability.SHARED:
        return "user-in-shared-prefix"
    return "volatile-before-stable"


_ORDER_MESSAGES = {
    "volatile-before-stable": (
        "“{block}” changes more often than “{harmed}” behind it ({tokens} tokens never match)."
    ),
    "user-in-shared-prefix": "“{block}” is one user's, and {tokens} tokens behind it could serve every user.",
    "instructions-after-document": (
        "“{block}” differs between documents; “{harmed}” behind it does not ({tokens} tokens)."
    ),
}


def _order_defects(prompt: Prompt) -> Iterator[Defect]:
    for position, block in enumerate(prompt.blocks):
        later = [b for b in prompt.blocks[position + 1 :] if b.stability < block.stability and b.tokens > 0]
        if not later:
            continue
        harmed = max(later, key=lambda b: b.tokens)
        code = order_code(block.stability, harmed.stability)
        if code is None:
            continue
        tokens = sum(b.tokens for b in later)
        message = _ORDER_MESSAGES[code].format(block=block.name, harmed=harmed.name, tokens=f"{tokens:,}")
        yield Defect(code, block.name, message, harmed.name)


def _breakpoint_defects(prompt: Prompt, rules: LintRules) -> Iterator[Defect]:
    marked = prompt.breakpoints
    if not marked and not rules.automatic:
        yield from _missing_breakpoint(prompt, rules)
    if len(marked) > rules.max_breakpoints:
        extra = prompt.blocks[marked[rules.max_breakpoints]]
        message = f"{len(marked)} breakpoints; {rules.name} allows {rules.max_breakpoints}."
        yield Defect("too-many-breakpoints", extra.name, message)
    yield from _placed_badly(prompt, rules)
    yield from _lifetimes(prompt, rules)
    yield from _lookback(prompt, rules)


def _missing_breakpoint(prompt: Prompt, rules: LintRules) -> Iterator[Defect]:
    cacheable = sum(b.tokens for b in prompt.blocks if b.stability < Stability.CALL)
    if cacheable >= rules.minimum_tokens:
        where = prompt.blocks[-1].name if prompt.blocks else ""
        message = f"No breakpoint: {rules.name} stores nothing, though {cacheable:,} tokens could be shared."
        yield Defect("no-breakpoint", where, message)


def changing_blocks(prompt: Prompt) -> tuple[str, ...]:
    """Names of the blocks whose prefix is new on every call: the first CALL block and all behind it."""
    first = next(
        (i for i, b in enumerate(prompt.blocks) if b.stability == Stability.CALL), len(prompt.blocks)
    )
    return tuple(block.name for block in prompt.blocks[first:])


def _placed_badly(prompt: Prompt, rules: LintRules) -> Iterator[Defect]:
    changing = set(changing_blocks(prompt))
    sums = prompt.prefix_tokens()
    for position in prompt.breakpoints:
        block = prompt.blocks[position]
        if block.name in changing:
            message = (
                f"The prefix that ends with “{block.name}” is new on every call: it is written, never read."
            )
            yield Defect("breakpoint-on-changing-block", block.name, message)
        if sums[position] < rules.minimum_tokens:
            message = (
                f"The prefix that ends with “{block.name}” has {sums[position]:,} tokens; "
                f"{rules.name} caches nothing under {rules.minimum_tokens:,} and does not say so."
            )
            yield Defect("below-minimum", block.name, message)


def _lifetimes(prompt: Prompt, rules: LintRules) -> Iterator[Defect]:
    known: list[tuple[Block, float]] = []
    for position in prompt.breakpoints:
        block = prompt.blocks[position]
        seconds = rules.seconds_of(block.breakpoint or "")
        if seconds is None:
            yield Defect("unknown-ttl", block.name, f"{rules.name} has no lifetime “{block.breakpoint}”.")
        else:
            known.append((block, seconds))
    for (earlier, short), (later, long) in pairwise(known):
        if long > short:
            message = f"“{later.name}” asks for a longer lifetime than “{earlier.name}” before it."
            yield Defect("ttl-order", later.name, message, earlier.name)


def _lookback(prompt: Prompt, rules: LintRules) -> Iterator[Defect]:
    for earlier, later in pairwise(prompt.breakpoints):
        if later - earlier >= rules.lookback > 1:
            block = prompt.blocks[later]
            message = (
                f"{later - earlier} blocks lie between the breakpoints at “{prompt.blocks[earlier].name}” "
                f"and “{block.name}”; {rules.name} looks back {rules.lookback}."
            )
            yield Defect("beyond-lookback", block.name, message, prompt.blocks[earlier].name)


CHARACTERS_PER_TOKEN = 3.3
"""For English under the tokenizers of 2026, which vary from 2.5 to 3.6 (measured by their users; no offline
tokenizer exists). Whatever rests on it is an estimate and is to be shown as one."""


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; 0 only for an empty one."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)
