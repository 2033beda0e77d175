"""Which calls of a day share which prefix, for any order of a prompt's blocks.

Whether two calls have the same prefix depends on the set of blocks in it, not on their order. Each set parts
the calls into those with the same texts there; of the sets that part them in the same way, only the largest
is worth a breakpoint. Units: tokens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import combinations

from coach.engine.prompt import Block
from coach.engine.traffic import TrafficCall

MOST_UNITS = 10
"""Up to so many blocks that differ in who shares them, every set of them counts; of more, only those that
take the most shared blocks first."""

Blocks = frozenset[str]
Parts = tuple[int, ...]
"""For each call the number of its part, numbered as they first come."""


class Sharing:
    """The sets of blocks of one prompt under one day's calls. `pinned` blocks keep their place."""

    def __init__(
        self, blocks: Sequence[Block], traffic: Sequence[TrafficCall], pinned: Collection[str] = ()
    ) -> None:
        self._names = tuple(block.name for block in blocks)
        self._pinned = {name for name in self._names if name in set(pinned)}
        self._calls = len(traffic)
        self._tokens = {b.name: [call.tokens.get(b.name, b.tokens) for call in traffic] for b in blocks}
        self._parts: dict[Blocks, Parts] = {frozenset(): (0,) * len(traffic)}
        for block in blocks:
            texts = [call.texts.get(block.name, block.fingerprint) for call in traffic]
            self._parts[frozenset((block.name,))] = _numbered(
                list(zip(texts, self._tokens[block.name], strict=True))
            )

    def parts(self, members: Blocks) -> Parts:
        """How a set parts the calls."""
        if members not in self._parts:
            first = min(members, key=self._names.index)
            rest, own = self.parts(members - {first}), self._parts[frozenset((first,))]
            self._parts[members] = _numbered(list(zip(rest, own, strict=True)))
        return self._parts[members]

    @cached_property
    def units(self) -> tuple[Blocks, ...]:
        """Blocks that are free to move, those together that part the calls in the same way; the most shared
        first."""
        units: dict[Parts, list[str]] = {}
        for name in self._names:
            if name not in self._pinned:
                units.setdefault(self._parts[frozenset((name,))], []).append(name)
        ordered = sorted(units, key=lambda parts: (len(set(parts)), parts))
        return tuple(frozenset(units[parts]) for parts in ordered)

    def sets(self, minimum_tokens: int) -> tuple[Blocks, ...]:
        """The sets worth a breakpoint: the largest that part the calls as they do, shared by at least two
        calls, and not too short for a cache."""
        by_parts: dict[Parts, list[Blocks]] = {}
        for members in dict.fromkeys(self._prefixes()):
            by_parts.setdefault(self.parts(members), []).append(members)
        return tuple(
            members
            for parts, all_ in by_parts.items()
            if len(set(parts)) < self._calls
            for members in all_
            if self._longest(members) >= minimum_tokens and not any(members < other for other in all_)
        )

    def chains(self, most: int, minimum_tokens: int) -> Iterator[tuple[Blocks, ...]]:
        """Every chain of at most so many sets, each inside the next; the shortest chains first."""
        sets = sorted(self.sets(minimum_tokens), key=len)
        level: list[tuple[Blocks, ...]] = [()]
        for _ in range(most + 1):
            yield from level
            level = [(*chain, each) for chain in level for each in sets if not chain or chain[-1] < each]

    def paths(self) -> Iterator[tuple[Blocks, ...]]:
        """Every way from no block to all of them, one unit after the other, the most shared first; units
        that part nothing further come along at once."""

        def further(path: tuple[Blocks, ...], left: tuple[Blocks, ...]) -> Iterator[tuple[Blocks, ...]]:
            if not left:
                yield path
            for unit in left:
                members = self._closed(path[-1] | unit if path else unit, left)
                yield from further((*path, members), tuple(each for each in left if not each <= members))

        yield from further((), self.units)

    def order_along(self, chain: Sequence[Blocks]) -> tuple[str, ...]:
        """The blocks in an order in which each set of the chain is a prefix; as found among equals."""
        levels = [*chain, frozenset(self._names)]
        level = {name: next(i for i, s in enumerate(levels) if name in s) for name in self._names}
        free = iter(sorted((n for n in self._names if n not in self._pinned), key=level.__getitem__))
        return tuple(name if name in self._pinned else next(free) for name in self._names)

    def _closed(self, members: Blocks, units: Sequence[Blocks]) -> Blocks:
        parts = self.parts(members)
        return members.union(*(unit for unit in units if self.parts(members | unit) == parts))

    def _prefixes(self) -> Iterator[Blocks]:
        """The sets that can stand in front, given what is pinned."""
        units = self.units
        if len(units) > MOST_UNITS:
            chosen = (units[:count] for count in range(len(units) + 1))
        else:
            chosen = (each for count in range(len(units) + 1) for each in combinations(units, count))
        for each in chosen:
            yield from self._around(frozenset().union(*each))

    def _around(self, free: Blocks) -> Iterator[Blocks]:
        """The prefixes whose free blocks are these: with the pinned ones that stand among and right behind
        them."""
        left, members = len(free), set(free)
        for name in self._names:
            if name in self._pinned:
                members.add(name)
            elif left:
                left -= 1
            else:
                break
            if not left:
                yield frozenset(members)

    def _longest(self, members: Blocks) -> int:
        """Tokens of the set in the call where it is longest."""
        return max((sum(self._tokens[n][call] for n in members) for call in range(self._calls)), default=0)


def _numbered(keys: Sequence[object]) -> Parts:
    numbers: dict[object, int] = {}
    return tuple(numbers.setdefault(key, len(numbers)) for key in keys)
