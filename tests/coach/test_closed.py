"""What is closed to a learner, on every page: the answers of whatever they have not mastered."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import call_command

from coach.beginning import Begin, Begun
from coach.evaluation.stage import Stage
from coach.evaluation.submissions import good_answer
from coach.frames import Subject
from coach.models import Turn
from coach.providers.port import Call
from coach.replies.closed import closed_to_many
from coach.replies.sealed import Sealed
from coach.replies.vault import facts_in
from coach.turns import Supervisor
from exercises.actions import hand_in
from exercises.models import Exercise
from lessons.models import User
from tests.coach.conversing import COURSE
from tests.coach.evaluating import SHIPPED, shipped_scenario
from tests.coach.fakes import MemoryPurse, ScriptedProvider, Words
from tests.coach.talking import in_thread

SOLUTIONS = {
    "travel-agent": "Seat offers must wait for Search flights and Loyalty tier. Let Compose stream.",
    "legal-review": "Put the guidelines first, then the contract text. The timestamp goes to the end.",
    "slow-prompt": "Turn the reasoning off and streaming on. Choose the small tier, it is accurate enough.",
}
PAGES = (
    Subject(kind="exercise", slug="travel-agent"),
    Subject(kind="exercise", slug="slow-prompt"),
    Subject(kind="lesson", slug="parallel-execution"),
    Subject(kind="lesson", slug="prompt-caching"),
)


def facts_at(slug: str) -> Sealed:
    scenario = shipped_scenario(slug)
    return Sealed(facts_in(scenario.kind, scenario.spec.model_dump_json()))


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_kind_of_mistake_that_can_be_made_is_closed(slug: str):
    facts = facts_at(slug).facts
    assert len({fact.key.partition("@")[0] for fact in facts}) >= 8
    assert all(fact.groups or fact.fix for fact in facts)


def test_every_arrow_of_a_good_plan_is_closed():
    scenario = shipped_scenario("travel-agent")
    arrows = {f"{a}>{b}" for b, waits in good_answer(scenario)["waits"].items() for a in waits}
    closed = {fact.key for fact in facts_at("travel-agent").facts}
    assert {f"missing-dependency@edge:{arrow}" for arrow in arrows} <= closed


@pytest.mark.parametrize(("kind", "spec"), [("dispatch_plan", "{}"), ("no-such-kind", "{}")])
def test_what_no_kind_can_read_has_no_facts(kind: str, spec: str):
    assert facts_in(kind, spec) == ()


def test_a_remedy_is_told_with_its_place_and_not_without():
    sealed = facts_at("travel-agent")
    assert sealed.tells(["let", "compose", "stream"])
    assert not sealed.tells(["streaming", "shows", "the", "words", "while", "they", "are", "written"])


# Through the whole coach


@pytest.fixture
async def coach(supervisor: Supervisor) -> Supervisor:
    await in_thread(call_command)("load_course", COURSE, verbosity=0)
    supervisor.purse_of = lambda _learner: MemoryPurse()
    return supervisor


def says(coach: Supervisor, text: str) -> ScriptedProvider:
    """A model that says this, whatever it is asked."""

    def script(call: Call) -> Words:
        return Words(data={"intent": "concept", "finding": 0, "sure": 0.9}) if call.schema else Words(text)

    coach.provider = provider = ScriptedProvider(script)
    return provider


async def ask(coach: Supervisor, learner: User, subject: Subject, question: str) -> str:
    begin = Begin(key=uuid.uuid4(), subject=subject, learner_id=learner.pk, question=question)
    outcome = await coach.begin_and_wait(begin, 20)
    assert isinstance(outcome, Begun)
    turn = await in_thread(Turn.objects.get)(pk=outcome.turn.pk)
    assert turn.state == Turn.State.DONE
    return turn.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("subject", PAGES, ids=lambda subject: subject.slug)
@pytest.mark.parametrize("slug", SHIPPED)
async def test_no_page_shows_an_answer_before_an_attempt(coach: Supervisor, subject: Subject, slug: str):
    says(coach, SOLUTIONS[slug])
    learner = await in_thread(User.objects.create_guest)()
    said = await ask(coach, learner, subject, "What is a dependency graph?")
    assert said
    assert not any(sentence in said for sentence in SOLUTIONS[slug].split(". "))


@pytest.mark.django_db(transaction=True)
async def test_before_an_attempt_no_model_is_asked_about_it(coach: Supervisor):
    provider = says(coach, SOLUTIONS["travel-agent"])
    learner = await in_thread(User.objects.create_guest)()
    said = await ask(coach, learner, PAGES[0], "What is wrong with my plan?")
    assert "attempt" in said
    assert not [call for call in provider.calls if call.purpose == "reply"]


def _master(learner: User) -> None:
    exercise = Exercise.objects.select_related("published").get(slug="travel-agent")
    assert exercise.published is not None
    answer, key = good_answer(shipped_scenario("travel-agent")), uuid.uuid4()
    hand_in(learner=learner, revision=exercise.published, answer=answer, prediction={}, client_key=key)


@pytest.mark.django_db(transaction=True)
def test_mastery_opens_an_exercise_and_no_other():
    call_command("load_course", COURSE, verbosity=0)
    learner = User.objects.create_guest()
    exercise = Exercise.objects.get(slug="travel-agent").pk
    key = (learner.pk, exercise, 0)
    before = closed_to_many([key])[key]
    assert before.handed is not None
    assert "blocking-on-loop@task:tier" in before.handed.closed
    _master(learner)
    after = closed_to_many([key])[key]
    assert after.handed is None
    gone = {fact.key for fact in before.sealed.facts} - {fact.key for fact in after.sealed.facts}
    assert "blocking-on-loop@task:tier" in gone
    assert "warmup-misses@choice:prewarm" not in gone


@pytest.mark.django_db(transaction=True)
async def test_who_has_mastered_it_is_answered_whatever_the_model_says(coach: Supervisor):
    scenario = shipped_scenario("travel-agent")
    learner = await Stage(coach).learner(scenario)
    good = good_answer(scenario)
    await learner.hand_in(good)
    await learner.hand_in({**good, "pool": []})
    provider = says(coach, "No.")
    reply = await learner.ask("Which setting is right at Loyalty tier?")
    assert "Run “Loyalty tier” in the thread pool." in reply.text
    assert not [call for call in provider.calls if call.purpose == "reply"]
