"""Every page, with work in it, in light, in dark and on a phone: axe, no sideways scroll, no error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import scrolls_sideways, violations
from tests.browser.conftest import Site, watch

MODES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 640}, "color_scheme": "light", "has_touch": True},
}
COURSE = "/courses/agent-latency"
VISITED = {
    "home": "/",
    "lesson 1": f"{COURSE}/parallel-execution/",
    "lesson 2": f"{COURSE}/prompt-caching/",
    "lesson 3": f"{COURSE}/prompt-and-output/",
    "lesson 4": f"{COURSE}/trade-offs/",
    "figure": "/figures/parallel/?skip=1",
    "travel agent": "/exercises/travel-agent/",
    "legal review": "/exercises/legal-review/",
    "slow prompt": "/exercises/slow-prompt/",
    "travel agent attempt": "/exercises/travel-agent/attempts/1/",
    "legal review attempt": "/exercises/legal-review/attempts/1/",
    "slow prompt attempt": "/exercises/slow-prompt/attempts/1/",
    "compare": "/exercises/travel-agent/compare/?first=1&second=2",
    "conversation": "/coach/exercise/travel-agent/",
    "me": "/me/",
    "delete": "/me/delete/",
    "sign in": "/accounts/login/",
    "sign up": "/accounts/signup/",
    "reset password": "/accounts/password/reset/",
}


@dataclass(frozen=True)
class Visit:
    """What a browser keeps of somebody who has worked here, and the addresses that only they have."""

    state: Any
    paths: dict[str, str]


def run(page: Page, number: int) -> None:
    page.locator("#exercise-run").click()
    expect(page.locator("#exercise-results-title")).to_have_text(f"Attempt {number}")
    expect(page.locator(".findings .finding").first).to_be_visible()


def work_on_travel_agent(page: Page) -> None:
    page.goto(VISITED["travel agent"])
    page.locator("#id_predict-last").select_option("seats")
    page.locator("#id_predict-seconds").fill("1.5")
    page.locator("#waits-hotels-flights").uncheck()
    page.locator("#ahead-lounge").check()
    run(page, 1)
    page.locator("#pool-tier").check()
    run(page, 2)


def work_on_legal_review(page: Page) -> None:
    page.goto(VISITED["legal review"])
    page.locator("#id_predict-hit_rate").fill("50")
    page.locator("#id_predict-cost_usd").fill("3")
    page.locator('[id^="mark-"]').nth(1).select_option("5m")
    page.locator('[id^="label-"]').nth(1).select_option("fixed")
    page.locator("#layout-prewarm").select_option("07:30")
    page.locator("#layout-keepalive").select_option("4")
    run(page, 1)


def work_on_slow_prompt(page: Page) -> None:
    page.goto(VISITED["slow prompt"])
    page.locator("#id_predict-total_seconds").fill("3")
    page.locator(".rewrite-panel > summary").click()
    page.locator("#cut-9").click()
    expect(page.locator("#exercise-announcement")).to_contain_text("taken out")
    run(page, 1)


@pytest.fixture(scope="module")
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A guest with wrong attempts at all three exercises and a conversation about one of them."""
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    work_on_legal_review(page)
    work_on_slow_prompt(page)
    work_on_travel_agent(page)
    page.get_by_label("Ask the coach").fill("Why does the longest chain decide?")
    page.locator("#coach-send").click()
    expect(page.locator(".coach-turn")).to_have_count(3)
    expect(page.locator('.coach-turn[data-open="no"] .coach-made')).to_have_count(3)
    made = page.locator(".coach-made").last.get_attribute("href") or ""
    yield Visit(context.storage_state(), {"made": made, "turn": made.removesuffix("made/")})
    context.close()


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def eyes(browser: Browser, site: Site, mode: str, errors: list[str]) -> Iterator[Any]:
    """Opens a page in this mode, for somebody with work or for a visitor."""
    contexts: list[BrowserContext] = []

    def see(path: str, state: Any = None) -> Page:
        contexts.append(browser.new_context(base_url=site.url, storage_state=state, **MODES[mode]))
        page = watch(contexts[-1].new_page(), errors)
        page.goto(path)
        return page

    yield see
    for context in contexts:
        context.close()


def expect_sound(page: Page) -> None:
    """One heading, a title, nothing wider than the screen, nothing that axe finds, also in what unfolds."""
    assert page.locator("h1").count() == 1
    assert page.title().strip()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert scrolls_sideways(page) <= 0
    assert violations(page) == []


@pytest.mark.parametrize("name", [*VISITED, "made", "turn"])
def test_page_with_work_in_it_is_sound(name, eyes, visit):
    page = eyes((VISITED | visit.paths)[name], visit.state)
    expect_sound(page)


@pytest.mark.parametrize("name", ["home", "lesson 1", "travel agent", "legal review", "slow prompt", "me"])
def test_page_of_a_newcomer_is_sound(name, eyes):
    expect_sound(eyes(VISITED[name]))


def test_refused_form_is_sound(eyes):
    page = eyes(VISITED["travel agent"])
    page.locator("#waits-flights-compose").check()
    page.locator("#exercise-run").click()
    expect(page.locator("#exercise-errors")).to_be_visible()
    expect_sound(page)


def test_answered_question_and_run_figure_are_sound(eyes):
    page = eyes(VISITED["lesson 1"])
    question = page.locator(".question").first
    question.locator("[name=choice]").first.check()
    question.get_by_role("button", name="Check").click()
    expect(page.locator(".because").first).to_be_visible()
    figure = page.locator(".figure").first
    figure.get_by_role("button", name="Show me without a guess").click()
    expect(figure.locator(".picture")).to_be_visible()
    expect_sound(page)
