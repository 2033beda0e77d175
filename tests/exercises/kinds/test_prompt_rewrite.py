"""The kind "prompt rewrite" on its shipped scenario."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coach.engine.prompt import estimate_tokens
from exercises.kinds.base import AnswerInvalid, Grade, SpecInvalid
from exercises.kinds.prompt_rewrite import KIND
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer
from exercises.kinds.prompt_rewrite.reading import holds_term, plain, read_prompt
from exercises.kinds.prompt_rewrite.spec import RewriteSpec

SHIPPED = yaml.safe_load(Path("fixtures/agent-latency/exercises/slow-prompt.spec.yaml").read_text())
SPEC = RewriteSpec.model_validate(SHIPPED["spec"])
WRONG = SHIPPED["wrong_answers"]
FIELDS = ["text", "tier", "answer_form", "reasoning", "streaming"]
FOUND, REFERENCE = KIND.starting_answer(SPEC), KIND.reference_answers(SPEC)[0]


def rewrite(**changes: Any) -> RewriteAnswer:
    return REFERENCE.model_copy(update=changes)


def grade(answer: RewriteAnswer, seed: int = 0) -> Grade:
    return KIND.grade(SPEC, answer, prediction=None, seed=seed)


def codes(answer: RewriteAnswer) -> set[str]:
    return {finding.code for finding in grade(answer).findings}


@pytest.mark.parametrize("seed", range(5))
def test_reference_answer_gets_full_marks_whatever_the_numbers(seed):
    result = grade(REFERENCE, seed)
    assert (result.score, result.passed, result.findings) == (1.0, True, ())


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_wrong_answer_raises_exactly_its_findings(wrong):
    result = grade(RewriteAnswer.model_validate(wrong["answer"]))
    assert {finding.code for finding in result.findings} == set(wrong["findings"])
    assert result.score < 1


def test_wrong_answers_cover_every_finding_of_the_kind():
    assert {code for wrong in WRONG for code in wrong["findings"]} == {
        "task-not-first",
        "background-before-task",
        "no-schema",
        "no-length-bound",
        "reasoning-not-worth-it",
        "tier-too-large",
        "not-streamed",
        "rule-lost",
    }


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_message_of_a_finding_never_gives_the_fix_away(wrong):
    for finding in grade(RewriteAnswer.model_validate(wrong["answer"])).findings:
        message, fix = finding.message.lower(), finding.fix.lower()
        assert finding.fix_terms
        assert not all(any(term in message for term in group) for group in finding.fix_terms)
        assert all(any(holds_term(plain(fix), term) for term in group) for group in finding.fix_terms)
        assert finding.evidence
        assert finding.passage.startswith("prompt-and-output#")


def test_prompt_as_found_has_every_fault_and_every_rule():
    result = grade(FOUND)
    assert result.score == 0
    assert {finding.code for finding in result.findings} == {
        "task-not-first",
        "background-before-task",
        "no-schema",
        "no-length-bound",
        "reasoning-not-worth-it",
        "tier-too-large",
        "not-streamed",
    }
    reading = read_prompt(SPEC, SPEC.text)
    assert reading.lost == ()
    assert 700 <= sum(part.tokens for part in reading.before_task) <= 1_000


def test_each_lost_rule_is_named_with_a_case_that_it_decides():
    result = grade(RewriteAnswer.model_validate(WRONG[1]["answer"]))
    labels = {rule.label for rule in SPEC.rules} - {"The list of categories"}
    assert {finding.place_label for finding in result.findings} == labels
    assert not result.passed
    for finding in result.findings:
        assert str(finding.evidence["case"]) in finding.message


@pytest.mark.parametrize("rule", SPEC.rules, ids=lambda rule: rule.name)
def test_each_rule_is_kept_as_written_and_lost_without_it(rule):
    task = "Categorise the expense {expense}. At most one sentence."
    assert rule.name in read_prompt(SPEC, f"{task}\n{rule.text}").kept
    assert rule.name in read_prompt(SPEC, task).lost


@pytest.mark.parametrize(
    "text",
    [
        "Wine, beer and spirits: never, unless a customer is present.",
        "We do not reimburse drinks. The exception: a client at the table.",
        "* ALCOHOL → only with guests",
    ],
)
def test_a_rule_may_be_said_in_other_words(text):
    assert "alcohol" in read_prompt(SPEC, text).kept


def test_words_of_a_rule_scattered_over_the_text_do_not_make_it():
    text = "Wine is red.\nThe sky is blue.\nThe sea is green.\nOnly clients know."
    assert "alcohol" in read_prompt(SPEC, text).lost


@pytest.mark.parametrize(
    ("text", "term", "held"),
    [
        ("Categorising expenses", "categoris", True),
        ("recategorise", "categoris", False),
        ("up to 1,500 francs", "1500", True),
        ("up to 1500 francs", "1,500", True),
        ("550 francs", "55", False),
        ("55 francs", "55", True),
        ("≤ 2 sentences", "at most", True),
        ("Step-by-step, please", "step by step", True),
        ("anything", "!!!", False),
    ],
)
def test_terms_match_from_a_words_beginning(text, term, held):
    assert holds_term(plain(text), term) is held


def test_background_behind_the_task_is_no_fault():
    company = SPEC.text.split("\n\n")[1]
    assert codes(rewrite(text=f"{REFERENCE.text}\n\n{company}")) == set()


def test_text_that_still_asks_for_reasoning_gets_it_whatever_the_setting():
    (finding,) = grade(rewrite(text=REFERENCE.text + "\nThink step by step.")).findings
    assert finding.code == "reasoning-not-worth-it"
    start, end = map(int, finding.place.removeprefix("text:").split("-"))
    assert (REFERENCE.text + "\nThink step by step.")[start:end] == "Think step by step."


def test_prompt_without_a_task_is_told_so():
    text = "Here you are: {expense}. Have fun."
    finding = next(f for f in grade(rewrite(text=text)).findings if f.code == "task-not-first")
    assert "No sentence" in finding.message


def test_accuracy_decides_where_reasoning_and_a_tier_pay():
    hard = {
        "small": {"plain": 0.6, "reasoning": 0.97},
        "medium": {"plain": 0.8, "reasoning": 0.97},
        "large": {"plain": 0.96, "reasoning": 0.98},
    }
    spec = RewriteSpec.model_validate(SHIPPED["spec"] | {"accuracy": hard})

    def raised(**changes: Any) -> set[str]:
        return {f.code for f in KIND.grade(spec, rewrite(**changes), prediction=None).findings}

    assert raised() == {"accuracy-lost"}
    assert raised(reasoning=True) == set()
    assert raised(tier="large") == set()
    assert raised(tier="large", reasoning=True) == {"reasoning-not-worth-it", "tier-too-large"}


def test_grade_is_the_same_every_time_and_other_numbers_come_with_another_seed():
    assert grade(FOUND) == grade(FOUND)
    assert Grade.from_dict(grade(FOUND).to_dict()).to_dict() == grade(FOUND).to_dict()
    assert len({grade(FOUND, seed).measures[2].theirs for seed in range(4)}) == 4


def test_measures_compare_as_found_theirs_and_best():
    measures = {m.key: m for m in grade(rewrite(tier="medium")).measures}
    for key in ("shown_seconds", "total_seconds", "thousand_calls_usd"):
        assert measures[key].as_found > measures[key].theirs > measures[key].best
    assert measures["rules_kept"].theirs == len(SPEC.rules)


def test_prediction_is_compared_with_the_run():
    seconds = grade(REFERENCE).measures[2].theirs
    near = KIND.grade(SPEC, REFERENCE, prediction={"total_seconds": seconds * 1.2}).prediction
    far = KIND.grade(SPEC, REFERENCE, prediction={"total_seconds": seconds * 2}).prediction
    assert near is not None
    assert far is not None
    assert (near.close, far.close) == (True, False)
    form = KIND.prediction_fields(SPEC)({"total_seconds": "0.5"})
    assert form.is_valid()
    assert form.cleaned_data == {"total_seconds": 0.5}
    assert not KIND.prediction_fields(SPEC)({"total_seconds": "0"}).is_valid()


@pytest.mark.parametrize("answer", [FOUND, REFERENCE], ids=["found", "reference"])
def test_form_of_an_answer_means_that_answer(answer):
    assert KIND.parse(SPEC, KIND.to_form(SPEC, answer)) == answer


def test_no_field_hides_a_property_of_the_form_from_scripts():
    clobbering = {"form", "action", "method", "elements", "submit", "id", "name", "target", "closest"}
    assert not clobbering & set(KIND.to_form(SPEC, FOUND))


def test_parse_takes_the_line_ends_of_browsers():
    form = KIND.to_form(SPEC, REFERENCE)
    form["text"] = [form["text"][0].replace("\n", "\r\n")]
    assert KIND.parse(SPEC, form) == REFERENCE


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"text": ["{expense}" + "x" * 3_000_000]}, "text", "20,000"),
        ({"text": [""]}, "text", "empty"),
        ({"text": [" \n "]}, "text", "empty"),
        ({"text": ["{expense} \x00"]}, "text", "NUL"),
        ({"text": ["{expense} \ud800"]}, "text", "NUL"),
        ({"text": ["no place for it"]}, "text", "{expense}"),
        ({"text": ["{expense}" + "a\n" * 5_000]}, "text", "600"),
        ({"text": ["{expense}" + "a. " * 5_000]}, "text", "600"),
        ({"tier": ["huge"]}, "tier", "offered"),
        ({"answer_form": []}, "answer_form", "offered"),
        ({"reasoning": ["perhaps"]}, "reasoning", "offered"),
        ({"streaming": [""]}, "streaming", "offered"),
    ],
)
def test_parse_names_the_field_that_is_wrong(changes, field, says):
    with pytest.raises(AnswerInvalid) as caught:
        KIND.parse(SPEC, KIND.to_form(SPEC, REFERENCE) | changes)
    assert list(caught.value.errors) == [field]
    assert says in caught.value.errors[field]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), st.lists(st.text(max_size=60), max_size=2)))
def test_parse_and_workbench_take_any_form(form):
    try:
        KIND.parse(SPEC, form)
    except AnswerInvalid as refused:
        context = KIND.workbench_context(SPEC, form, refused.errors)
    else:
        context = KIND.workbench_context(SPEC, form, {})
    assert context["settings"]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab .!?\n-•1,5" + "Categorise the expense 0x", max_size=400))
def test_any_text_is_read_in_order_and_graded(text):
    answer = rewrite(text=text + "{expense}")
    parts = read_prompt(SPEC, answer.text).parts
    assert all(answer.text[part.start : part.end] == part.text for part in parts)
    assert all(a.end <= b.start for a, b in pairwise(parts))
    assert 0 <= grade(answer).score <= 1


def test_workbench_shows_the_text_as_typed_with_its_errors():
    form = KIND.to_form(SPEC, rewrite(text="<b>{expense}</b>")) | {"tier": ["huge"]}
    html = render_to_string(
        KIND.workbench_template, KIND.workbench_context(SPEC, form, {"text": "Too long.", "tier": "Choose."})
    )
    assert "&lt;b&gt;{expense}" in html
    assert "Too long." in html
    assert 'aria-describedby="rewrite-tier-error"' in html
    assert "style=" not in html
    for rule in SPEC.rules:
        assert rule.text not in html


def test_pictures_show_tokens_time_rules_and_changes():
    answer = RewriteAnswer.model_validate(WRONG[2]["answer"])
    tokens, time, rules, changes = KIND.pictures(SPEC, answer, grade(answer))
    assert {row[0] for row in tokens.rows} == {"As found", "Yours", "Best possible"}
    assert "As found" in time.sentence
    assert ("Wine and beer", "lost", "1") in rules.rows
    assert "7 of 9" in rules.sentence
    assert {row[0] for row in changes.rows} == {"−", "+"}


def test_pictures_mark_the_findings_in_the_bars():
    tokens = KIND.pictures(SPEC, FOUND, grade(FOUND))[0]
    assert tokens.svg.count("marker") >= 3


def test_tokens_are_estimated_from_the_length():
    context = KIND.workbench_context(SPEC, KIND.to_form(SPEC, FOUND), {})
    assert context["tokens"] == estimate_tokens(SPEC.text)


def test_authoring_forms_give_the_spec_that_filled_them():
    data = posted(KIND.spec_to_forms(SPEC))
    assert KIND.forms_to_spec(KIND.spec_to_forms(None, data)) == SPEC


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("spec-prompt-placeholder", "{input}", "placeholder"),
        ("spec-rules-1-name", "categories", "name of its own"),
        ("spec-rules-1-groups", "meal\n56\nday", "Meals on the road"),
        ("spec-output-free_tokens", "5000", "shorter"),
        ("spec-rules-1-name", "Not A Name", "^$"),
        ("spec-words-task", "x" * 100, "^$"),
    ],
)
def test_authoring_forms_say_what_is_wrong(field, value, says):
    data = posted(KIND.spec_to_forms(SPEC))
    data[field] = value
    with pytest.raises(SpecInvalid, match=says):
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
                    data[field.html_name] = "on" if value is True else first_of(shown)
    return data


def first_of(shown: Any) -> str:
    value = shown[0] if isinstance(shown, list) else shown
    return str(value).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "no placeholder"},
        {"needed_accuracy": 0.999},
        {"accuracy": {"small": {"plain": 1, "reasoning": 1}}},
        {"rules": []},
        {"rules": [SHIPPED["spec"]["rules"][0]] * 2},
        {"tier": "huge"},
        {"text": "{expense}" + "x" * 20_000},
        {"surplus": 1},
    ],
)
def test_spec_refuses_what_cannot_be_graded(changes):
    with pytest.raises(ValidationError):
        RewriteSpec.model_validate(SHIPPED["spec"] | changes)
