"""Results that outlive a run: what is kept, what is found again, and what a store that fails can do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.checkpoints import Checkpoints, MemoryStore, digest
from coach.engine.errors import DeadlineExceeded, StoreFailed, TaskFailed
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.ports import Store
from coach.engine.runner import Inputs, RunResult, run
from tests.coach.engine.virtual_time import run_virtually


class Worker:
    """A call that counts: it adds up what it is given, and fails as often as it is told to."""

    def __init__(self, seconds: float = 1.0, own: Any = 1, fails: int = 0) -> None:
        self.seconds, self.own, self.fails, self.calls = seconds, own, fails, 0

    async def __call__(self, inputs: Inputs) -> Any:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.fails:
            self.fails -= 1
            raise ValueError("no answer")
        return [self.own, *(inputs[name] for name in inputs.task.needs if name in inputs)]


class SlowStore(MemoryStore):
    def __init__(self, *, load: float = 0.0, save: float = 0.0) -> None:
        super().__init__()
        self.seconds = {"load": load, "save": save}

    async def load(self, run: str) -> Mapping[str, Any]:
        await asyncio.sleep(self.seconds["load"])
        return await super().load(run)

    async def save(self, run: str, key: str, value: Any) -> None:
        await asyncio.sleep(self.seconds["save"])
        await super().save(run, key, value)


class BrokenStore(MemoryStore):
    def __init__(self, *, loads: bool) -> None:
        super().__init__()
        self.loads = loads

    async def load(self, run: str) -> Mapping[str, Any]:
        if not self.loads:
            raise ConnectionError("no database")
        return {}

    async def save(self, run: str, key: str, value: Any) -> None:
        raise ConnectionError("disk full")


def played(graph: TaskGraph, store: Store, **options: Any) -> RunResult:
    return run_virtually(run(graph, checkpoints=Checkpoints(store, "a run"), **options))


def test_what_was_kept_is_not_made_again() -> None:
    a, b, c = Worker(), Worker(), Worker(fails=1)
    tasks = [Task("a", call=a, keep=True, cost_usd=0.5), Task("b", ("a",), call=b), Task("c", ("b",), call=c)]
    store = MemoryStore()
    with pytest.raises(TaskFailed, match="'c'"):
        played(TaskGraph(tasks), store)
    result = played(TaskGraph(tasks), store)
    assert (a.calls, b.calls, c.calls) == (1, 2, 2)
    assert result["c"] == [1, [1, [1]]]
    assert result.trace["a"].seconds == 0
    assert result.trace["a"].cost_usd == 0
    assert result.trace["a"].note == "Kept from an earlier run."
    assert result.unsaved == {}


def test_runs_of_other_names_know_nothing_of_each_other() -> None:
    worker, store = Worker(), MemoryStore()
    for name in ("one", "two"):
        run_virtually(
            run(TaskGraph([Task("a", call=worker, keep=True)]), checkpoints=Checkpoints(store, name))
        )
    assert worker.calls == 2


def test_other_inputs_make_another_result() -> None:
    store, worker = MemoryStore(), Worker()
    for own in (1, 2, 1):
        source = Task("source", call=Worker(own=own))
        result = played(TaskGraph([source, Task("a", ("source",), call=worker, keep=True)]), store)
        assert result["a"] == [1, [own]]
    assert worker.calls == 2


def test_a_task_names_what_else_its_result_depends_on() -> None:
    store, worker = MemoryStore(), Worker()
    for version in ("v1", "v2", "v1"):
        played(TaskGraph([Task("a", call=worker, keep=True, key=version)]), store)
    assert worker.calls == 2


class Page:
    """A value that has no digest."""

    def __init__(self, address: str) -> None:
        self.address = address


def test_a_task_can_make_the_key_of_inputs_without_digest() -> None:
    store, worker = MemoryStore(), Worker()

    def key(inputs: Inputs) -> str:
        return str(inputs["page"].address)

    for address in ("one", "two", "one"):
        page = Task("page", call=_giving(Page(address)))
        result = played(TaskGraph([page, Task("a", ("page",), call=worker, keep=True, key=key)]), store)
        assert result.unsaved == {}
    assert worker.calls == 2


def _giving(value: Any) -> Any:
    async def call(inputs: Inputs) -> Any:
        return value

    return call


def test_without_a_digest_a_result_is_not_kept_and_the_run_says_so() -> None:
    store, worker = MemoryStore(), Worker()
    graph = TaskGraph([Task("page", call=_giving(Page("one"))), Task("a", ("page",), call=worker, keep=True)])
    for _ in range(2):
        result = played(graph, store)
        assert "a Page has no digest" in str(result.unsaved["a"])
        assert "Not kept: TypeError" in result.trace["a"].note
    assert worker.calls == 2


def test_a_dropped_need_is_an_input_too() -> None:
    store, worker = MemoryStore(), Worker()
    extra = Task("extra", call=Worker(), condition=Condition("decider", 0.5))
    graph = TaskGraph([Task("decider"), extra, Task("a", ("extra",), call=worker, keep=True)])
    for needed in (True, False, True, False):
        played(graph, store, needed={"extra": needed})
    assert worker.calls == 2


def test_a_streaming_join_is_kept_whatever_the_order_of_arrival() -> None:
    store, calls = MemoryStore(), []

    async def join(inputs: Inputs) -> list[Any]:
        calls.append(1)
        return sorted([value async for _, value in inputs.arrivals()])

    for first, second in ((1, 2), (2, 1)):
        branches = [Task("a", call=Worker(first, "a")), Task("b", call=Worker(second, "b"))]
        stream = Task("join", ("a", "b"), join="stream", call=join, keep=True)
        assert played(TaskGraph([*branches, stream]), store)["join"] == [["a"], ["b"]]
    assert len(calls) == 1


def test_a_join_that_ended_early_is_not_kept() -> None:
    async def first(inputs: Inputs) -> Any:
        async for name, _ in inputs.arrivals():
            return name
        return None

    branches = [Task("a", call=Worker(1)), Task("b", call=Worker(2))]
    graph = TaskGraph([*branches, Task("join", ("a", "b"), join="stream", call=first, keep=True)])
    store = MemoryStore()
    result = played(graph, store)
    assert "before all its inputs" in str(result.unsaved["join"])
    assert store.runs == {}


def test_no_task_waits_for_the_store() -> None:
    graph = TaskGraph([Task("a", call=Worker(), keep=True), Task("b", ("a",), call=Worker(), keep=True)])
    store = SlowStore(save=1.5)
    result = played(graph, store)
    assert result.trace.makespan == 2
    assert len(store.runs["a run"]) == 2


def test_the_end_waits_for_the_store_with_patience() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        graph = TaskGraph([Task("a", call=Worker(), keep=True)])
        result = await run(graph, checkpoints=Checkpoints(SlowStore(save=60), "a run", patience_seconds=3))
        assert result["a"] == [1]
        assert isinstance(result.unsaved["a"], TimeoutError)
        return loop.time()

    assert run_virtually(main()) == 4


def test_the_deadline_holds_for_the_store_too() -> None:
    async def main() -> tuple[float, RunResult]:
        graph = TaskGraph([Task("a", call=Worker(), keep=True)])
        result = await run(graph, deadline_seconds=2, checkpoints=Checkpoints(SlowStore(save=60), "a run"))
        return asyncio.get_running_loop().time(), result

    at, result = run_virtually(main())
    assert at == 2
    assert result["a"] == [1]
    with pytest.raises(DeadlineExceeded) as caught:
        played(TaskGraph([Task("a", call=Worker())]), SlowStore(load=60), deadline_seconds=2)
    assert caught.value.unfinished == ("a",)


def test_what_was_made_before_a_failure_is_kept() -> None:
    store, good, bad = SlowStore(save=2), Worker(1), Worker(1.5, fails=1)
    graph = TaskGraph([Task("good", call=good, keep=True), Task("bad", call=bad)])
    with pytest.raises(TaskFailed, match="'bad'"):
        played(graph, store)
    played(graph, store)
    assert (good.calls, bad.calls) == (1, 2)


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0, 1.5])
def test_the_callers_cancellation_ends_saving_at_once(at: float) -> None:
    async def main() -> None:
        store = SlowStore(load=0.2, save=60)
        graph = TaskGraph([Task("a", call=Worker(), keep=True)])
        running = asyncio.create_task(run(graph, checkpoints=Checkpoints(store, "a run")))
        await asyncio.sleep(at)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.get_running_loop().time() == at
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())


def test_a_store_that_cannot_save_takes_nothing_from_the_run() -> None:
    result = played(TaskGraph([Task("a", call=Worker(), keep=True)]), BrokenStore(loads=True))
    assert result["a"] == [1]
    assert isinstance(result.unsaved["a"], ConnectionError)
    assert result.trace["a"].note == "Not kept: ConnectionError: disk full."


def test_a_store_that_cannot_load_starts_nothing() -> None:
    worker = Worker()
    with pytest.raises(StoreFailed, match="no database"):
        played(TaskGraph([Task("a", call=worker, keep=True)]), BrokenStore(loads=False))
    assert worker.calls == 0


def test_speculative_results_are_kept_too() -> None:
    store, worker = MemoryStore(), Worker(1)
    extra = Task(
        "extra",
        call=worker,
        keep=True,
        condition=Condition("decider", 0.5),
        speculative=True,
        effects="pure",
    )
    graph = TaskGraph([Task("decider", duration=Fixed(2)), extra])
    for needed in (False, True):
        played(graph, store, needed={"extra": needed})
    assert worker.calls == 1


# Digests

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """What the digest tells apart: kinds as well as values."""
    if isinstance(value, list):
        return ("list", *map(shape, value))
    if isinstance(value, dict):
        return ("map", *sorted((key, repr(shape(each))) for key, each in value.items()))
    return (type(value).__name__, repr(value))


@given(values, values)
def test_equal_values_and_only_they_have_equal_digests(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (shape(one) == shape(other))


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_a_mapping_does_not_matter(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@dataclass
class Offer:
    price: float
    places: tuple[str, ...]


def test_dataclasses_and_tuples_have_digests() -> None:
    assert digest(Offer(1.5, ("a",))) == digest(Offer(1.5, ("a",))) != digest(Offer(1.5, ("b",)))
    assert digest((1, 2)) == digest([1, 2])


@pytest.mark.parametrize("value", [object(), {1: "one"}, {1, 2}, Offer, lambda: None])
def test_what_might_only_look_alike_has_no_digest(value: Any) -> None:
    with pytest.raises(TypeError, match="no digest"):
        digest(value)


def test_what_contains_itself_has_no_digest() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(TypeError, match="contains itself"):
        digest(value)


def test_a_digest_is_the_same_in_another_process() -> None:
    value = {"b": [1, 2.5, None, True], "a": "ä"}
    program = f"from coach.engine.checkpoints import digest; print(digest({value!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(value)


def test_a_store_in_memory_is_a_store() -> None:
    assert isinstance(MemoryStore(), Store)
