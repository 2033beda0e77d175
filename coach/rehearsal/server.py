"""The rehearsal server on the loopback: who may ask for what, and where a test gets hold of it.

    async with Rehearsal(scale=100) as server:
        server.say("Look at the critical path.")
        server.fail("overloaded", "none", "reset@3")
        client = AsyncAnthropic(base_url=server.url, api_key="any")

In another process the same goes over HTTP: POST /rehearsal/faults, POST /rehearsal/texts, GET /rehearsal/log.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from coach.rehearsal import checks
from coach.rehearsal.faults import ELSEWHERE, FOLLOWED, Fault, FaultPlan
from coach.rehearsal.ledger import Entry, Ledger
from coach.rehearsal.models import MODELS, model_named
from coach.rehearsal.provider import Provider
from coach.rehearsal.refusals import Refused, invalid
from coach.rehearsal.scripts import Prompter, Script
from coach.rehearsal.sending import Streamed, Whole
from coach.rehearsal.wire import ClientGone, HungUp, Reader, Request, Wire
from coach.rehearsal.words import NOTICE, Say

HOST = "127.0.0.1"


class Rehearsal:
    """One server. `port` 0 takes a free one; `keys` are the API keys that are taken, any unless named.

    `provider` has the speeds, `script` the words, `faults` what goes wrong, `log` the file of what was asked.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        provider: Provider | None = None,
        scale: float = 1.0,
        script: Script | None = None,
        faults: FaultPlan | None = None,
        keys: Iterable[str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.port = port
        self.provider = provider or Provider(scale=scale)
        self.prompter = Prompter(script)
        self.faults = faults or FaultPlan()
        self.keys = None if keys is None else frozenset(keys)
        self.ledger = Ledger(log)
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> list[Entry]:
        """What was asked, in order."""
        return [*self.ledger.entries]

    def say(self, *texts: Say | str) -> None:
        """The next answers, one each."""
        self.prompter.add(*texts)

    def fail(self, *faults: str) -> None:
        """The faults of the next requests, one each; `none` lets one through."""
        self.faults.add(*faults)

    async def start(self) -> None:
        """Listens from here on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, HOST, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Lets go of every connection."""
        if self._server is not None:
            self._server.close()
        talks = [*self._talks]
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        self.ledger.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = Reader()
        return asyncio.StreamReaderProtocol(reader, lambda _, writer: self._meet(reader, writer))

    def _meet(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(Connection(self, Wire(reader, writer)).serve())
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)


class Connection:
    """One client's connection: requests one after the other."""

    def __init__(self, server: Rehearsal, wire: Wire) -> None:
        self.server, self.wire = server, wire

    async def serve(self) -> None:
        """Until either side has had enough."""
        try:
            while (request := await self.wire.request(checks.LARGEST_BODY)) is not None:
                await self._answer(request)
                if request.body is None or request.headers.get("connection", "").lower() == "close":
                    break
        except (ClientGone, HungUp, ConnectionError, asyncio.IncompleteReadError, ValueError):
            return  # gone, cut on purpose, or never HTTP
        finally:
            self.wire.writer.close()

    async def _answer(self, request: Request) -> None:
        came_at = self.server.provider.now()
        self.request_id = f"req_rehearsal_{secrets.token_hex(8)}"
        self.wire.sliced = False
        self.wire.always = {"request-id": self.request_id, "x-rehearsal": NOTICE}
        try:
            if request.body is None:
                raise Refused(413, "request_too_large", "Request exceeds the maximum size")
            await self._route(request, request.body, came_at)
        except Refused as refused:
            await self._refuse(refused)

    async def _refuse(self, refused: Refused) -> None:
        await self.wire.json(refused.status, refused.body(self.request_id), refused.headers)

    async def _route(self, request: Request, body: bytes, came_at: float) -> None:
        where = (request.method, request.path)
        if where == ("POST", "/v1/messages"):
            await self._messages(request, body, came_at)
        elif where == ("POST", ELSEWHERE):
            self._followed(body)
        elif request.path.startswith("/v1/"):
            checks.check_key(request.headers, self.server.keys)
            await self.wire.json(200, self._read(where, body))
        elif request.method == "HEAD":
            self.wire.head(200, "application/json", {"content-length": "0"})
        elif (control := self._controls().get(where)) is not None:
            await self.wire.json(200, control(request.query, body))
        else:
            raise Refused(404, "not_found_error", request.path)

    def _followed(self, body: bytes) -> None:
        """Somebody went where a redirect told them to, and took the body along."""
        entry = Entry(request_id=self.request_id, fault=FOLLOWED, status=400, body={"posted": len(body)})
        self.server.ledger.begin(entry)
        self.server.ledger.end(entry)
        raise invalid("You followed a redirect to another host.")

    def _read(self, where: tuple[str, str], body: bytes) -> Any:
        """What is answered at once."""
        method, path = where
        if where == ("POST", "/v1/messages/count_tokens"):
            return {"input_tokens": checks.counted(body, self.server.provider.measure).prompt.tokens}
        if where == ("GET", "/v1/models"):
            data = [model.told() for model in MODELS.values()]
            return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
        if method == "GET" and path.startswith("/v1/models/"):
            return model_named(path.removeprefix("/v1/models/")).told()
        raise Refused(404, "not_found_error", path)

    def _controls(self) -> dict[tuple[str, str], Callable[[str, bytes], Any]]:
        """What a test in another process may do."""
        return {
            ("GET", "/"): self._health,
            ("GET", "/healthz"): self._health,
            ("GET", "/rehearsal/log"): self._log,
            ("POST", "/rehearsal/faults"): self._fail,
            ("POST", "/rehearsal/texts"): self._say,
        }

    def _health(self, query: str, body: bytes) -> Any:
        return {"calls": len(self.server.ledger.entries), "notice": NOTICE}

    def _log(self, query: str, body: bytes) -> Any:
        wanted = {"body": "bodies=1" in query, "moments": "moments=1" in query}
        return [entry.told(**wanted) for entry in self.server.ledger.entries]

    def _fail(self, query: str, body: bytes) -> Any:
        """`{"faults": ["overloaded", "none", "reset@3"]}` for the next requests, in place of any."""
        names = _strings(body, "faults")
        self.server.faults.waiting.clear()
        try:
            self.server.fail(*names)
        except ValueError as error:
            raise invalid(str(error)) from None
        return {"waiting": [str(fault or "none") for fault in self.server.faults.waiting]}

    def _say(self, query: str, body: bytes) -> Any:
        """`{"texts": ["..."]}` for the next answers, in place of any."""
        texts = _strings(body, "texts")
        self.server.prompter.waiting.clear()
        self.server.say(*texts)
        return {"waiting": len(texts)}

    async def _messages(self, request: Request, body: bytes, came_at: float) -> None:
        entry = Entry(request_id=self.request_id)
        try:
            await self._message(request, body, came_at, entry)
        except Refused as refused:
            entry.status = refused.status
            raise
        except ClientGone:
            entry.closed_early = True
            raise
        finally:
            self.server.ledger.end(entry)

    async def _message(self, request: Request, body: bytes, came_at: float, entry: Entry) -> None:
        server = self.server
        try:
            checks.check_key(request.headers, server.keys)
            asked = checks.understood(body, server.provider.measure)
            entry.model, entry.user_id, entry.body = asked.model.name, asked.user_id, asked.body
            entry.stream, entry.max_tokens = asked.stream, asked.max_tokens
            fault = self._fault(request, asked.user_id)
            entry.fault = str(fault or "")
        finally:
            server.ledger.begin(entry)
        if fault is not None and fault.before:
            await self._instead(fault)
        said = server.prompter.answer(asked)
        answer = server.provider.begin(asked, said, came_at, fault)
        entry.status, entry.message_id = 200, answer.message_id
        how = Streamed if asked.stream else Whole
        await how(server.provider, self.wire, answer, fault, entry).send()

    def _fault(self, request: Request, user_id: str) -> Fault | None:
        try:
            return self.server.faults.next(request.headers, user_id)
        except ValueError as error:
            raise invalid(str(error)) from None

    async def _instead(self, fault: Fault) -> None:
        """A fault in place of an answer. Raises Refused, ClientGone, HungUp."""
        if (refused := fault.refused(self.server.port)) is not None:
            raise refused
        if fault.name == "connect_reset":
            await self.wire.reset()
        await self.wire.wait(fault.amount)
        raise HungUp


def _strings(body: bytes, name: str) -> list[str]:
    try:
        found = json.loads(body)[name]
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise invalid(f"{name}: a list of strings")


async def serve(server: Rehearsal, tell: Callable[[str], None]) -> None:
    """Says where it is, and serves until it is cancelled."""
    async with server:
        tell(server.url)
        await asyncio.Event().wait()
