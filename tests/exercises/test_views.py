from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from exercises.access import exercise_for
from exercises.actions import publish_exercise
from exercises.forms import workbench_of
from exercises.models import Draft, Exercise, Submission
from exercises.queries import attempts_for
from exercises.views import _page
from lessons.models import User
from tests.exercises.factories import form_of, make_exercise, make_learner, make_submission
from tests.exercises.toy import TOY

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def exercise() -> Exercise:
    return make_exercise()


@pytest.fixture
def learner(client: Client) -> User:
    learner = make_learner()
    client.force_login(learner)
    return learner


def page_of(client: Client, exercise: Exercise) -> str:
    return client.get(exercise.get_absolute_url()).content.decode()


def submit(client: Client, exercise: Exercise, form: dict[str, Any], **headers: Any) -> Any:
    return client.post(reverse("exercises:submit", args=[exercise.slug]), form, **headers)


def test_exercise_page_shows_brief_start_and_prediction(client: Client, exercise: Exercise):
    page = page_of(client, exercise)
    assert "<strong>ten</strong>" in page
    assert 'name="numbers" value="1"' in page
    assert 'name="predict-total"' in page
    assert "What will it come to?" in page


def test_exercise_page_as_read_writes_nothing(client: Client, exercise: Exercise):
    page_of(client, exercise)
    assert not User.objects.exists()
    assert not Draft.objects.exists()


def test_exercise_page_of_unpublished_exercise_is_not_there(client: Client):
    exercise = make_exercise(published=False)
    assert client.get(exercise.get_absolute_url()).status_code == 404


def test_exercise_page_takes_two_queries_of_its_own(
    rf: RequestFactory, exercise: Exercise, django_assert_num_queries: DjangoAssertNumQueries
):
    learner = make_learner()
    for total in (8, 9, 11):
        make_submission(learner, exercise, total)
    request = rf.get("/")
    request.user = learner
    with django_assert_num_queries(2):
        found = exercise_for(learner, exercise.slug)
        context = _page(found, workbench_of(found), attempts_for(learner, found))
        for part in ("exercise-outline", "exercise-form", "exercise-results", "exercise-attempts"):
            render_to_string(f"exercises/{part}.html", context, request)


@pytest.mark.parametrize("path", ["", "attempts/2/", "compare/?first=1&second=3"])
def test_pages_stay_within_few_queries(client: Client, exercise: Exercise, learner: User, path: str):
    for total in (8, 9, 11):
        make_submission(learner, exercise, total)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{exercise.get_absolute_url()}{path}").status_code == 200
    assert len(queries) <= 12, [query["sql"] for query in queries]


def test_submit_by_visitor_makes_a_guest_and_shows_findings(client: Client, exercise: Exercise):
    response = submit(client, exercise, form_of(exercise, 4, 4))
    assert response.status_code == 302
    assert response["Location"] == f"{exercise.get_absolute_url()}#exercise-results"
    assert Submission.objects.get().learner.is_guest
    page = page_of(client, exercise)
    assert "They come to 8, not to the target." in page
    assert "Reach 10." not in page
    assert 'name="numbers" value="4"' in page


def test_submit_by_htmx_gives_results_and_a_fresh_key(client: Client, exercise: Exercise, learner: User):
    form = form_of(exercise, 10)
    response = submit(client, exercise, form, headers=HTMX)
    body = response.content.decode()
    assert response.status_code == 200
    assert 'id="exercise-results"' in body
    assert "<html" not in body
    assert 'id="exercise-client-key"' in body
    assert form["client_key"] not in body
    assert 'id="exercise-form"' not in body
    assert "You said 10; it is 10." in body


def test_submit_after_complaints_also_takes_them_away(client: Client, exercise: Exercise, learner: User):
    body = submit(client, exercise, form_of(exercise, 10, had_errors="1"), headers=HTMX).content.decode()
    assert 'id="exercise-form"' in body
    assert 'name="had_errors"' not in body


def test_submit_of_invalid_answer_keeps_what_was_typed(client: Client, exercise: Exercise, learner: User):
    response = submit(client, exercise, form_of(exercise, "ten", note="my note"))
    page = response.content.decode()
    assert response.status_code == 422
    assert "Whole numbers only." in page
    assert 'value="ten"' in page
    assert not Submission.objects.exists()
    assert 'value="ten"' in page_of(client, exercise)
    assert "my note" in page_of(client, exercise)


def test_submit_of_invalid_answer_by_htmx_gives_the_form_back(
    client: Client, exercise: Exercise, learner: User
):
    response = submit(client, exercise, form_of(exercise, "ten"), headers=HTMX)
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#exercise-form"
    assert "Whole numbers only." in response.content.decode()


@pytest.mark.parametrize("guess", ["", "many", "-1", "9" * 5000, "NaN"])
def test_submit_with_bad_prediction_is_asked_again(
    client: Client, exercise: Exercise, learner: User, guess: str
):
    response = submit(client, exercise, form_of(exercise, 10, **{"predict-total": guess}))
    assert response.status_code == 422
    assert not Submission.objects.exists()


def test_submit_as_found_gets_no_critique(client: Client, exercise: Exercise, learner: User):
    response = submit(client, exercise, form_of(exercise, 1, 2))
    assert response.status_code == 422
    assert "Change something first" in response.content.decode()
    assert not Submission.objects.exists()


def test_submit_of_empty_form_keeps_the_draft(client: Client, exercise: Exercise, learner: User):
    submit(client, exercise, form_of(exercise, "seven"))
    response = submit(client, exercise, {})
    assert response.status_code == 422
    assert 'value="seven"' in response.content.decode()
    assert 'value="seven"' in page_of(client, exercise)


def test_submit_twice_with_one_key_is_one_submission(client: Client, exercise: Exercise, learner: User):
    form = form_of(exercise, 4)
    submit(client, exercise, form)
    submit(client, exercise, form)
    assert Submission.objects.count() == 1


def test_submit_of_another_answer_under_an_old_key_is_another_submission(
    client: Client, exercise: Exercise, learner: User
):
    form = form_of(exercise, 4)
    submit(client, exercise, form)
    submit(client, exercise, {**form, "numbers": ["5"]})
    assert list(Submission.objects.order_by("number").values_list("number", "answer__numbers")) == [
        (1, [4]),
        (2, [5]),
    ]


@pytest.mark.parametrize("key", ["", "not-a-key", "\x00", "1" * 1000])
def test_submit_with_broken_key_still_counts(client: Client, exercise: Exercise, learner: User, key: str):
    submit(client, exercise, form_of(exercise, 4, client_key=key))
    assert Submission.objects.count() == 1


def test_submit_from_a_stale_page_says_so_and_can_go_on(client: Client, exercise: Exercise, learner: User):
    stale = form_of(exercise, 6)
    exercise.spec = {**exercise.spec, "target": 12}
    publish_exercise(exercise=exercise)
    response = submit(client, exercise, stale)
    page = response.content.decode()
    assert response.status_code == 422
    assert "This exercise has changed" in page
    assert 'name="numbers" value="6"' in page
    assert 'name="revision" value="2"' in page
    assert not Submission.objects.exists()
    assert "This exercise has changed" in page_of(client, exercise)
    submit(client, exercise, {**stale, "revision": "2"})
    assert Submission.objects.get().revision.number == 2


@pytest.mark.parametrize("revision", ["", "0", "99", "x", "9" * 5000, "\x00"])
def test_submit_with_unknown_revision_keeps_what_was_typed(
    client: Client, exercise: Exercise, learner: User, revision: str
):
    response = submit(client, exercise, form_of(exercise, 6, revision=revision))
    assert response.status_code == 422
    assert 'name="numbers" value="6"' in page_of(client, exercise)


def test_submit_with_broken_grader_is_stored_ungraded(client: Client, exercise: Exercise, learner: User):
    TOY.broken = True
    response = submit(client, exercise, form_of(exercise, 4), headers=HTMX)
    assert "not yet graded" in response.content.decode()
    assert Submission.objects.get().state == Submission.State.UNGRADED
    assert "not yet graded" in page_of(client, exercise)


@pytest.mark.parametrize("text", ["a\x00b", "\x00", "x" * 100_001])
def test_submit_of_unstorable_text_is_a_message_at_the_form(
    client: Client, exercise: Exercise, learner: User, text: str
):
    response = submit(client, exercise, form_of(exercise, 4, note=text))
    assert response.status_code == 422
    assert not Submission.objects.exists()


def test_submit_of_lone_surrogate_bytes_never_breaks(client: Client, exercise: Exercise, learner: User):
    body = f"numbers=4&note=%ED%A0%80&predict-total=4&revision=1&client_key={uuid4()}"
    response = client.post(
        reverse("exercises:submit", args=[exercise.slug]),
        body,
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 302
    assert client.get(exercise.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"]
)
def test_submit_of_something_else_than_a_form_is_refused(
    client: Client, exercise: Exercise, learner: User, content_type: str
):
    url = reverse("exercises:submit", args=[exercise.slug])
    assert client.post(url, b'{"a": NaN', content_type=content_type).status_code in {400, 422}


def test_submit_of_ten_thousand_fields_or_a_megabyte_is_refused(
    client: Client, exercise: Exercise, learner: User
):
    assert submit(client, exercise, {f"field{n}": "x" for n in range(10_000)}).status_code == 400
    assert submit(client, exercise, form_of(exercise, 4, note="x" * 1_000_000)).status_code == 400
    assert not Submission.objects.exists()


def test_command_of_a_part_of_the_workbench_leaves_the_rest_of_the_page(
    client: Client, exercise: Exercise, learner: User
):
    form = form_of(exercise, 3, command="double")
    whole = submit(client, exercise, form, headers=HTMX | {"HX-Target": "exercise-results"})
    part = submit(client, exercise, form, headers=HTMX | {"HX-Target": "plan-drawing"})
    assert whole["HX-Retarget"] == "#exercise-form"
    assert "HX-Retarget" not in part


def test_command_changes_the_form_and_runs_nothing(client: Client, exercise: Exercise, learner: User):
    response = submit(client, exercise, form_of(exercise, 3, command="double"))
    assert response["Location"] == f"{exercise.get_absolute_url()}#exercise-workbench"
    assert page_of(client, exercise).count('name="numbers" value="3"') == 2
    body = submit(client, exercise, form_of(exercise, 3, command="unknown"), headers=HTMX).content.decode()
    assert body.count('name="numbers" value="3"') == 1
    assert not Submission.objects.exists()


def test_draft_is_kept_raw_and_survives_sign_out_and_in(client: Client, exercise: Exercise, learner: User):
    url = reverse("exercises:draft", args=[exercise.slug])
    response = client.post(url, form_of(exercise, "half a num"), headers=HTMX)
    assert response.status_code == 200
    assert 'id="draft-status"' in response.content.decode()
    client.logout()
    assert "half a num" not in page_of(client, exercise)
    client.force_login(learner)
    assert 'value="half a num"' in page_of(client, exercise)


def test_draft_without_scripts_leads_back_to_the_page(client: Client, exercise: Exercise):
    response = client.post(reverse("exercises:draft", args=[exercise.slug]), form_of(exercise, 5))
    assert response["Location"] == exercise.get_absolute_url()
    assert 'name="numbers" value="5"' in page_of(client, exercise)


def test_start_over_puts_the_workbench_back_and_keeps_attempts(
    client: Client, exercise: Exercise, learner: User
):
    submit(client, exercise, form_of(exercise, 4))
    client.post(reverse("exercises:start-over", args=[exercise.slug]))
    page = page_of(client, exercise)
    assert 'name="numbers" value="1"' in page
    assert "Attempt 1" in page


def test_attempt_shows_its_own_revision_after_a_change(client: Client, exercise: Exercise, learner: User):
    submission = make_submission(learner, exercise, 10)
    exercise.spec = {**exercise.spec, "target": 12}
    exercise.title = "Reach twelve"
    publish_exercise(exercise=exercise)
    page = client.get(submission.get_absolute_url()).content.decode()
    assert "Reach ten" in page
    assert "The exercise has changed since" in page
    assert "Reach twelve" in page_of(client, exercise)


def test_attempt_can_be_put_back_on_the_workbench(client: Client, exercise: Exercise, learner: User):
    make_submission(learner, exercise, 3, 5)
    client.post(reverse("exercises:resume", args=[exercise.slug, 1]))
    assert 'name="numbers" value="5"' in page_of(client, exercise)


def test_compare_says_what_was_solved_and_what_is_new(client: Client, exercise: Exercise, learner: User):
    make_submission(learner, exercise, 8)
    make_submission(learner, exercise, 11)
    url = reverse("exercises:compare", args=[exercise.slug])
    page = client.get(url, {"first": "2", "second": "1"}).content.decode()
    assert "They come to 8" in page
    assert "They come to 11" in page
    assert "Solved since" in page
    assert page.index("Attempt 1</a>") < page.index("Attempt 2</a>")


@pytest.mark.parametrize(
    "chosen", [{"first": "9", "second": "1"}, {"first": "x"}, {"first": "\x00", "second": "1"}]
)
def test_compare_of_unknown_attempts_is_a_message_at_the_field(
    client: Client, exercise: Exercise, learner: User, chosen: dict[str, str]
):
    make_submission(learner, exercise, 8)
    make_submission(learner, exercise, 11)
    assert client.get(reverse("exercises:compare", args=[exercise.slug]), chosen).status_code == 422


def test_compare_without_attempts_says_so(client: Client, exercise: Exercise):
    page = client.get(reverse("exercises:compare", args=[exercise.slug])).content.decode()
    assert "It takes two attempts" in page


OWNED = [("attempt", "get"), ("resume", "post")]


@pytest.mark.parametrize(("name", "method"), OWNED)
@pytest.mark.parametrize("who", ["owner", "other", "guest", "visitor", "instructor"])
def test_attempt_is_there_for_its_owner_only(
    client: Client, exercise: Exercise, name: str, method: str, who: str
):
    owner = make_learner()
    make_submission(owner, exercise, 8)
    people = {
        "owner": owner,
        "other": make_learner("bob@example.org"),
        "guest": User.objects.create_guest(),
        "instructor": User.objects.create_superuser("teach@example.org", "a long enough password"),
    }
    if who in people:
        client.force_login(people[who])
    response = getattr(client, method)(reverse(f"exercises:{name}", args=[exercise.slug, 1]))
    assert response.status_code == ({"get": 200, "post": 302}[method] if who == "owner" else 404)


@pytest.mark.parametrize("number", ["0", "99", "9" * 30, "9" * 5000])
def test_attempt_of_unknown_number_is_not_there(
    client: Client, exercise: Exercise, learner: User, number: str
):
    assert client.get(f"{exercise.get_absolute_url()}attempts/{number}/").status_code == 404


@pytest.mark.parametrize("name", ["draft", "submit", "start-over"])
def test_post_to_unknown_exercise_makes_no_guest(client: Client, name: str):
    assert client.post(reverse(f"exercises:{name}", args=["nowhere"]), {"numbers": "1"}).status_code == 404
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["draft", "submit", "start-over"])
def test_post_without_token_is_refused_and_get_not_allowed(exercise: Exercise, name: str):
    url = reverse(f"exercises:{name}", args=[exercise.slug])
    client = Client(enforce_csrf_checks=True)
    assert client.post(url, form_of(exercise, 4)).status_code == 403
    assert client.get(url).status_code == 405


NAUGHTY = [
    "undefined",
    "1/0",
    "<script>alert(0)</script>",
    "'; DROP TABLE exercises_draft; --",
    "{% debug %}{{ request }}",
    "../../etc/passwd%00",
    "Ω≈ç√∫˜µ≤≥÷",
    "田中さんにあげて下さい",
    "🏳️‍🌈 👩‍👩‍👧‍👧",
    "\u202etest\u202d \u200b\ufeff\u2028",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "\U0010ffff \x01\x7f",
    "line\r\nline",
]


@pytest.mark.parametrize("text", NAUGHTY)
def test_draft_keeps_any_text_as_typed(client: Client, exercise: Exercise, learner: User, text: str):
    client.post(reverse("exercises:draft", args=[exercise.slug]), form_of(exercise, 4, note=text))
    assert Draft.objects.get().form["note"] == [text]
    assert escape(text) in page_of(client, exercise)
    assert submit(client, exercise, form_of(exercise, 4, note=text)).status_code == 302
    assert Submission.objects.get().answer["note"] == text


@pytest.mark.parametrize("name", ["draft", "submit"])
def test_visitor_who_becomes_a_guest_gets_the_coach_connected(client: Client, exercise: Exercise, name: str):
    url = reverse(f"exercises:{name}", args=[exercise.slug])
    first = client.post(url, form_of(exercise, 4), headers=HTMX).content.decode()
    assert 'hx-swap-oob="innerHTML:#coach-dock"' in first
    assert "ws-connect" in first
    assert "ws-connect" not in client.post(url, form_of(exercise, 5), headers=HTMX).content.decode()
