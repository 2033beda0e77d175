"""`python -m bench.coach.prepare 200`: a migrated database with the course and so many guests; their sessions.

Each guest has handed in one attempt at an exercise, with two findings that the guard has to keep.
"""

from __future__ import annotations

import json
import sys

import django

from bench.environments import ROOT

EXERCISE = "travel-agent"


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from exercises.models import Exercise
    from lessons.models import User
    from tests.coach.factories import make_finding, make_submission, second_finding, sign_in

    call_command("migrate", verbosity=0)
    call_command("load_course", ROOT / "fixtures" / "agent-latency", verbosity=0)
    _lift_limits()
    exercise = Exercise.objects.get(slug=EXERCISE)
    sessions = []
    for _ in range(int(sys.argv[1])):
        guest = User.objects.create_guest()
        make_submission(guest, exercise, make_finding(), second_finding())
        sessions.append(sign_in(guest))
    print(json.dumps(sessions))


def _lift_limits() -> None:
    """All limits are looked at and none is reached: hundreds of guests cost more than a day allows."""
    from coach.ledger import make_limits
    from coach.models import Limit

    make_limits()
    Limit.objects.exclude(scope=Limit.Scope.OFF).update(daily_micro=10**12, calls_at_once=1000)


if __name__ == "__main__":
    main()
