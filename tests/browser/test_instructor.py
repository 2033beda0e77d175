"""An instructor changes an exercise in the admin, and the learner's page has it."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, watch


def sign_in(page: Page, site: Site) -> None:
    page.goto("/admin/")
    page.locator("#id_login").fill(site.email)
    page.locator("#id_password").fill(site.password)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.goto("/admin/")
    expect(page.locator("#site-name")).to_be_visible()


def test_instructor_changes_an_exercise_and_the_learner_sees_it(
    page: Page, browser: Browser, site: Site, errors, shot
):
    elsewhere = browser.new_context(base_url=site.url)
    learner = watch(elsewhere.new_page(), errors)
    learner.goto("/exercises/travel-agent/")
    learner.locator("#waits-hotels-flights").uncheck()
    expect(learner.locator("#draft-status")).to_contain_text("Kept")

    sign_in(page, site)
    page.goto("/admin/exercises/exercise/")
    page.get_by_role("link", name="The travel agent").click()
    shot(page, "exercise-form")
    page.locator("#id_title").fill("The travel agent, revised")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.locator(".messagelist")).to_contain_text("Learners see")

    learner.locator("#exercise-run").click()
    expect(learner.locator("#exercise-form")).to_contain_text("has changed since you worked on it")
    expect(learner.locator("#waits-hotels-flights")).not_to_be_checked()
    learner.goto("/exercises/travel-agent/")
    expect(learner.locator("h1")).to_have_text("The travel agent, revised")
    elsewhere.close()


def test_instructor_is_told_at_the_field_what_is_wrong(page: Page, site: Site):
    sign_in(page, site)
    page.goto("/admin/exercises/exercise/")
    page.get_by_role("link", name="The slow prompt").click()
    page.locator("#id_title").fill("")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    page.goto("/admin/lessons/lesson/")
    page.get_by_role("link", name="Read the prompt once").click()
    source = page.locator("#id_source")
    source.fill(source.input_value() + "\n\n```figure\nname: nothing-like-it\n```\n")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.locator(".errorlist").first).to_contain_text("nothing-like-it")
