"""docs/turn-states.md is the picture of the table in `coach/states.py`; any difference fails.

`python -m tests.conventions.turn_states` (part of `make check`); with `--write` it draws the picture anew.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "turn-states.md"
PAGE = """# What may become of a turn

Drawn from the table in `coach/states.py` by `python -m tests.conventions.turn_states --write`.

```mermaid
stateDiagram-v2
{arrows}
```
"""


def drawn() -> str:
    from coach.states import TERMINAL, TRANSITIONS, S

    arrows = [f"{state or '[*]'} --> {after}: {event}" for (state, event), after in TRANSITIONS.items()]
    arrows += [f"{state} --> [*]" for state in S if state in TERMINAL]
    return PAGE.format(arrows="\n".join(f"    {arrow}" for arrow in arrows))


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        PICTURE.write_text(drawn())
    if not PICTURE.exists() or PICTURE.read_text() != drawn():
        sys.stderr.write(f"{PICTURE.name} is not the picture of coach/states.py: run this with --write.\n")
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coach.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
