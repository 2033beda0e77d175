"""The Messages API through the `anthropic` SDK, of which this is the only importer.

The SDK takes over a second to load and is loaded with the first call, in a thread. It retries nothing,
follows no redirect and reads nothing of the environment: attempts, deadlines and addresses are ours.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from coach.engine.inputs import remaining
from coach.engine.ports import Clock
from coach.providers.addresses import AddressRefused
from coach.providers.asking import Asked, ask
from coach.providers.attempts import SAID, Attempts, Pieces
from coach.providers.booking import Booked
from coach.providers.breaker import Breaker, Monotonic
from coach.providers.catalogue import Model, Tier
from coach.providers.exchange import Exchange, new_exchange
from coach.providers.faults import FIRST_PAUSE_SECONDS, Failed, Fault, judge
from coach.providers.following import Followers
from coach.providers.forecast import Forecast
from coach.providers.installation import Installation
from coach.providers.port import Call, Ended, ProviderError, Purse
from coach.providers.reading import Patience
from coach.providers.structured import read_data

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

NO_KEY = "none"
"""What a server of one's own gets for a key; it looks at none."""
REST_SECONDS = 0.2
"""So long the end of a response is awaited, so that its connection can be used again."""
_CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"


def _load() -> None:
    """Loads the SDK and keeps it quiet: ANTHROPIC_LOG turns on lines that hold whole prompts."""
    import anthropic  # noqa: F401

    for name in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


class Clients:
    """One client for each event loop: a connection belongs to the loop that opened it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncAnthropic] = WeakKeyDictionary()

    async def get(self) -> AsyncAnthropic:
        """This loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._held:
            await asyncio.to_thread(_load)
        if loop not in self._held:
            self._held[loop] = self._new()
        return self._held[loop]

    def _new(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        from coach.providers.connecting import LIMITS, TIMEOUT, PinnedTransport

        it = self.installation
        transport = PinnedTransport(it.base, allow_local=it.allow_local)
        with _hidden(_CUSTOM_HEADERS):
            return AsyncAnthropic(
                api_key=it.key or NO_KEY,
                base_url=it.base.url,
                webhook_key="",
                max_retries=0,
                timeout=TIMEOUT,
                open_telemetry=False,
                http_client=DefaultAsyncHttpxClient(
                    follow_redirects=False, trust_env=False, limits=LIMITS, transport=transport
                ),
            )

    async def close(self) -> None:
        """Closes this loop's connections."""
        client = self._held.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Without a variable that the SDK reads whatever it is given."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


class Claude:
    """A provider for one installation; one is enough for a process, whatever its event loops."""

    def __init__(
        self,
        installation: Installation,
        *,
        clock: Clock | None = None,
        breaker: Breaker | None = None,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self.installation = installation
        self.name = installation.server.kind
        self.caches = installation.server.cache_control
        self._clients = Clients(installation)
        self._forecast = Forecast(clock or Monotonic())
        self._followers = Followers()
        breaker = breaker or Breaker(clock or Monotonic())
        self._attempts = Attempts(
            breaker, most=installation.attempts, first_pause_seconds=first_pause_seconds
        )

    def model(self, tier: Tier) -> Model:
        """The installation's model of a tier."""
        return self.installation.model(tier)

    async def stream(self, call: Call, purse: Purse) -> Pieces:
        """Pieces of text, then the `Ended`; a call with a schema gives its data with the `Ended` only.

        Raises ProviderError, OverLimit, and PromptError for a prompt that no server would take.
        """
        model = self.model(call.tier)
        asked = await self._asked(call, model)
        if asked.warming and not self.installation.server.cache_control:
            yield Ended(stop="done")
            return
        until = asyncio.get_running_loop().time() + min(call.total_seconds, _left())

        def once(number: int) -> Pieces:
            return self._once(new_exchange(call, asked, model, number, self._forecast), purse, until)

        async with aclosing(self._attempts.make(once, until)) as pieces:
            async for piece in pieces:
                yield piece

    async def prepare(self) -> None:
        """Loads the SDK and makes this event loop's client, so that no call waits for that."""
        await self._clients.get()

    async def close(self) -> None:
        """Closes the connections of this event loop; the next call opens new ones."""
        await self._clients.close()

    async def _asked(self, call: Call, model: Model) -> Asked:
        schema = None
        if call.schema is not None:
            await self._clients.get()
            from anthropic import transform_schema

            schema = transform_schema(call.schema)
        asked = ask(call, model, self.installation.server, schema)
        # Not even the fewest tokens that such a text can have would fit.
        if sum(asked.shape.sizes) / 4 + call.max_output_tokens > model.context_tokens:
            raise ProviderError("too_long", SAID["too_long"])
        return asked

    async def _once(self, exchange: Exchange, purse: Purse, until: float) -> Pieces:
        """One request: pieces, then the end. Raises Failed."""
        client = await self._clients.get()
        await exchange.recall(purse)
        exchange.waited = await self._followers.wait(exchange, until)
        if exchange.number == 1 and exchange.cold:
            exchange.call.tell("cold")
        with self._followers.writing(exchange):
            async with Booked(purse, exchange.attempt, exchange.settled) as booked:
                with _judged(exchange):
                    if exchange.asked.warming:
                        await self._warm(client, exchange, until)
                    else:
                        async with aclosing(self._answer(client, exchange, until)) as pieces:
                            async for piece in pieces:
                                yield piece
                        exchange.stop = exchange.reading.stop
                booked.outcome = exchange.stop
        yield _ended(exchange)

    async def _answer(
        self, client: AsyncAnthropic, exchange: Exchange, until: float
    ) -> AsyncGenerator[str, None]:
        reading, patience = exchange.reading, Patience(exchange.call, until)
        exchange.leave()
        async with patience.hold():
            stream = await client.messages.create(**self._body(exchange), stream=True)
            async with stream:
                exchange.request_id = stream.response.headers.get("request-id", "")
                async with aclosing(patience.through(stream, reading)) as pieces:
                    async for piece in pieces:
                        if exchange.call.schema is None:
                            yield piece
                await _rest(stream)

    async def _warm(self, client: AsyncAnthropic, exchange: Exchange, until: float) -> None:
        exchange.leave()
        async with Patience(exchange.call, until).hold():
            message = await client.messages.create(**self._body(exchange))
        exchange.reading.take_message(message)
        exchange.reading.stop_reason = message.stop_reason

    def _body(self, exchange: Exchange) -> dict[str, Any]:
        body = dict(exchange.asked.body)
        if self.installation.server.diagnostics and exchange.expected is not None:
            body["diagnostics"] = {"previous_message_id": exchange.expected.source or None}
        return body


async def _rest(stream: Any) -> None:
    """To the end of a response whose last event was there: whatever goes wrong now, the answer is whole."""
    with suppress(Exception):
        async with asyncio.timeout(REST_SECONDS):
            async for _ in stream:
                pass


def _ended(exchange: Exchange) -> Ended:
    """The last item of a stream that ended as an answer does."""
    schema = exchange.call.schema
    if schema is None or exchange.stop != "done":
        return Ended(stop=exchange.stop)
    return Ended(stop=exchange.stop, data=read_data(schema, "".join(exchange.reading.text)))


def _left() -> float:
    """Seconds left to the run that this call is part of."""
    left = remaining()
    return float("inf") if left is None else left


@contextmanager
def _judged(exchange: Exchange) -> Iterator[None]:
    """Whatever goes wrong with a request comes out as Failed, and its own words stay here."""
    try:
        yield
    except Exception as error:
        failed = error if isinstance(error, Failed) else _failed(error)
        exchange.free = not failed.fault.billed
        exchange.request_id = exchange.request_id or failed.request_id
        raise failed from None


def _failed(error: Exception) -> Failed:
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        headers = error.response.headers
        fault = judge(
            error.status_code,
            kind=error.type or "",
            code=error.error_code or "",
            message=error.api_message or "",
            retry_after=headers.get("retry-after", ""),
        )
        return Failed(fault, error.request_id or "")
    if isinstance(error, anthropic.APIConnectionError):
        return Failed(_unconnected(error.__cause__))
    # Raw errors of the connection, an event that is no JSON, a shape that nobody foresaw.
    detail = type(error).__name__
    return Failed(Fault(reason="interrupted", again=True, outage=True, billed=True, detail=detail))


def _unconnected(cause: BaseException | None) -> Fault:
    import httpx2

    detail = type(cause).__name__
    if isinstance(cause, AddressRefused):
        return Fault(reason="rejected", detail=str(cause))
    if isinstance(cause, httpx2.PoolTimeout):
        return Fault(reason="busy", again=True, detail=detail)
    if isinstance(cause, httpx2.ReadTimeout):
        return Fault(reason="stalled", outage=True, billed=True, detail=detail)
    never_arrived = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
    return Fault(reason="unreachable", again=True, outage=True, billed=not never_arrived, detail=detail)
