"""What the API answers instead of a message: a status and an error in its own JSON shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):  # noqa: N818
    """A request that is answered with an error. `kind` is the API's `error.type`."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message
        self.headers, self.details = dict(headers or {}), details

    def body(self, request_id: str) -> dict[str, Any]:
        """The answer's JSON."""
        return error_body(self.kind, self.message, request_id, self.details)


def error_body(
    kind: str, message: str, request_id: str, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The shape that errors have in answers and in streams."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if details is not None:
        error["details"] = dict(details)
    return {"type": "error", "error": error, "request_id": request_id}


def invalid(message: str) -> Refused:
    """400, the caller's fault."""
    return Refused(400, "invalid_request_error", message)
