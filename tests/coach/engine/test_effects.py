"""What may run before it is known to be needed: what can be thrown away, or is staged behind a commit."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from coach.engine.errors import GraphError, UnknownNeed
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.simulation import simulate
from coach.engine.trace import DONE, DROPPED
from tests.coach.engine.virtual_time import run_virtually


class Post:
    """A letter box: what is in it has been sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def draft(self, inputs: Inputs) -> str:
        await asyncio.sleep(0.3)
        return "a letter"

    async def send(self, inputs: Inputs) -> None:
        self.sent.append(inputs["draft"])


def letter(post: Post) -> list[Task]:
    return [
        Task("decider", duration=Fixed(0.5)),
        Task(
            "draft",
            duration=Fixed(0.3),
            call=post.draft,
            condition=Condition("decider", 0.7),
            speculative=True,
            effects="staged",
            commit="send",
        ),
        Task("send", ("draft",), call=post.send, condition=Condition("draft", 1.0)),
    ]


def sent(*, needed: bool) -> tuple[Post, RunResult]:
    post = Post()
    return post, run_virtually(run(TaskGraph(letter(post)), needed={"draft": needed}))


def test_staged_work_is_committed_once_it_is_known_to_be_needed() -> None:
    post, result = sent(needed=True)
    assert post.sent == ["a letter"]
    assert result.trace["draft"].start == 0.0
    assert result.trace["send"].start == pytest.approx(0.5)


def test_staged_work_that_is_dropped_is_never_committed() -> None:
    post, result = sent(needed=False)
    assert post.sent == []
    assert result.trace["send"].status == DROPPED
    assert result.trace.wasted_seconds == pytest.approx(0.3)


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": Condition("decider", 1.0)},
        {"condition": None},
        {"needs": ()},
        {"speculative": True, "effects": "pure"},
    ],
)
def test_a_commit_that_could_run_without_its_stage_is_refused(changes: dict[str, object]) -> None:
    decider, draft, send = letter(Post())
    with pytest.raises(GraphError, match="commits 'draft'"):
        TaskGraph([decider, draft, replace(send, **changes)])  # type: ignore[arg-type]  # one field at a time


def test_a_commit_has_to_be_in_the_graph() -> None:
    with pytest.raises(UnknownNeed, match="'send'"):
        TaskGraph(letter(Post())[:2])


@pytest.mark.parametrize("effects", ["unknown", "anything"])
def test_only_what_can_be_thrown_away_may_run_ahead(effects: str) -> None:
    with pytest.raises(GraphError, match="pure or staged"):
        Task("mail", condition=Condition("decider", 0.9), speculative=True, effects=effects)  # type: ignore[arg-type]  # on purpose


def test_a_note_on_a_task_is_in_its_span() -> None:
    trace = simulate(TaskGraph([Task("a", note="because")]))
    assert (trace["a"].note, trace["a"].status) == ("because", DONE)
