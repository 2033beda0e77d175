"""The built-in coach's sentences: what became of an attempt, and questions that fit what was found."""

from __future__ import annotations

import pytest

from coach.evaluation.disclosing import disclosed
from coach.evaluation.leaking import one_of_each
from coach.evaluation.submissions import wrong_answers
from coach.material import Changes
from coach.providers import builtin
from coach.queries import Attempt
from coach.replies.telling import guard_for
from tests.coach.evaluating import SHIPPED, shipped_scenario
from tests.coach.factories import make_finding, second_finding

ATTEMPT = Attempt(number=3, passed=False, score=0.5, findings=({},), measures=(), prediction=None)
FIRST, SECOND = make_finding(), second_finding()


def opening(**changes: object) -> str:
    return builtin.opening(ATTEMPT, Changes(before_number=2, **changes))  # type: ignore[arg-type]


def test_an_attempt_that_got_worse_is_said_to_be_worse():
    assert opening(fresh=(FIRST,)) == "Attempt 2 passed every check; 1 thing is marked now."
    assert opening(fresh=(FIRST, SECOND)) == "Attempt 2 passed every check; 2 things are marked now."


def test_what_is_newly_marked_is_named_beside_what_was_put_right_or_is_still_there():
    mended = opening(mended=(FIRST,), fresh=(SECOND,))
    assert "is put right" in mended
    assert mended.endswith("Newly marked: Visa rules.")
    staying = opening(staying=(FIRST,), fresh=(SECOND,))
    assert staying.startswith("Compared with attempt 2, what was marked is still there. Newly marked: ")


@pytest.mark.parametrize("slug", SHIPPED)
def test_guiding_questions_tell_no_remedy(slug: str):
    for wrong in one_of_each(wrong_answers(shipped_scenario(slug), seed=1)):
        finding = wrong.grade.findings[0]
        first, second = builtin.question_about(finding), builtin.second_question_about(finding)
        assert first != second
        for question in (first, second):
            assert guard_for([finding], {}, mastered=False).clears(question)
            assert not disclosed([finding], [f"{finding.message} {question}"])
