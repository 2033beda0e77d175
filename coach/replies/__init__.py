"""How a reply is made: what happened becomes a task graph, the graph runs, each sentence passes the guard."""

from __future__ import annotations
