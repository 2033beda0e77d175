# .venv/bin/python -m bench.environments
"""Environments of the bench's own under `var/bench-venvs`: what it compares with is never a dependency.

Each is made once from a list of exact versions, and anew when the list changes. Where one cannot be made,
the measurement that wants it is left out and the report says so.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSTALL_SECONDS = 600


class Missing(Exception):  # noqa: N818
    """An environment that could not be made; says why in one sentence."""


def folder() -> Path:
    return Path(os.environ.get("CRITICAL_PATH_VAR", ROOT / "var")) / "bench-venvs"


def python_for(requirements: Path) -> Path:
    """The interpreter of the environment that this list describes. Raises Missing."""
    home = folder() / requirements.stem
    python, stamp = home / "bin" / "python", home / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"making {requirements.stem}'s environment", flush=True)
        _step([sys.executable, "-m", "venv", "--clear", str(home)], requirements.stem)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _step([*pip, "--no-deps", "-r", str(requirements)], requirements.stem)
        stamp.write_text(wanted)
    return python


def _step(command: list[str], name: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(
            f"{name} is left out: its environment could not be made ({type(error).__name__})."
        ) from None
    if done.returncode:
        raise Missing(f"{name} is left out: its pinned versions could not be installed here.")


def main() -> None:
    for requirements in sorted(ROOT.glob("bench/*/requirements/*.txt")):
        try:
            print(f"{requirements.stem:16} {python_for(requirements)}")
        except Missing as reason:
            print(reason)


if __name__ == "__main__":
    main()
