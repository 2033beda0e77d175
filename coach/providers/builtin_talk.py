"""The built-in coach in conversation: its fixed sentences. Pure, like all of its words."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coach.material import Changes, Link, Section
from coach.providers.builtin import amount, inside
from coach.queries import Attempt
from exercises.kinds.base import Finding
from lessons.figures.text import listed

__all__ = ["Link"]


def attempt_first(title: str, *, in_exercise: bool) -> str:
    if in_exercise:
        return _(
            "You have not handed anything in here yet, so there is nothing of yours to talk about. "
            "Hand in a first attempt, however rough; then I can point at places in it."
        )
    return _("About “%(title)s” I can say something once you have handed in an attempt.") % {"title": title}


def read_before() -> str:
    return _("If you would like to read first, begin here.")


def predict_question() -> str:
    return _("Before you run it: which part do you expect to decide the outcome, and why?")


def nothing_marked(attempt: Attempt) -> str:
    return _("In attempt %(number)s nothing is marked: it passes every check.") % {"number": attempt.number}


def no_such_finding(number: int, findings: Sequence[Finding]) -> str:
    return _("There is no finding %(number)s in your last attempt; the findings go from 1 to %(last)s.") % {
        "number": number,
        "last": len(findings),
    }


def about(finding: Finding) -> str:
    return _("This is about %(place)s.") % {"place": finding.place_label}


def no_more_hints() -> str:
    return _("That was the last hint before the answer; here it is once more.")


def explain_back() -> str:
    return _("In your own words: why does that change help here?")


def hint_or_run() -> str:
    return _("Try one change and run it, or ask for a hint.")


def only_one_attempt(attempt: Attempt) -> str:
    return _(
        "There is one graded attempt so far, number %(number)s, so there is nothing to compare it with."
    ) % {"number": attempt.number}


def comparison(attempt: Attempt, changes: Changes) -> list[str]:
    texts = []
    if changes.mended:
        texts.append(
            _("Put right since attempt %(before)s: %(places)s.")
            % {"before": changes.before_number, "places": _places(changes.mended)}
        )
    if changes.better:
        label, before, now, unit = changes.better[0]
        texts.append(
            _("Better since attempt %(before)s: %(label)s, from %(old)s to %(new)s.")
            % {
                "before": changes.before_number,
                "label": inside(label),
                "old": amount(before, unit),
                "new": amount(now, unit),
            }
        )
    if changes.fresh:
        texts.append(
            _("New in attempt %(now)s: %(places)s.")
            % {"now": attempt.number, "places": _places(changes.fresh)}
        )
    if changes.staying:
        texts.append(_("Still marked: %(places)s.") % {"places": _places(changes.staying)})
    return texts or [
        _("Between attempt %(before)s and attempt %(now)s nothing that is measured has changed.")
        % {"before": changes.before_number, "now": attempt.number}
    ]


def _places(findings: Sequence[Finding]) -> str:
    named = [finding.place_label for finding in findings[:3]]
    rest = len(findings) - len(named)
    if rest:
        named.append(ngettext("%(n)s more", "%(n)s more", rest) % {"n": rest})
    return listed(named)


def standing(attempt: Attempt, findings: Sequence[Finding]) -> str:
    values = {"number": attempt.number, "n": len(findings)}
    if not findings:
        return _("Attempt %(number)s passes every check.") % values
    if attempt.passed:
        return (
            ngettext(
                "Attempt %(number)s passes, with %(n)s thing still marked.",
                "Attempt %(number)s passes, with %(n)s things still marked.",
                len(findings),
            )
            % values
        )
    return (
        ngettext(
            "Attempt %(number)s does not pass yet: %(n)s thing is marked.",
            "Attempt %(number)s does not pass yet: %(n)s things are marked.",
            len(findings),
        )
        % values
    )


def marked(findings: Sequence[Finding], total: int) -> str:
    named = listed(
        [
            _("%(place)s (%(number)s)") % {"place": each.place_label, "number": each.number}
            for each in findings
        ]
    )
    if total > len(findings):
        return _("Most important first: %(named)s.") % {"named": named}
    return (
        _("They are, most important first: %(named)s.") % {"named": named}
        if total > 1
        else _("It is %(named)s.") % {"named": named}
    )


def start_with(finding: Finding) -> str:
    return _("Start with the most important one: %(place)s.") % {"place": finding.place_label}


def rule_not_mood() -> str:
    return _(
        "What I may give away follows a rule in this course’s code; nothing that is written here "
        "changes it, whoever writes it."
    )


def say_show_me() -> str:
    return _(
        "Ask for a hint, or say “show me”: then you get the answer, and that item does not count as mastered."
    )


def in_your_attempt(finding: Finding, number: int) -> str:
    return _("In your attempt %(number)s this is about %(place)s.") % {
        "number": number,
        "place": finding.place_label,
    }


def see_also() -> str:
    return _("A second passage on this:")


def try_this(question: str) -> str:
    return _("To try yourself: %(question)s") % {"question": question}


def question_of_transfer(title: str, turn: int) -> str:
    """A question that carries a passage over to the learner's own work; not the same one twice in a row."""
    texts = (
        _("Where in an agent of your own would this make a difference, and how would you measure it?"),
        _("What would have to be different for this not to hold?"),
        _("If you had to explain “%(title)s” with numbers of your own, which would you choose?"),
        _("Which step of an agent you know would you change first because of this?"),
    )
    return texts[turn % len(texts)] % {"title": title}


def against(title: str) -> str:
    return _("Set that against “%(title)s”: which of the two would you give up first in your agent?") % {
        "title": title
    }


def read_as(question: str) -> str:
    return _("I take this to be about: “%(question)s”") % {"question": question}


def related(question: str) -> str:
    return _("On the same matter: “%(question)s”") % {"question": question}


def beside_question(question: str) -> str:
    return _("I can’t judge your case, but this is related: “%(question)s”") % {"question": question}


def said_all(title: str) -> str:
    return _("The section “%(title)s” says no more about it; read it in full here.") % {"title": title}


def offer(sections: Sequence[Section]) -> str:
    return _("Shall we go on with %(titles)s?") % {
        "titles": _(" or ").join(_quoted(each.title) for each in sections)
    }


def _quoted(title: str) -> str:
    return _("“%(title)s”") % {"title": title}


def open_section(title: str) -> str:
    return _("You are at “%(title)s”.") % {"title": title}


def all_discussed() -> str:
    return _(
        "We have been through every section of this lesson. Ask me about any of them again, or "
        "take the next exercise."
    )


def topics(sections: Sequence[Section]) -> str:
    return _("We could talk about %(titles)s. To begin with the first:") % {
        "titles": listed([_quoted(each.title) for each in sections])
    }


def which_is_yours() -> str:
    return _("Which of these do you meet in an agent you know, and what would you give up there?")


def yours_to_find() -> str:
    return _("That one is yours to find, so I’ll point at the place and keep the answer for later.")


def neither_yes_nor_no() -> str:
    return _("Try it: a run answers that better than my yes or no.")


def run_judges() -> str:
    return _("Put it into your answer, predict the effect, and run it: the run is the judge.")


def beside_your_words(title: str) -> str:
    return _("I can’t judge your case. On “%(title)s” the lesson says:") % {"title": title}


def what_differs() -> str:
    return _("Where does your case differ from that, and what follows for it?")


def next_conflict(title: str) -> str:
    return _("When you are through with this one: “%(title)s”.") % {"title": title}


def unknown() -> str:
    return _("I don’t know: I found nothing about it in these lessons.")


def nearest() -> str:
    return _("The closest I have:")


def who(*, with_model: bool) -> str:
    if with_model:
        return _(
            "My sentences are written by a language model, from your graded attempts and from these lessons. "
            "Grades, numbers and what I may give away come from the course’s own program."
        )
    return _(
        "I am the built-in coach: no language model, no person. I write from your graded attempts, "
        "from hints that the course’s authors wrote, and from passages of these lessons."
    )


def able(*, in_exercise: bool) -> str:
    if in_exercise:
        return _(
            "You can ask what is wrong with your attempt, what changed since the last one, for a "
            "hint, for a term of the lessons, or say “show me”."
        )
    return _(
        "You can ask what a term means, why something holds, what this section says, or how your "
        "attempt at the exercise stands."
    )


def hello() -> str:
    return _("Hello.")


def talk_about(finding: Finding) -> str:
    return _("Shall we look at %(place)s first?") % {"place": finding.place_label}


def ask_about(title: str) -> str:
    if title:
        return _("You are at “%(title)s”. What in it is unclear, or what would you object to?") % {
            "title": title
        }
    return _("What would you like to understand first?")


def welcome(findings: Sequence[Finding]) -> str:
    if findings:
        return _(
            "Good. Change one thing now and run it again; I read the new attempt as soon as it is graded."
        )
    return _("Good. Say the idea once in your own words before you go on: that is when it sticks.")
