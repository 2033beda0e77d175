"""Why a request gave no whole answer, and whether another one makes sense.

Judged by what the body of an error says it is: an error inside an open stream has status 200, and a gateway's
status says little. Nothing of an error's own words leaves this module, for they may repeat a prompt.
"""

from __future__ import annotations

import math
import random
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from coach.providers.port import Reason

LONGEST_WAIT_SECONDS = 20.0
"""A server that wants to be left alone longer is: the learner gets the built-in coach."""

FIRST_PAUSE_SECONDS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`again`: another request may do better. `outage`: the service was down or did not answer. `billed`: it
    may have worked on the request all the same. `wait_seconds`: what it asked for. `detail`: for the log.
    """

    reason: Reason
    again: bool = False
    outage: bool = False
    billed: bool = False
    wait_seconds: float | None = None
    detail: str = ""


class Failed(Exception):  # noqa: N818
    """One request came to nothing. `request_id`: the service's own name for it, where it gave one."""

    def __init__(self, fault: Fault, request_id: str = "") -> None:
        super().__init__(fault.reason)
        self.fault = fault
        self.request_id = request_id


_BUSY = Fault(reason="busy", again=True)
_DOWN = Fault(reason="overloaded", again=True, outage=True)
_REJECTED = Fault(reason="rejected")
_SPEND = Fault(reason="spend")
_TOO_LONG = Fault(reason="too_long")

_BY_KIND = {
    "rate_limit_error": _BUSY,
    "overloaded_error": _DOWN,
    "api_error": _DOWN,
    "timeout_error": _DOWN,
    "billing_error": _SPEND,
    "request_too_large": _TOO_LONG,
    "invalid_request_error": _REJECTED,
    "authentication_error": _REJECTED,
    "permission_error": _REJECTED,
    "not_found_error": _REJECTED,
}
# No code says these two: the API's own words are all there is.
_SPENT = re.compile(r"usage limit|spend(?:ing)? (?:limit|cap)|credit balance", re.IGNORECASE)
_LENGTH = re.compile(
    r"too long|exceed\w*\b.{0,24}\b(?:context|maximum)|context (?:limit|length|window)", re.IGNORECASE
)
_PLAIN = re.compile(r"[a-z_]{1,48}")


def judge(status: int, *, kind: str = "", code: str = "", message: str = "", retry_after: str = "") -> Fault:
    """What an error of the API means: HTTP status, its `error.type`, its code, its words, its Retry-After."""
    fault = _BY_KIND.get(kind) or _by_status(status)
    if 300 <= status < 400:
        fault = _REJECTED
    elif status == 413 or (fault.reason == "rejected" and _LENGTH.search(message)):
        fault = _TOO_LONG
    elif code.endswith("spend_limit_reached") or (
        fault.reason in {"busy", "rejected"} and _SPENT.search(message)
    ):
        fault = _SPEND
    named = ", ".join(each for each in (str(status), kind, code) if each and _plain(each))
    return Fault(
        reason=fault.reason,
        again=fault.again,
        outage=fault.outage,
        wait_seconds=wait_of(retry_after) if fault.again else None,
        detail=named,
    )


def _by_status(status: int) -> Fault:
    if status == 429:
        return _BUSY
    return _DOWN if status >= 500 or status in {200, 408} else _REJECTED


def _plain(text: str) -> bool:
    return text.isdecimal() or _PLAIN.fullmatch(text) is not None


def wait_of(retry_after: str) -> float | None:
    """Seconds of a Retry-After, which may be a number or a date; None for anything else."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return _until(retry_after)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - time.time())


def pause(
    fault: Fault, number: int, rng: random.Random, *, first_seconds: float = FIRST_PAUSE_SECONDS
) -> float | None:
    """Seconds before attempt `number` + 1, None where there should be none: what was asked for, or about
    `first_seconds`, doubled each time. Jittered, so that callers who failed together do not return together.
    """
    if not fault.again:
        return None
    if fault.wait_seconds is None:
        return float(first_seconds * 2 ** (number - 1) * (0.5 + rng.random()))
    if fault.wait_seconds > LONGEST_WAIT_SECONDS:
        return None
    return float(fault.wait_seconds * (1 + 0.1 * rng.random()))
