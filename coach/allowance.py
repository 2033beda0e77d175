"""How much of today's money for models is left, for whom, and how that is said.

Amounts are micro-dollars; learners are told shares and times, never amounts.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coach.accounts import Account, Scope, accounts_among
from coach.models import Limit, Spending
from coach.models.money import utc_day
from lessons.models import User

LOW_SHARE, PLENTY = 0.1, 0.95
_OWN = (Scope.GUEST, Scope.LEARNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a learner may still ask of models today. `left`: a share, 0 to 1; `scope`: whose it is."""

    left: float = 1.0
    scope: str = Scope.LEARNER.value
    used_up: bool = False

    @property
    def low(self) -> bool:
        return self.left <= LOW_SHARE

    @property
    def text(self) -> str:
        if self.used_up:
            return over_limit_text(self.scope)
        return " ".join([_left_text(self), *([_then_text()] if self.low else [])])


def allowance_for(learner: User | None) -> Allowance:
    """Where today's accounts of a learner stand. Two queries; one more on a day nobody has spent on."""
    now = timezone.now()
    guest = learner is None or learner.is_guest
    wanted = Q(scope__in=[Scope.GUESTS, Scope.DAY] if guest else [Scope.DAY])
    if learner is not None:
        running = Q(cohort__ends_at__isnull=True) | Q(cohort__ends_at__gt=now)
        wanted |= Q(learner=learner) | Q(running, cohort__learners=learner, cohort__starts_at__lte=now)
    rows = Spending.objects.filter(wanted, day=utc_day())
    accounts = list(accounts_among(rows, guests={learner.pk} if learner and guest else ()).values())
    if accounts[0].switched_off if accounts else Limit.objects.filter(scope=Scope.OFF, enabled=True).exists():
        return Allowance(left=0.0, scope=Scope.OFF.value, used_up=True)
    return _nearest(accounts)


def allowance_of(learner_id: int) -> Allowance:
    return allowance_for(User.objects.filter(pk=learner_id).first())


def _nearest(accounts: Sequence[Account]) -> Allowance:
    """The account with the least left; the learner's own, unless that of others is low."""
    own = [account for account in accounts if account.scope in _OWN]
    others = [account for account in accounts if account.scope not in _OWN]
    pressing = [account for account in others if account.used_up or account.left <= LOW_SHARE]
    # Of two that are used up the learner's own says most.
    found = min([*own, *pressing], key=lambda account: (not account.used_up, account.left), default=None)
    if found is None:
        return Allowance()
    return Allowance(left=found.left, scope=found.scope, used_up=found.used_up)


def _left_text(allowance: Allowance) -> str:
    if allowance.left >= PLENTY:
        return _("You still have all of today’s model answers.")
    share = _share_text(allowance.left)
    if allowance.scope in _OWN:
        return _("%(share)s of your model answers for today are left.") % {"share": share}
    if allowance.scope == Scope.COHORT:
        return _("%(share)s of your class’s model answers for today are left.") % {"share": share}
    return _("%(share)s of everybody’s model answers for today are left.") % {"share": share}


def _share_text(left: float) -> str:
    percent = round(left * 10) * 10
    return _("About %(percent)s %%") % {"percent": percent} if left > LOW_SHARE else _("Less than a tenth")


def _then_text() -> str:
    return _("When they are used up, the built-in coach answers until new ones come %(when)s.") % {
        "when": renewal_text()
    }


def renewal_text(now: datetime.datetime | None = None) -> str:
    """When the next day's money comes, in words that hold wherever the learner is."""
    now = (now or timezone.now()).astimezone(datetime.UTC)
    tomorrow = datetime.datetime.combine(
        now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC
    )
    minutes = max(1, int((tomorrow - now).total_seconds() // 60))
    if minutes < 90:
        return ngettext("in %(count)s minute", "in %(count)s minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("in about %(count)s hour", "in about %(count)s hours", hours) % {"count": hours}


def over_limit_text(scope: str) -> str:
    """Why the built-in coach answers, by the scope of an `OverLimit`, and until when."""
    if scope in _BUSY:
        return stood_in_text(scope)
    said = {"why": _used_up_text(scope), "when": renewal_text()}
    return _("%(why)s, so the built-in coach answers; new ones come %(when)s.") % said


def stood_in_text(scope: str) -> str:
    """The same beside a reply that stays: without a time that soon is past."""
    if scope in _BUSY:
        return str(_BUSY[scope])
    return _("%(why)s, so the built-in coach wrote this.") % {"why": _used_up_text(scope)}


def _used_up_text(scope: str) -> str:
    return str(_USED_UP.get(scope, _USED_UP[Scope.LEARNER]))


_USED_UP: dict[str, Any] = {
    Scope.LEARNER: gettext_lazy("Your model answers for today are used up"),
    Scope.COHORT: gettext_lazy("Your class has used its model answers for today"),
    Scope.DAY: gettext_lazy("Today’s model answers for everybody are used up"),
    Scope.GUESTS: gettext_lazy("Today’s model answers for visitors without an account are used up"),
}
_BUSY: dict[str, Any] = {
    "calls": gettext_lazy("The model was busy with other replies, so the built-in coach answers this one."),
    "turn": gettext_lazy(
        "The model was asked often enough for this reply, so the built-in coach answers it."
    ),
    Scope.OFF: gettext_lazy("Model answers are switched off at the moment, so the built-in coach answers."),
}
