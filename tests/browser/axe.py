"""axe-core with `target-size` switched on, injected past the content policy."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

SOURCE = (files("axe_playwright_python") / "axe.min.js").read_text()
OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}


def _where(node: dict[str, Any]) -> str:
    return " ".join(str(part) for part in node["target"])


def violations(page: Page) -> list[str]:
    """One line a violation: rule, what is wrong, where."""
    page.evaluate(SOURCE)
    result: dict[str, Any] = page.evaluate("options => axe.run(document, options)", OPTIONS)
    return [
        f"{found['id']}: {found['help']} at {' | '.join(_where(node) for node in found['nodes'][:4])}"
        for found in result["violations"]
    ]


def scrolls_sideways(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
