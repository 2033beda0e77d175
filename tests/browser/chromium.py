"""Finds the browser that the tests drive, and installs one where the system or Playwright can.

`python -m tests.browser.chromium` prints the path, or one sentence that says what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ADVICE = (
    "No Chromium was found and none could be installed. Install Chromium or Chrome with your system's "
    "package manager, or set CHROMIUM to the path of one."
)


def on_the_system() -> str | None:
    """The path from the environment, or the first Chromium on the PATH."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


def of_playwright() -> str | None:
    """The browser that Playwright downloaded earlier, if it is there."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0
    except OSError:
        return False


def install() -> str | None:
    """Playwright's own download first, then the system's packages where we may install them."""
    if _runs(sys.executable, "-m", "playwright", "install", "chromium") and (path := of_playwright()):
        return path
    if shutil.which("apt-get") and os.geteuid() == 0:
        _runs("apt-get", "update", "-q")
        _runs("apt-get", "install", "-y", "-q", "chromium")
    return on_the_system()


def find() -> str | None:
    return on_the_system() or of_playwright()


if __name__ == "__main__":
    browser = find() or install()
    print(browser or ADVICE)  # noqa: T201
    sys.exit(0 if browser else 1)
