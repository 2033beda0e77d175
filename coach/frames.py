"""What a browser may say on the coach's socket: typed commands, and one way to refuse anything else."""

from __future__ import annotations

import json
import re
import uuid
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

QUESTION_MAX_CHARACTERS = 2000
CURSORS_MAX = 50
_MAX_BRACKETS = 64
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_SLUG = r"^[-a-zA-Z0-9_]{1,100}$"


class FrameRefused(Exception):  # noqa: N818 - reads as what it says about the frame
    """`code` goes to the client; the message is for people and holds nothing of what was sent."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Subject(BaseModel):
    """What a conversation is about, as the address and the socket name it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lesson", "exercise"]
    slug: Annotated[str, Field(pattern=_SLUG)]

    def __str__(self) -> str:
        return f"{self.kind}:{self.slug}"


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("subject", mode="before", check_fields=False)
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str) and ":" in value:
            kind, slug = value.split(":", 1)
            return {"kind": kind, "slug": slug}
        return value


class Subscribe(_Command):
    """`after`: number of the last turn on the page. `cursors`: last event shown of each of its turns."""

    do: Literal["subscribe"]
    subject: Subject
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    cursors: Annotated[
        dict[uuid.UUID, Annotated[int, Field(ge=0, le=2**31 - 1)]], Field(max_length=CURSORS_MAX)
    ] = {}


class Ask(_Command):
    do: Literal["ask"]
    subject: Subject
    key: uuid.UUID
    question: Annotated[str, Field(min_length=1, max_length=QUESTION_MAX_CHARACTERS)]
    section: Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]{0,100}$")] = ""

    @field_validator("question")
    @classmethod
    def _storable(cls, value: str) -> str:
        return check_question(value)


class Again(_Command):
    do: Literal["again"]
    turn: uuid.UUID
    key: uuid.UUID


class Stop(_Command):
    do: Literal["stop"]
    turn: uuid.UUID


class Ack(_Command):
    """`shown`: how many frames of this socket the page has put on the screen."""

    do: Literal["ack"]
    shown: Annotated[int, Field(ge=0, le=2**53)]


Command = Subscribe | Ask | Again | Stop | Ack
_commands: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="do")])
_CODES = {"question": "question", "subject": "subject", "section": "subject", "turn": "unknown", "key": "key"}


def parse_command(text: str) -> Command:
    if len(text.encode("utf-8", "surrogatepass")) > settings.FRAME_MAX_BYTES:
        raise FrameRefused("too-large")
    data = _read(text)
    if not isinstance(data, dict):
        raise FrameRefused("malformed")
    # What htmx's extension adds to each message; the socket was authorised by its cookie.
    data.pop("HEADERS", None)
    try:
        return _commands.validate_python(data)
    except (ValidationError, ValueError) as error:
        raise FrameRefused(_code_of(error)) from None


def parse_subject(text: str) -> Subject:
    kind, _, slug = text.partition(":")
    try:
        return Subject.model_validate({"kind": kind, "slug": slug})
    except ValidationError:
        raise FrameRefused("subject") from None


def check_question(value: str) -> str:
    """The question as it will be stored. Raises ValueError for what no database takes, and for nothing."""
    value = value.strip()
    if not value or len(value) > QUESTION_MAX_CHARACTERS or _UNSTORABLE.search(value):
        raise ValueError("question")
    return value


def _read(text: str) -> Any:
    # Counted before it is parsed: a deep document costs the parser its stack.
    if sum(map(_STRINGS.sub('""', text).count, "[{")) > _MAX_BRACKETS:
        raise FrameRefused("malformed")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise FrameRefused("malformed") from None


def _refuse_constant(_: str) -> None:
    raise FrameRefused("malformed")


def _code_of(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "malformed"
    names = [str(part) for part in error.errors()[0]["loc"]]
    return next((_CODES[name] for name in names if name in _CODES), "malformed")
