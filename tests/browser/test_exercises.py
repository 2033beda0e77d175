"""Each exercise once by keyboard alone and once by clicks alone, to the full mark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import Hands, Keyboard, Pointer

PLAN = {
    "seats": {"flights", "tier"},
    "compose": {"flights", "hotels", "visa", "seats", "lounge", "baggage"},
}
LAYOUT = ["role", "guidelines", "contract", "user", "timestamp", "question"]
STABILITY = {
    "role": "fixed",
    "guidelines": "fixed",
    "contract": "shared",
    "user": "user",
    "timestamp": "call",
    "question": "call",
}


@pytest.fixture(params=[Keyboard, Pointer], ids=["keyboard", "pointer"])
def hands(request: pytest.FixtureRequest, page: Page) -> Hands:
    made: Hands = request.param(page)
    return made


def expect_full_marks(page: Page) -> None:
    expect(page.locator("#exercise-results .verdict")).to_contain_text("100 of 100")
    expect(page.locator("#exercise-results")).to_contain_text("solved")


def test_travel_agent_is_solved(hands: Hands, shot):
    page = hands.page
    page.goto("/exercises/travel-agent/")
    hands.select("id_predict-last", "seats")
    hands.number("id_predict-seconds", "1.5")
    for box in page.locator('[id^="waits-"]').all():
        _waits, task, before = (box.get_attribute("id") or "").split("-")
        hands.check(f"waits-{task}-{before}", on=before in PLAN.get(task, set()))
    hands.check("pool-tier", on=True)
    hands.check("ahead-lounge", on=True)
    hands.choose("join-stream")
    hands.choose("handover-summarised")
    hands.choose("tier-small")
    hands.press("exercise-run")
    expect_full_marks(page)
    shot(page, "solved")


def test_travel_agent_arrow_is_drawn_by_clicking_two_tasks(page: Page):
    page.goto("/exercises/travel-agent/")
    box = page.locator("#waits-hotels-flights")
    expect(box).to_be_checked()
    for task in ("flights", "hotels"):
        page.locator(f'#plan-drawing [data-task="{task}"]:visible').first.click()
    expect(box).not_to_be_checked()
    expect(page.locator("#plan-said")).to_contain_text("no longer waits for")


def order_of(page: Page) -> list[str]:
    order: str = page.locator("#exercise-form [name=order]").input_value()
    return order.split(",")


def bring_to(hands: Hands, block: str, position: int) -> None:
    while (at := order_of(hands.page).index(block)) > position:
        hands.press(f"up-{block}")
        expect(hands.page.locator(".block").nth(at - 1)).to_have_id(f"block-{block}")
        if isinstance(hands, Keyboard):
            assert hands.focused() == f"up-{block}", "the moved block keeps the focus"


def test_legal_review_is_solved(hands: Hands, shot):
    page = hands.page
    page.goto("/exercises/legal-review/")
    hands.number("id_predict-hit_rate", "90")
    hands.number("id_predict-cost_usd", "1")
    splits = page.locator('[id^="split-"]')
    while splits.count():
        left = splits.count()
        hands.press(splits.first.get_attribute("id") or "")
        expect(splits).to_have_count(left - 1)
    for position, block in enumerate(LAYOUT):
        bring_to(hands, block, position)
    for block, stability in STABILITY.items():
        hands.select(f"label-{block}", stability)
    for block in ("guidelines", "contract", "user"):
        hands.select(f"mark-{block}", "1h")
    hands.select("layout-prewarm", "08:58")
    hands.select("layout-keepalive", "54")
    hands.press("exercise-run")
    expect_full_marks(page)
    shot(page, "solved")
