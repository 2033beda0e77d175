# .venv/bin/python -m bench.coach.section --rounds 1
"""The coach's own figures for the report: first words, what it adds to a model, load, storms, cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bench.coach import parts
from bench.coach.goals import (
    CLASS,
    CONVERSATIONS,
    PROMISES,
    SHARES,
    Data,
    added_in,
    goals_of,
    times,
    told_times,
)
from bench.coach.reading import quantile, told
from bench.coach.servers import prepared
from bench.figures import Section, Spread, spread, table
from bench.part import Part, Tell


def measure(rounds: int, tell: Tell) -> Section:
    with prepared(max(parts.STREAMS)) as place:
        data = {
            "built_in": parts.built_in(place, rounds, tell),
            "modelled": parts.modelled(place, rounds, tell),
            "streams": parts.streams(place, rounds, tell),
            "conversation": parts.conversation(place, rounds, tell),
        }
    return Section(
        text="\n\n".join(_text(data)),
        goals=tuple(goals_of(data)),
        data=_short(data),
    )


def _text(data: Data) -> list[str]:
    return [
        HOW,
        "**Without a model.** Milliseconds from the question, median / p95; everybody asks at the same moment.",
        _words(data["built_in"]["words"]),
        _forms(data["built_in"]["forms"]),
        _storms(data["built_in"]["storms"]),
        "**With a model at rehearsal rates** (medium: 0.32 s, then 90 tokens a second), **a burst**: everybody asks "
        "in the same instant, and who comes last waits for the work on all others. The same, and what of it is the "
        "coach's: before the request is at the provider, and from a delta to the frame.",
        _modelled(data["modelled"]),
        READ_SO,
        "**Streams.** A slower model (20 tokens a second) writes twenty sentences of five words, so that so many "
        "replies are open at once; beside it, on the same server and with frames of the same size, a consumer "
        "that only sends, and one that relays the model's sentences as they come, with nothing stored or guarded.",
        _streams(data["streams"]["rows"]),
        f"**Steady**: what the coach adds to the first sentence of those replies, which come one by one within "
        f'{parts.STREAM_SPREAD_SECONDS:g} s, about as long as one takes. "At once" means this where the goal is '
        "judged; a burst of so many is shown above.",
        _steady(data["streams"]["rows"]),
        _conversation(data["conversation"]),
    ]


HOW = (
    "`manage.py start`, real sockets, the real course, the rehearsal server as the model; the server, the model "
    "and the learners are processes of their own on one machine, and their clock is the same."
)
READ_SO = (
    "A sentence has to be whole before the guard can clear it, so the coach cannot show a model's first token; "
    "what it adds is counted from the delta that ends the first sentence: the one that holds the first character "
    "behind it, for a full stop alone may belong to “e.g.”. Counted from the delta with the last character, and "
    "from the very first delta, it stands beside it."
)


def _words(words: Data) -> str:
    rows = [[n, *(told(waits[kind]) for kind in ("status", "sentence", "end"))] for n, waits in words.items()]
    return table(["learners at once", "first status", "first sentence", "whole reply"], rows)


def _forms(forms: Data) -> str:
    said = "; ".join(f"{how} {told(seconds)}" for how, seconds in forms.items())
    return f"{parts.SUBMITS} questions at once as a form, until the request's answer (without scripts: the whole reply): {said}."


def _storms(storms: list[Data]) -> str:
    whole = [max(each["seconds_until_whole"]) for each in storms]
    cpu = statistics.median(each["cpu"]["app"] or 0.0 for each in storms)
    gaps = sum(each["gaps"] for each in storms)
    return (
        f"{parts.STORM} sockets are cut while their questions are open, and come back at the same moment for what "
        f"they miss, without jitter: the last is whole after {statistics.median(whole):.1f} s "
        f"({cpu:.1f} s of the server's CPU), {gaps} with a gap or a repetition."
    )


def _modelled(found: Data) -> str:
    head = ["", *(f"{n} at once" for n in found)]
    kinds = {"first status": "status", "first sentence": "sentence", "whole reply": "end"}
    rows = [[name, *(told(each["waits"][kind]) for each in found.values())] for name, kind in kinds.items()]
    rows += _added([each["added"] for each in found.values()])
    rows.append(
        [
            "CPU per reply, ms",
            *(f"{(e['cpu']['app'] or 0) / e['replies'] * 1000:.1f}" for e in found.values()),
        ]
    )
    rows.append(["replies, by the model", *(f"{e['replies']}, {e['by_model']}" for e in found.values())])
    return table(head, rows)


def _added(columns: Sequence[Data]) -> list[list[Any]]:
    return [[name, *(told(each[key]) for each in columns)] for key, name in SHARES.items()]


def _steady(rows: list[Data]) -> str:
    counts = sorted({row["streams"] for row in rows})
    head = ["", *(f"{count} open at once" for count in counts)]
    return table(head, _added([added_in(rows, count) for count in counts]))


def _streams(rows: list[Data]) -> str:
    lines = []
    for count in sorted({row["streams"] for row in rows}):
        mine = [row for row in rows if row["streams"] == count]
        cpu = {who: _per_frame(mine, who) for who in ("coach", "relay", "bare")}
        late = {who: [one for row in mine for one in row["late"][who]] for who in ("coach", "bare")}
        lines.append(
            [
                count,
                *(each.told(0) if each else "not measured" for each in cpu.values()),
                *(told_times(times(mine, other)) for other in ("bare", "relay")),
                *(told(each) for each in late.values()),
            ]
        )
    head = [
        "streams",
        *(f"{who}: CPU µs a frame" for who in ("coach", "relay", "bare")),
        "coach / bare",
        "coach / relay",
        "coach: late ms",
        "bare: late ms",
    ]
    return table(head, lines)


def _per_frame(rows: Sequence[Data], who: str) -> Spread | None:
    return spread(
        None if row["cpu"][who] is None else row["cpu"][who] / row["frames"][who] * 1e6 for row in rows
    )


def _conversation(found: Data) -> str:
    rows = []
    for key, name in CONVERSATIONS.items():
        calls = found[key]
        use = [call["usage"] for call in calls]
        rows.append(
            [
                name,
                len(calls),
                *(f"{sum(each[key] for each in use):,}" for key in _USE),
                f"{sum(call['usd'] for call in calls):.4f}",
            ]
        )
    said = (
        "**Ten turns of one learner** beside an exercise, twice: with nothing cached before, and after another learner "
        "has filled the cache with what all share. `usage` as the provider reports it, dollars by the price list. "
        "Naive: the first one's texts, what changes in front, the medium model, no cache. "
        f"Of the first one's dollars {found['shared_usd']:.4f} write what everybody's calls in this exercise begin "
        f"with: they are the class's, and shared out among {CLASS} where the goal is judged."
    )
    return f"{said}\n\n{table(['', 'calls', 'fresh', 'read', 'written', 'output', 'dollars'], rows)}"


_USE = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


def _short(value: Any) -> Any:
    """Long lists of seconds as what is told of them; the rest as it is."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    if isinstance(value, list) and len(value) > 12 and all(isinstance(each, float) for each in value):
        levels = {"least": 0.0, "median": 0.5, "p95": 0.95, "most": 1.0}
        return {"count": len(value), **{name: quantile(value, share) for name, share in levels.items()}}
    return [_short(each) for each in value] if isinstance(value, list) else value


COACH = Part(
    name="coach",
    title="7. The coach",
    command="python -m bench.coach.section",
    promises=PROMISES,
    measure=measure,
)


if __name__ == "__main__":
    COACH.main()
