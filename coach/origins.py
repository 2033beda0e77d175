"""Whether a socket comes from our own pages: scheme, host and port, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

_PORTS = {"http": 80, "https": 443}


def is_own_origin(origin: str | None, *, host: str, secure: bool) -> bool:
    """`host` is the Host header. Without configured origins the page must come from that host and port."""
    if not origin:
        return False
    if settings.ALLOWED_ORIGINS:
        return origin in settings.ALLOWED_ORIGINS
    own = f"{'https' if secure else 'http'}://{host}"
    return _normal(origin) is not None and _normal(origin) == _normal(own)


def _normal(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _PORTS or not parts.hostname or not bare:
        return None
    return (parts.scheme, parts.hostname, port or _PORTS[parts.scheme])


def headers_of(scope: Mapping[str, object]) -> dict[str, str]:
    """The last value of each header, lower-case names; a header sent twice is a refusal waiting to happen."""
    headers = scope.get("headers", [])
    assert isinstance(headers, list | tuple)  # noqa: S101 - by the ASGI specification
    return {name.decode("latin1").lower(): value.decode("latin1") for name, value in headers}
