"""What each kind of finding is called in the middle of a sentence."""

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
