"""The faults of a provider by name, and who gets which."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from coach.rehearsal.refusals import Refused

_BUSY = "This request would exceed your rate limit (rehearsed)."
_STATUS: Mapping[str, tuple[int, str, str]] = MappingProxyType(
    {
        "rate_limited": (429, "rate_limit_error", _BUSY),
        "rate_limited_no_header": (429, "rate_limit_error", _BUSY),
        "rate_limited_hour": (429, "rate_limit_error", _BUSY),
        "spend_limit": (429, "rate_limit_error", "You have reached your monthly spend cap (rehearsed)."),
        "own_spend_limit": (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits (rehearsed).",
        ),
        "unauthorized": (401, "authentication_error", "invalid x-api-key (rehearsed)"),
        "server_error": (500, "api_error", "Internal server error (rehearsed)"),
        "overloaded": (529, "overloaded_error", "Overloaded (rehearsed)"),
        "redirect": (307, "api_error", "Moved (rehearsed)"),
    }
)
STOPS: Mapping[str, str] = MappingProxyType(
    {
        "refusal": "refusal",
        "max_tokens": "max_tokens",
        "context_exceeded": "model_context_window_exceeded",
        "pause_turn": "pause_turn",
        "unknown_stop": "weird_new_reason",
        "empty": "end_turn",
    }
)
"""Faults that are a reason to stop, and the reason."""

BEFORE = (*_STATUS, "connect_reset", "no_headers")
"""Faults in place of an answer."""
WITHIN = (
    *STOPS, "error_event", "clean_eof", "cut_chunk", "reset", "stall", "pings_only", "one_byte", "bad_json",
    "unknown_event", "duplicate_stop", "huge_delta",
)  # fmt: skip
"""Faults of an answer that has begun."""
NAMES = (*BEFORE, *WITHIN)

HEADER = "x-rehearsal-fault"
NO_FAULT = "none"
_GRAMMAR = re.compile(r"([a-z_]+)(?:@(\d+))?(?:=(\d+(?:\.\d+)?))?")
_MARKER = re.compile(r"rehearsal:([a-z_]+(?:@\d+)?(?:=\d+(?:\.\d+)?)?)")
_AFTER = 3
HUGE_MEGABYTES = 2.0
ELSEWHERE = "/rehearsal/elsewhere"
"""Where a redirect leads, under another name of this host: who follows it posts the prompt to a stranger."""
FOLLOWED = "redirect followed"


@dataclass(frozen=True, slots=True)
class Fault:
    """Written `name[@after][=amount]`: `reset@5`, `rate_limited=30`, `stall@2=10`.

    `after`: how many deltas of text come first. `amount`: seconds (of Retry-After, or until a stall or pings
    end; without it they never do), or megabytes of a huge delta.
    """

    name: str
    after: int = _AFTER
    amount: float | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.after}" + ("" if self.amount is None else f"={self.amount:g}")

    @property
    def before(self) -> bool:
        """Whether it comes in place of an answer."""
        return self.name in BEFORE

    def refused(self, port: int) -> Refused | None:
        """The answer with an error that this fault is, if it is one, from a server on that port."""
        if self.name not in _STATUS:
            return None
        status, kind, message = _STATUS[self.name]
        return Refused(status, kind, message, headers=self._headers(port), details=self._details())

    def _headers(self, port: int) -> dict[str, str]:
        if self.name == "redirect":
            return {"location": f"http://localhost:{port}{ELSEWHERE}"}
        seconds = {"rate_limited": 1.0, "rate_limited_hour": 3600.0}.get(self.name)
        return {} if seconds is None else {"retry-after": f"{self.amount or seconds:g}"}

    def _details(self) -> dict[str, Any] | None:
        return {"error_code": "enforced_spend_limit_reached"} if self.name == "spend_limit" else None


def fault_of(text: str) -> Fault | None:
    """`none` is no fault. Raises ValueError naming the known ones."""
    found = _GRAMMAR.fullmatch(text.strip())
    name = found[1] if found else text
    if name == NO_FAULT:
        return None
    if found is None or name not in NAMES:
        raise ValueError(f"No fault “{text}”; known: {', '.join(NAMES)}.")
    after = 0 if name == "empty" else int(found[2] or _AFTER)
    return Fault(name, after, None if found[3] is None else float(found[3]))


class FaultPlan:
    """Who gets a fault: the request that asks for one, then the next in the queue, then one by chance.

    `share`: how many requests in one get a fault of `kinds`, drawn with `seed`.
    """

    def __init__(self, kinds: Iterable[str] = (), *, share: float = 0.0, seed: int = 0) -> None:
        self.kinds = [fault_of(kind) for kind in kinds]
        self.share = share
        self.waiting: deque[Fault | None] = deque()
        self._random = random.Random(seed)

    def add(self, *faults: str) -> None:
        """For the next requests, one each; `none` lets one through. Raises ValueError."""
        self.waiting.extend([fault_of(fault) for fault in faults])

    def next(self, headers: Mapping[str, str], user_id: str) -> Fault | None:
        """This request's fault. Raises ValueError for one that nobody knows."""
        if HEADER in headers:
            return fault_of(headers[HEADER])
        if marked := _MARKER.search(user_id):
            return fault_of(marked[1])
        if self.waiting:
            return self.waiting.popleft()
        drawn = self._random.random() < self.share
        return self._random.choice(self.kinds) if drawn and self.kinds else None
