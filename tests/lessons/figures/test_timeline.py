from typing import Any

import pytest

from coach.engine.simulation import simulate
from coach.engine.trace import Span, Trace
from lessons.figures.base import Picture
from lessons.figures.timeline import Lane, timeline
from tests.lessons.figures.factories import (
    both,
    chain_of,
    inside,
    texts,
    trace_of,
    travel_trace,
    with_class,
)


def _travel(**more: Any) -> Picture:
    return timeline([Lane(label="Yours", trace=travel_trace(), **more)], title="Your plan")


def test_timeline_marks_the_critical_path_with_weight_and_not_only_colour():
    wide, narrow = both(_travel())
    for root in (wide, narrow):
        critical = [row for row in with_class(root, "row") if "critical" in row.get("class", "").split()]
        assert [texts(row)[0] for row in critical] == ["Search flights", "seats", "compose"]


def test_timeline_says_makespan_and_chain_in_a_sentence():
    sentence = _travel().sentence.replace("\xa0", " ")
    assert "Yours: 2.5 s, set by Search flights, then seats, then compose." in sentence


def test_timeline_gives_slack_a_tail_and_a_cell():
    picture = _travel()
    assert all(with_class(root, "tail") for root in both(picture))
    hotels = next(row for row in picture.rows if row[1] == "hotels")
    assert hotels[5].replace("\xa0", " ") == "700 ms"


def test_timeline_strikes_discarded_work_and_says_so():
    picture = timeline([Lane(label="Yours", trace=travel_trace(lounge=False))], title="Unlucky")
    assert all(with_class(root, "discarded") and with_class(root, "strike") for root in both(picture))
    assert "thrown away" in picture.sentence
    assert any("discarded" in row[-1] for row in picture.rows)


def test_timeline_tells_what_was_never_started_from_what_was_discarded():
    trace = Trace((Span(name="a", start=0, end=1), Span(name="b", start=1, end=1, status="dropped")))
    picture = timeline([Lane(label="Yours", trace=trace)], title="Dropped")
    assert picture.rows[1][-1] == "not needed"
    assert not any(with_class(root, "strike") for root in both(picture))


def test_timeline_puts_the_number_of_a_finding_at_its_task():
    picture = _travel(markers={"seats": (3,)})
    for root in both(picture):
        row = next(row for row in with_class(root, "row") if "seats" in texts(row))
        assert "3" in texts(row)
    assert "finding 3" in next(row for row in picture.rows if row[1] == "seats")[-1]


def test_timeline_flags_the_first_output():
    spans = (Span(name="write", start=0.5, end=2, first_output=0.8, critical=True),)
    picture = timeline([Lane(label="Reply", trace=Trace(spans))], title="Reply")
    assert all(with_class(root, "first-output") for root in both(picture))
    assert "first output after 800" in picture.sentence


def test_timeline_puts_lanes_on_one_scale():
    slow = Trace((Span(name="x", start=0, end=4),))
    picture = timeline(
        [Lane(label="Slow", trace=slow), Lane(label="Fast", trace=travel_trace())], title="Two"
    )
    bars = with_class(both(picture)[0], "bar")
    compose = next(row for row in with_class(both(picture)[0], "row") if "compose" in texts(row))
    own = with_class(compose, "bar")[0]
    assert float(own.get("width", 0)) / float(bars[0].get("width", 1)) == pytest.approx(1.2 / 4, rel=0.01)


def test_timeline_of_nothing_is_a_picture():
    for picture in (
        timeline([], title="None"),
        timeline([Lane(label="Empty", trace=Trace())], title="Empty"),
    ):
        assert len(both(picture)) == 2
        assert picture.sentence


def test_timeline_of_moments_without_length_is_a_picture():
    trace = Trace((Span(name="a", start=0, end=0), Span(name="b", start=0, end=0)))
    assert all(inside(root) for root in both(timeline([Lane(label="Zero", trace=trace)], title="Zero")))


def test_timeline_of_many_tasks_draws_some_and_names_the_rest():
    picture = timeline([Lane(label="Many", trace=simulate(chain_of(400)))], title="Many")
    for root in both(picture):
        assert len(with_class(root, "row")) == 24
        assert "and 376 more tasks" in texts(root)
        assert inside(root)
    assert len(picture.rows) == 301
    assert picture.rows[-1][0] == "and 100 more"


def test_timeline_keeps_marked_tasks_when_it_leaves_some_out():
    trace = trace_of(*(f"task {n}" for n in range(60)))
    picture = timeline([Lane(label="Wide", trace=trace, markers={"task 59": (1,)})], title="Wide")
    assert all("task 59" in texts(root) for root in both(picture))


def test_timeline_escapes_and_shortens_what_learners_typed():
    nasty = "<script>alert(1)</script>&\"'" + "x" * 400 + "\x00\ud800"
    picture = timeline([Lane(label=nasty, trace=trace_of(nasty))], title=nasty)
    for root in both(picture):
        assert all(len(text) < 90 for text in texts(root))
    assert "<script" not in picture.svg
    (picture.svg + picture.sentence.replace("\ud800", "")).encode()


def test_timeline_uses_ids_of_its_own_in_every_drawing():
    picture, again = _travel(), _travel()
    ids = [e.get("id") for p in (picture, again) for root in both(p) for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))


def test_timeline_carries_no_inline_style():
    picture = _travel(markers={"seats": (1,)})
    assert "style=" not in picture.svg + picture.svg_narrow
    assert 'role="img"' in picture.svg


def test_timeline_shows_the_first_of_many_findings_and_says_all():
    picture = _travel(markers={"seats": (1, 2), "compose": (3, 4, 5, 6, 7)})
    for root in both(picture):
        discs = [[e.text for e in with_class(row, "marker-number")] for row in with_class(root, "row")]
        assert [each for each in discs if each] == [["1", "2"], ["3", "4", "5", "+2"]]
        assert inside(root)
    assert "findings 3, 4, 5, 6 and 7" in next(row for row in picture.rows if row[1] == "compose")[-1]
    assert "findings 1 and 2" in picture.svg
