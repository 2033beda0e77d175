"""Where prompts go, at the moment they leave: to the host of the base URL, at an address that was checked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coach.providers import connecting
from coach.providers.addresses import AddressRefused, Base, read_base
from coach.providers.claude import Claude
from coach.providers.connecting import PinnedTransport, resolve
from coach.providers.installation import Installation
from coach.rehearsal.server import Rehearsal
from tests.coach.providers.asking import KEY, Wallet, hear, installation, provider, question


def at(base: Base, *, allow_local: bool) -> Claude:
    """A provider of a base URL that no setting would let through: the last check is the connection's own."""
    plain = installation("http://127.0.0.1:1")
    fields = {name: getattr(plain, name) for name in Installation.__slots__}
    return Claude(
        Installation(**{**fields, "base": base, "allow_local": allow_local}), first_pause_seconds=0.01
    )


async def test_connection_a_name_that_leads_to_this_machine_is_refused(server, wallet):
    base = Base(f"https://localhost:{server.port}", "https", "localhost", server.port)
    told = await hear(at(base, allow_local=False), question(), wallet)
    assert (told.reason, server.log) == ("rejected", [])
    assert wallet.settled[0].usage.cost_usd == 0


async def test_connection_a_private_address_is_refused(wallet):
    base = Base("https://10.255.255.1", "https", "10.255.255.1", 443)
    told = await hear(at(base, allow_local=False), question(first_seconds=2.0), wallet)
    assert told.reason == "rejected"


async def test_connection_metadata_is_refused_even_where_local_is_allowed(wallet):
    base = Base("http://169.254.169.254", "http", "169.254.169.254", 80)
    told = await hear(at(base, allow_local=True), question(first_seconds=2.0), wallet)
    assert told.reason == "rejected"


async def test_connection_a_local_name_is_dialled_where_that_is_allowed(server, wallet):
    told = await hear(provider(f"http://localhost:{server.port}"), question(), wallet)
    assert told.end.stop == "done"


async def test_connection_a_name_without_an_address_is_unreachable(wallet):
    base = Base("https://nobody.invalid", "https", "nobody.invalid", 443)
    told = await hear(at(base, allow_local=False), question(first_seconds=10.0), wallet)
    assert told.reason in {"unreachable", "stalled"}


async def test_connection_goes_to_no_other_host():
    transport = PinnedTransport(read_base("https://api.anthropic.com", allow_local=False), allow_local=False)
    for url in ("https://other.example/v1/messages", "http://api.anthropic.com/v1/messages"):
        with pytest.raises(AddressRefused):
            await transport.handle_async_request(httpx2.Request("POST", url))
    await transport.aclose()


async def test_resolve_gives_each_address_of_this_machine_once():
    found = await resolve(Base("http://localhost:1", "http", "localhost", 1), allow_local=True)
    assert len(set(found)) == len(found) > 0


@asynccontextmanager
async def answering(
    reply: bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers every request with these bytes: its port, and the heads of what it got."""
    got: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        got.append(head)
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_connection_a_redirect_is_not_followed(server, wallet, status: int):
    there = f"{server.url}/v1/messages"
    reply = f"HTTP/1.1 {status} Moved\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n".encode()
    async with answering(reply) as (port, got):
        told = await hear(provider(f"http://127.0.0.1:{port}"), question(), wallet)
    assert (told.reason, len(got), server.log) == ("rejected", 1, [])


async def test_connection_a_gateways_page_is_judged_by_its_status(wallet):
    page = b"<html>" + KEY.encode() + b"</html>"
    reply = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: %d\r\n\r\n" % len(page) + page
    async with answering(reply) as (port, got):
        told = await hear(provider(f"http://127.0.0.1:{port}", attempts=1), question(), wallet)
    assert (told.reason, len(got)) == ("overloaded", 1)
    assert KEY not in str(told.error)


async def test_connection_an_endless_response_ends(wallet, monkeypatch):
    monkeypatch.setattr(connecting, "LARGEST_RESPONSE", 1000)
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"event: ping\n" * 1000
    async with answering(reply) as (port, _):
        told = await hear(provider(f"http://127.0.0.1:{port}", attempts=1), question(), wallet)
    assert told.reason == "interrupted"


async def test_connection_reads_nothing_of_the_environment(wallet, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "somebody")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-rehearsal-fault: refusal\nAuthorization: Bearer stolen")
    async with Rehearsal(scale=200, keys=[KEY]) as server:
        claude = provider(server.url)
        told = await hear(claude, question(), wallet)
        await claude.close()
    assert told.end.stop == "done"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context for a name, and the file with the authority that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem


BUSY = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "reason"), [("localhost", "rejected"), ("elsewhere.example", "unreachable")]
)
async def test_connection_pinned_to_an_address_still_wants_the_certificate_of_the_name(
    tmp_path, monkeypatch, name: str, reason: str
):
    context, pem = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with answering(BUSY, context) as (port, got):
        claude = provider(f"https://localhost:{port}", attempts=1)
        told = await hear(claude, question(), Wallet())
        await claude.close()
    assert told.reason == reason
    assert [f"host: localhost:{port}".encode() in head.lower() for head in got] == ([True] if got else [])
    assert bool(got) is (reason == "rejected")


async def test_connection_wants_a_certificate_that_somebody_vouches_for(tmp_path):
    context, _ = certificate(tmp_path, "localhost")
    async with answering(BUSY, context) as (port, got):
        told = await hear(provider(f"https://localhost:{port}", attempts=1), question(), Wallet())
    assert (told.reason, got) == ("unreachable", [])


def events(*found: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in found)


WHOLE = events(
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Whole."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
)


async def test_connection_that_breaks_after_the_last_event_has_brought_a_whole_answer(wallet):
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n" + WHOLE
    async with answering(reply) as (port, got):
        told = await hear(provider(f"http://127.0.0.1:{port}"), question(), wallet)
    assert (told.text, told.end.stop, len(got)) == ("Whole.", "done", 1)
    assert (told.end.usage.tokens_fresh, told.end.usage.tokens_output) == (9, 4)


async def test_connection_events_without_content_are_no_progress(wallet):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(events({"type": "message_start", "message": {"id": "msg_1"}}))
        while not writer.is_closing():
            writer.write(events({"type": "glow"}, {"type": "content_block_delta", "delta": {"type": "glow"}}))
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    claude = provider(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with asyncio.timeout(5):
        told = await hear(claude, question(first_seconds=0.3), wallet)
    server.close()
    assert told.reason == "stalled"


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"type": null}',
        b'{"type": "message_start"}',
        b'{"type": "message_start", "message": {"usage": {"input_tokens": -5, "output_tokens": "many"}}}',
        b'{"type": "message_start", "message": {"usage": {"input_tokens": 1e99}}}',
        b'{"type": "content_block_delta", "delta": {"type": "text_delta", "text": 7}}',
        b'{"type": "content_block_delta"}',
        b'{"type": "message_delta", "delta": null, "usage": null}',
    ],
)
async def test_connection_events_of_a_shape_that_nobody_foresaw_break_nothing(wallet, data: bytes):
    odd = b"event: message_start\ndata: " + data + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with answering(head + odd + WHOLE) as (port, _):
        told = await hear(provider(f"http://127.0.0.1:{port}", attempts=1), question(), wallet)
    assert (told.text == "Whole." and told.end.stop == "done") or told.reason == "interrupted"
    assert wallet.balanced()
    assert wallet.settled[0].usage.tokens_fresh >= 0
