"""Independent calls in a row and at once: the sum against the slowest chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.simulation import simulate
from lessons.figures.interactive import (
    Answer,
    InteractiveFigure,
    Outcome,
    Text,
    compared,
    seconds_guess,
    slider,
)
from lessons.figures.text import seconds_text
from lessons.figures.timeline import Lane, timeline


class ParallelControls(forms.Form):
    """How many calls, how long each, and whether the last one has to wait for the first."""

    calls = slider(gettext_lazy("Number of calls"), low=2, high=6, step=1, initial=3)
    each_ms = slider(gettext_lazy("Each call, in ms"), low=100, high=3000, step=100, initial=800)
    last_ms = slider(gettext_lazy("The last call, in ms"), low=100, high=6000, step=100, initial=800)
    chained = forms.BooleanField(
        label=gettext_lazy("The last call needs the result of the first"), required=False, initial=False
    )


class Parallel(InteractiveFigure):
    """A few calls, simulated twice: one at a time, and each as soon as it may."""

    name: ClassVar[str] = "parallel"
    title: ClassVar[Text] = gettext_lazy("In a row or at once")
    question: ClassVar[Text] = gettext_lazy(
        "An agent makes three calls of 800 ms each; none needs the result of another. "
        "It starts all three at once. After how many seconds does it have all three results?"
    )
    controls_form: ClassVar[type[forms.Form]] = ParallelControls

    def guess_field(self) -> forms.Field:
        """Seconds."""
        return seconds_guess()

    def judge(self, guess: Any) -> Outcome:
        """Close within a tenth."""
        seconds = simulate(_graph(calls=3, each_ms=800, last_ms=800, chained=False)).makespan
        close = abs(guess - seconds) <= seconds / 10
        return compared(seconds_text(guess), seconds_text(seconds), close=close)

    def answer(self, values: Mapping[str, Any]) -> Answer:
        """Both timelines and the factor between them."""
        graph = _graph(**values)
        in_a_row, at_once = simulate(graph.one_at_a_time()), simulate(graph)
        picture = timeline(
            [Lane(label=_("In a row"), trace=in_a_row), Lane(label=_("At once"), trace=at_once)],
            title=_("The same calls, twice"),
        )
        point = _(
            "In a row %(row)s, at once %(once)s: %(factor)s times as fast. "
            "In a row the times add up; at once the longest chain sets the time."
        ) % {
            "row": seconds_text(in_a_row.makespan),
            "once": seconds_text(at_once.makespan),
            "factor": f"{in_a_row.makespan / at_once.makespan:.1f}",
        }
        return Answer(picture, point)


def _graph(*, calls: int, each_ms: int, last_ms: int, chained: bool) -> TaskGraph:
    names = [_("Call %(number)d") % {"number": number} for number in range(1, calls + 1)]
    first = [Task(name, duration=Fixed(each_ms / 1000)) for name in names[:-1]]
    needs = (names[0],) if chained else ()
    return TaskGraph([*first, Task(names[-1], needs, duration=Fixed(last_ms / 1000))])
