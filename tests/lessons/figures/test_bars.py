from itertools import pairwise

import pytest

from lessons.figures.bars import Segment, Stretch, time_bars, token_bars
from tests.lessons.figures.factories import both, inside, texts, with_class

BEFORE = [
    Segment("Background", 800, "background", (1,)),
    Segment("Task", 90, "task"),
    Segment("Data", 110, "data"),
]
AFTER = [Segment("Task", 60, "task"), Segment("Data", 110, "data"), Segment("Schema", 30, "schema")]


def test_token_bars_share_one_scale():
    root = both(token_bars([("Before", BEFORE), ("After", AFTER)], title="Prompt"))[0]
    widths = [float(s.get("width", 0)) for s in with_class(root, "part") for s in with_class(s, "segment")]
    assert sum(widths[3:]) / sum(widths[:3]) == pytest.approx(200 / 1000, rel=0.01)


def test_token_bars_give_each_kind_a_pattern_and_a_key():
    for root in both(token_bars([("Before", BEFORE)], title="Prompt")):
        assert {"background", "task", "data"} <= set(texts(root))
        assert with_class(root, "pattern")


def test_token_bars_say_totals_and_list_every_part():
    picture = token_bars([("Before", BEFORE), ("After", AFTER)], title="Prompt")
    assert "Before: 1,000 tokens" in picture.sentence
    assert ("After", "Schema", "30 tokens", "") in picture.rows


def test_token_bars_number_their_findings():
    assert all("1" in texts(root) for root in both(token_bars([("Before", BEFORE)], title="Prompt")))


def test_token_bars_keep_the_markers_of_thin_parts_apart_and_in_the_frame():
    thin = [Segment("a", 1, "task", (1,)), Segment("b", 1, "data", (2,)), Segment("c", 5000, "data")]
    thin += [Segment("d", 1, "task", (3,)), Segment("e", 1, "task", (4,))]
    for root in both(token_bars([("Thin", thin)], title="Thin")):
        at = [float(disc.get("cx", 0)) for disc in with_class(root, "marker-disc")]
        assert all(later - earlier >= 20 for earlier, later in pairwise(at))
        assert min(at) >= 9
        assert max(at) <= float(root.get("width", 0)) - 9


def test_token_bars_take_unknown_kinds_zeros_and_nonsense():
    odd = [
        Segment("?", 10, "no-such-kind"),
        Segment("zero", 0),
        Segment("nan", float("nan")),
        Segment("-", -5),
    ]
    picture = token_bars([("Odd", odd), ("Empty", [])], title="Odd")
    assert all(inside(root) for root in both(picture))
    assert "Empty: 0 tokens." in picture.sentence


def test_token_bars_of_many_rows_say_what_they_leave_out():
    picture = token_bars([(f"row {n}", AFTER) for n in range(60)], title="Many")
    assert all("and 36 more" in texts(root) for root in both(picture))
    assert len(picture.rows) == 180


def test_time_bars_speak_of_seconds():
    picture = time_bars(
        [("Cold", [Stretch("reading", 3.1, "fresh"), Stretch("writing", 0.4, "output")])], title="T"
    )
    assert "3.5 s" in picture.sentence.replace("\xa0", " ")


def test_token_bars_say_all_findings_of_a_part_and_of_a_row():
    parts = [Segment("a", 4, "task", (1, 4)), Segment("b", 500, "data")]
    picture = token_bars([("Yours", parts)], title="Prompt", markers={"Yours": (2, 3)})
    assert picture.columns[-1] == "Findings"
    assert ("Yours", "all of it", "504 tokens", "findings 2 and 3") in picture.rows
    assert ("Yours", "a", "4 tokens", "findings 1 and 4") in picture.rows
    for root in both(picture):
        assert [text.text for text in with_class(root, "marker-number")] == ["2", "3", "1", "4"]


def test_token_bars_show_no_more_discs_than_their_frame_holds():
    parts = [Segment(f"p{n}", 1, "task", (2 * n + 1, 2 * n + 2)) for n in range(40)]
    for root in both(token_bars([("Many", parts)], title="Many")):
        at = [float(disc.get("cx", 0)) for disc in with_class(root, "marker-disc")]
        assert max(at) <= float(root.get("width", 0)) - 9
        assert (with_class(root, "marker-number")[-1].text or "").startswith("+")
