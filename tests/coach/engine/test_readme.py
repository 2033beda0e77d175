"""The README's programs do what it says, and the engine stands on the standard library alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[3] / "coach" / "engine"
README = (ENGINE / "README.md").read_text(encoding="utf-8")
FENCED = r"((?:(?!```).)*)```"
PAIRS = [
    (re.findall(r"^## (.+)$", README[: found.start()], re.MULTILINE)[-1], found[1], found[2])
    for found in re.finditer(rf"```python\n{FENCED}\n\n```text\n{FENCED}", README, re.DOTALL)
]
"""Heading, program, what it prints."""

MODULES = sorted(path.stem for path in ENGINE.glob("*.py") if path.stem != "__init__")


def run_alone(program: str) -> str:
    """In a fresh interpreter, from the project's root."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ENGINE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("program", "said"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_readme_program_prints_what_it_says(program: str, said: str) -> None:
    assert run_alone(program) == said


def test_readme_has_programs_for_graphs_and_prompts_and_for_what_is_decided_about_them() -> None:
    assert [title for title, _, _ in PAIRS] == [
        "Ten lines that run a graph",
        "Ten lines that cost a prompt",
        "Cache",
        "Speculation",
        "Advice",
    ]


@pytest.mark.parametrize("program", [pair[1] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_readme_program_is_short(program: str) -> None:
    own = [line for line in program.splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(own) <= 10


@pytest.mark.parametrize("model", ["Time", "Cache", "Speculation"])
def test_readme_has_a_page_for_each_model(model: str) -> None:
    page = README.split(f"\n## {model}\n", 1)[1].split("\n## ", 1)[0]
    assert "| formula |" in page or "| rule |" in page
    assert re.search(r"20\d\d|arXiv", page), "a page names its sources"


def test_readme_names_only_modules_that_exist() -> None:
    listed = [
        name for line in re.findall(r"\*Modules ([^.]*)\.", README) for name in re.findall(r"`(\w+)`", line)
    ]
    assert listed
    assert set(listed) <= set(MODULES)


LOADED = """
import sys
before = set(sys.modules)
import {names}
outside = {{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names
print(*sorted(outside))
"""


def test_engine_loads_the_standard_library_only() -> None:
    names = ", ".join(f"coach.engine.{name}" for name in MODULES)
    assert run_alone(LOADED.format(names=names)).split() == ["coach"]


@pytest.mark.parametrize("name", MODULES)
def test_engine_module_can_be_imported_first(name: str) -> None:
    """No module leans on another one having been loaded before it."""
    loaded = run_alone(
        f"import sys, coach.engine.{name}; print(*(m for m in sys.modules if m.startswith('coach')))"
    )
    assert all(
        each in {"coach", "coach.engine"} or each.startswith("coach.engine.") for each in loaded.split()
    )
