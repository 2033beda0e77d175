"""Events to HTML: for a page the whole turn, for a socket one fragment an event, swapped in by its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.template.loader import get_template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coach.allowance import Allowance
from coach.hub import Envelope
from coach.models import Turn, TurnEvent
from coach.replies.parts import Sentence
from coach.replies.wording import stands_in_text


@dataclass(slots=True)
class Paragraph:
    number: int
    role: str
    marker: int = 0
    sentences: list[Sentence] = field(default_factory=list)


@dataclass(slots=True)
class TurnView:
    """A turn as a template needs it."""

    turn: Turn
    seq: int = 0
    status: str = ""
    fallback: str = ""
    """Why the built-in coach wrote it where a model was to; "" where none was, or did."""
    paragraphs: list[Paragraph] = field(default_factory=list)

    @property
    def dom_id(self) -> str:
        return f"turn-{self.turn.uuid}"

    @property
    def state(self) -> str:
        return self.turn.state

    @property
    def stands_in(self) -> str:
        return stands_in_text(self.fallback) if self.fallback else ""

    @property
    def said(self) -> str:
        return " ".join(sentence.text for paragraph in self.paragraphs for sentence in paragraph.sentences)


def view_of(turn: Turn, events: Sequence[TurnEvent]) -> TurnView:
    view = TurnView(turn=turn)
    for event in events:
        view.seq = event.seq
        if event.kind == TurnEvent.Kind.SENTENCE:
            _add(view, Sentence.from_dict(event.payload))
        elif event.kind == TurnEvent.Kind.STATUS:
            view.status = event.payload["text"]
        elif event.kind == TurnEvent.Kind.RESTART:
            view.paragraphs.clear()
            view.status = restart_status()
        elif event.kind == TurnEvent.Kind.END:
            view.fallback = event.payload.get("fallback", "")
    if turn.state == Turn.State.REFUSED:
        view.paragraphs.clear()
    return view


def _add(view: TurnView, sentence: Sentence) -> None:
    if not view.paragraphs or view.paragraphs[-1].number != sentence.paragraph:
        view.paragraphs.append(Paragraph(sentence.paragraph, sentence.role, sentence.marker))
    view.paragraphs[-1].sentences.append(sentence)


def envelope_of(turn: Turn, event: TurnEvent) -> Envelope:
    html = fragment(turn, event)
    return Envelope(turn=str(turn.uuid), number=turn.number, seq=event.seq, html=html)


def fragment(turn: Turn, event: TurnEvent) -> str:
    """The frame of one event, carrying its turn and number."""
    made = _FRAGMENTS[TurnEvent.Kind(event.kind)](turn, event)
    return format_html(
        '<i hidden id="coach-cursor" data-turn="{}" data-seq="{}" data-number="{}" hx-swap-oob="true"></i>{}',
        turn.uuid,
        event.seq,
        turn.number,
        made,
    )


def _begun(turn: Turn, event: TurnEvent) -> str:
    frame = _shell(get_language(), str(turn.kind), asks=bool(turn.question))
    return mark_safe(_filled(frame, turn))  # noqa: S308 - a template's own output; what is put in is escaped


# A turn's frame is the same for everybody but for these; rendering it for each would hold up fifty others.
_STANDIN = Turn(
    uuid=UUID("f" * 8 + "-ffff-4fff-8fff-" + "f" * 12), number=987654321, question="\ufdd0question\ufdd1"
)


@lru_cache(maxsize=64)
def _shell(language: str, kind: str, *, asks: bool) -> str:
    turn = Turn(uuid=_STANDIN.uuid, number=_STANDIN.number, kind=kind, state=Turn.State.RUNNING)
    turn.question = _STANDIN.question if asks else ""
    article = get_template("coach/turn.html").render({"view": TurnView(turn=turn, seq=1)})
    return f'<div hx-swap-oob="beforeend:#coach-turns">{article}</div>{_status(first_status(turn))}'


@lru_cache(maxsize=64)
def _foot(language: str, state: str, fallback: str) -> str:
    turn = Turn(uuid=_STANDIN.uuid, number=_STANDIN.number, state=state)
    view = TurnView(turn=turn, fallback=fallback)
    foot = get_template("coach/turn_foot.html").render({"view": view, "swap": True})
    return f"{_status(end_status(turn))}{foot}"


def _filled(frame: str, turn: Turn) -> str:
    frame = frame.replace(str(_STANDIN.uuid), str(turn.uuid)).replace(str(_STANDIN.number), str(turn.number))
    return frame.replace(_STANDIN.question, escape(turn.question))


def first_status(turn: Turn) -> str:
    return _("Reading your attempt…") if turn.kind == Turn.Kind.CRITIQUE else _("Reading your question…")


def _status(text: str) -> SafeString:
    return format_html('<span id="coach-status" hx-swap-oob="innerHTML">{}</span>', text)


def _status_line(turn: Turn, event: TurnEvent) -> str:
    return _status(event.payload["text"])


def _sentence(turn: Turn, event: TurnEvent) -> str:
    sentence = Sentence.from_dict(event.payload)
    body = sentence_html(sentence)
    if event.payload.get("opens"):
        paragraph = format_html(
            '<p class="coach-paragraph coach-{}" id="turn-{}-p{}">{}{}</p>',
            sentence.role,
            turn.uuid,
            sentence.paragraph,
            marker_html(sentence.marker),
            body,
        )
        return format_html('<div hx-swap-oob="beforeend:#turn-{}-text">{}</div>', turn.uuid, paragraph)
    return format_html(
        '<span hx-swap-oob="beforeend:#turn-{}-p{}"> {}</span>', turn.uuid, sentence.paragraph, body
    )


def marker_html(marker: int) -> SafeString:
    if not marker:
        return SafeString("")
    label = _("Finding %(number)s") % {"number": marker}
    return format_html(
        '<span class="finding-marker"><span class="visually-hidden">{} </span>{}</span> ', label, marker
    )


def sentence_html(sentence: Sentence) -> SafeString:
    if sentence.link is None:
        return format_html('<span class="coach-sentence">{}</span>', sentence.text)
    return format_html(
        '<span class="coach-sentence">{} <a class="coach-citation" href="{}">{}</a></span>',
        sentence.text,
        sentence.link.url,
        sentence.link.label,
    )


def restart_status() -> str:
    return _("The coach was interrupted and begins this reply again…")


def _restart(turn: Turn, event: TurnEvent) -> str:
    return _emptied(turn) + _status(restart_status())


def _emptied(turn: Turn) -> SafeString:
    return format_html('<div id="turn-{}-text" hx-swap-oob="innerHTML"></div>', turn.uuid)


def _end(turn: Turn, event: TurnEvent) -> str:
    foot = _foot(get_language(), event.payload["state"], event.payload.get("fallback", ""))
    foot = _filled(foot, turn)
    said = format_html('<span id="coach-said" hx-swap-oob="innerHTML">{}</span>', turn.text)
    left = allowance_fragment(event.payload.get("allowance"))
    if event.payload["state"] == Turn.State.REFUSED:
        # What was shown of it is taken back.
        foot = _emptied(turn) + foot
    return mark_safe(foot + said + left)  # noqa: S308 - a template's own output; what is put in is escaped


def allowance_fragment(kept: dict[str, Any] | None) -> str:
    """What is left today, for the line that stands in the panel already; kept as fields, said when shown."""
    if kept is None:
        return ""
    text = get_template("coach/allowance.html").render({"allowance": Allowance(**kept)})
    return f'<span id="coach-allowance" hx-swap-oob="innerHTML">{text}</span>'


def end_status(turn: Turn) -> str:
    return {
        Turn.State.DONE: _("The coach has finished."),
        Turn.State.TRUNCATED: _("The reply reached its greatest length."),
        Turn.State.REFUSED: _("The coach did not answer this."),
        Turn.State.STOPPED: _("Stopped."),
        Turn.State.FAILED: _("Something went wrong here. Nothing of yours is lost: try again."),
        Turn.State.INTERRUPTED: _("The reply was interrupted. Try again."),
    }.get(Turn.State(turn.state), "")


_FRAGMENTS: dict[TurnEvent.Kind, Any] = {
    TurnEvent.Kind.BEGUN: _begun,
    TurnEvent.Kind.STATUS: _status_line,
    TurnEvent.Kind.SENTENCE: _sentence,
    TurnEvent.Kind.RESTART: _restart,
    TurnEvent.Kind.END: _end,
}


def notice_text(code: str) -> str:
    texts = {
        "malformed": _("That message could not be read. Reload the page and try again."),
        "too-large": _("That message is too long."),
        "question": _("Write a question of at most 2,000 characters, in plain text."),
        "subject": _("This lesson or exercise is no longer published."),
        "unknown": _("That reply is no longer running, or is not yours."),
        "busy": _("Some of your questions are still being answered. Wait for one, or stop it."),
        "restarting": _("The coach is restarting. Your text is still here; send it again in a moment."),
        "signed-out": _("You are signed out. Sign in again to go on; your text is still here."),
        "unavailable": _("The coach could not store that just now. Your text is still here; try again."),
    }
    return texts.get(code, texts["malformed"])


def notice(code: str) -> str:
    """A typed error, as a fragment for the notice line; it never quotes what was sent."""
    return format_html(
        '<p class="coach-notice" id="coach-notice" role="status" data-code="{}" hx-swap-oob="true">{}</p>',
        code,
        notice_text(code),
    )
