"""Pictures: traces, graphs, cache strips and bars as SVG with a sentence and a table; figures that run.

`FIGURES` holds the interactive ones by name. A new one is a file in this package and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lessons.figures.cache_first_token import CacheFirstToken
from lessons.figures.interactive import InteractiveFigure
from lessons.figures.output_tokens import OutputTokens
from lessons.figures.parallel import Parallel

__all__ = ["FIGURES", "InteractiveFigure"]

FIGURES: Mapping[str, InteractiveFigure] = MappingProxyType(
    {figure.name: figure for figure in (Parallel(), CacheFirstToken(), OutputTokens())}
)
