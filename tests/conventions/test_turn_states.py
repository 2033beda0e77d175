"""The picture of a turn's states is the one of today's table."""

from __future__ import annotations

from tests.conventions.turn_states import main


def test_picture_of_the_states_is_up_to_date():
    assert main([]) == 0
