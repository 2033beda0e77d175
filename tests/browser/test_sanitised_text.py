"""What comes out of the sanitiser, given to the parser that counts: the browser's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route

from lessons.markdown import render_fragment, render_line
from tests.lessons.test_markdown import ATTRIBUTES, PAYLOADS, TAGS

ORACLE = """([tags, attributes]) => {
  const wrong = [];
  const allowed = (value) => {
    const { protocol, host } = new URL(value, "https://here.example/");
    return /^(https?:\\/\\/|mailto:)/.test(value)
      ? ["http:", "https:", "mailto:"].includes(protocol) : host === "here.example";
  };
  for (const element of document.querySelectorAll("#said *")) {
    if (!tags.includes(element.localName)) wrong.push(element.localName);
    for (const { name, value } of element.attributes) {
      if (!attributes.includes(name)) wrong.push(`${element.localName} ${name}`);
      if (name === "href" && !allowed(value)) wrong.push(value);
    }
  }
  if (document.querySelectorAll("body > *").length !== 1) wrong.push("left its place");
  if (window.ran) wrong.push("script ran");
  return wrong;
}"""


def what_the_browser_finds(page: Page, fragment: str) -> tuple[list[str], list[str]]:
    """What is not allowed in the DOM, and the addresses that were asked for."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    head = "<!doctype html><script>window.alert = () => { window.ran = true }</script>"
    page.set_content(f'{head}<div id="said">{fragment}</div>', wait_until="domcontentloaded")
    page.wait_for_function("document.readyState !== 'loading'")
    wrong: list[str] = page.evaluate(ORACLE, [sorted(TAGS), sorted(ATTRIBUTES)])
    page.unroute("**/*", refuse)
    return wrong, asked


@pytest.fixture
def blank(browser: Browser):
    page = browser.new_page()
    yield page
    page.close()


def test_oracle_finds_what_raw_html_does(blank: Page):
    wrong, asked = what_the_browser_finds(
        blank, "<img src='https://evil.example/canary.png' onerror='alert(1)'>"
    )
    assert wrong
    assert asked


def test_hostile_text_leaves_nothing_in_the_dom_and_asks_for_nothing(blank: Page):
    for payload in PAYLOADS:
        for fragment in (render_fragment(payload), render_line(payload), render_fragment(f"> - {payload}")):
            assert what_the_browser_finds(blank, fragment) == ([], []), payload


def test_hostile_text_cut_anywhere_stays_harmless(blank: Page):
    pieces = {payload[:end] for payload in PAYLOADS for end in range(1, len(payload))}
    for batch_start in range(0, len(ordered := sorted(pieces)), 200):
        batch = "".join(
            f"<div>{render_fragment(piece)}</div>" for piece in ordered[batch_start : batch_start + 200]
        )
        assert what_the_browser_finds(blank, batch) == ([], [])
