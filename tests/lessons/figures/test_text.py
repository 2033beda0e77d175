import pytest

from lessons.figures.text import (
    drawable,
    fitted,
    listed,
    seconds_text,
    share_text,
    tokens_text,
    usd_text,
    wrapped,
)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.8, "800 ms"),
        (0.9999, "1.0 s"),
        (2.4, "2.4 s"),
        (3.4567, "3.46 s"),
        (120, "120 s"),
        (7200, "120 min"),
        (float("inf"), "∞"),
    ],
)
def test_seconds_text_has_one_spelling(seconds, said):
    assert seconds_text(seconds).replace("\xa0", " ") == said


@pytest.mark.parametrize(
    ("usd", "said"), [(0, "$0"), (12.4, "$12.40"), (0.1, "$0.10"), (0.0051, "$0.0051"), (1234.5, "$1,234.50")]
)
def test_usd_text_keeps_two_significant_digits(usd, said):
    assert usd_text(usd) == said


def test_other_numbers():
    assert (tokens_text(45000), share_text(0.853)) == ("45,000", "85 %")
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (0.0001, "0.1 %"),
        (0.004, "0.4 %"),
        (0.5, "50 %"),
        (0.996, "99.6 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_share_text_says_all_and_nothing_only_of_all_and_nothing(share, said):
    assert share_text(share) == said


def test_drawable_leaves_nothing_that_xml_refuses():
    assert drawable("a\x00b\ud800\n c") == "a\ufffdb\ufffd c"


def test_wrapped_breaks_between_words_and_only_once():
    assert wrapped("short", width=100, size=13) == ["short"]
    assert wrapped("look up visa rules", width=90, size=13) == ["look up visa", "rules"]
    assert len(wrapped("one two three four five six seven", width=60, size=13)) == 2
    assert wrapped("unbreakablelongword", width=60, size=13) == ["unbreak…"]


def test_fitted_cuts_with_an_ellipsis_or_not_at_all():
    assert fitted("short", width=100, size=13) == "short"
    assert fitted("a long label that does not fit", width=70, size=13).endswith("…")
    assert fitted("label", width=8, size=13) == ""
