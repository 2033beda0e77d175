# .venv/bin/python -m bench.peers.section --rounds 3
"""The comparison with other engines for the report: its words and its goals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.figures import Goal, Section, Spread, at_most, spread, table
from bench.part import Part, Tell
from bench.peers.compare import COLD, CONTENDERS, PLAIN, Comparison
from bench.peers.graphs import GROWTH, MAIN, SCENARIOS, STRESS

AT_ONCE = ("e", "x_1000")
HOW = (
    "Every node calls the same tool (a wait, then a sum over its needs); the sink's value is checked against one "
    "worked out without any engine. A fresh process for each measurement, one warm-up run without waits "
    f"({'; '.join(f'{CONTENDERS[name]} in `{scenario}` has none: it would take as long as the run' for name, scenario in COLD)}), "
    "contenders interleaved, another one first each round. “Order written by the user”: the library runs the "
    "nodes, and when each may begin is code of the user's own. A cell that names an error is what that contender "
    "raised; “over … s” was stopped there."
)
COST = {
    "b": at_most("b: 100 at once", 25, "µs CPU a node"),
    "c": at_most("c: a chain of 100", 25, "µs CPU a node"),
    "e": at_most("e: 200 runs at once", 65, "µs CPU a node"),
}
CRITICAL = at_most("d: 1,000 nodes", 1.02, "× critical path", digits=3)
LAG = at_most("e: worst lag of the loop", 10, "ms")
MEMORY = at_most("e: memory of a live run", 20, "KB")
GROWS = {
    shape: at_most(f"a node at 10,000 nodes against 100, {shape}", 1.5, "×", digits=2) for shape in GROWTH
}


def measure(rounds: int, tell: Tell) -> Section:
    """Everything. Memory and lag are measured in processes of their own, where nothing ran before."""
    comparison = Comparison(tell)
    for number in range(rounds):
        comparison.round([["a", "a_hf", "a_hl", "b", "c"], ["d"], ["e"]], number)
        names = tuple(CONTENDERS) if not number else PLAIN
        comparison.round([[each] for each in STRESS], number, names)
        comparison.round(list(GROWTH.values()), number, names, growing=True)
    return Section(
        text=text_of(comparison),
        goals=tuple(goals_of(comparison)),
        data=[row for rows in comparison.figures.values() for row in rows],
    )


# Words


def cell(c: Comparison, name: str, scenario: str, field: str, *, digits: int = 1, full: bool = False) -> str:
    found = c.spread(name, scenario, field)
    if found is None:
        error = c.error(name, scenario)
        return error.split(":")[0] if error else "–"
    return found.told(digits) if full else found.short(digits)


def grid(c: Comparison, scenarios: Sequence[str], field: str, *, digits: int, full: bool = False) -> str:
    rows = [
        [CONTENDERS[name], *(cell(c, name, each, field, digits=digits, full=full) for each in scenarios)]
        for name in c.pythons
    ]
    return table(["", *scenarios], rows)


def versions(c: Comparison) -> str:
    seen = {name: row["version"] for (name, _), rows in c.figures.items() for row in rows if "version" in row}
    return "; ".join(f"{CONTENDERS[name]}: {version}" for name, version in seen.items() if version)


def shapes() -> str:
    rows = []
    for name in (*MAIN, *STRESS):
        graph = SCENARIOS[name].make()
        bounds = (graph.serial_seconds(), graph.level_seconds(), graph.critical_seconds())
        rows.append([f"{name}: {SCENARIOS[name].says}", len(graph.nodes), *(f"{b:.3f}" for b in bounds)])
    return table(["graph", "nodes", "in a row, s", "by levels, s", "critical path, s"], rows)


def text_of(c: Comparison) -> str:
    parts = [
        HOW,
        versions(c) + ".",
        *c.left_out,
        shapes(),
        "**Wall seconds, median (least to most)**",
        grid(c, ("a", "a_hf", "a_hl", "d", "e"), "wall_seconds", digits=3, full=True),
        "**CPU of a node, µs, median (least to most)**; `a` and `e` divide what a run costs by five nodes",
        grid(c, ("a", "b", "c", "d", "e"), "cpu_us_per_node", digits=1, full=True),
        "**200 and 1,000 runs at once, `e` and `x_1000`** (the latter: peers once). `late`: by how much a 5 ms heartbeat on the same loop came late at worst; `held`: the most "
        "CPU the process spent between two beats, which other programs of the machine do not touch",
        _live(c),
        "**Stress: CPU of a node, µs** (peers once)",
        grid(c, STRESS, "cpu_us_per_node", digits=1),
        "**Cost of a node as the graph grows: CPU, µs** (a contender that took over 0.5 s at one size is not "
        "asked for a larger one; peers were asked once)",
        *(grid(c, sizes, "cpu_us_per_node", digits=1) for sizes in GROWTH.values()),
    ]
    return "\n\n".join(part for part in parts if part)


def _live(c: Comparison) -> str:
    fields = {"late, ms": "lag_ms", "held, ms": "held_ms", "KB per live run": "kb_per_run"}
    rows = [
        [
            CONTENDERS[name],
            *(cell(c, name, each, field, full=True) for each in AT_ONCE for field in fields.values()),
        ]
        for name in c.pythons
    ]
    return table(["", *(f"{each}: {head}" for each in AT_ONCE for head in fields)], rows)


# Goals


def goals_of(c: Comparison) -> Iterator[Goal]:
    held, floor = c.spread("engine", "e", "held_ms"), c.spread("taskgroup", "d", "times_critical")
    for scenario, promise in COST.items():
        yield promise.of(c.spread("engine", scenario, "cpu_us_per_node"))
    beside = f"TaskGroup in the same rounds: {floor.told(3)}" if floor else ""
    yield CRITICAL.of(c.spread("engine", "d", "times_critical"), note=beside)
    beside = f"held by the process itself: {held.told()} ms" if held else ""
    yield LAG.of(c.spread("engine", "e", "lag_ms"), note=beside)
    yield MEMORY.of(c.spread("engine", "e", "kb_per_run"))
    for shape, promise in GROWS.items():
        bare = growth(c, "inline", shape)
        yield promise.of(
            growth(c, "engine", shape), note=f"bare inline counters: {bare.told(2)} ×" if bare else ""
        )


def growth(c: Comparison, name: str, shape: str) -> Spread | None:
    """CPU of a node in the largest graph of a shape, against the smallest of the same round."""
    small, large = (
        [row.get("cpu_us_per_node") for row in c.figures[name, size]]
        for size in (GROWTH[shape][0], GROWTH[shape][-1])
    )
    pairs = zip(small, large, strict=False)  # a size that failed is not asked again
    return spread(big / little for little, big in pairs if little and big)


PEERS = Part(
    name="peers",
    title="1. Against other engines",
    command="python -m bench.peers.section",
    promises=(*COST.values(), CRITICAL, LAG, MEMORY, *GROWS.values()),
    measure=measure,
)


if __name__ == "__main__":
    PEERS.main()
