"""The measurements, each on servers of its own; raw figures out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.coach import servers
from bench.coach.reading import first, frames_of, lateness, log_of, shares_of
from bench.coach.servers import Place, Server, load
from coach.engine.pricing import cost_usd, price_of

Tell = Callable[[str], None]
LESSON = "lesson:parallel-execution"
OTHER_LESSON = "lesson:prompt-caching"
EXERCISE = "exercise:travel-agent"
QUESTIONS = (
    "Why are three calls at once not always three times faster?",
    "What happens when I call a blocking database driver inside a coroutine?",
    "What does slack mean?",
    "When is it worth starting a tool call before I know that it is needed?",
    "Why does combining the results of five subagents take so long?",
)
CONVERSATION = (
    *QUESTIONS,
    "What is the critical path?",
    "Why does a prompt cache forget what I sent before?",
    "When is a smaller model good enough?",
    "How do I see which step is the slow one?",
    "What should I measure first?",
)
BUILT_IN = (1, 50)
LEARNERS = (1, 50, 200)
STREAMS = (200, 500)
STORM = 500
SUBMITS = 50
SLOW = ("--decode-tokens-per-second", "20", "--short")
"""A model so slow that hundreds of replies are open at the same time: a sentence in about half a second."""
STREAM_SPREAD_SECONDS = 8.0
"""About as long as such a reply takes: they come one by one, and soon as many end as begin."""


def play(server: Server, place: Place, what: str, learners: int, **more: Any) -> Any:
    """An order carried out; what its learners have seen is remembered for the next one."""
    order = {
        "what": what,
        "port": server.port,
        "sessions": place.sessions[:learners],
        "subject": LESSON,
        "questions": QUESTIONS,
        "rounds": 1,
        "spread_seconds": 0.0,
        "pids": {"app": server.pid},
        **more,
    }
    seen = place.newest[order["subject"]]
    found = load({**order, "newest": [seen.get(session, 0) for session in order["sessions"]]})
    seen.update(zip(order["sessions"], found.get("newest", ()), strict=False))
    return found


def built_in(place: Place, rounds: int, tell: Tell) -> dict[str, Any]:
    """Without a model: the first words, questions as forms, five hundred sockets that come back at once."""
    found: dict[str, Any] = {"words": {}, "forms": {}, "storms": []}
    with servers.app(place) as app:
        play(app, place, "ask", SUBMITS, rounds=2)
        for learners in BUILT_IN:
            asked = play(app, place, "ask", learners, rounds=rounds * (6 if learners == 1 else 2))
            found["words"][learners] = _waits(asked["replies"])
        for scripts in (True, False):
            forms = play(app, place, "submit", SUBMITS, subject=OTHER_LESSON, rounds=rounds, scripts=scripts)
            found["forms"]["with scripts" if scripts else "without"] = forms["seconds"]
        tell("coach: first words without a model")
        found["storms"] = [play(app, place, "storm", STORM) for _ in range(max(1, rounds - 1))]
        tell("coach: storms")
    return found


def _waits(replies: list[dict[str, Any]]) -> dict[str, list[float]]:
    kinds = ("status", "sentence", "end")
    return {kind: [each for reply in replies if (each := first(reply, kind)) is not None] for kind in kinds}


def modelled(place: Place, rounds: int, tell: Tell) -> dict[str, Any]:
    """With a model at rehearsal rates: a burst, in which everybody asks at the same moment."""
    found: dict[str, Any] = {}
    with servers.provider() as model, servers.app(place, model.url) as app:
        play(app, place, "ask", SUBMITS)
        for learners in LEARNERS:
            replies = play(app, place, "ask", learners, rounds=rounds * (2 if learners == 1 else 1))
            log = log_of(servers.fetch(f"{model.url}/rehearsal/log?moments=1"))
            shares = shares_of(replies["replies"], log)
            found[str(learners)] = {
                "waits": _waits(replies["replies"]),
                "cpu": replies["cpu"],
                "replies": len(replies["replies"]),
                "by_model": len(shares["in_all"]),
                "added": shares,
            }
            tell(f"coach: {learners} at once with a model")
    return found


def streams(place: Place, rounds: int, tell: Tell) -> dict[str, Any]:
    """Hundreds of open replies, beside consumers that only send, round by round."""
    rows: list[dict[str, Any]] = []
    with (
        servers.provider(*SLOW) as model,
        servers.app(place, model.url) as app,
        servers.bare(place, model.url) as bare,
    ):
        play(app, place, "ask", SUBMITS)
        for learners in STREAMS:
            for _ in range(max(1, rounds - 1)):
                rows.append(_stream_round(place, learners, model, app, bare))
                tell(f"coach: {learners} streams")
    return {"rows": rows}


def _stream_round(place: Place, learners: int, model: Server, app: Server, bare: Server) -> dict[str, Any]:
    spread = {"spread_seconds": STREAM_SPREAD_SECONDS}
    coach = play(app, place, "ask", learners, **spread)
    log = log_of(servers.fetch(f"{model.url}/rehearsal/log?moments=1"))
    late = [each for reply in coach["replies"] for each in lateness(reply, log)]
    frames = frames_of(coach["replies"])
    size = sum(frame[2] for reply in coach["replies"] for frame in reply["frames"]) // frames
    each = round(frames / learners)
    lasts = max(reply["frames"][-1][0] - reply["asked_at"] for reply in coach["replies"])
    sent = {"frames": each, "bytes": size, "every_seconds": lasts / each}
    plain = play(bare, place, "listen", learners, path="send", wanted=sent, **spread)
    relayed = {"frames": 10**6, "bytes": size, "question": QUESTIONS[0]}
    relay = play(bare, place, "listen", learners, path="relay", wanted=relayed, **spread)
    return {
        "streams": learners,
        "replies_by_model": len({reply["turn"] for reply in coach["replies"] if lateness(reply, log)}),
        "frames": {"coach": frames, "bare": _count(plain), "relay": _count(relay)},
        "bytes": size,
        "lasts_seconds": lasts,
        "added": shares_of(coach["replies"], log),
        "cpu": {"coach": coach["cpu"]["app"], "bare": plain["cpu"]["app"], "relay": relay["cpu"]["app"]},
        "late": {
            "coach": [each.since_ended for each in late],
            "bare": [at - float(text) for heard in plain["frames"] for at, text in heard],
        },
    }


def _count(listened: dict[str, Any]) -> int:
    return sum(len(heard) for heard in listened["frames"])


def conversation(place: Place, rounds: int, tell: Tell) -> dict[str, Any]:
    """Ten turns of one learner, paid by what the provider reports, and the same again of a second one who finds
    the shared part cached; and the first one's texts as a naive program sends them."""
    with servers.provider() as model, servers.app(place, model.url) as app:
        first, second = (_ten_turns(place, app, model, learner) for learner in (0, 1))
    with servers.provider("--scale", "1000") as model:
        naive = [_naively(entry, model.url) for entry in first if entry["stream"] and _writes(entry)]
    tell("coach: ten turns")
    calls = {
        name: [_paid(entry) for entry in entries] for name, entries in (("first", first), ("second", second))
    }
    return {**calls, "naive": naive, "shared_usd": _shared_usd(first[0])}


def _shared_usd(entry: dict[str, Any]) -> float:
    """What a first call of all wrote: it has no history, so that is what everybody's calls begin with."""
    written = {"cache_creation": entry["usage"]["cache_creation"]}
    none = dict.fromkeys(("input_tokens", "cache_read_input_tokens", "output_tokens"), 0)
    return _usd(entry["model"], {**none, **written})


def _ten_turns(place: Place, app: Server, model: Server, learner: int) -> list[dict[str, Any]]:
    """What of it the provider logged."""
    address = f"{model.url}/rehearsal/log?bodies=1"
    before = len(servers.fetch(address))
    who = place.sessions[learner : learner + 1]
    # The same words in the same order would find more than what is shared.
    questions = CONVERSATION[::-1] if learner else CONVERSATION
    play(app, place, "ask", 1, sessions=who, subject=EXERCISE, questions=questions, rounds=len(questions))
    return list(servers.fetch(address)[before:])


NAIVE_MODEL = "claude-sonnet-5-5"


def _writes(entry: dict[str, Any]) -> bool:
    return "format" not in (entry["body"].get("output_config") or {})


def _paid(entry: dict[str, Any]) -> dict[str, Any]:
    return {"model": entry["model"], "usage": entry["usage"], "usd": _usd(entry["model"], entry["usage"])}


def _naively(entry: dict[str, Any], url: str) -> dict[str, Any]:
    """One call of the one model, what changes in front, nothing to be kept."""
    body = entry["body"]
    told = [_texts(message["content"]) for message in body["messages"]]
    shared = _texts(body.get("system") or [])
    prompt = "\n\n".join([told[-1], *told[:-1], shared])
    sent = {
        "model": NAIVE_MODEL,
        "max_tokens": body["max_tokens"],
        "messages": [{"role": "user", "content": prompt}],
        "thinking": body.get("thinking"),
    }
    headers = {"x-api-key": "any", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    usage = servers.fetch(f"{url}/v1/messages", json.dumps(sent).encode(), headers)["usage"]
    # The answer is the same one: only what is read differs.
    usage["output_tokens"] = entry["usage"]["output_tokens"]
    return {"model": NAIVE_MODEL, "usage": usage, "usd": _usd(NAIVE_MODEL, usage)}


def _texts(content: Any) -> str:
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)


def _usd(model: str, usage: dict[str, Any]) -> float:
    written = usage["cache_creation"]
    return cost_usd(
        price_of(model),
        fresh=usage["input_tokens"],
        read=usage["cache_read_input_tokens"],
        written={ttl: written[f"ephemeral_{ttl}_input_tokens"] for ttl in ("5m", "1h")},
        output=usage["output_tokens"],
    )
