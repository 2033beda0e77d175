"""A gate for state machines: a bug that was planted on purpose has to be found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def must_find(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """The same examples each time; no shrinking, for the bug itself is known."""
    search = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=search)
