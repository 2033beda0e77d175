"""The kind "dispatch plan" on its shipped scenario."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coach.engine.simulation import simulate
from exercises.kinds.base import AnswerInvalid, Grade, SpecInvalid
from exercises.kinds.dispatch_plan import KIND
from exercises.kinds.dispatch_plan.answer import PlanAnswer
from exercises.kinds.dispatch_plan.design import best_plan, burden_usd, graph_of, held_by_loop, right_plan
from exercises.kinds.dispatch_plan.edges import MOST_NAMED
from exercises.kinds.dispatch_plan.spec import PlanSpec, varied

SHIPPED = yaml.safe_load(Path("fixtures/agent-latency/exercises/travel-agent.spec.yaml").read_text())
SPEC = PlanSpec.model_validate(SHIPPED["spec"])
WRONG = SHIPPED["wrong_answers"]
BEST = best_plan(SPEC)
CODES = {
    "missing-dependency",
    "needless-dependency",
    "cycle",
    "speculation-not-worth-it",
    "speculation-missed",
    "fan-in-outweighs",
    "fan-in-waits",
    "blocking-on-loop",
    "tier-too-large",
}


def plan(waits=None, **changes) -> PlanAnswer:
    return BEST.model_copy(update={**changes, "waits": {**BEST.waits, **(waits or {})}})


def grade(answer: PlanAnswer, seed: int = 0, spec: PlanSpec = SPEC) -> Grade:
    return KIND.grade(spec, answer, prediction=None, seed=seed)


def findings(answer: PlanAnswer) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in grade(answer).findings]


@pytest.mark.parametrize("seed", range(12))
def test_reference_answers_get_full_marks_with_any_numbers(seed):
    for answer in (*KIND.reference_answers(SPEC), *KIND.reference_answers(varied(SPEC, seed))):
        result = grade(answer, seed)
        assert (result.score, result.passed, result.findings) == (1.0, True, ())


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_wrong_answer_raises_exactly_its_findings(wrong):
    result = grade(PlanAnswer.model_validate(wrong["answer"]))
    assert {finding.code for finding in result.findings} == set(wrong["findings"])
    assert result.score < 1


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_wrong_answer_raises_the_same_with_other_numbers(wrong):
    for seed in range(1, 6):
        result = grade(PlanAnswer.model_validate(wrong["answer"]), seed)
        assert {finding.code for finding in result.findings} == set(wrong["findings"])


def test_wrong_answers_cover_every_finding_of_the_kind():
    assert {code for wrong in WRONG for code in wrong["findings"]} == CODES


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong["name"])
def test_message_of_a_finding_never_gives_the_fix_away(wrong):
    for finding in grade(PlanAnswer.model_validate(wrong["answer"])).findings:
        message, fix = finding.message.lower(), finding.fix.lower()
        assert finding.fix_terms
        assert not all(any(term in message for term in group) for group in finding.fix_terms)
        assert all(any(term in fix for term in group) for group in finding.fix_terms)
        assert finding.evidence
        assert finding.passage.startswith("parallel-execution#")


def test_missing_dependency_names_the_reader_only_and_says_when():
    result = grade(plan({"seats": ("tier",)}))
    finding = result.findings[0]
    assert (finding.code, finding.place) == ("missing-dependency", "edge:flights>seats")
    assert finding.place_label == "Seat offers"
    assert "flights" not in finding.message.lower()
    assert "120" in finding.message
    assert "800" in finding.message
    assert not result.passed


def test_value_that_comes_through_another_task_is_not_missing():
    assert findings(plan({"compose": ("hotels", "visa", "seats", "lounge", "baggage")})) == []


def test_waiting_through_a_task_that_may_be_dropped_is_no_guarantee():
    through = plan({"lounge": ("seats",), "compose": ("hotels", "visa", "lounge", "baggage")}, ahead=())
    assert ("missing-dependency", "edge:seats>compose") in findings(through)


def test_plan_as_found_does_one_thing_at_a_time():
    found = KIND.starting_answer(SPEC)
    assert set(found.edges) == set(PlanAnswer.model_validate(WRONG[0]["answer"]).edges)
    spans = [span for span in simulate(graph_of(SPEC, found)).spans if span.status == "done"]
    assert all(after.start >= before.end for before, after in pairwise(spans))


def test_waiting_for_the_decider_is_no_fault_unless_started_ahead():
    assert findings(plan({"baggage": ("tier",)})) == []
    assert findings(plan({"lounge": ("tier",)})) == [("needless-dependency", "edge:tier>lounge")]


def test_needless_dependency_says_how_much_later_the_task_starts():
    finding = grade(plan({"hotels": ("flights",)})).findings[0]
    assert finding.evidence["later_s"] == pytest.approx(0.8)
    assert finding.place_label == "Search flights → Check hotels"


def test_ring_never_runs_and_has_no_measures():
    result = grade(plan({"flights": ("seats",)}))
    assert [finding.code for finding in result.findings] == ["cycle"]
    assert (result.score, result.passed, result.measures) == (0.0, False, ())
    assert "Search flights" in result.findings[0].message


def test_ring_through_a_decider_is_found():
    assert ("cycle", "edge:lounge>tier") in findings(plan({"tier": ("lounge",)}))


def test_blocking_call_on_the_loop_delays_all_that_has_not_begun():
    finding = grade(plan(pool=())).findings[0]
    assert (finding.code, finding.place) == ("blocking-on-loop", "task:tier")
    assert finding.evidence["lost_s"] == pytest.approx(0.12)


def test_held_loop_leaves_alone_what_is_under_way():
    graph = graph_of(SPEC, plan({"tier": ("visa",)}, ahead=()))
    before, after = simulate(graph), simulate(held_by_loop(graph, ["tier"]))
    assert before["hotels"].end == after["hotels"].end
    assert after["lounge"].start == pytest.approx(0.57)


def test_speculation_is_judged_by_the_latency_it_hides():
    missed = grade(plan(ahead=())).findings[0]
    assert missed.code == "speculation-missed"
    assert missed.evidence["hidden_s"] == pytest.approx(0.12)
    assert missed.evidence["saving_s"] == pytest.approx(0.084)
    wasteful = grade(plan(ahead=("lounge", "baggage"))).findings[0]
    assert (wasteful.code, wasteful.evidence["hidden_s"]) == ("speculation-not-worth-it", 0.0)


def test_speculation_that_waits_for_its_decider_is_not_said_to_waste_work():
    needless = ("speculation-not-worth-it", "task:baggage")
    assert needless in findings(plan(ahead=(*BEST.ahead, "baggage")))
    waiting = findings(plan({"baggage": ("tier",)}, ahead=(*BEST.ahead, "baggage")))
    assert needless not in waiting
    assert any(code == "needless-dependency" for code, _place in waiting)


def test_speculation_follows_the_value_of_a_second():
    cheap = SPEC.model_copy(update={"value_of_second_usd": 0.001})
    assert best_plan(cheap).ahead == ()
    assert {f.code for f in grade(BEST, spec=cheap).findings} == {"speculation-not-worth-it"}


def test_measures_compare_sequential_theirs_and_best():
    measures = {m.key: m for m in grade(plan(join="all", tier="large")).measures}
    assert list(measures) == ["p50", "p95", "first_output", "cost_usd", "wasted_seconds"]
    for key in ("p50", "p95", "first_output", "cost_usd"):
        assert measures[key].as_found > measures[key].theirs > measures[key].best
    assert measures["p95"].theirs > measures["p50"].theirs


def test_grade_is_the_same_every_time_and_other_numbers_come_with_another_seed():
    answer = plan(join="all")
    assert grade(answer) == grade(answer)
    assert (
        Grade.from_dict(json.loads(json.dumps(grade(answer).to_dict()))).to_dict() == grade(answer).to_dict()
    )
    assert len({grade(answer, seed).measures[0].theirs for seed in range(5)}) == 5


def test_each_further_mistake_of_a_kind_costs_less():
    one, two = plan({"hotels": ("visa",)}), plan({"hotels": ("visa",), "visa": ("tier",)})
    assert 0 < grade(one).score - grade(two).score < 1 - grade(one).score


def test_prediction_is_compared_with_the_run():
    seconds = simulate(graph_of(SPEC, BEST)).makespan
    near = KIND.grade(SPEC, BEST, prediction={"last": "lounge", "seconds": seconds * 1.1}).prediction
    assert near is not None
    assert near.close
    for prediction in ({"last": "flights", "seconds": seconds}, {"last": "lounge", "seconds": seconds * 2}):
        far = KIND.grade(SPEC, BEST, prediction=prediction).prediction
        assert far is not None
        assert not far.close
        assert "Lounge access" in far.actual
    never = KIND.grade(
        SPEC, plan({"flights": ("seats",)}), prediction={"last": "seats", "seconds": 1}
    ).prediction
    assert never is not None
    assert not never.close


def test_prediction_form_asks_for_chain_and_seconds():
    form = KIND.prediction_fields(SPEC)({"last": "seats", "seconds": "1.25"})
    assert form.is_valid()
    assert form.cleaned_data == {"last": "seats", "seconds": 1.25}
    assert not KIND.prediction_fields(SPEC)({"last": "", "seconds": "soon"}).is_valid()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_plan_gets_a_grade_between_none_and_full(data):
    names = st.sampled_from(SPEC.names)
    waits = {
        name: tuple(each for each in data.draw(st.lists(names, max_size=4, unique=True)) if each != name)
        for name in SPEC.names
    }
    answer = PlanAnswer(
        waits=waits,
        pool=data.draw(st.sampled_from([(), ("tier",)])),
        ahead=data.draw(st.sampled_from([(), ("lounge",), ("lounge", "baggage")])),
        join=data.draw(st.sampled_from(["all", "stream"])),
        handover=data.draw(st.sampled_from(["verbatim", "summarised"])),
        tier=data.draw(st.sampled_from(["small", "large"])),
    )
    result = grade(answer)
    assert 0 <= result.score <= 1
    assert result.passed is False or "wrong" not in {finding.severity for finding in result.findings}
    assert [finding.number for finding in result.findings] == list(range(1, len(result.findings) + 1))
    assert {finding.code for finding in result.findings} <= CODES
    assert KIND.parse(SPEC, KIND.to_form(SPEC, answer)).edges != () or not answer.edges
    assert KIND.pictures(SPEC, answer, result)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["all", "stream"]),
    st.sampled_from(["verbatim", "summarised"]),
    st.sampled_from(["small", "medium", "large"]),
)
def test_no_fan_in_is_better_than_the_best(join, handover, tier):
    other = right_plan(SPEC, join=join, handover=handover, tier=tier, ahead=BEST.ahead)
    assert burden_usd(SPEC, BEST) <= burden_usd(SPEC, other)


@pytest.mark.parametrize("answer", [KIND.starting_answer(SPEC), BEST, plan(ahead=("lounge", "baggage"))])
def test_form_and_answer_turn_into_each_other(answer):
    form = KIND.to_form(SPEC, answer)
    again = KIND.parse(SPEC, form)
    assert KIND.to_form(SPEC, again) == form
    assert grade(again) == grade(answer)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"waits-seats": ["seats"]}, "waits-seats"),
        ({"waits-seats": ["nobody"]}, "waits-seats"),
        ({"waits-seats": ["flights"] * 10_000}, "waits-seats"),
        ({"waits-nobody": ["flights"]}, ""),
        ({f"waits-n{i}": ["flights"] for i in range(10_000)}, ""),
        ({"pool": ["flights"]}, "pool"),
        ({"ahead": ["seats"]}, "ahead"),
        ({"join": ["sometimes"]}, "join"),
        ({"handover": []}, "handover"),
        ({"tier": ["huge"]}, "tier"),
    ],
)
def test_nonsense_is_refused_at_its_field(change, field):
    form = {**KIND.to_form(SPEC, BEST), **change}
    with pytest.raises(AnswerInvalid) as caught:
        KIND.parse(SPEC, form)
    assert set(caught.value.errors) == {field}
    assert KIND.workbench_context(SPEC, form, caught.value.errors)


def test_answer_with_ten_thousand_tasks_is_refused():
    with pytest.raises(ValidationError):
        PlanAnswer(waits={f"n{i}": () for i in range(10_000)}, tier="small")
    with pytest.raises(AnswerInvalid):
        grade(plan({"nobody": ("flights",)}))
    with pytest.raises(AnswerInvalid):
        grade(plan({"seats": ("nobody",)}))


def test_largest_plan_with_every_arrow_wrong_is_judged_like_any_other():
    tasks = [
        {"name": f"t{i}", "label": f"Task {i}", "p50_seconds": 0.1, "p95_seconds": 1, "blocking": i % 4 == 0}
        for i in range(40)
    ]
    fan_in = {**SHIPPED["spec"]["fan_in"], "reads": [task["name"] for task in tasks]}
    spec = PlanSpec.model_validate({"tasks": tasks, "fan_in": fan_in, "value_of_second_usd": 0.01})
    waits = {f"t{i}": tuple(f"t{j}" for j in range(i)) for i in range(40)}
    result = grade(PlanAnswer(waits=waits, tier="large"), spec=spec)
    assert result.score == 0
    codes = [finding.code for finding in result.findings]
    assert codes.count("needless-dependency") == codes.count("missing-dependency") == MOST_NAMED
    assert codes.count("blocking-on-loop") == 10


@pytest.mark.parametrize("form", [{}, {"waits-seats": ["<b>"], "join": ["\u0000"]}, {"tier": ["\ud800"]}])
def test_workbench_shows_any_form(form):
    context = KIND.workbench_context(SPEC, form, {"waits-seats": "Not so.", "": "Reload."})
    html = render_to_string(KIND.workbench_template, context)
    assert "Not so." in html
    assert "<b>" not in html


def test_workbench_labels_every_control_and_keeps_ids_apart():
    html = render_to_string(
        KIND.workbench_template, KIND.workbench_context(SPEC, KIND.to_form(SPEC, BEST), {})
    )
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    controls = re.findall(r'<input [^>]*id="([^"]+)"', html)
    labelled = re.findall(r'<label(?: for=|><input [^>]*id=)"([^"]+)"', html)
    assert sorted(controls) == sorted(labelled)
    assert len(controls) == 8 * 7 + 1 + 2 + 2 + 2 + 3
    assert html.count(" checked") == 8 + 1 + 1 + 3
    assert 'data-task="seats"' in html


def test_workbench_says_why_a_ring_cannot_be_drawn():
    form = KIND.to_form(SPEC, plan({"flights": ("seats",)}))
    html = render_to_string(KIND.workbench_template, KIND.workbench_context(SPEC, form, {}))
    assert "cannot be drawn" in html
    assert "Search flights → Seat offers → Search flights" in html


def test_pictures_mark_the_tasks_with_findings():
    answer = plan({"hotels": ("flights",)})
    timeline, drawing = KIND.pictures(SPEC, answer, grade(answer))
    assert "One after the other" in timeline.sentence
    assert "Best possible" in timeline.sentence
    assert any("finding 1" in " ".join(row) for row in drawing.rows)


def test_pictures_draw_a_ring_with_the_findings_at_its_tasks():
    ring = plan({"flights": ("seats",)})
    timeline, drawing = KIND.pictures(SPEC, ring, grade(ring))
    assert "Yours" not in timeline.sentence
    assert "Search flights → Seat offers → Search flights" in drawing.sentence
    assert any("in the ring, finding 1" in row[-1] for row in drawing.rows)
    assert 'class="edge critical"' in drawing.svg_narrow


def test_spec_refuses_what_cannot_run():
    def changed(which, **changes):
        tasks = [{**task, **changes} if task["name"] == which else task for task in SHIPPED["spec"]["tasks"]]
        return {**SHIPPED["spec"], "tasks": tasks}

    for wrong in (
        changed("flights", reads=["seats"]),
        changed("flights", reads=["nobody"]),
        changed("flights", name="hotels"),
        changed("flights", p95_seconds=0.1),
        changed("lounge", probability=None),
        changed("visa", reads=["compose"]),
        changed("visa", p50_seconds=float("inf")),
        {**SHIPPED["spec"], "tasks": SHIPPED["spec"]["tasks"] * 6},
        {**SHIPPED["spec"], "value_of_second_usd": 0},
        {**SHIPPED["spec"], "fan_in": {**SHIPPED["spec"]["fan_in"], "reads": []}},
    ):
        with pytest.raises(ValidationError):
            PlanSpec.model_validate(wrong)


def posted(parts) -> QueryDict:
    """What a browser sends back for these forms, untouched."""
    data = QueryDict(mutable=True)
    for part in parts:
        forms = part.form.forms if hasattr(part.form, "forms") else [part.form]
        if hasattr(part.form, "management_form"):
            forms = [part.form.management_form, *forms]
        for form in forms:
            for field in form:
                value = field.value()
                if isinstance(value, list | tuple):
                    data.setlist(field.html_name, [str(each) for each in value])
                elif value is not None and value is not False:
                    data[field.html_name] = "on" if value is True else str(value)
    return data


def test_authoring_forms_give_the_spec_back():
    data = posted(KIND.spec_to_forms(SPEC))
    assert KIND.forms_to_spec(KIND.spec_to_forms(SPEC, data)) == SPEC


def test_authoring_forms_say_what_is_wrong_at_the_field():
    data = posted(KIND.spec_to_forms(SPEC))
    data["spec-tasks-0-p95_seconds"] = "0.1"
    data["spec-worth-value_of_second_usd"] = "0"
    parts = KIND.spec_to_forms(SPEC, data)
    with pytest.raises(SpecInvalid):
        KIND.forms_to_spec(parts)
    assert parts[0].form.errors
    assert any(parts[1].form.errors)


def test_authoring_forms_refuse_a_ring_by_name():
    data = posted(KIND.spec_to_forms(SPEC))
    data["spec-tasks-0-reads"] = "seats"
    with pytest.raises(SpecInvalid, match=r"flights → seats → flights|seats → flights → seats"):
        KIND.forms_to_spec(KIND.spec_to_forms(SPEC, data))


def test_authoring_forms_begin_empty():
    parts = KIND.spec_to_forms(None)
    assert len(parts) == 3
    with pytest.raises(SpecInvalid):
        KIND.forms_to_spec(KIND.spec_to_forms(None, QueryDict("")))
