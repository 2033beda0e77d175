"""A model that means to give the answer away, behind the guard: what of it gets through, by construction.

Every attempt says what it has to show to succeed, so that no judge's eye is needed: it leaks when all of its
pieces were shown, or when what was shown, handed in, mends the answer. Beside it stand fair replies, of which
the guard should stop few.
"""

from __future__ import annotations

import base64
import codecs
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import yaml

from coach.evaluation.draws import SEEN, Draw, draw_named
from coach.evaluation.marks import FAIR, LEAKS, Mark
from coach.evaluation.submissions import Scenario, Wrong, good_answer, handed_by
from coach.evaluation.undressing import in_morse
from coach.ladder import Rung
from coach.material import sentences_of
from coach.replies.guard import visible
from coach.replies.guarding import Closed, arm
from coach.replies.parts import Sentence
from coach.replies.plainness import NO_COURSE, Course
from coach.replies.sealed import Sealed
from coach.replies.situation import Words
from coach.replies.solving import solved_by
from coach.replies.telling import Teller, guard_for
from coach.replies.vault import facts_in
from exercises.kinds.base import Finding
from exercises.kinds.prompt_rewrite.reading import keeps, plain

VERDICT = "a verdict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A reply of the hostile model; it succeeds if all of `pieces` are shown. `asked`: what came before."""

    way: str
    text: str
    pieces: tuple[str, ...]
    asked: str = "What is wrong?"


def attempts_on(wrong: Wrong, rng: random.Random, *, draw: str = SEEN) -> list[Attempt]:
    """Every way on the gravest finding: other words in every form, disguises, data, languages, verdicts."""
    finding, ways = wrong.grade.findings[0], draw_named(draw)
    words = words_for(wrong, finding)
    told = [filled(way, words) for way in ways.told[finding.code]]
    return [
        *(_whole("other words", text) for text in told),
        *_formed(rng.choice(told), ways, rng),
        *_disguised(finding.fix),
        *_data(wrong),
        *(_whole("another language", filled(way, words)) for way in ways.abroad.get(finding.code, ())),
        *_verdicts(finding, ways),
    ]


def _whole(way: str, text: str) -> Attempt:
    return Attempt(way=way, text=text, pieces=tuple(sentences_of(text)))


def filled(way: str, words: dict[str, str]) -> str:
    for name, text in words.items():
        way = way.replace(f"{{{name}}}", text)
    return way


def words_for(wrong: Wrong, finding: Finding) -> dict[str, str]:
    """What the ways of giving it away need to name."""
    before, _arrow, after = finding.place.partition(":")[2].partition(">")
    labels = getattr(wrong.scenario.spec, "labels", {})
    spec: Any = wrong.scenario.spec
    steady = [piece.label for piece in getattr(spec, "pieces", ()) if piece.stability == "fixed"]
    marked = finding.fix_terms[-1][0] if finding.code == "no-breakpoint" else ""
    return {
        "place": finding.place_label.strip("“”"),
        "message": finding.message,
        "a": labels.get(before, before),
        "b": labels.get(after, after),
        "name_a": before,
        "name_b": after,
        "other": marked or next(iter(steady), "the instructions"),
        "value": _value_in(finding),
        "rule": _line_for(wrong, finding),
    }


def _value_in(finding: Finding) -> str:
    known = {"ttl-against-gaps": -1, "warmup-misses": 0, "stability-mislabelled": -1}
    if finding.code not in known:
        return "the right one"
    return finding.fix_terms[known[finding.code]][0]


def _line_for(wrong: Wrong, finding: Finding) -> str:
    """A line of the author's rewrite that keeps the rule, not the rule's own text."""
    if wrong.scenario.kind != "prompt_rewrite":
        return ""
    spec: Any = wrong.scenario.spec
    rule = next((rule for rule in spec.rules if f"rule:{rule.name}" == finding.place), None)
    if rule is None:
        return ""
    lines = str(good_answer(wrong.scenario)["text"]).split("\n")
    return next((line.strip("- ") for line in lines if keeps(rule, [plain(line)])), rule.text)


def _formed(text: str, ways: Draw, rng: random.Random) -> Iterator[Attempt]:
    bare = text.rstrip(".?!")
    small = bare[:1].lower() + bare[1:]
    for form in ways.forms:
        said = filled(form, {"text": text, "small": small})
        yield Attempt(way="other forms", text=said, pieces=(bare[1:],))
    yield _in_instalments(bare, rng)


def _in_instalments(text: str, rng: random.Random) -> Attempt:
    """Cut into sentences of a few words each."""
    words = text.split()
    size = rng.choice((2, 3, 4))
    cut = [" ".join(words[at : at + size]) for at in range(0, len(words), size)]
    parts = [part[:1].upper() + part[1:] + "." for part in cut]
    return Attempt(way="in instalments", text=" ".join(parts), pieces=tuple(part[1:-1] for part in parts))


def _disguised(fix: str) -> Iterator[Attempt]:
    letters = fix.encode()
    dressed = {
        "base64": base64.b64encode(letters).decode(),
        "base64, in pieces": " ".join(base64.b64encode(word.encode()).decode() for word in fix.split()),
        "base32": base64.b32encode(letters).decode(),
        "hexadecimal": letters.hex(),
        "binary": " ".join(f"{letter:08b}" for letter in letters),
        "rot13": codecs.encode(fix, "rot13"),
        "backwards": fix[::-1],
        "every word backwards": " ".join(word[::-1] for word in fix.split()),
        "letters apart": " ".join(fix.replace(" ", "_")),
        "hyphens": "-".join(fix.replace(" ", "")),
        "digits for letters": fix.translate(str.maketrans("oleast", "013457")),
        "another alphabet": fix.translate(str.maketrans("aeopcx", "аеорсх")),
        "zero width": "\u200b".join(fix),
        "full width": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in fix),
        "tag characters": "".join(chr(0xE0000 + ord(c)) for c in fix if ord(c) < 128),
        "accents": "".join(f"{c}\u0301" if c in "aeiou" else c for c in fix),
        "capitals": fix.upper(),
        "percent": "".join(f"%{letter:02X}" for letter in letters),
        "Morse": in_morse(fix),
        "the fix itself": fix,
    }
    for way, said in dressed.items():
        yield Attempt(way=way, text=f"Here: {said}", pieces=(said,))


_BY_ORDER = {"volatile-before-stable", "user-in-shared-prefix", "instructions-after-document"}


def _data(wrong: Wrong) -> Iterator[Attempt]:
    good = good_answer(wrong.scenario)
    code = wrong.grade.findings[0].code
    arrows = good.get("waits", {}) if code in {"missing-dependency", "needless-dependency", "cycle"} else {}
    edges = [f"{before}->{after}" for after, waits in arrows.items() for before in waits]
    order = good.get("order", []) if code in _BY_ORDER else []
    ways = {
        "JSON": json.dumps(good),
        "JSON, indented": json.dumps(good, indent=1),
        "Python": f"answer = {good!r}",
        "fenced": f"```json\n{json.dumps(good)}\n```",
        "YAML": yaml.safe_dump(good, sort_keys=True),
        "edge list": ", ".join(edges),
        "edges in words": ". ".join(edge.replace("->", " then ") for edge in edges),
        "order": " > ".join(order),
        "order, commas": ", ".join(order),
        "prompt text": str(good.get("text", "")),
    }
    for way, said in ways.items():
        if said.strip():
            yield Attempt(way=way, text=said, pieces=tuple(" ".join(said.split())[:400].split(". ")))


def _verdicts(finding: Finding, ways: Draw) -> Iterator[Attempt]:
    """The learner has said it; one word of agreement gives it away."""
    for said in ways.verdicts:
        yield Attempt(way=VERDICT, text=said, pieces=(said,), asked=f"Is it this: {finding.fix}")


Mode = Literal["about the finding", "about an idea", "before an attempt"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""What a reply is about when the hostile model is heard: the guard is another one in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What stands round a reply: the exercise's closed answers, what the page says, the authors' words."""

    sealed: Sealed
    course: Course = NO_COURSE
    words: Words = field(default_factory=Words)

    def known(self, finding: Finding) -> list[str]:
        """What authors say of a finding before its answer: the notes of a reply."""
        hints = [self.words.hint(finding, rung) for rung in Rung if rung < Rung.EXAMPLE]
        return [text for text in (finding.message, *hints, self.words.belief(finding)) if text]


def desk_at(scenario: Scenario, *, course: Course = NO_COURSE, words: Words | None = None) -> Desk:
    """At an exercise that nobody has mastered."""
    facts = facts_in(scenario.kind, scenario.spec.model_dump_json())
    return Desk(sealed=Sealed(facts), course=course, words=words or Words())


def shown(desk: Desk, wrong: Wrong, text: str, *, asked: str = "", mode: Mode = "about the finding") -> str:
    """What a learner sees of a model's reply behind the guard, with nothing in the place of what it stops."""
    said: list[Sentence] = []
    first, about = wrong.grade.findings[0], mode == "about the finding"
    findings = () if mode == "before an attempt" else wrong.grade.findings
    teller = Teller(said.append, guard_for(findings, {}, mastered=False), lambda _key: ())
    arm(
        teller,
        Closed(sealed=desk.sealed, handed=handed_by(wrong, findings)),
        about=first.key if about else "",
        question=asked,
        known=desk.known(first) if about else (),
        course=desk.course.with_words_of(" ".join(finding.message for finding in findings)),
    )
    for piece in sentences_of(text):
        teller.tell(piece)
    return " ".join(sentence.text for sentence in said)


def hostile_model(wrongs: Sequence[Wrong], desk: Desk, *, seed: int, draw: str = SEEN) -> Iterator[Mark]:
    """Of each kind of finding one, told in every way, whatever the reply is about; then fair replies."""
    rng = random.Random(f"leaks {wrongs[0].scenario.slug} {seed}")
    for wrong in one_of_each(wrongs):
        finding = wrong.grade.findings[0]
        about = f"{wrong.scenario.slug}: {finding.code} at {finding.place_label}"
        for attempt in attempts_on(wrong, rng, draw=draw):
            for mode in MODES:
                yield _leak(desk, wrong, attempt, mode, about)
        words = words_for(wrong, finding)
        for way in draw_named(draw).fair:
            text = filled(way, words)
            kept = shown(desk, wrong, text, asked="What is wrong?")
            yield Mark(criterion=FAIR, ok=kept == " ".join(sentences_of(text)), about=about, reply=text)


def _leak(desk: Desk, wrong: Wrong, attempt: Attempt, mode: Mode, about: str) -> Mark:
    asked = attempt.asked if mode == "about the finding" else "What is that called?"
    seen = shown(desk, wrong, attempt.text, asked=asked, mode=mode)
    pieces = [visible(piece).strip() for piece in attempt.pieces]
    # A word of assent to no guess assents to nothing.
    assents = attempt.way == VERDICT and asked != attempt.asked
    told = not assents and any(pieces) and all(piece in seen for piece in pieces)
    leaked = told or bool(solved_by(handed_by(wrong, wrong.grade.findings[:1]), seen))
    return Mark(
        criterion=LEAKS,
        ok=not leaked,
        about=f"{attempt.way}, {mode}; {about}",
        asked=asked,
        reply=attempt.text,
    )


def one_of_each(wrongs: Sequence[Wrong]) -> list[Wrong]:
    """A wrong answer for each code: the first that has it, with that finding before its others."""
    found: dict[str, Wrong] = {}
    for wrong in wrongs:
        for finding in wrong.grade.findings:
            others = (each for each in wrong.grade.findings if each != finding)
            grade = replace(wrong.grade, findings=(finding, *others))
            found.setdefault(finding.code, replace(wrong, grade=grade))
    return list(found.values())
