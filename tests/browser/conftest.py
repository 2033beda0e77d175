"""A real browser against a real server: `manage.py start` on a free port with a database of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import chromium

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = os.environ.get("SCREENSHOTS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid and item.get_closest_marker("browser") is None:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Site:
    """A running server: where it is and who may author."""

    url: str
    email: str
    password: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, process: subprocess.Popen[str], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer within {seconds} s")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    }
    environment |= {"CRITICAL_PATH_VAR": str(folder), "PYTHONUNBUFFERED": "1"}
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "start", "--port", str(port)],
        cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", process)
        said = (folder / "server.log").read_text()
        made = re.search(r"once: (\S+), password (\S+)", said)
        assert made, said
        yield Site(f"http://127.0.0.1:{port}", made[1], made[2])
        text = (folder / "server.log").read_text()
        assert "Traceback" not in text, text[-4000:]
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, chromium.ADVICE
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield context
    context.close()


# What a browser says of a page that answered 4xx on purpose is not an error of ours.
EXPECTED = re.compile(r"status of 4\d\d")


def watch(page: Page, errors: list[str]) -> Page:
    page.on("pageerror", lambda error: errors.append(f"page error: {error}"))
    page.on(
        "console",
        lambda message: (
            errors.append(f"console: {message.text}")
            if message.type == "error" and not EXPECTED.search(message.text)
            else None
        ),
    )
    return page


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """Console errors and violations of the content policy; none may be left at the end of a test."""
    found: list[str] = []
    yield found
    assert not found, found


@pytest.fixture
def page(context: BrowserContext, errors: list[str]) -> Page:
    return watch(context.new_page(), errors)


@pytest.fixture
def shot(request: pytest.FixtureRequest):
    """Keeps pictures where SCREENSHOTS names a folder."""

    def keep(page: Page, name: str) -> None:
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{request.node.name}-{name}.png", full_page=True)

    return keep
