"""Where a model may be asked: a base URL is a setting, checked when it is read and again when it is dialled.

Public addresses over https; loopback and private ones only where the installation allows it in so many words;
link-local addresses and the clouds' metadata services never.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import SplitResult, urlsplit

IPAddress = IPv4Address | IPv6Address
Reach = Literal["public", "local", "never"]

_LOCAL = tuple(
    ip_network(block)
    for block in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # carrier-grade NAT, and the networks people build of their own machines
        "::1/128",
        "fc00::/7",
    )
)
_METADATA = frozenset(
    ip_address(address)
    for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_NAT64 = ip_network("64:ff9b::/96")
# All that IANA has given out to be routed. Site-local addresses and several that carry an IPv4 one inside lie
# outside of it, and Python's `is_global` calls them public.
_GIVEN_OUT = ip_network("2000::/3")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class AddressRefused(ValueError):  # noqa: N818 - said of an address, as people say it
    """An address that no prompt may be sent to; the text says why."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base URL that was read and found well formed. `url` has no slash at its end."""

    url: str
    scheme: str
    host: str
    port: int


def read_base(text: str, *, allow_local: bool) -> Base:
    """The base URL of a setting. Raises AddressRefused in words for whoever set it."""
    if re.search(r"[^\x21-\x7e]|\\", text):
        raise AddressRefused("it holds a space, a backslash or a character outside ASCII")
    if re.search(r"[?#]", text):
        raise AddressRefused("it holds a query or a fragment")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressRefused("it is no URL") from None
    _check_shape(parts, allow_local=allow_local)
    host = _host(parts)
    _check_host(host, parts.scheme, allow_local=allow_local)
    return Base(text.rstrip("/"), parts.scheme, host, port or {"https": 443, "http": 80}[parts.scheme])


def _check_shape(parts: SplitResult, *, allow_local: bool) -> None:
    if parts.scheme not in {"https", "http"}:
        raise AddressRefused("it must begin with https://")
    if parts.scheme == "http" and not allow_local:
        raise AddressRefused("plain http is for a local model only: set ALLOW_LOCAL_MODEL=1 if this is one")
    if "@" in parts.netloc:
        raise AddressRefused("it holds a user name or a password; the key has a setting of its own")
    if parts.path.rstrip("/").endswith("/v1"):
        raise AddressRefused("leave out /v1 at its end; it is added to each request")


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if not host:
        raise AddressRefused("it names no host")
    return host


def _check_host(host: str, scheme: str, *, allow_local: bool) -> None:
    address = as_address(host)
    if address is not None:
        check_addresses([address], scheme, allow_local=allow_local)
        return
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise AddressRefused("its host is neither a plain name nor an address")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
        raise AddressRefused("write the address as four decimal numbers, or as a name")
    if (host == "localhost" or host.endswith(".localhost")) and not allow_local:
        raise AddressRefused("it is this machine: set ALLOW_LOCAL_MODEL=1 if that is meant")


def as_address(host: str) -> IPAddress | None:
    """The address that a host is written as, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def check_addresses(
    addresses: Iterable[IPAddress], scheme: str, *, allow_local: bool
) -> tuple[IPAddress, ...]:
    """The addresses of one host, each once, if every one of them may be dialled. Raises AddressRefused."""
    found = tuple(dict.fromkeys(addresses))
    if not found:
        raise AddressRefused("its host has no address")
    reaches = {reach_of(address) for address in found}
    if "never" in reaches:
        raise AddressRefused("it leads to a link-local, reserved or metadata address")
    if "local" in reaches and not allow_local:
        raise AddressRefused("it leads to a private address: set ALLOW_LOCAL_MODEL=1 if that is meant")
    if "public" in reaches and scheme == "http":
        raise AddressRefused("plain http is for a local address only, and this one is public")
    return found


def reach_of(address: IPAddress) -> Reach:
    """Who can be behind an address. One that carries another inside is judged by that one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return reach_of(address.ipv4_mapped)
        if address in _NAT64:
            return "public" if reach_of(IPv4Address(int(address) & 0xFFFFFFFF)) == "public" else "never"
        if address.sixtofour is not None or address.teredo is not None:
            return "never"
    if address in _METADATA:
        return "never"
    if any(address.version == block.version and address in block for block in _LOCAL):
        return "local"
    routed = address.version == 4 or address in _GIVEN_OUT
    return "public" if routed and address.is_global and not address.is_multicast else "never"
