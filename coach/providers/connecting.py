"""Connections to the one host of the base URL: resolved, checked and pinned to what was checked.

Loaded with the first call only, as the SDK is.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address

import httpx2

from coach.providers.addresses import AddressRefused, Base, IPAddress, as_address, check_addresses

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 20.0
POOL_SECONDS = 5.0
READ_SECONDS = 120.0
"""The provider's own deadlines come long before; this one is for a connection that nobody waits for."""
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=64, keepalive_expiry=30.0)
"""An open reply holds a connection; who waited for one in vain would hear the built-in coach. How many may be
open is the ledger's to say."""

TIMEOUT = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=POOL_SECONDS)
RESOLVED_FOR_SECONDS = 60.0
MOST_ADDRESSES = 3
LARGEST_RESPONSE = 32 * 2**20
"""Bytes: more than the longest answer takes as events, and less than a process has."""


class PinnedTransport(httpx2.AsyncHTTPTransport):
    """Speaks to the host of `base` and to no other, at addresses that were checked; takes no proxy.

    Certificates are those of the host's name; SSL_CERT_FILE names other authorities.
    """

    def __init__(self, base: Base, *, allow_local: bool) -> None:
        super().__init__(limits=LIMITS)
        self._base, self._allow_local = base, allow_local
        self._found: tuple[float, tuple[IPAddress, ...]] = (0.0, ())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, from the first address that takes a connection. Raises AddressRefused."""
        if (request.url.scheme, request.url.host) != (self._base.scheme, self._base.host.strip("[]")):
            raise AddressRefused("it is not the host of the base URL")
        addresses = await self._addresses()
        for address in addresses[:-1]:
            try:
                return await self._dial(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._dial(request, addresses[-1])

    async def _dial(self, request: httpx2.Request, address: IPAddress) -> httpx2.Response:
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": self._base.host},
        )
        response = await super().handle_async_request(pinned)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)
        return response

    async def _addresses(self) -> tuple[IPAddress, ...]:
        resolved_at, addresses = self._found
        if not addresses or time.monotonic() - resolved_at > RESOLVED_FOR_SECONDS:
            addresses = await resolve(self._base, allow_local=self._allow_local)
            self._found = time.monotonic(), addresses
        return addresses


async def resolve(base: Base, *, allow_local: bool) -> tuple[IPAddress, ...]:
    """The addresses of a host, every one checked. Raises AddressRefused, or ConnectError without any."""
    address = as_address(base.host)
    if address is not None:
        return check_addresses([address], base.scheme, allow_local=allow_local)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(base.host, base.port, type=socket.SOCK_STREAM)
    except OSError:
        raise httpx2.ConnectError("its name has no address") from None
    addresses = [ip_address(str(where[0])) for *_, where in found]
    return check_addresses(addresses, base.scheme, allow_local=allow_local)[:MOST_ADDRESSES]


class _Bounded(httpx2.AsyncByteStream):
    """A response that ends with an error where it would not end at all."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = LARGEST_RESPONSE
        async for chunk in self._stream:
            room -= len(chunk)
            if room < 0:
                raise httpx2.ReadError("the response does not end")
            yield chunk

    async def aclose(self) -> None:
        """Lets go of the connection."""
        await self._stream.aclose()
