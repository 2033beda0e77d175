"""Two ways of working on a page: the keyboard alone, and the pointer alone.

Both have the same verbs, so that one test of an exercise is done twice. Neither sets a value behind the
page's back, but for one thing: the list of a native `<select>` is drawn outside of the page, where no
pointer of a test reaches it, so the pointer's `select` takes the option as such a click would.
"""

from __future__ import annotations

from playwright.sync_api import Page, expect


class Keyboard:
    """Tab, arrows, Space, Enter and letters; never a click."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = page.keyboard

    def focused(self) -> str:
        name: str = self.page.evaluate("document.activeElement ? document.activeElement.id : ''")
        return name

    def go_to(self, target: str) -> None:
        """Tabs on until the target has the focus; round the page once at most."""
        for _ in range(400):
            if self.focused() == target:
                return
            self.keys.press("Tab")
        raise AssertionError(f"#{target} is not reached with Tab")

    def press(self, target: str) -> None:
        self.go_to(target)
        self.keys.press("Enter")

    def check(self, target: str, *, on: bool) -> None:
        if self.page.locator(f"#{target}").is_checked() != on:
            self.go_to(target)
            self.keys.press("Space")
        expect(self.page.locator(f"#{target}")).to_be_checked(checked=on)

    def choose(self, target: str) -> None:
        """A radio button: Tab to its group, arrows inside it."""
        group = self.page.locator(f"#{target}").get_attribute("name")
        for _ in range(400):
            if self.page.evaluate("document.activeElement.name") == group:
                break
            self.keys.press("Tab")
        for _ in range(10):
            if self.page.locator(f"#{target}").is_checked():
                return
            self.keys.press("ArrowDown")
        raise AssertionError(f"#{target} is not reached with the arrows")

    def select(self, target: str, value: str) -> None:
        self.go_to(target)
        self.keys.press("Home")
        for _ in range(120):
            if self.page.locator(f"#{target}").input_value() == value:
                return
            self.keys.press("ArrowDown")
        raise AssertionError(f"#{target} has no option {value!r}")

    def number(self, target: str, value: str) -> None:
        self.go_to(target)
        self.keys.press("Control+a")
        self.keys.type(value)

    def write(self, target: str, text: str) -> None:
        self.go_to(target)
        self.keys.press("Control+a")
        self.keys.insert_text(text)


class Pointer:
    """Clicks; never a key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: str) -> None:
        self.page.locator(f"#{target}").click()

    def check(self, target: str, *, on: bool) -> None:
        box = self.page.locator(f"#{target}")
        if box.is_checked() != on:
            box.click()
        expect(box).to_be_checked(checked=on)

    def choose(self, target: str) -> None:
        self.page.locator(f"#{target}").click()

    def select(self, target: str, value: str) -> None:
        self.page.locator(f"#{target}").select_option(value)

    def number(self, target: str, value: str) -> None:
        """Clicks on Less and More until the field says it."""
        field = self.page.locator(f"#{target}")
        for _ in range(200):
            typed = field.input_value()
            if typed and abs(float(typed) - float(value)) < 1e-9:
                return
            more = not typed or float(typed) < float(value)
            self.page.locator(f"#{target}-{'more' if more else 'less'}").click()
        raise AssertionError(f"#{target} does not come to {value}")


Hands = Keyboard | Pointer
