"""Prompts and the lint of their layout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.cache import RULES
from coach.engine.errors import PromptError
from coach.engine.prompt import Block, Prompt, Stability, changing_blocks, estimate_tokens, lint

SONNET = RULES["anthropic-2026-10-claude-sonnet-5-5"]


def block(name: str, tokens: int, stability: Stability, mark: str | None = None) -> Block:
    return Block(name=name, tokens=tokens, stability=stability, breakpoint=mark)


STAMP = block("stamp", 20, Stability.CALL)
USER = block("user", 20, Stability.USER)
DOCUMENT = block("document", 45_000, Stability.SHARED)
INSTRUCTIONS = block("instructions", 2_000, Stability.FIXED)
QUESTION = block("question", 50, Stability.CALL)


def codes(*blocks: Block) -> set[tuple[str, str]]:
    return {(defect.code, defect.block) for defect in lint(Prompt(blocks), SONNET)}


def marked(original: Block, ttl: str = "5m") -> Block:
    return block(original.name, original.tokens, original.stability, ttl)


def test_lint_finds_nothing_in_the_layout_stable_first():
    assert codes(marked(INSTRUCTIONS), marked(DOCUMENT), USER, QUESTION) == set()


def test_lint_names_a_volatile_block_before_a_stable_one():
    assert codes(STAMP, INSTRUCTIONS, marked(DOCUMENT), QUESTION) == {
        ("volatile-before-stable", "stamp"),
        ("breakpoint-on-changing-block", "document"),
    }


def test_lint_names_a_user_in_the_shared_prefix():
    assert codes(USER, INSTRUCTIONS, marked(DOCUMENT), QUESTION) == {("user-in-shared-prefix", "user")}


def test_lint_names_instructions_after_the_document():
    assert codes(DOCUMENT, marked(INSTRUCTIONS), QUESTION) == {("instructions-after-document", "document")}


def test_lint_names_a_breakpoint_on_a_changing_block():
    assert codes(INSTRUCTIONS, DOCUMENT, marked(QUESTION)) == {("breakpoint-on-changing-block", "question")}


def test_lint_names_a_missing_breakpoint_only_where_something_could_be_shared():
    assert codes(INSTRUCTIONS, DOCUMENT, QUESTION) == {("no-breakpoint", "question")}
    assert codes(block("short", 100, Stability.FIXED), QUESTION) == set()
    automatic = lint(Prompt((INSTRUCTIONS, QUESTION)), RULES["openai-2024-10"])
    assert automatic == ()


def test_lint_names_a_prefix_under_the_minimum_with_its_tokens():
    short = Prompt((block("short", 500, Stability.FIXED, "5m"), QUESTION))
    (defect,) = lint(short, SONNET)
    assert (defect.code, defect.block) == ("below-minimum", "short")
    assert "500" in defect.message
    assert "512" in defect.message


def test_lint_names_lifetimes_that_do_not_exist_or_stand_in_the_wrong_order():
    assert ("unknown-ttl", "document") in codes(INSTRUCTIONS, marked(DOCUMENT, "2h"), QUESTION)
    assert ("ttl-order", "document") in codes(marked(INSTRUCTIONS), marked(DOCUMENT, "1h"), QUESTION)
    assert codes(marked(INSTRUCTIONS, "1h"), marked(DOCUMENT), QUESTION) == set()


def test_lint_names_too_many_breakpoints_and_one_beyond_the_look_back():
    five = [block(f"b{i}", 1_000, Stability.FIXED, "5m") for i in range(5)]
    assert codes(*five) == {("too-many-breakpoints", "b4")}
    far = [block(f"b{i}", 1_000, Stability.FIXED, "5m" if i in {0, 21} else None) for i in range(22)]
    assert codes(*far) == {("beyond-lookback", "b21")}


def test_prompt_counts_tokens_and_chains_its_prefixes():
    prompt = Prompt((INSTRUCTIONS, DOCUMENT, QUESTION))
    assert prompt.tokens == 47_050
    assert prompt.prefix_tokens() == (2_000, 47_000, 47_050)
    changed = Block(name="q", tokens=50, stability=Stability.CALL, fingerprint="x")
    other = Prompt((INSTRUCTIONS, DOCUMENT, changed))
    assert prompt.prefix_keys()[:2] == other.prefix_keys()[:2]
    assert prompt.prefix_keys()[2] != other.prefix_keys()[2]


@given(st.lists(st.text(max_size=3), min_size=1, max_size=6), st.integers(0, 5))
def test_prompt_prefix_keys_change_from_the_changed_block_on(texts, position):
    position %= len(texts)
    names = range(len(texts))
    before = Prompt(tuple(block_of(i, text) for i, text in zip(names, texts, strict=True)))
    changed = [text + "!" if i == position else text for i, text in enumerate(texts)]
    after = Prompt(tuple(block_of(i, text) for i, text in zip(names, changed, strict=True)))
    same = [a == b for a, b in zip(before.prefix_keys(), after.prefix_keys(), strict=True)]
    assert same == [i < position for i in names]


def block_of(number: int, text: str) -> Block:
    return Block(name=f"b{number}", tokens=10, stability=Stability.FIXED, fingerprint=f"={text}")


def test_prompt_refuses_negative_tokens_and_double_names():
    with pytest.raises(PromptError, match="-1"):
        block("x", -1, Stability.FIXED)
    with pytest.raises(PromptError, match="stamp"):
        Prompt((STAMP, STAMP))
    with pytest.raises(PromptError, match="name"):
        block("", 1, Stability.FIXED)


def test_changing_blocks_are_the_first_changing_one_and_all_behind_it():
    assert changing_blocks(Prompt((INSTRUCTIONS, STAMP, DOCUMENT))) == ("stamp", "document")
    assert changing_blocks(Prompt((INSTRUCTIONS, DOCUMENT))) == ()


def test_estimate_of_tokens_follows_the_length():
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1
    assert estimate_tokens("a" * 3_300) == 1_000
