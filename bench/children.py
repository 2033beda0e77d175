"""Programs that the bench starts, each with all that it starts itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from bench.environments import ROOT


class Late(Exception):  # noqa: N818
    """It was stopped after its time."""


def answer_of(command: Sequence[str], environment: Mapping[str, str], limit_seconds: float) -> str:
    """What it prints. A group of its own: whatever happens here, nothing that it started outlives it.

    Raises Late, and CalledProcessError where it does not end well.
    """
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            raise Late(f"{' '.join(command[1:])} took over {limit_seconds:g} s.") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return said
