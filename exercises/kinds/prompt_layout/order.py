"""Findings about the order of blocks, and about what the learner says of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coach.engine.prompt import Defect, lint
from exercises.kinds.base import Finding
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.design import Bench, Run
from exercises.kinds.prompt_layout.spec import STABILITIES, LayoutSpec
from exercises.kinds.prompt_layout.words import MOVES, names_of, stability_words

_WORTH_TELLING = 0.02
"""Steadier tokens behind a block, as a share of the prompt, from which its place is named."""


def order_findings(spec: LayoutSpec, run: Run) -> Iterator[Finding]:
    """volatile-before-stable, user-in-shared-prefix, instructions-after-document of a run design."""
    for defect in lint(run.prompt, spec.rules):
        if _tokens_after(spec, run.answer.order, defect.block) < _WORTH_TELLING * run.prompt.tokens:
            continue
        if defect.code == "volatile-before-stable":
            yield _volatile(spec, run, defect)
        elif defect.code == "user-in-shared-prefix":
            yield _user_first(spec, run, defect)
        elif defect.code == "instructions-after-document":
            yield _document_first(spec, run, defect)


def _tokens_after(spec: LayoutSpec, order: tuple[str, ...], item: str) -> int:
    """Tokens that follow an item and change less often than it does."""
    own = spec.stability_of(item)
    return sum(spec.tokens_of(i) for i in order[order.index(item) + 1 :] if spec.stability_of(i) < own)


def _texts(run: Run) -> int:
    return len(run.day.calls)


def _volatile(spec: LayoutSpec, run: Run, defect: Defect) -> Finding:
    item, label, harmed = defect.block, spec.label_of(defect.block), spec.label_of(defect.harmed)
    tokens = _tokens_after(spec, run.answer.order, item)
    return Finding(
        code=defect.code,
        place=f"block:{item}",
        place_label=label,
        severity="costly",
        message=_(
            "“%(block)s” changes on nearly every call, so nothing behind it can match an earlier call: not "
            "“%(harmed)s”, nor the rest of the %(tokens)s steadier tokens there. Of all tokens of the day "
            "%(rate)s %% were read from the cache."
        )
        % {
            "block": label,
            "harmed": harmed,
            "tokens": f"{tokens:,}",
            "rate": f"{100 * run.day.hit_rate:.1f}",
        },
        fix=_("Move “%(block)s” to the end, next to the question: nothing that is shared follows it there.")
        % {"block": label},
        fix_terms=(names_of(spec, item), (*MOVES, "end", "last")),
        passage="prompt-caching#order",
        evidence={"tokens_after": tokens, "hit_rate": run.day.hit_rate, "calls": _texts(run)},
    )


def _user_first(spec: LayoutSpec, run: Run, defect: Defect) -> Finding:
    item, label = defect.block, spec.label_of(defect.block)
    tokens, people = _tokens_after(spec, run.answer.order, item), len(spec.traffic.people)
    return Finding(
        code=defect.code,
        place=f"block:{item}",
        place_label=label,
        severity="costly",
        message=_(
            "“%(block)s” is one person's text, and %(tokens)s tokens that are the same for all follow it: "
            "%(people)s people keep %(people)s copies of them. The day wrote %(written)s tokens to the cache."
        )
        % {
            "block": label,
            "tokens": f"{tokens:,}",
            "people": people,
            "written": f"{run.day.tokens.written:,}",
        },
        fix=_("Move “%(block)s” behind everything that several people share.") % {"block": label},
        fix_terms=(names_of(spec, item), (*MOVES, "behind", "after")),
        passage="prompt-caching#sharing",
        evidence={"tokens_after": tokens, "people": people, "written": run.day.tokens.written},
    )


def _document_first(spec: LayoutSpec, run: Run, defect: Defect) -> Finding:
    item, label = defect.block, spec.label_of(defect.block)
    tokens, documents = _tokens_after(spec, run.answer.order, item), len(spec.traffic.documents)
    return Finding(
        code=defect.code,
        place=f"block:{item}",
        place_label=label,
        severity="costly",
        message=_(
            "“%(block)s” is one of %(documents)s texts, and the %(tokens)s tokens that never change come "
            "behind it: each of the %(documents)s texts has its own copy of them, and none is shared."
        )
        % {"block": label, "tokens": f"{tokens:,}", "documents": documents},
        fix=_("Put what never changes before “%(block)s”: then one copy serves all documents.")
        % {"block": label},
        fix_terms=((*MOVES, "put"), ("before", "in front", "first", "above", "ahead of")),
        passage="prompt-caching#sharing",
        evidence={"tokens_after": tokens, "documents": documents},
    )


def label_findings(spec: LayoutSpec, bench: Bench, answer: LayoutAnswer) -> Iterator[Finding]:
    """stability-mislabelled, for every block that is labelled wrongly or not at all."""
    for item in answer.order:
        true, given = spec.stability_of(item), answer.labels.get(item)
        if given is None or STABILITIES[given] != true:
            yield _mislabelled(spec, bench, item, given)


def _mislabelled(spec: LayoutSpec, bench: Bench, item: str, given: str | None) -> Finding:
    names = [piece.name for piece in spec.pieces_of(item)]
    texts = len({tuple(call.texts[name] for name in names) for call in bench.calls})
    label, true = spec.label_of(item), stability_words(spec.stability_of(item).name.lower())
    said = _("labelled “%(label)s”") % {"label": stability_words(given)} if given else _("not labelled")
    return Finding(
        code="stability-mislabelled",
        place=f"block:{item}",
        place_label=label,
        severity="risk",
        message=ngettext(
            "“%(block)s” is %(said)s. In the %(calls)s calls of the day it had %(texts)s text.",
            "“%(block)s” is %(said)s. In the %(calls)s calls of the day it had %(texts)s different texts.",
            texts,
        )
        % {"block": label, "said": said, "calls": len(bench.calls), "texts": texts},
        fix=_("“%(block)s” is: %(label)s.") % {"block": label, "label": true},
        fix_terms=(names_of(spec, item), (true.lower(),)),
        passage="prompt-caching#sharing",
        evidence={"texts": texts, "calls": len(bench.calls)},
    )
