"""The kind "prompt layout" on its shipped scenario."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
import yaml
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from exercises.kinds.base import AnswerInvalid, Grade, SpecInvalid
from exercises.kinds.prompt_layout import KIND
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.design import Bench, found_and_best, true_labels
from exercises.kinds.prompt_layout.spec import LayoutSpec, day_of

SHIPPED = yaml.safe_load(Path("fixtures/agent-latency/exercises/legal-review.spec.yaml").read_text())
SPEC = LayoutSpec.model_validate(SHIPPED["spec"])
WRONG = SHIPPED["wrong_answers"]
FIELDS = ["order", "prewarm", "keepalive", "label-contract", "mark-contract", "done"]
NONSENSE = ["", "up", "up:nobody", "up:timestamp+user", "down:question", "join:contract", "no:contract"]
STABLE_FIRST = ("role+guidelines", "contract", "timestamp+user", "question")
SPLIT = ("role+guidelines", "contract", "user", "timestamp", "question")


def design(order=STABLE_FIRST, **changes) -> LayoutAnswer:
    given_marks = {"role+guidelines": "1h", "contract": "1h"}
    fields = {"labels": true_labels(SPEC, order), "marks": given_marks, "prewarm_at": time(8, 58)} | changes
    return LayoutAnswer.model_validate({"order": order, **fields})


def grade(answer: LayoutAnswer, seed: int = 0) -> Grade:
    return KIND.grade(SPEC, answer, prediction=None, seed=seed)


def codes(answer: LayoutAnswer, seed: int = 0) -> set[str]:
    return {finding.code for finding in grade(answer, seed).findings}


@pytest.mark.parametrize("seed", range(5))
def test_reference_answers_get_full_marks_on_any_day(seed):
    for answer in (*KIND.reference_answers(SPEC), design(), design(SPLIT, keepalive_minutes=50)):
        result = grade(answer, seed)
        assert (result.score, result.passed, result.findings) == (1.0, True, ())


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_wrong_answer_raises_exactly_its_findings(wrong):
    result = grade(LayoutAnswer.model_validate(wrong["answer"]))
    assert {finding.code for finding in result.findings} == set(wrong["findings"])
    assert result.score < 1


def test_wrong_answers_cover_every_finding_of_the_kind():
    assert {code for wrong in WRONG for code in wrong["findings"]} == {
        "volatile-before-stable",
        "instructions-after-document",
        "user-in-shared-prefix",
        "breakpoint-on-changing-block",
        "no-breakpoint",
        "below-minimum",
        "ttl-against-gaps",
        "warmup-misses",
        "keepalive-costs-more",
        "stability-mislabelled",
    }


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_message_of_a_finding_never_gives_the_fix_away(wrong):
    for finding in grade(LayoutAnswer.model_validate(wrong["answer"])).findings:
        message = finding.message.lower()
        assert finding.fix_terms
        assert not all(any(term in message for term in group) for group in finding.fix_terms)
        fix = finding.fix.lower()
        assert all(any(term in fix for term in group) for group in finding.fix_terms)
        assert finding.evidence
        assert finding.passage.startswith("prompt-caching#")


def test_design_as_found_has_a_hit_rate_near_zero_and_the_best_one_near_all():
    found, best = found_and_best(SPEC)
    assert found.day.hit_rate == 0
    assert best.day.hit_rate > 0.95
    assert best.day.ttft_p95 < 0.2 * found.day.ttft_p95
    assert best.day.cost_usd < 0.25 * found.day.cost_usd


def test_best_design_splits_what_was_glued():
    best = found_and_best(SPEC)[1].answer
    assert best.order == ("role", "guidelines", "contract", "user", "timestamp", "question")
    assert best.labels == true_labels(SPEC, best.order)


def test_grade_is_the_same_every_time_and_other_numbers_come_with_another_seed():
    answer = design(marks={"contract": "5m"})
    assert grade(answer) == grade(answer)
    assert grade(answer).to_dict() == Grade.from_dict(grade(answer).to_dict()).to_dict()
    costs = {grade(answer, seed).measures[3].theirs for seed in range(4)}
    assert len(costs) == 4


def test_measures_compare_as_found_theirs_and_best():
    measures = {m.key: m for m in grade(design()).measures}
    assert list(measures) == ["hit_rate", "ttft_p50", "ttft_p95", "cost_usd"]
    rate, cost = measures["hit_rate"], measures["cost_usd"]
    assert rate.as_found < rate.theirs < rate.best
    assert cost.as_found > cost.theirs > cost.best


@settings(max_examples=30, deadline=None)
@given(
    st.permutations(["role+guidelines", "contract", "user", "timestamp", "question"]),
    st.dictionaries(st.sampled_from(["role+guidelines", "contract", "user", "timestamp"]), st.just("1h")),
    st.sampled_from([None, time(6, 0), time(8, 58), time(12, 0)]),
    st.sampled_from([None, 30, 90]),
)
def test_no_design_is_worth_more_than_the_best(order, marks, prewarm_at, keepalive):
    answer = design(tuple(order), marks=marks, prewarm_at=prewarm_at, keepalive_minutes=keepalive)
    result = grade(answer)
    assert 0 <= result.score <= 1
    best = found_and_best(SPEC)[1]
    assert Bench(SPEC, 0).run(answer).worth_usd >= best.worth_usd * 0.99


def test_prediction_is_compared_with_the_run():
    run = Bench(SPEC, 0).run(design())
    near = {"hit_rate": round(100 * run.day.hit_rate), "cost_usd": run.day.cost_usd}
    outcome = KIND.grade(SPEC, design(), prediction=near).prediction
    assert outcome is not None
    assert outcome.close
    far = KIND.grade(SPEC, design(), prediction={"hit_rate": 10, "cost_usd": 9.0}).prediction
    assert far is not None
    assert not far.close
    form = KIND.prediction_fields(SPEC)({"hit_rate": "90", "cost_usd": "2.5"})
    assert form.is_valid()
    assert form.cleaned_data == {"hit_rate": 90, "cost_usd": 2.5}
    assert not KIND.prediction_fields(SPEC)({"hit_rate": "101", "cost_usd": ""}).is_valid()


@pytest.mark.parametrize(
    "answer",
    [KIND.starting_answer(SPEC), design(), design(SPLIT, keepalive_minutes=50, prewarm_at=None)],
    ids=["found", "stable first", "split"],
)
def test_form_of_an_answer_means_that_answer(answer):
    assert KIND.parse(SPEC, KIND.to_form(SPEC, answer)) == answer


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order": [""]}, "order"),
        ({"order": ["contract,contract"]}, "order"),
        ({"order": ["contract+question,role+guidelines,timestamp+user"]}, "order"),
        ({"order": ["x" * 1_000_000]}, "order"),
        ({"label-contract": ["nonsense"]}, "label-contract"),
        ({"mark-contract": ["2h"]}, "mark-contract"),
        ({"mark-contract": ["1h"], "mark-role+guidelines": ["5m"]}, "mark-contract"),
        ({"prewarm": ["25:00"]}, "prewarm"),
        ({"prewarm": ["soon\x00"]}, "prewarm"),
        ({"keepalive": ["1"]}, "keepalive"),
        ({"keepalive": ["9" * 10_000]}, "keepalive"),
        ({"keepalive": ["٣٠"]}, "keepalive"),
        ({"keepalive": ["-4"]}, "keepalive"),
    ],
)
def test_parse_names_the_field_that_is_wrong(changes, field):
    form = KIND.to_form(SPEC, design(marks={})) | changes
    with pytest.raises(AnswerInvalid) as caught:
        KIND.parse(SPEC, form)
    assert list(caught.value.errors) == [field]


def test_parse_refuses_more_breakpoints_than_the_provider_takes():
    order = ("role", "guidelines", "contract", "user", "timestamp", "question")
    form = KIND.to_form(SPEC, design(order, marks=dict.fromkeys(order, "1h")))
    with pytest.raises(AnswerInvalid, match="at most 4"):
        KIND.parse(SPEC, form)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), st.lists(st.text(max_size=20), max_size=2)))
def test_parse_and_workbench_take_any_form(form):
    try:
        KIND.parse(SPEC, form)
    except AnswerInvalid as refused:
        context = KIND.workbench_context(SPEC, form, refused.errors)
    else:
        context = KIND.workbench_context(SPEC, form, {})
    assert context["blocks"]


def test_commands_move_split_and_join_blocks():
    form = KIND.to_form(SPEC, KIND.starting_answer(SPEC))
    for command, expected in (
        ("down:timestamp+user", "contract,timestamp+user,role+guidelines,question"),
        ("split:timestamp+user", "contract,timestamp,user,role+guidelines,question"),
        ("up:role+guidelines", "contract,timestamp,role+guidelines,user,question"),
        ("down:role+guidelines", "contract,timestamp,user,role+guidelines,question"),
        ("join:timestamp", "contract,timestamp+user,role+guidelines,question"),
    ):
        form = KIND.commanded(SPEC, form, command)
        assert form["order"] == [expected]
        assert KIND.workbench_context(SPEC, form, {})["announcement"]


def test_split_and_join_leave_a_breakpoint_where_it_was_in_the_text():
    form = KIND.to_form(SPEC, design(marks={"timestamp+user": "5m"}))
    split = KIND.commanded(SPEC, form, "split:timestamp+user")
    assert (split["mark-timestamp"], split["mark-user"]) == ([""], ["5m"])
    assert KIND.commanded(SPEC, split, "join:timestamp")["mark-timestamp+user"] == ["5m"]


def test_split_and_join_are_one_control_that_keeps_its_id():
    form = KIND.to_form(SPEC, KIND.starting_answer(SPEC))
    for command in ("split:timestamp+user", "join:timestamp"):
        html = render_to_string(KIND.workbench_template, KIND.workbench_context(SPEC, form, {}))
        assert html.count('id="cut-timestamp"') == 1
        form = KIND.commanded(SPEC, form, command)


def test_order_of_a_few_tokens_is_not_worth_a_finding():
    assert codes(design(("role+guidelines", "contract", "timestamp", "user", "question"))) == set()


def test_breakpoint_behind_a_changing_block_is_a_write_on_every_call():
    order = ("role+guidelines", "contract", "timestamp", "user", "question")
    marks = {"role+guidelines": "1h", "contract": "1h", "user": "1h"}
    (finding,) = grade(design(order, marks=marks)).findings
    assert (finding.code, finding.place) == ("breakpoint-on-changing-block", "block:user")


@pytest.mark.parametrize("command", NONSENSE)
def test_commands_that_make_no_sense_change_nothing(command):
    form = KIND.to_form(SPEC, KIND.starting_answer(SPEC))
    assert KIND.commanded(SPEC, form, command) == form


def test_workbench_shows_the_form_as_typed_with_its_errors():
    form = KIND.to_form(SPEC, design()) | {"prewarm": ["soon"], "mark-contract": ["1h"]}
    context = KIND.workbench_context(SPEC, form, {"prewarm": "Write a time.", "mark-contract": "Longer."})
    html = render_to_string(KIND.workbench_template, context)
    assert 'value="soon"' in html
    assert "Write a time." in html
    assert 'aria-describedby="mark-contract-error"' in html
    assert html.index('id="block-role-guidelines"') < html.index('id="block-contract"')
    assert 'name="command" value="up:contract"' in html
    assert "<script" not in html
    assert "style=" not in html


def test_pictures_show_as_found_theirs_and_best_with_the_numbers_of_the_findings():
    answer = LayoutAnswer.model_validate(WRONG[0]["answer"])
    blocks, day = KIND.pictures(SPEC, answer, grade(answer))
    assert {row[0] for row in blocks.rows} == {"As found", "Yours", "Best possible"}
    assert "As found" in day.sentence
    assert "marker" in blocks.svg


def test_day_is_the_same_for_the_same_seed_and_keeps_to_its_hours():
    assert day_of(SPEC, 3) == day_of(SPEC, 3)
    assert day_of(SPEC, 3) != day_of(SPEC, 4)
    for call in day_of(SPEC, 3):
        assert 9 * 3600 <= call.at_seconds < 17.5 * 3600
        assert not 12.25 * 3600 <= call.at_seconds < 13.75 * 3600


def test_authoring_forms_give_the_spec_that_filled_them():
    data = posted(KIND.spec_to_forms(SPEC))
    assert KIND.forms_to_spec(KIND.spec_to_forms(None, data)) == SPEC


def test_authoring_forms_say_what_is_wrong():
    data = posted(KIND.spec_to_forms(SPEC))
    data["spec-traffic-lunch_from"] = "08:00"
    with pytest.raises(SpecInvalid, match="lunch"):
        KIND.forms_to_spec(KIND.spec_to_forms(None, data))
    data["spec-pieces-0-name"] = "Not A Name"
    with pytest.raises(SpecInvalid):
        KIND.forms_to_spec(KIND.spec_to_forms(None, data))


def posted(parts) -> QueryDict:
    """What a browser would post for filled forms."""
    data = QueryDict(mutable=True)
    for part in parts:
        rows = [part.form.management_form, *part.form.forms] if hasattr(part.form, "forms") else [part.form]
        for form in rows:
            for field in form:
                value = field.value()
                if value is not None and value is not False:
                    shown = field.field.widget.format_value(value)
                    data[field.html_name] = shown[0] if isinstance(shown, list) else shown
    return data


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "gpt-4o"},
        {"model": "nobody"},
        {"pieces": SHIPPED["spec"]["pieces"][:1]},
        {"pieces": [*SHIPPED["spec"]["pieces"], SHIPPED["spec"]["pieces"][0]]},
        {"pieces": [p for p in SHIPPED["spec"]["pieces"] if p["stability"] != "call"]},
        {"traffic": {**SHIPPED["spec"]["traffic"], "gap_p95_seconds": 1}},
        {"traffic": {**SHIPPED["spec"]["traffic"], "sessions_per_person": 10, "calls_per_session": 20}},
        {"traffic": {**SHIPPED["spec"]["traffic"], "closes_at": "08:00"}},
        {"surplus": 1},
    ],
)
def test_spec_refuses_what_cannot_be_graded(changes):
    with pytest.raises(ValidationError):
        LayoutSpec.model_validate(SHIPPED["spec"] | changes)
