"""Shortest ways: the solver is right, and variants are what they say."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from random import Random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.example import Item, Side
from engine.world.tasks import routes
from engine.world.tasks.routes import Problem, Route

CHUNKS = re.compile(r"<\|[a-z]+\|>|[ _]?[a-z]+| ?[0-9]+|\s?[^a-z0-9\s]")
SMALL = Problem((("paris", "rome", 3), ("oslo", "rome", 4), ("paris", "oslo", 9), ("rome", "lima", 1)), "paris", "oslo")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(routes.items(120))


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [routes.document(rng) for _ in range(3000)]


def posed(item: Item) -> Problem:
    return routes.read(item.prompt.messages[0]["content"])


def best_by_networkx(problem: Problem) -> list[Route]:
    graph = nx.Graph()
    graph.add_weighted_edges_from(problem.roads)
    if not (problem.start in graph and problem.end in graph and nx.has_path(graph, problem.start, problem.end)):
        return []
    found = nx.all_shortest_paths(graph, problem.start, problem.end, weight="weight")
    return [Route(tuple(towns), int(nx.path_weight(graph, towns, "weight"))) for towns in found]


def test_the_solver_agrees_with_networkx() -> None:
    rng, outcomes = Random("solver"), set()
    for _ in range(1500):
        towns = rng.sample(routes.CITIES, 5)
        pairs = rng.sample(list(itertools.combinations(towns, 2)), rng.randint(3, 7))
        problem = Problem(tuple((a, b, rng.randint(1, 4)) for a, b in pairs), *rng.sample(towns, 2))
        best = best_by_networkx(problem)
        assert routes.solve(problem) == (best[0] if len(best) == 1 else None), problem
        outcomes.add(min(len(best), 2))
    assert outcomes == {0, 1, 2}, "no way, one and several shortest ways must all have been tried"


def test_gold_answers_of_items_and_examples_are_the_unique_optimum(items: list[Item]) -> None:
    for problem, text in [(posed(i), i.gold.text) for i in items] + [
        (routes.read(e.prompt.messages[0]["content"]), e.answer["content"]) for e in routes.examples(300)
    ]:
        assert [r.text for r in best_by_networkx(problem)] == [text]
        assert routes.solve_scored(problem, text) == 1
        assert len(problem.towns) in (4, 5)
        assert all(1 <= length <= 9 for _, _, length in problem.roads)


def test_documents_with_a_whole_problem_give_its_optimum(documents: list[str]) -> None:
    whole = [d for d in documents if "shortest" in d]
    worked = [d for d in whole if "the answer is" in d]
    assert 300 < len(whole) - len(worked) < 1500
    assert 300 < len(worked) < 1500
    for text in whole[:600]:
        *_, question, answer = re.findall(r"\|>([^<]+)<\|end\|>", text)
        steps, _, last = answer.removesuffix(".").rpartition("the answer is ")
        assert bool(steps) == (text in worked)
        assert [r.text for r in best_by_networkx(routes.read(question))] == [last]
    for text in (d for d in documents if "roads" not in d):
        for line in text.split(". "):
            steps, total = line.rstrip(".").split(": ")
            assert sum(map(int, re.findall(r"\d+", steps))) == int(total)


def test_variants_keep_or_break_the_old_answer(items: list[Item]) -> None:
    by_cluster: dict[str, dict[str, Item]] = {}
    for item in items:
        by_cluster.setdefault(item.cluster, {})[item.split] = item
    assert len(by_cluster) == 120
    for four in by_cluster.values():
        fresh, survives, breaks, control = (four[s] for s in routes.SPLITS)
        base = posed(fresh)
        for variant in (survives, breaks):
            assert set(posed(variant).roads) < set(base.roads)
            assert len(posed(variant).roads) == len(base.roads) - 1
            assert routes.stale(variant) == fresh.gold.text
        assert survives.gold.text == fresh.gold.text
        assert breaks.gold.text != fresh.gold.text
        assert routes.solve_scored(posed(breaks), fresh.gold.text) == 0.5, "only the ends are right: a road is gone"
        assert (survives.side, breaks.side, control.side) == (Side.CONGRUENT, Side.CONFLICTING, Side.NEUTRAL)
        assert routes.stale(fresh) is routes.stale(control) is None
        sizes = [{k: i.features[k] for k in ("towns", "roads", "hops")} for i in (survives, breaks, control)]
        assert sizes[0] == sizes[1] == sizes[2]


def test_reserved_problems_are_in_items_only(items: list[Item], documents: list[str]) -> None:
    assert all(routes.is_reserved(posed(i)) for i in items if i.split in ("fresh", "control"))
    trained = [routes.read(e.prompt.messages[0]["content"]) for e in routes.examples(1500)]
    trained += [routes.read(d.split("<|user|>")[1]) for d in documents if "shortest" in d]
    assert not any(routes.is_reserved(p) for p in trained)
    again = Problem(tuple((b, a, n) for a, b, n in reversed(trained[0].roads)), trained[0].start, trained[0].end)
    assert not routes.is_reserved(again), "neither order nor direction of the roads makes another problem"


def test_items_are_distinct_and_use_words_of_the_corpus(items: list[Item], documents: list[str]) -> None:
    assert len({i.id for i in items}) == len({i.prompt.messages[0]["content"] for i in items}) == len(items)
    seen = {chunk for d in documents for chunk in CHUNKS.findall(d)}
    for item in items:
        shown = f"<|user|>{item.prompt.messages[0]['content']}<|end|><|assistant|>{item.gold.text}<|end|>"
        assert set(CHUNKS.findall(shown)) <= seen
    assert max(len(CHUNKS.findall(d)) for d in documents) <= 160, "a row of pretraining"


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("paris rome oslo, 7", 1.0),
        (" Paris rome oslo, 7. ", 1.0),
        ("paris oslo, 9", 1.0),
        ("paris rome oslo, 8", 0.75),
        ("paris rome oslo", 0.75),
        ("paris lima oslo, 7", 0.5),
        ("rome oslo, 4", 0.75),
        ("paris, 0", 0.25),
        ("7", None),
        ("", None),
        ("paris -> oslo", None),
    ],
)
def test_constraints_are_counted(answer: str, score: float | None) -> None:
    assert routes.solve_scored(SMALL, answer) == score


@given(st.text(max_size=400))
def test_scoring_never_raises(answer: str) -> None:
    score = routes.solve_scored(SMALL, answer)
    assert score is None or 0 <= score <= 1


def test_a_road_that_is_not_there_cannot_be_removed() -> None:
    assert len(routes.without(SMALL, SMALL.roads[0]).roads) == 3
    with pytest.raises(ValueError, match="no road"):
        routes.without(SMALL, ("paris", "rome", 4))
    with pytest.raises(ValueError, match="not a problem"):
        routes.read("roads lead to rome.")


def test_two_processes_give_the_same(root) -> None:
    code = (
        "from random import Random; from hashlib import sha256; r = Random(1);"
        "from engine.world.tasks import routes as m;"
        "print(sha256(repr(([m.document(r) for _ in range(300)], list(m.examples(60)), list(m.items(20)))).encode())"
        ".hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert list(routes.examples(10)) == list(routes.examples(20))[:10]
