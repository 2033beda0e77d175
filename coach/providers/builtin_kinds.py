"""What each kind of finding is called in the middle of a sentence, and what may be asked about it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from exercises.kinds.base import Finding


def name_of(finding: Finding) -> str:
    """What was found and where: "the blocking call at “Loyalty tier”"; of an unknown kind the place."""
    thing = _things().get(finding.code)
    if thing is None:
        return finding.place_label
    place = finding.place_label.strip("“”")
    return _("%(thing)s at “%(place)s”") % {"thing": thing, "place": place}


def _things() -> dict[str, str]:
    return {
        "missing-dependency": _("the missing arrow"),
        "needless-dependency": _("the needless arrow"),
        "cycle": _("the circle"),
        "speculation-not-worth-it": _("the early start that did not pay"),
        "speculation-missed": _("the missed early start"),
        "fan-in-outweighs": _("the long hand-over"),
        "fan-in-waits": _("the wait for the last result"),
        "blocking-on-loop": _("the blocking call"),
        "tier-too-large": _("the oversized model"),
        "accuracy-lost": _("the lost accuracy"),
        "volatile-before-stable": _("the changing block above steady ones"),
        "instructions-after-document": _("the instructions behind the document"),
        "user-in-shared-prefix": _("the personal block among shared ones"),
        "breakpoint-on-changing-block": _("the breakpoint on changing text"),
        "no-breakpoint": _("the missing breakpoint"),
        "below-minimum": _("the prefix under the minimum"),
        "ttl-against-gaps": _("the lifetime"),
        "warmup-misses": _("the warm-up time"),
        "keepalive-costs-more": _("the dear pings"),
        "stability-mislabelled": _("the wrong label"),
        "task-not-first": _("the late task"),
        "background-before-task": _("the background"),
        "no-schema": _("the open form"),
        "no-length-bound": _("the missing bound"),
        "reasoning-not-worth-it": _("the idle reasoning"),
        "not-streamed": _("the hidden wait"),
        "rule-lost": _("the lost rule"),
    }


def questions_of(finding: Finding) -> tuple[str, str]:
    """Two guiding questions that fit what was found; "" where those for its severity do. None tells the
    remedy, nor asks for it."""
    place = finding.place_label.strip("“”")
    first, second = _questions().get(finding.code, ("", ""))
    return first % {"place": place}, second % {"place": place}


def _questions() -> dict[str, tuple[str, str]]:
    return _plan_questions() | _layout_questions() | _rewrite_questions()


def _plan_questions() -> dict[str, tuple[str, str]]:
    return {
        "cycle": (
            _("Which of these tasks could begin with nothing but the request?"),
            _("What does each task on this round read, and who makes it?"),
        ),
        "needless-dependency": (
            _("Which value does the later of these two tasks read, and who makes it?"),
            _("What, exactly, is handed over at “%(place)s”?"),
        ),
        "speculation-missed": (
            _("What does it cost on average to stand still until that verdict?"),
            _("In how many of all cases is “%(place)s” needed, and what does wasted work cost?"),
        ),
        "speculation-not-worth-it": (_("How often is the result used that is paid for there?"), ""),
        "blocking-on-loop": (
            _("What do all other tasks do while this call runs?"),
            _("Who holds the event loop during “%(place)s”, and who else would use it?"),
        ),
        "fan-in-outweighs": (
            _("How many tokens have to be read there before a word is written?"),
            _("Of all that “%(place)s” is given to read, what does its answer use?"),
        ),
        "fan-in-waits": (
            _("What happens between the first result and the first word?"),
            _("What could a customer read of “%(place)s” when one result is there?"),
        ),
        "tier-too-large": (
            _("Which ability of the chosen tier does this step use?"),
            _("What does “%(place)s” take in seconds and dollars, and what does that tier bring?"),
        ),
        "accuracy-lost": (
            _("Which of the labelled cases come out wrong, and what do they have in common?"),
            _("What does a hard case ask of “%(place)s” that an easy one does not?"),
        ),
    }


def _layout_questions() -> dict[str, tuple[str, str]]:
    return {
        "volatile-before-stable": (
            _("At which block do two neighbouring calls stop being the same text?"),
            _("Of the steadier blocks, how many tokens are read anew because of “%(place)s”?"),
        ),
        "user-in-shared-prefix": (_("Which of these texts do two people have in common?"), ""),
        "instructions-after-document": (_("How many copies of the same text does the day keep there?"), ""),
        "breakpoint-on-changing-block": (
            _("Which later call could read the entry that is written there?"),
            "",
        ),
        "no-breakpoint": (_("What does a cache have to be told, so that it stores anything?"), ""),
        "below-minimum": (
            _("How many tokens does the prefix have there, and from how many on is one stored?"),
            _("How would you see from the numbers that nothing was stored at “%(place)s”?"),
        ),
        "ttl-against-gaps": (_("How long are the pauses of the day, and how long does an entry live?"), ""),
        "warmup-misses": (
            _("What does the first call of the day find in the cache, and who has written it?"),
            _("Who is kept from the first token at “%(place)s”, and for how long?"),
        ),
        "stability-mislabelled": (
            _("How many different texts did that block have over the day?"),
            _("Who decides when the text of “%(place)s” changes?"),
        ),
    }


def _rewrite_questions() -> dict[str, tuple[str, str]]:
    return {
        "task-not-first": (_("What do these first tokens tell a model about its instruction?"), ""),
        "background-before-task": (
            _("Which of these sentences of background decides a case?"),
            _("How many tokens of background are read on every call, and for whom?"),
        ),
        "no-schema": (
            _("Who reads this answer, and which parts of it does that reader use?"),
            _("At “%(place)s”, what could come out differently from one call to the next?"),
        ),
        "no-length-bound": (
            _("What keeps the answer’s free text from growing?"),
            _("How many tokens of the answer does anybody read?"),
        ),
        "reasoning-not-worth-it": (
            _("What do the tokens that are written there change on the labelled cases?"),
            _("How many of the labelled cases depend on what is written there?"),
        ),
        "not-streamed": (
            _("What does the reader see until the last token is written?"),
            _("When do the first useful words exist, and when are they seen?"),
        ),
        "rule-lost": (
            _("What does your prompt decide in that case, and by which of its sentences?"),
            _("Where does the prompt as found decide the case of “%(place)s”?"),
        ),
    }
