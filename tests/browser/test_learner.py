"""A learner's whole way: figure, lesson, exercises, coach, away and back again."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import Site, watch

LESSON = "/courses/agent-latency/parallel-execution/"
PASSWORD = "a-long-enough-passphrase"


def ask(page: Page, question: str) -> None:
    page.get_by_label("Ask the coach").fill(question)
    page.locator("#coach-send").click()


def finished_turns(page: Page, count: int) -> list[str]:
    """The texts of the coach's turns, once `count` of them are there and finished."""
    turns = page.locator(".coach-turn")
    expect(turns).to_have_count(count)
    expect(page.locator('.coach-turn[data-open="no"] .coach-made')).to_have_count(count)
    return [" ".join(text.split()) for text in page.locator(".coach-text").all_inner_texts()]


def submit_plan(page: Page, *, without: str = "") -> None:
    """Everything at once, needs as they are, and one arrow left out where `without` names it."""
    wanted = {
        "hotels": [], "visa": [], "tier": [], "seats": ["flights", "tier"], "lounge": [], "baggage": [],
        "compose": ["flights", "hotels", "visa", "seats", "lounge", "baggage"],
    }  # fmt: skip
    page.locator("#id_predict-last").select_option("seats")
    page.locator("#id_predict-seconds").fill("1.5")
    for task, needs in wanted.items():
        for box in page.locator(f"input[name=waits-{task}]").all():
            name = f"{task}-{box.input_value()}"
            box.set_checked(box.input_value() in needs and name != without)
    page.locator("#exercise-run").click()


def test_learner_goes_the_whole_way(
    page: Page, context: BrowserContext, browser: Browser, site: Site, errors, shot
):
    page.goto("/")
    page.locator("#figure-parallel").get_by_role("textbox").or_(
        page.locator("#figure-parallel input[type=number]")
    ).first.fill("2.4")
    page.get_by_role("button", name="Run it").click()
    expect(page.locator("#figure-parallel-result")).to_contain_text(re.compile(r"at once 800\sms"))
    shot(page, "figure")

    page.get_by_role("link", name="Start").or_(page.get_by_role("button", name="Start")).first.click()
    expect(page).to_have_url(re.compile(LESSON))
    question = page.locator("#question-parallel-sum-or-maximum")
    question.get_by_label("By 3, because three calls run at once").check()
    question.get_by_role("button", name="Check").click()
    expect(question).to_contain_text("Not right yet")
    question.get_by_label("By about 1.7").check()
    question.get_by_role("button", name="Try again").click()
    expect(question).to_contain_text("Right.")

    ask(page, "What is the critical path?")
    page.reload()  # in mid-stream, as far as a reply without delays has one
    said = finished_turns(page, 1)
    second = watch(context.new_page(), errors)
    second.goto(LESSON)
    assert finished_turns(second, 1) == said
    ask(page, "Why is it not the sum?")
    both = finished_turns(page, 2)
    assert finished_turns(second, 2) == both
    second.close()

    page.goto("/exercises/travel-agent/")
    submit_plan(page, without="seats-tier")
    expect(page.locator("#exercise-results-title")).to_have_text("Attempt 1")
    expect(page.locator(".findings")).to_contain_text("Seat offers")
    critique = finished_turns(page, 1)
    assert critique[0]
    page.reload()
    assert finished_turns(page, 1) == critique
    expect(page.locator("#waits-seats-tier")).not_to_be_checked()
    expect(page.locator("#waits-seats-flights")).to_be_checked()
    page.get_by_role("button", name="Hint").click()
    finished_turns(page, 2)
    submit_plan(page)
    expect(page.locator("#exercise-results-title")).to_have_text("Attempt 2")
    finished_turns(page, 3)
    shot(page, "second-attempt")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("main")).to_contain_text("Attempt 1")
    expect(page.locator("main")).to_contain_text("Attempt 2")
    shot(page, "compare")

    page.goto("/exercises/travel-agent/")
    page.locator(".coach-made").first.click()
    expect(page.locator("main")).to_contain_text("How this reply was made")
    expect(page.locator("main svg:visible").first).to_be_visible()
    shot(page, "made")

    page.goto("/accounts/signup/")
    page.locator("#id_email").fill("learner@example.org")
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("#id_password2").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign up").click()
    page.goto("/me/")
    expect(page.locator("main")).to_contain_text("learner@example.org")

    elsewhere = browser.new_context(base_url=site.url)
    back = watch(elsewhere.new_page(), errors)
    back.goto("/accounts/login/")
    back.locator("#id_login").fill("learner@example.org")
    back.locator("#id_password").fill(PASSWORD)
    back.locator("main").get_by_role("button", name="Sign in").click()
    back.goto("/exercises/travel-agent/")
    expect(back.locator("#exercise-attempts .attempt")).to_have_count(2)
    expect(back.locator("#waits-seats-tier")).to_be_checked()
    finished_turns(back, 3)
    back.goto(LESSON)
    assert finished_turns(back, 2) == both
    elsewhere.close()


def test_coach_answers_without_scripts(browser: Browser, site: Site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(LESSON)
    ask(page, "What is slack?")
    expect(page.locator(".coach-turn")).to_have_count(1)
    expect(page.locator(".coach-text")).to_contain_text("slack")
    context.close()


def test_coach_comes_back_after_the_connection_was_lost(page: Page):
    cables: list[WebSocketRoute] = []

    def through(cable: WebSocketRoute) -> None:
        cables.append(cable)
        cable.connect_to_server()

    page.route_web_socket("**/ws/coach/", through)
    page.goto(LESSON)
    ask(page, "What is a barrier?")
    before = finished_turns(page, 1)
    page.get_by_label("Ask the coach").fill("What is fan-in?")
    cables[-1].close(code=1012)
    expect(page.locator("#coach")).to_contain_text("Connection lost")
    expect(page.get_by_label("Ask the coach")).to_have_value("What is fan-in?")
    expect(page.locator("#coach")).to_contain_text("Connected again", timeout=20_000)
    page.locator("#coach-send").click()
    assert finished_turns(page, 2)[0] == before[0]


def test_coach_pages_come_back_spread_over_five_seconds(page: Page):
    page.goto(LESSON)
    ask = "failed => Array.from({length: 500}, () => htmx.config.wsReconnectDelay(failed))"
    first, tenth = page.evaluate(ask, 0), page.evaluate(ask, 10)
    assert min(first) >= 300
    assert 4_000 < max(first) - min(first) <= 5_000
    assert 8_000 < max(tenth) <= 10_300


def test_signing_out_elsewhere_ends_the_conversation_and_keeps_the_text(page: Page, context: BrowserContext):
    page.goto(LESSON)
    ask(page, "What is a barrier?")
    finished_turns(page, 1)
    page.get_by_label("Ask the coach").fill("What is fan-in?")
    other = context.new_page()
    other.goto("/accounts/logout/")
    other.locator("main form button").first.click()
    expect(page.locator("#coach-notice")).to_contain_text("You are signed out", timeout=15_000)
    page.locator("#coach-send").click()
    expect(page.locator("#coach-status")).to_be_empty()
    expect(page.get_by_label("Ask the coach")).to_have_value("What is fan-in?")


def test_exercise_works_without_scripts(browser: Browser, site: Site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/exercises/travel-agent/")
    submit_plan(page, without="seats-tier")
    expect(page.locator(".findings")).to_contain_text("Seat offers")
    page.goto("/exercises/travel-agent/")
    expect(page.locator("#waits-seats-tier")).not_to_be_checked()
    context.close()


def test_refused_answer_keeps_what_was_typed_and_says_where(page: Page):
    page.goto("/exercises/travel-agent/")
    page.locator("#waits-flights-hotels").check()
    page.locator("#waits-hotels-flights").check()
    page.locator("#id_predict-seconds").fill("-3")
    page.locator("#exercise-run").click()
    expect(page.locator("#id_predict-seconds")).to_have_value("-3")
    expect(page.locator("#id_predict-seconds")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#waits-flights-hotels")).to_be_checked()
