from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.children import Late, answer_of

PARENT = """
import subprocess, sys, pathlib, time
child = subprocess.Popen(["sleep", "60"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    """A process that has ended and that nobody has fetched yet does not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_what_a_late_program_started_does_not_outlive_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with pytest.raises(Late):
        answer_of([sys.executable, "-c", PARENT, str(told)], os.environ, 4)
    assert not is_running(int(told.read_text()))


def test_a_program_that_ends_badly_is_said_to() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        answer_of([sys.executable, "-c", "raise SystemExit(3)"], os.environ, 20)


def test_answer_is_what_it_prints() -> None:
    assert answer_of([sys.executable, "-c", "print(7)"], os.environ, 20) == "7\n"
