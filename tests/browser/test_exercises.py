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
    splits = page.locator('button[value^="split:"]')
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


REWRITE = """Categorise the expense below and say whether it follows the policy.
Reply in JSON with the keys category (one of the categories), compliant (yes, no or needs approval) and \
reason (at most one sentence).

Categories: Travel, Lodging, Meals, Client entertainment, Software, Office supplies, Training, Other.

Policy:
- Meals while travelling: up to 55 francs a day.
- Client entertainment: up to 90 francs per person, with the guests' names.
- Alcohol: only when clients are at the table.
- Hotels: up to 220 francs a night; in Zurich and London up to 280.
- Above 1,500 francs: approval of the head of department.
- Above 25 francs: not without a receipt.
- Journeys under 400 kilometres: by train; a flight is not compliant.
- Fines are never paid, parking tickets included.

Expense: {expense}
"""
WITHOUT_A_RULE = [
    "Welcome!", "founded in 1931", "workshop for precision", "headquarters", "nine decades", "Industry Award",
    "Our mission", "Our values", "Emil Halden is said", "content with soup", "hospitals and laboratories",
    "summer party", "many different places", "travel portal", "Trust is important", "electric cars",
    "Now to your task", "You will receive", "Think step by step", "thorough analysis",
]  # fmt: skip


def choose_settings(hands: Hands) -> None:
    for setting in ("tier-small", "answer_form-structured", "reasoning-off", "streaming-on"):
        hands.choose(f"rewrite-{setting}")


def test_slow_prompt_is_solved_by_keyboard_alone(page: Page, shot):
    keyboard = Keyboard(page)
    page.goto("/exercises/slow-prompt/")
    keyboard.number("id_predict-total_seconds", "0.9")
    keyboard.write("rewrite-text", REWRITE)
    choose_settings(keyboard)
    keyboard.press("exercise-run")
    expect_full_marks(page)
    shot(page, "solved")


def test_slow_prompt_is_solved_by_clicks_alone(page: Page, shot):
    pointer = Pointer(page)
    page.goto("/exercises/slow-prompt/")
    page.locator("#id_predict-total_seconds-less").click()
    page.locator(".rewrite-panel > summary").click()
    rows = page.locator(".rewrite-sentence:has([id^=cut-])")
    for words in WITHOUT_A_RULE:
        left = rows.count()
        rows.filter(has_text=words).get_by_role("button", name="Remove").click()
        expect(rows).to_have_count(left - 1)
    page.locator("#add-2").click()
    expect(page.locator("#add-2")).to_have_attribute("aria-disabled", "true")
    rows.filter(has_text="Please categorise").get_by_role("button", name="Move to the top").click()
    expect(rows.first).to_contain_text("Please categorise")
    choose_settings(pointer)
    pointer.press("exercise-run")
    expect_full_marks(page)
    shot(page, "solved")


def test_slow_prompt_panel_keeps_focus_and_says_what_it_did(page: Page):
    keyboard = Keyboard(page)
    page.goto("/exercises/slow-prompt/")
    page.locator(".rewrite-panel > summary").focus()
    keyboard.keys.press("Enter")
    down = page.locator(".rewrite-sentence").first.locator('[id^="down-"]').get_attribute("id") or ""
    keyboard.press(down)
    expect(page.locator("#exercise-announcement")).to_contain_text("“Welcome!” is now sentence 2 of")
    assert keyboard.focused() == down
    keyboard.press("cut-3")
    expect(page.locator("#exercise-announcement")).to_contain_text("taken out")
    assert keyboard.focused() == "cut-3"
