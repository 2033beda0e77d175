"""Turns under any order of asking, crashing, taking over, late writing, stopping and coming back: the real
storage and the real socket, one step at a time, judged by the history checker. Planted bugs are found."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from coach.actions import Append, Finish, Write
from coach.beginning import Begin, Begun, Refused
from coach.dbclock import lease_end
from coach.frames import Subscribe
from coach.leases import RUNS_MAX, Claim, Claimed
from coach.models import Conversation, ProviderAttempt, Turn, TurnEvent
from lessons.models import User
from tests.coach.factories import make_exercise
from tests.coach.survival.checker import Evidence, Final, Record, violations
from tests.coach.survival.stage import SUBJECT, Corridor, Process, Reply, Store, Tab, log_of

pytestmark = pytest.mark.django_db
ENDS = [Turn.State.DONE, Turn.State.TRUNCATED, Turn.State.FAILED]
TABS_MAX = 5


def written_after_a_later_claim(evidence: Evidence) -> Iterator[str]:
    newest: dict[str, int] = {}
    for record in evidence.records:
        if record["op"] == "claim":
            newest[record["turn"]] = record["epoch"]
        elif record["op"] == "write" and record["stored"] and record["epoch"] < newest[record["turn"]]:
            yield f"old claim: {record['turn']} took a word of claim {record['epoch']}"


class Turns(RuleBasedStateMachine):
    store_class: type[Store] = Store
    tab_class: type[Tab] = Tab

    def __init__(self) -> None:
        super().__init__()
        for table in (ProviderAttempt, TurnEvent, Turn, Conversation):
            table.objects.all().delete()
        self.records: list[Record] = []
        self.asked: list[Begin] = []
        self.corridor = Corridor()
        self.born = self.words = 0
        self.processes = [self.new_process(), self.new_process()]
        self.tabs = [self.new_tab()]

    def new_process(self) -> Process:
        self.born += 1
        return Process(f"process {self.born}", self.store_class(), self.corridor, self.records.append)

    def new_tab(self) -> Tab:
        self.born += 1
        return self.tab_class(f"tab {self.born}", WORLD["learner"], self.corridor, self.records.append)

    def replaced(self, process: Process) -> None:
        self.processes[self.processes.index(process)] = self.new_process()

    def process(self, data: st.DataObject) -> Process:
        return data.draw(st.sampled_from(self.processes))

    @property
    def replies(self) -> list[tuple[Process, Reply]]:
        return [(process, reply) for process in self.processes for reply in process.replies.values()]

    # Learners

    @rule(data=st.data(), dies_after=st.sampled_from([None] * 6 + [0, 1]))
    def ask(self, data: st.DataObject, dies_after: int | None) -> None:
        question = f"Question {len(self.asked) + 1}?"
        begin = Begin(
            key=uuid.UUID(int=len(self.asked)),
            subject=SUBJECT,
            learner_id=WORLD["learner"],
            question=question,
        )
        self.asked.append(begin)
        self.log_submit("invoke", begin)
        self.send(begin, self.process(data), dies_after)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), dies_after=st.sampled_from([None] * 5 + [1]))
    def ask_again(self, data: st.DataObject, dies_after: int | None) -> None:
        """With the same key: its acknowledgement was lost, or the page does not know."""
        self.send(data.draw(st.sampled_from(self.asked)), self.process(data), dies_after)

    def send(self, begin: Begin, process: Process, dies_after: int | None) -> None:
        outcome = None
        if dies_after != 0:
            outcome = process.begin(replace(begin, owner=process.name), dies_after=dies_after)
        if isinstance(outcome, Begun):
            self.log_submit("ok", begin, turn=str(outcome.turn.uuid))
        if dies_after is not None:
            self.replaced(process)

    def log_submit(self, outcome: str, begin: Begin, **more: str) -> None:
        record = {"op": "submit", "client": "learner", "key": str(begin.key), "type": outcome}
        self.records.append({**record, "question": begin.question, **more})

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        turns = list(Turn.objects.filter(state__in=Turn.OPEN).order_by("pk"))
        if turns:
            self.process(data).stop(data.draw(st.sampled_from(turns)))

    # Processes

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), confirmed=st.sampled_from([[1], [2], [1, 1], [1, 2, 1]]))
    def say(self, data: st.DataObject, confirmed: list[int]) -> None:
        """Sentences, some written again because their commit was not confirmed."""
        if not self.replies:
            self.take_up(data, run_out=True)
        for times in confirmed:
            if not self.replies:
                return
            process, reply = data.draw(st.sampled_from(self.replies))
            self.words += 1
            process.say(reply, f"Sentence {self.words} of {process.name}.", times=times)

    @precondition(lambda self: self.replies)
    @rule(data=st.data(), state=st.sampled_from(ENDS))
    def finish(self, data: st.DataObject, state: str) -> None:
        process, reply = data.draw(st.sampled_from(self.replies))
        process.finish(reply, state)

    @precondition(lambda self: self.replies)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        """Its words are a model's: nobody buys them twice."""
        _process, reply = data.draw(st.sampled_from(self.replies))
        ProviderAttempt.objects.create(turn=reply.turn, number=1, model="m", purpose="reply", worst_micro=1)

    @precondition(lambda self: self.replies)
    @rule(data=st.data(), drains=st.booleans())
    def end_a_process(self, data: st.DataObject, drains: bool) -> None:  # noqa: FBT001
        """It crashes, or is told to and hands back what it runs."""
        process, _reply = data.draw(st.sampled_from(self.replies))
        if drains:
            process.drain()
        self.replaced(process)

    @precondition(lambda self: self.replies)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        process, _reply = data.draw(st.sampled_from(self.replies))
        process.renew()

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), run_out=st.booleans())
    def look_for_work(self, data: st.DataObject, run_out: bool) -> None:  # noqa: FBT001
        """Leases run out: of the dead, and of the living that were silent too long and may still write."""
        self.take_up(data, run_out=run_out)

    def take_up(self, data: st.DataObject, *, run_out: bool) -> None:
        if run_out:
            Turn.objects.filter(state=Turn.State.RUNNING).update(lease_until_at=lease_end(-1))
        self.process(data).take_up()

    @precondition(lambda self: self.replies)
    @rule(data=st.data(), state=st.sampled_from(["", *ENDS]))
    def come_back_late(self, data: st.DataObject, state: str) -> None:
        """A process is silent for longer than its lease, and goes on as if nothing had happened."""
        late, reply = data.draw(st.sampled_from(self.replies))
        self.take_up(data, run_out=True)
        if state:
            late.finish(reply, state)
        else:
            self.words += 1
            late.say(reply, f"Sentence {self.words} of {late.name}.")

    # Pages

    @rule(data=st.data(), goes_on=st.sampled_from([Tab.go_on, Tab.go_on, Tab.connect_anew, Tab.leave]))
    def show(self, data: st.DataObject, goes_on: Callable[[Tab], None]) -> None:
        goes_on(data.draw(st.sampled_from(self.tabs)))

    @precondition(lambda self: len(self.tabs) < TABS_MAX)
    @rule(loaded=st.booleans())
    def new_page(self, loaded: bool) -> None:  # noqa: FBT001
        tab = self.new_tab()
        if loaded:
            tab.load()
        tab.connect_anew()
        self.tabs.append(tab)

    @rule()
    def lose_news(self) -> None:
        """Until more is lost, or not."""
        self.corridor.is_silent = not self.corridor.is_silent

    # Once the faults have stopped

    def teardown(self) -> None:
        self.corridor.is_silent = False
        self.end_all_turns()
        turns = list(Turn.objects.order_by("number"))
        for tab in self.tabs:
            tab.connect_anew()
            uuids = [str(turn.uuid) for turn in turns]
            self.records.append({"op": "settled", "client": tab.name, "turns": uuids})
            tab.leave()
        final = [
            Final(str(turn.uuid), turn.question, log_of(turn), turn.text, turn.is_open) for turn in turns
        ]
        found = violations(self.records, final, written_after_a_later_claim)
        assert not found, "; ".join(found)

    def end_all_turns(self) -> None:
        for process in self.processes:
            process.renew()
        for _ in range(Turn.objects.count() + RUNS_MAX):
            held = [reply.turn.pk for _, reply in self.replies]
            Turn.objects.filter(state=Turn.State.RUNNING).exclude(pk__in=held).update(
                lease_until_at=lease_end(-1)
            )
            for process in self.processes:
                process.take_up()
            for process, reply in self.replies:
                process.finish(reply, Turn.State.DONE)


WORLD: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _world() -> None:
    make_exercise()
    WORLD["learner"] = User.objects.create_guest().pk


class NoUniqueKey(Store):
    """Begins a turn whenever it is asked to."""

    def begin(self, begin: Begin) -> Iterator[Begun | Refused]:
        return super().begin(replace(begin, key=uuid.uuid4()))


class TwoTransactions(Store):
    """The turn first, then its message."""

    def begin(self, begin: Begin) -> Iterator[Begun | Refused]:
        for outcome in super().begin(replace(begin, question="")):
            yield outcome
            if isinstance(outcome, Begun) and outcome.created:
                outcome.turn.question = begin.question
                outcome.turn.save(update_fields=["question"])
            yield outcome


class NoFencing(Store):
    """Takes words from whoever ran the turn at any time."""

    def write(self, write: Write) -> Any:
        if isinstance(write, Append | Finish):
            write = replace(write, epoch=Turn.objects.get(pk=write.event.turn_id).epoch)
        return super().write(write)


class NoRestart(Store):
    """Who takes a turn over goes on behind the words of who had it."""

    def write(self, write: Write) -> Any:
        outcome = super().write(write)
        return [_unmarked(claimed) for claimed in outcome] if isinstance(write, Claim) else outcome


def _unmarked(claimed: Claimed) -> Claimed:
    if not claimed.events or claimed.is_ended:
        return claimed
    TurnEvent.objects.filter(turn=claimed.turn, seq=claimed.seq).delete()
    return replace(claimed, events=(), seq=claimed.seq - 1)


class ResumesWithWhatItHas(Tab):
    """Reads from its cursor on, and not after it."""

    async def _follow(self, command: Subscribe) -> None:
        cursors = {turn: max(seq - 1, 0) for turn, seq in command.cursors.items()}
        await super()._follow(command.model_copy(update={"cursors": cursors}))


class StartsAtTheEnd(Tab):
    """A new page takes what was said before it for known."""

    def load(self) -> None:
        log, self.log = self.log, lambda _record: None
        super().load()
        self.log = log


def machine(planted: type[Store] | type[Tab]) -> type[Turns]:
    part = "store_class" if issubclass(planted, Store) else "tab_class"
    return type("Turns", (Turns,), {part: planted})


def test_turns_hold_in_any_order() -> None:
    tried = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,  # shrinking takes minutes
        phases=[Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Turns, settings=tried)


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (NoUniqueKey, "duplicated: "),
        (TwoTransactions, "unexpected: "),
        (NoFencing, "old claim: "),
        (NoRestart, "two texts: "),
        (ResumesWithWhatItHas, "gap or duplicate: "),
        (StartsAtTheEnd, "gap or duplicate: "),
    ],
)
def test_a_planted_bug_is_found_by_the_machine(planted: type[Store] | type[Tab], said: str) -> None:
    found = settings(
        max_examples=250,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError, match=said):
        run_state_machine_as_test(machine(planted), settings=found)


def test_page_that_missed_a_whole_turn_is_shown_it_before_a_later_one() -> None:
    records: list[Record] = []
    corridor = Corridor()
    process = Process("process", Store(), corridor, records.append)
    tab = Tab("tab", WORLD["learner"], corridor, records.append)
    tab.connect_anew()
    for number, silent in ((1, True), (2, False)):
        corridor.is_silent = silent
        key = uuid.UUID(int=number)
        process.begin(Begin(key=key, subject=SUBJECT, learner_id=WORLD["learner"], question=f"{number}?"))
    tab.go_on()
    seen = [record["turn"] for record in records if record["op"] == "see"]
    assert seen == [str(turn.uuid) for turn in Turn.objects.order_by("number")]
