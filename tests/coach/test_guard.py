from __future__ import annotations

import pytest

from coach.ladder import Step
from coach.replies.drafting import Note
from coach.replies.guard import AnswerFact, Guard
from coach.replies.parts import Sentence
from coach.replies.passages import Index
from coach.replies.speaking import Speaker
from coach.replies.telling import Teller, guard_for
from tests.coach.factories import make_finding

FINDING = make_finding()
FACT = AnswerFact(key=FINDING.key, groups=FINDING.fix_terms, fix=FINDING.fix, given=FINDING.message)


@pytest.mark.parametrize(
    "sentence",
    [
        "Seats need flights.",
        "SEAT OFFERS must wait for SEARCH FLIGHTS",
        "Put the seats after the flights.",
        "The ﬂights come ﬁrst: seats depends on them, so seats wait.",  # ligatures
        "Seat\u00a0offers wait\u200b for search flights",  # no-break and zero-width
        "s\u200beats need fl\u00adights",
        "ＳＥＡＴＳ ｎｅｅｄ ｆｌｉｇｈｔｓ",  # full width
        "seats, seats, seats … need … flights!",
        "Let “Seat offers” wait for “Search flights”, because it reads the flights that were found.",
        "\U000e0041seats need flights",  # tag characters
    ],
)
def test_guard_stops_the_answer_in_any_dress(sentence: str):
    assert not Guard([FACT]).clears(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        FINDING.message,
        "Look at “Seat offers”, at the moment when it starts.",
        "Which values are read there, and when?",
        "Hotels need no visa.",
    ],
)
def test_guard_lets_through_what_gives_nothing_away(sentence: str):
    assert Guard([FACT]).clears(sentence)


def test_guard_stops_an_answer_in_two_halves():
    guard = Guard([FACT])
    assert guard.clears("Think about the seats.")
    assert not guard.clears("They need the flights.")


def test_guard_of_an_open_answer_lets_it_through():
    assert Guard([FACT], open_keys=[FACT.key]).clears(FINDING.fix)


def test_guard_refuses_what_it_cannot_read():
    assert not Guard([FACT]).clears("x" * 5000)
    assert not Guard([FACT]).clears(None)  # type: ignore[arg-type]  # fails closed


def test_guard_without_terms_still_knows_the_wording():
    fact = AnswerFact(key="k", fix="Move the instructions before the contract so that both are shared.")
    assert not Guard([fact]).clears("You should move the instructions before the contract so that it caches.")


def test_guard_terms_match_from_the_beginning_of_a_word():
    fact = AnswerFact(key="k", groups=(("summar", "condens"),))
    assert not Guard([fact]).clears("Hand over summaries.")
    assert not Guard([fact]).clears("Condensed results are enough.")
    assert Guard([fact]).clears("In midsummer everything is slow.")


def test_guard_an_empty_group_does_not_forbid_everything():
    fact = AnswerFact(key="k", groups=(("alpha",), ()), fix="")
    assert Guard([fact]).clears("Anything at all.")


def tell(text: str, *instead: str, steps: dict[str, Step] | None = None) -> list[str]:
    said: list[str] = []
    guard = guard_for([FINDING], steps or {}, mastered=False)
    Teller(lambda sentence: said.append(sentence.text), guard, lambda _key: instead).tell(
        text, finding=FINDING.key
    )
    return said


def test_teller_replaces_a_stopped_sentence_by_the_authored_hint():
    assert tell("Look here. Seats need flights.", "Which values are read there?") == [
        "Look here.",
        "Which values are read there?",
    ]


def test_teller_takes_the_next_hint_when_the_first_gives_it_away_too():
    assert tell("Seats need flights.", "Well, seats wait for flights.", "Look there.") == ["Look there."]


def test_teller_says_nothing_rather_than_the_answer():
    assert tell("Seats need flights.") == []


def test_what_stands_in_hides_nothing_either():
    assert tell("Seats need flights.", "Look at \u202eoffers\U000e0041\u202c there.") == [
        "Look at offers there."
    ]


def speak(text: str, *instead: str, notes: tuple[Note, ...] = ()) -> list[Sentence]:
    """What a model's text becomes."""
    said: list[Sentence] = []
    teller = Teller(said.append, guard_for([FINDING], {}, mastered=False), lambda _key: instead)
    speaker = Speaker(teller, Index([]), notes, finding=FINDING.key)
    speaker.hear(text)
    speaker.finish()
    return said


def test_a_question_that_stands_in_is_the_replys_question():
    question = Note(text="Which values are read there?", role="question")
    action = Note(text="Run it again.", role="action")
    said = speak("Look here. Seats need flights.", question.text, notes=(question, action))
    assert [(each.role, each.text) for each in said] == [
        ("finding", "Look here."),
        ("question", question.text),
        ("action", action.text),
    ]
    assert said[1].opens


def test_no_second_question_stands_in():
    said = speak("What is read there? Seats need flights.", "Which values?", "Look there.")
    assert [each.text for each in said] == ["What is read there?", "Look there."]


def test_guard_for_mastered_learner_is_open():
    assert guard_for([FINDING], {}, mastered=True).clears(FINDING.fix)
