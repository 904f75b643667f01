"""Shortest ways between towns: problems with an exact solution, and the same problems less one road.

Taking a road away that the shortest way does not use changes nothing (it *survives*); taking one away that it uses
*breaks* it. A model that solves problems falls on both alike; one that learned answers or templates by heart falls
only where the old answer breaks, and often still gives it (the *stale* answer). After Bernier et al. 2026
(arXiv:2603.23004), "N and N-1". Base problem, variants and control need equally many roads to be followed.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any, Literal

from pydantic import Field

from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.subject.grading import Grade, grade
from engine.world.holdout import reserved
from engine.world.tasks._base import Corruption, Task, TaskOptions, TaskPayload
from engine.world.tasks._maps import (
    Problem,
    Road,
    Route,
    hardness,
    misled,
    read,
    solve,
    solve_scored,
    steps_of,
    ways,
    without,
    working,
)
from engine.world.tasks._written import STEPS, conclude, concluded
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import CITIES

QUESTIONS = (
    "what is the shortest way from {a} to {b}?",
    "find the shortest way from {a} to {b}.",
    "which way from {a} to {b} is the shortest?",
)


def is_reserved(problem: Problem) -> bool:
    """Whether a base problem is for evaluation only, whatever the order in which its roads are told."""
    return reserved("routes", *sorted((*sorted(r[:2]), r[2]) for r in problem.roads), problem.start, problem.end)


def draw(rng: Random, *, held_out: bool, towns: int = 0, roads: int = 0, hops: int = 0) -> Problem:
    """A random problem with one shortest way of two roads or more: reading off a single road is never enough.

    Args:
        towns, roads, hops: Wanted sizes (hops: roads on the shortest way); 0 for any.
    """
    while True:
        names = rng.sample(CITIES, towns or rng.choice((4, 5, 5)))
        every = list(itertools.combinations(names, 2))
        count = roads or rng.randint(5, min(7, len(every)))
        drawn = tuple((a, b, rng.randint(1, 9)) for a, b in rng.sample(every, count))
        problem = Problem(drawn, *rng.sample(names, 2))
        if is_reserved(problem) != held_out or len(problem.towns) < len(names):
            continue
        best = solve(problem)
        if best and len(best.towns) > 2 and hops in (0, len(best.towns) - 1):
            return problem


def variants(problem: Problem, rng: Random) -> tuple[Road, Road] | None:
    """A road whose loss the shortest way survives, and one whose loss breaks it; None where there is no such pair.

    Either leaves all towns on the map, one shortest way of as many roads as before, and a problem as hard as the other:
    with as many ways, and with the way of fewest roads right in both or in neither.
    """
    best = solve(problem)
    if best is None:
        return None
    used = {frozenset(step) for step in itertools.pairwise(best.towns)}
    surviving: dict[tuple[int, bool], list[Road]] = defaultdict(list)
    breaking: dict[tuple[int, bool], list[Road]] = defaultdict(list)
    for road in problem.roads:
        rest = without(problem, road)
        after = solve(rest)
        if after is not None and rest.towns == problem.towns and len(after.towns) == len(best.towns):
            (breaking if frozenset(road[:2]) in used else surviving)[hardness(rest)].append(road)
    alike = sorted(surviving.keys() & breaking.keys())
    if not alike:
        return None
    chosen = rng.choice(alike)
    return rng.choice(surviving[chosen]), rng.choice(breaking[chosen])


def document(rng: Random) -> str:
    """A whole problem with its working or without, the roads that leave a town, a way's length, or ways added up."""
    form = rng.random()
    if form < 0.15:
        return " ".join(_added(rng) for _ in range(rng.randint(1, 3)))
    problem = draw(rng, held_out=False)
    if form < 0.7:
        best = solve(problem)
        answer = best.text if best else ""
        asked = _ask(problem, rng.choice(QUESTIONS))
        if form < 0.3:
            return chat(asked, answer)
        return chat(asked, conclude(working(problem), answer), system=rng.choice(STEPS))
    if form < 0.85:
        town = rng.choice(problem.towns)
        leaving = ", ".join(f"{a} {b} {length}" for a, b, length in problem.roads if town in (a, b))
        return chat(f"{problem.text} which roads leave {town}?", leaving)
    way = rng.choice(ways(problem))
    return chat(f"{problem.text} how long is the way {' '.join(way.towns)}?", str(way.length))


def _added(rng: Random) -> str:
    towns = rng.sample(CITIES, rng.randint(3, 5))
    lengths = [rng.randint(1, 9) for _ in towns[1:]]
    steps = ", ".join(f"{a} {b} {n}" for (a, b), n in zip(itertools.pairwise(towns), lengths, strict=True))
    return f"{steps}: {sum(lengths)}."


def _ask(problem: Problem, question: str) -> str:
    return f"{problem.text} {question.format(a=problem.start, b=problem.end)}"


class RouteOptions(TaskOptions):
    """How shortest ways are answered and how long they are."""

    form: Literal["answer", "chain"] = Field(
        default="answer", description="The way at once, or after a working of all ways."
    )
    length: Literal[0, 2, 3] = Field(default=0, description="Roads on the shortest way; 0: two or more.")


class RoutePayload(TaskPayload):
    """A map, from where to where, and the shortest way as an answer gives it.

    Attributes:
        removed: The road that was taken away from the problem whose answer may be stale; None where none was.
    """

    roads: tuple[Road, ...]
    start: str
    end: str
    best: str
    removed: Road | None = None

    @property
    def problem(self) -> Problem:
        """As the generators have it."""
        return Problem(self.roads, self.start, self.end)


def _carried(problem: Problem, best: str, removed: Road | None = None) -> dict[str, Any]:
    carried = RoutePayload(roads=problem.roads, start=problem.start, end=problem.end, best=best, removed=removed)
    return carried.model_dump(mode="json")


def _prompt(problem: Problem, question: str, form: str, key: str) -> Prompt:
    """The problem with its question; for a working there is an order besides, drawn by a seed of its own."""
    order = ({"role": "system", "content": Random(f"routes: {key}").choice(STEPS)},) if form == "chain" else ()
    return Prompt(messages=(*order, {"role": "user", "content": _ask(problem, question)}))


def examples(count: int, options: RouteOptions | None = None) -> Iterator[Example]:
    """Whole problems; the same ones in every form."""
    asked = options or RouteOptions()
    rng = Random("routes: training")
    for index in range(count):
        problem = draw(rng, held_out=False, hops=asked.length)
        best = solve(problem)
        answer = best.text if best else ""
        said = conclude(working(problem), answer) if asked.form == "chain" else answer
        yield Example(
            id=f"routes-{index}",
            prompt=_prompt(problem, rng.choice(QUESTIONS), asked.form, f"training {index}"),
            answer={"role": "assistant", "content": said},
            gold=Gold(text=answer),
            family="shortest way",
            cluster=f"routes-{index}",
            task="routes",
            payload=_carried(problem, answer),
        )


SPLITS = {
    "fresh": "the problem",
    "survives": "the problem, less a road that the shortest way does not use: the old answer stays right",
    "breaks": "the problem, less a road that the shortest way uses: the old answer is wrong",
    "control": "the problem; as many towns, roads, ways and roads to follow as a variant, but nothing was taken away",
}


def items(count: int, options: RouteOptions | None = None) -> Iterator[Item]:
    """Base problems, their two variants and a control of the variants' size, `count` of each; one base, one cluster.

    On variants the side says where the stale answer points: it is right where it survives.
    """
    wanted = options or RouteOptions()
    rng = Random("routes: evaluation")
    asked: set[str] = set()
    for index in range(count):
        lost = None
        problem = draw(rng, held_out=True, hops=wanted.length)
        while lost is None or problem.text in asked:
            problem = draw(rng, held_out=True, hops=wanted.length)
            lost = variants(problem, rng)
        asked.add(problem.text)
        question, best = rng.choice(QUESTIONS), solve(problem)
        hops = len(best.towns) - 1 if best else 0
        lost_one = without(problem, lost[0])
        while True:
            control = draw(rng, held_out=True, towns=len(problem.towns), roads=len(lost_one.roads), hops=hops)
            if hardness(control) == hardness(lost_one):
                break
        for split, side, base, road in (
            ("fresh", Side.NEUTRAL, problem, None),
            ("survives", Side.CONGRUENT, problem, lost[0]),
            ("breaks", Side.CONFLICTING, problem, lost[1]),
            ("control", Side.NEUTRAL, control, None),
        ):
            posed = without(base, road) if road else base
            answer = solve(posed) or Route((), 0)
            features = {
                "towns": len(posed.towns),
                "roads": len(posed.roads),
                "hops": len(answer.towns) - 1,
                "length": answer.length,
                "ways": len(ways(posed)),
            }
            if road:  # enough to restore the base problem, and with it the stale answer
                features |= {"from": CITIES.index(road[0]), "to": CITIES.index(road[1]), "removed": road[2]}
            yield Item(
                id=f"routes-{split}-{index}",
                prompt=_prompt(posed, question, wanted.form, f"{split} {index}"),
                gold=Gold(text=answer.text),
                split=split,
                cluster=f"routes-{index}",
                side=side,
                features={name: float(value) for name, value in features.items()},
                task="routes",
                payload=_carried(posed, answer.text, road),
            )


def stale(item: Item) -> str | None:
    """The answer to the base problem of an item from which a road was taken; None for all other items."""
    if "removed" not in item.features:
        return None
    posed = read(item.prompt.messages[-1]["content"])
    road = (CITIES[int(item.features["from"])], CITIES[int(item.features["to"])], int(item.features["removed"]))
    best = solve(Problem((*posed.roads, road), posed.start, posed.end))
    return best.text if best else None


def _way(text: str) -> str:
    """The way that an answer comes to, without the stop of its sentence."""
    return (concluded(text) or "").rstrip(" .")


class Routes(Task[RouteOptions, RoutePayload]):
    """Shortest ways between towns."""

    name = "routes"
    title = "Shortest ways"
    about = (
        "Four or five towns, five to seven roads with lengths: which is the shortest way, and how long is it? An exact "
        "solver knows. Every held-out problem comes again less one road, once one that the shortest way does not use "
        "and once one that it does; both are equally hard otherwise, and easier than the whole problem (fewer ways to "
        "choose from; the one of fewest roads is right nine times in ten). Who learned answers by heart fails where "
        "the old answer breaks, and gives it still."
    )
    splits = SPLITS
    Options = RouteOptions
    Payload = RoutePayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: RouteOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count, options)

    def items(self, count: int, options: RouteOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count, options)

    def solve(self, payload: RoutePayload) -> str | None:
        """By trying every way."""
        best = solve(payload.problem)
        return best.text if best else None

    def grade(self, text: str, one: Item | Example) -> Grade:
        """What the answer concludes is compared, not its steps."""
        return grade(_way(text), one.gold)

    def reward(self, text: str, one: Item | Example) -> float:
        """Half for the constraints that are met (`solve_scored`), half for the right way."""
        met = solve_scored(self.payload(one).problem, _way(text)) or 0.0
        return met / 2 + self.grade(text, one).correct / 2

    def steps(self, text: str) -> list[str]:
        """The written steps."""
        return steps_of(text)

    def corrupt(self, one: Item | Example, text: str, rng: Random, at: int | None = None) -> Corruption | None:
        """A wrong result in one step, the rest done right."""
        problem, steps = self.payload(one).problem, steps_of(text)
        right = working(problem)
        if steps != right:
            return None
        for chosen in rng.sample(range(len(right)), len(right)) if at is None else [at]:
            if 0 <= chosen < len(right) and (wrong := misled(problem, right, chosen, rng)):
                kept = [*right[:chosen], wrong[0]]
                return Corruption(" ".join(kept), wrong[1], conclude([*kept, *right[chosen + 1 :]], wrong[1]), chosen)
        return None
