"""Both prompts of an attempt, run through the SDK and the rehearsal server, paid from the ledger."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from coach.engine.graph import TaskGraph
from coach.engine.inputs import Inputs
from coach.engine.runner import run
from coach.engine.task import Task
from coach.models import Process, ProviderAttempt, TrialRun
from coach.providers import choosing
from coach.providers.claude import Claude
from coach.rehearsal.asked import Asked
from coach.rehearsal.server import Rehearsal
from coach.rehearsal.words import Say
from coach.replies.calling import Stream
from coach.replies.prompts import VALUE_OF_SECOND_USD
from coach.trials.asking import Asker, answered
from coach.trials.records import OtherRuns, open_run, rows_of_runs
from coach.trials.running import trial_of
from coach.turns import Supervisor
from exercises.actions import hand_in
from exercises.models import Exercise, Submission
from lessons.models import User
from tests.coach.conversing import COURSE
from tests.coach.fakes import MemoryPurse, ScriptedProvider, Unpaid, Words
from tests.coach.providers.asking import KEY, Wallet, installation, question
from tests.coach.spending import only_limits, set_limit
from tests.coach.talking import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
State = TrialRun.State
FOUND = "Welcome! You are the virtual finance colleague"
RIGHT = {
    "Label printer ribbon": "compliant",
    "One stay at the Storchen": "compliant",
    "Conference pass": "needs approval",
}


def script(asked: Asked) -> Say | str | None:
    """Right with the learner's prompt; with the one as found everything is "not compliant", at length."""
    said = str(asked.body["messages"])
    if FOUND in said:
        return "It could be compliant, or not. " * 10 + "\nnot compliant"
    return next((verdict for case, verdict in RIGHT.items() if case in said), "Not compliant.")


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Rehearsal]:
    async with Rehearsal(scale=200, keys=[KEY], script=script) as rehearsal:
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = KEY, rehearsal.url
        settings.COACH_SERVER_KIND, settings.ALLOW_LOCAL_MODEL = "rehearsal", True
        yield rehearsal
        await choosing.close()


@pytest.fixture
async def attempt(supervisor: Supervisor) -> Submission:
    await in_thread(call_command)("load_course", COURSE, verbosity=0)
    await in_thread(only_limits)(day=20.0)
    return await in_thread(make_attempt)()


def make_attempt(slug: str = "slow-prompt", learner: User | None = None) -> Submission:
    exercise = Exercise.objects.select_related("published").get(slug=slug)
    assert exercise.published is not None
    answer = exercise.wrong_answers[-1]["answer"]
    made = hand_in(
        learner=learner or User.objects.create_guest(),
        revision=exercise.published,
        answer=answer,
        prediction={},
        client_key=uuid.uuid4(),
    )
    related = ("learner", "exercise", "revision")
    return Submission.objects.select_related(*related).get(pk=made.pk)


def visit(submission: Submission, name: str = "", **data: Any) -> HttpResponse:
    """The attempt's page, or a POST to the named address."""
    client = Client()
    client.force_login(submission.learner)
    if not name:
        return client.get(submission.get_absolute_url())  # type: ignore[return-value]
    return client.post(address(submission, name), data, headers={"HX-Request": "true"})  # type: ignore[return-value]


def address(submission: Submission, name: str = "trial") -> str:
    return reverse(f"coach:{name}", args=[submission.exercise.slug, submission.number])


def html(response: HttpResponse) -> str:
    return response.content.decode()


async def begin(submission: Submission, key: uuid.UUID | None = None) -> str:
    return html(await in_thread(visit)(submission, "trial", key=key or uuid.uuid4()))


def runs() -> list[TrialRun]:
    return list(TrialRun.objects.order_by("pk"))


async def until(holds: Callable[[TrialRun], bool]) -> TrialRun:
    async with asyncio.timeout(30):
        while True:
            found = await in_thread(runs)()
            if found and holds(found[-1]):
                return found[-1]
            await asyncio.sleep(0.02)


async def ended() -> TrialRun:
    return await until(lambda run: not run.is_running)


async def test_both_prompts_are_run_and_measured_side_by_side(attempt: Submission, server: Rehearsal):
    assert "Running both prompts" in await begin(attempt)
    run = await ended()
    assert (run.state, run.done, run.total) == (State.DONE, 18, 18)
    page = html(await in_thread(visit)(attempt))
    assert "Yours gets 9 of 9 cases right, the prompt as found 6." in page
    assert "instead of" in page
    found = [call for call in run.calls if call["side"] == "found"]
    tokens = {kind: sum(call["usage"][f"tokens_{kind}"] for call in found) for kind in ("read", "output")}
    assert f"<td>{tokens['output']:,}</td>" in page
    # One call writes what the prompt as found has in common with itself, the others wait for it and read it.
    assert sum(call["usage"]["tokens_written"] > 0 for call in found) == 1
    assert tokens["read"] > 0
    attempts = await in_thread(lambda: list(ProviderAttempt.objects.filter(purpose="run")))()
    assert len(attempts) == 18
    assert {(row.learner_id, row.model, row.outcome) for row in attempts} == {
        (attempt.learner_id, "claude-haiku-5-5", "done")
    }
    after = await in_thread(Submission.objects.get)(pk=attempt.pk)
    assert (after.grade, after.graded_at) == (attempt.grade, attempt.graded_at)


async def test_prompt_goes_out_alone_with_the_case_behind_what_is_shared(
    attempt: Submission, server: Rehearsal
):
    await begin(attempt)
    await ended()
    assert len(server.log) == 18
    for entry in server.log:
        assert not {"system", "tools"} & entry.body.keys()
        (message,) = entry.body["messages"]
        first, last = (block["text"] for block in message["content"])
        assert "{expense}" not in first + last
        assert last.endswith("exactly one of compliant, not compliant, needs approval.")
    firsts = {entry.body["messages"][0]["content"][0]["text"] for entry in server.log}
    assert len(firsts) == 2


async def test_time_of_a_call_is_the_models_own(server: Rehearsal):
    server.fail("overloaded")
    claude = Claude(installation(server.url), first_pause_seconds=0.4)
    streams: list[Stream] = []

    async def call(inputs: Inputs) -> None:
        streams.append(Stream(question(), inputs, claude, Wallet()))
        assert [piece async for piece in streams[-1].pieces()]

    await run(TaskGraph([Task("ask", call=call)]))
    await claude.close()
    (stream,) = streams
    told = answered(stream, "own", 0, "", "")
    assert told.first_seconds is not None
    assert 0 < told.first_seconds <= told.seconds
    # The pause before another try is half of what it was set to, or longer.
    assert stream.seconds - told.seconds >= 0.2


async def test_calls_of_a_run_are_worth_to_the_provider_what_they_are_to_the_engine(attempt: Submission):
    trial = trial_of(attempt)
    assert trial is not None
    provider = ScriptedProvider(lambda call: Words("compliant"))
    await run(Asker(trial=trial, provider=provider, purse=MemoryPurse(), tell=lambda told: None).graph())
    assert {call.value_of_second_usd for call in provider.calls} == {VALUE_OF_SECOND_USD}


async def test_calls_of_a_run_wait_for_no_cache_where_there_is_none(attempt: Submission):
    trial = trial_of(attempt)
    assert trial is not None
    asker = Asker(trial=trial, provider=Unpaid(lambda call: Words()), purse=MemoryPurse(), tell=print)
    assert not any(task.after_output for task in asker.graph())


async def test_asked_twice_with_one_key_or_while_it_runs_it_is_one_run(
    attempt: Submission, server: Rehearsal
):
    key = uuid.uuid4()
    await asyncio.gather(begin(attempt, key), begin(attempt, key), begin(attempt))
    await ended()
    await begin(attempt, key)
    assert len(await in_thread(runs)()) == 1
    assert len(server.log) == 18
    await begin(attempt)
    await until(lambda run: run.client_key != key)
    assert len(await in_thread(runs)()) == 2
    await ended()


async def test_limit_ends_the_run_with_a_sentence(attempt: Submission, server: Rehearsal):
    await in_thread(set_limit)("guest", 0.0012)
    await begin(attempt)
    run = await ended()
    assert run.state == State.LIMITED
    assert 0 < run.done < 18
    page = html(await in_thread(visit)(attempt))
    assert "The allowance for calls of models is used up" in page
    assert "Measured on the small model" in page


async def test_other_requests_of_the_learner_are_waited_for(attempt: Submission, server: Rehearsal):
    await in_thread(set_limit)("guest", 5.0, calls=1)
    await begin(attempt)
    run = await ended()
    assert (run.state, run.done) == (State.DONE, 18)
    assert {call["outcome"] for call in run.calls} == {"done"}


async def test_call_that_fails_counts_as_no_answer(attempt: Submission, server: Rehearsal):
    server.fail(*["unauthorized"] * 2)
    await begin(attempt)
    run = await ended()
    assert run.state == State.DONE
    assert sum(call["outcome"] != "done" for call in run.calls) == 2
    assert "2 calls gave no answer" in html(await in_thread(visit)(attempt))


async def test_run_is_stopped_and_keeps_what_it_measured(attempt: Submission, server: Rehearsal):
    server.prompter.script = lambda asked: "compliant " * 700
    server.provider.scale = 4
    await begin(attempt)
    await until(lambda run: run.done > 0)
    assert "You stopped this run" in html(await in_thread(visit)(attempt, "trial-stop"))
    await until(lambda run: bool(run.calls))
    (run,) = await in_thread(runs)()
    assert run.state == State.STOPPED
    assert run.done < 18
    open_rows = ProviderAttempt.objects.filter(settled_at__isnull=True)
    assert not await in_thread(open_rows.exists)()


async def test_draining_interrupts_the_run(attempt: Submission, server: Rehearsal, supervisor: Supervisor):
    server.provider.scale = 1
    await begin(attempt)
    await until(lambda run: run.is_running)
    await supervisor.drain()
    (run,) = await in_thread(runs)()
    assert run.state == State.INTERRUPTED
    assert "This run was interrupted. Run it again." in html(await in_thread(visit)(attempt))
    assert "about to restart" in await begin(attempt)


def old_run(attempt: Submission, owner: str) -> TrialRun:
    run = TrialRun.objects.create(submission=attempt, owner=owner, total=18)
    TrialRun.objects.update(began_at="2026-01-01T00:00Z")
    return run


async def test_run_of_a_dead_process_is_interrupted_and_can_be_run_again(
    attempt: Submission, server: Rehearsal
):
    await in_thread(old_run)(attempt, "nobody")
    assert "This run was interrupted. Run it again." in html(await in_thread(visit)(attempt))
    await begin(attempt)
    await ended()
    assert [run.state for run in await in_thread(runs)()] == [State.INTERRUPTED, State.DONE]


async def test_learner_has_one_run_at_a_time(attempt: Submission, supervisor: Supervisor):
    while not await in_thread(Process.objects.filter(owner=supervisor.owner).exists)():
        await asyncio.sleep(0.01)

    def both() -> None:
        other = make_attempt(learner=attempt.learner)
        assert open_run(attempt, key=uuid.uuid4(), owner=supervisor.owner, total=18)
        with pytest.raises(OtherRuns):
            open_run(other, key=uuid.uuid4(), owner=supervisor.owner, total=18)

    await in_thread(both)()


async def test_without_a_model_the_page_says_what_is_needed(attempt: Submission):
    page = html(await in_thread(visit)(attempt))
    assert "this installation has none" in page
    assert 'id="trial-run"' not in page
    await begin(attempt)
    assert not await in_thread(runs)()


async def test_attempt_of_another_kind_shows_nothing_of_it(attempt: Submission, server: Rehearsal):
    other = await in_thread(make_attempt)("travel-agent")
    assert 'id="trial"' not in html(await in_thread(visit)(other))


async def test_spec_without_right_answers_has_no_run(attempt: Submission):
    for rule in attempt.revision.spec["rules"]:
        del rule["expected"]
    assert trial_of(attempt) is None


async def test_answer_is_shown_as_text(attempt: Submission, server: Rehearsal):
    server.prompter.script = lambda asked: "<script>alert(1)</script> compliant"
    await begin(attempt)
    await ended()
    page = html(await in_thread(visit)(attempt))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


async def test_export_holds_the_runs(attempt: Submission, server: Rehearsal):
    await begin(attempt)
    await ended()
    (row,) = await in_thread(rows_of_runs)(attempt.learner)
    assert (row["state"], len(row["calls"])) == ("done", 18)
