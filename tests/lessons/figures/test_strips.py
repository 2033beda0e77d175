from lessons.figures.strips import Strip, cache_strips
from tests.lessons.figures.factories import both, inside, texts, with_class

FOUND = [Strip("09:00", 0, 45000, 100), Strip("09:02", 0, 45000, 100, markers=(1,))]
BEST = [Strip("09:00", 0, 45000, 100), Strip("09:02", 45000, 0, 100, note="$0.02")]


def test_cache_strips_tell_read_written_and_fresh_apart_by_pattern_and_key():
    for root in both(cache_strips([("As found", FOUND), ("Best", BEST)], title="Day")):
        names = {pattern.get("class") for pattern in with_class(root, "pattern")}
        assert {"pattern read", "pattern written", "pattern fresh"} <= names
        assert {"read from the cache", "written to the cache", "sent fresh"} <= set(texts(root))


def test_cache_strips_say_the_shares():
    picture = cache_strips([("As found", FOUND), ("Best", BEST)], title="Day")
    assert "As found: of 90,200 input tokens in 2 calls, 0 % come from the cache" in picture.sentence
    assert "50 % come from the cache" in picture.sentence


def test_cache_strips_number_findings_and_list_calls():
    picture = cache_strips([("As found", FOUND), ("Best", BEST)], title="Day")
    assert all("1" in texts(root) for root in both(picture))
    assert picture.rows[-1] == ("Best", "09:02", "45,000", "0", "100", "$0.02")


def test_cache_strips_of_a_long_day_are_bundled_and_say_so():
    day = [Strip(f"call {n}", 100 * (n % 2), 0, 50) for n in range(1000)]
    picture = cache_strips([("Day", day)], title="Day")
    for root in both(picture):
        assert len(with_class(root, "strip")) <= 24
        assert inside(root)
        assert any("mean of 42" in text for text in texts(root))
    assert len(picture.rows) == 301
    assert picture.rows[-1][0] == "and 700 more"


def test_cache_strips_name_a_bundle_by_its_first_and_last_time():
    day = [Strip(f"{9 + n // 60:02d}:{n % 60:02d} Ana, lease", 10, 0, 5) for n in range(240)]
    for root in both(cache_strips([("Day", day)], title="Day")):
        assert any(text.startswith("09:00 – 09:09") for text in texts(root))


def test_cache_strips_keep_the_first_marker_of_a_bundle():
    day = [Strip(f"call {n}", 0, 0, 50, markers=(2,) if n == 500 else ()) for n in range(1000)]
    assert all("2" in texts(root) for root in both(cache_strips([("Day", day)], title="Day")))


def test_cache_strips_of_nothing_and_of_nonsense():
    assert cache_strips([], title="None").sentence
    odd = [Strip("x", float("inf"), -1, 0), Strip("\x00<b>", 0, 0, 0)]
    assert all(inside(root) for root in both(cache_strips([("Odd", odd), ("Empty", [])], title="Odd")))


def test_cache_strips_number_findings_of_a_call_and_of_a_whole_day():
    day = [Strip("09:00", 0, 0, 50, "2 s", (1, 3)), Strip("09:05", 0, 0, 50)]
    picture = cache_strips([("Yours", day)], title="Day", markers={"Yours": (2,)})
    assert picture.rows[0] == ("Yours", "all calls", "", "", "", "finding 2")
    assert picture.rows[1][-1] == "2 s, findings 1 and 3"
    for root in both(picture):
        assert [text.text for text in with_class(root, "marker-number")] == ["2", "1", "3"]
