"""The database is read in queries and written in actions; views and sockets translate."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOORS = {"views.py", "consumers.py", "frames.py", "rendering.py", "hub.py", "forms.py", "markdown.py"}
TRANSLATORS = sorted(
    path
    for app in ("coach", "lessons", "exercises")
    for path in (ROOT / app).rglob("*.py")
    if path.name in DOORS or "replies" in path.parts or "kinds" in path.parts or "figures" in path.parts
)


def uses_a_manager(path: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}
        for node in ast.walk(ast.parse(path.read_text()))
    )


@pytest.mark.parametrize("path", TRANSLATORS, ids=lambda path: str(path.relative_to(ROOT)))
def test_translating_module_never_touches_a_manager(path: Path):
    assert not uses_a_manager(path)
