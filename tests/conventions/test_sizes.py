"""Functions and modules stay small enough to be read whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for app in ("coach", "lessons", "exercises")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
)


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        first = function.body[0]
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def function_lengths() -> list[tuple[int, str]]:
    return [
        (code_lines(node), f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_functions_half_are_under_eight_lines_and_nine_in_ten_under_thirty():
    lengths = sorted(function_lengths())
    assert lengths[len(lengths) // 2][0] < 8, lengths[len(lengths) // 2]
    assert lengths[len(lengths) * 9 // 10][0] < 30, [name for size, name in lengths if size >= 30]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_under_five_hundred_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("app", ["coach", "lessons", "exercises"])
def test_views_stay_under_twenty_lines(app: str):
    long = [name for size, name in function_lengths() if name.startswith(f"{app}/views.py") and size > 20]
    assert not long
