"""Maps of towns and roads, their shortest ways, and workings that add up every way. No randomness but what is given."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

Road = tuple[str, str, int]


@dataclass(frozen=True)
class Route:
    """A way through towns and its length."""

    towns: tuple[str, ...]
    length: int

    @property
    def text(self) -> str:
        """As an answer gives it, such as "paris rome oslo, 7"."""
        return f"{' '.join(self.towns)}, {self.length}"


@dataclass(frozen=True)
class Problem:
    """Roads (two towns and a length, to be used both ways) in the order they are told, and where to get from and to."""

    roads: tuple[Road, ...]
    start: str
    end: str

    @property
    def towns(self) -> tuple[str, ...]:
        """All towns in alphabetical order."""
        return tuple(sorted({town for a, b, _ in self.roads for town in (a, b)}))

    @property
    def text(self) -> str:
        """The roads, such as "roads: paris rome 3, rome oslo 4."."""
        return f"roads: {', '.join(f'{a} {b} {length}' for a, b, length in self.roads)}."


def ways(problem: Problem) -> list[Route]:
    """All ways from start to end that pass no town twice, shortest first."""
    beyond: dict[str, list[tuple[str, int]]] = {}
    for a, b, length in problem.roads:
        beyond.setdefault(a, []).append((b, length))
        beyond.setdefault(b, []).append((a, length))
    found, open_ways = [], [((problem.start,), 0)]
    while open_ways:
        towns, total = open_ways.pop()
        if towns[-1] == problem.end:
            found.append(Route(towns, total))
            continue
        open_ways += [((*towns, b), total + length) for b, length in beyond.get(towns[-1], ()) if b not in towns]
    return sorted(found, key=lambda way: (way.length, way.towns))


def solve(problem: Problem) -> Route | None:
    """The shortest way; None where there is none or where several are equally short."""
    found = ways(problem)
    if not found or (len(found) > 1 and found[0].length == found[1].length):
        return None
    return found[0]


_ANSWER = re.compile(r"\s*([a-z]+(?: [a-z]+)*)(?: ?, ?([0-9]{1,4}))?\.?\s*")


def solve_scored(problem: Problem, answer: str) -> float | None:
    """Share of four constraints that an answer meets: right start, right end, every road exists, the length adds up.

    Being shortest is not among them: that is what `solve` is for. Never raises, whatever the answer holds.

    Returns:
        None where the answer cannot be read as a way (a parse failure).
    """
    read_as = _ANSWER.fullmatch(answer[:300].lower())
    if read_as is None:
        return None
    towns = read_as[1].split(" ")
    lengths = {frozenset((a, b)): length for a, b, length in problem.roads}
    steps = [lengths.get(frozenset(step)) for step in itertools.pairwise(towns)]
    exists = bool(steps) and None not in steps
    adds_up = exists and read_as[2] is not None and sum(s for s in steps if s is not None) == int(read_as[2])
    return sum((towns[0] == problem.start, towns[-1] == problem.end, exists, adds_up)) / 4


def without(problem: Problem, road: Road) -> Problem:
    """The problem less one road. Raises ValueError where it has no such road."""
    if road not in problem.roads:
        raise ValueError(f"no road {road}")
    return Problem(tuple(r for r in problem.roads if r != road), problem.start, problem.end)


def read(text: str) -> Problem:
    """The problem that a prompt of this task states. Raises ValueError where it states none."""
    told = re.match(r"roads: ([a-z0-9, ]+)\. ", text)
    ends = re.search(r"from ([a-z]+) to ([a-z]+)", text)
    if told is None or ends is None:
        raise ValueError("not a problem of this task")
    roads = re.findall(r"([a-z]+) ([a-z]+) ([0-9]+)", told[1])
    return Problem(tuple((a, b, int(length)) for a, b, length in roads), ends[1], ends[2])


def hardness(problem: Problem) -> tuple[int, bool]:
    """How many ways there are, and whether one of fewest roads is the shortest: what guessing without sums gives."""
    every = ways(problem)
    best = solve(problem)
    return len(every), best is not None and len(best.towns) == min(len(way.towns) for way in every)


def working(problem: Problem) -> list[str]:
    """Every way with its sum, one sentence each, those of fewest roads first: "paris rome oslo 3 + 4 = 7."."""
    lengths = {frozenset((a, b)): length for a, b, length in problem.roads}

    def told(way: Route) -> str:
        parts = [str(lengths[frozenset(step)]) for step in itertools.pairwise(way.towns)]
        added = f"{' + '.join(parts)} = {way.length}" if len(parts) > 1 else parts[0]
        return f"{' '.join(way.towns)} {added}."

    return [told(way) for way in sorted(ways(problem), key=lambda way: (len(way.towns), way.towns))]


_WAY = re.compile(r"\b([a-z]+(?: [a-z]+)+) ((?:[0-9]{1,3} \+ )*[0-9]{1,3})(?: = ([0-9]{1,4}))?\.")


def steps_of(text: str) -> list[str]:
    """The ways that a written working adds up, whoever wrote it."""
    return [found[0] for found in _WAY.finditer(text)]


def misled(problem: Problem, steps: Sequence[str], at: int, rng: Random) -> tuple[str, str] | None:
    """A step of a working with a wrong sum, and the way that is then the shortest; None where no sum misleads.

    The shortest way's sum becomes larger than the next way's, another way's smaller than the shortest; by up to three.
    """
    best, rivals = solve(problem), ways(problem)[1:]
    found = _WAY.fullmatch(steps[at])
    if best is None or found is None or found[3] is None:
        return None
    towns = tuple(found[1].split(" "))
    if towns == best.towns:
        taken = {way.length for way in rivals}
        sums = [n for n in range((rivals[0].length if rivals else best.length) + 1, 999) if n not in taken][:3]
    else:
        sums = list(range(max(1, best.length - 3), best.length))
    if not sums:
        return None
    wrong = Route(towns, rng.choice(sums))
    if towns == best.towns and len(rivals) > 1 and rivals[0].length == rivals[1].length:
        return None  # two ways would be equally short then
    implied = min([wrong, *(way for way in ways(problem) if way.towns != towns)], key=lambda way: way.length)
    return f"{found[1]} {found[2]} = {wrong.length}.", implied.text
