"""Each statistic equals a plain computation on any outcomes, and drawing an item twice is having it twice."""

from __future__ import annotations

import importlib
import itertools
import math
import pkgutil
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

import engine.stats.statistics as package
from engine.spec.example import Gold, Item, Outcome, Prompt, Side
from engine.stats.resampling.columns import Columns
from engine.stats.resampling.jackknife import influence
from engine.stats.statistics._base import Linear, OfSums, Statistic
from engine.stats.statistics._table import Table
from engine.stats.statistics.alpha import Alpha
from engine.stats.statistics.auc import Auc
from engine.stats.statistics.by_side import BySide
from engine.stats.statistics.by_side_within import BySideWithin
from engine.stats.statistics.d_prime import DPrime
from engine.stats.statistics.mean import Mean
from engine.stats.statistics.rank_correlation import RankCorrelation
from engine.stats.statistics.ratio import Ratio
from engine.stats.statistics.slope import Slope
from engine.stats.statistics.weights import Weight

Given = Sequence[Outcome]
Plain = Callable[[Given], float | None]
TRUTH = "feature:true"


def _outcome(at: int, drawn: tuple) -> Outcome:
    correct, value, side, split, cluster, said, true, x = drawn
    features = {} if true is None else {"true": float(true), "x": float(x), "tokens": float(abs(x))}
    return Outcome(
        item=f"i{at}", correct=correct, value=value, side=side, split=split, cluster=f"c{cluster}", output=said,
        features=features,
    )  # fmt: skip


ANY = st.lists(
    st.tuples(
        st.sampled_from([True, False, None]), st.sampled_from([None, -2.0, -1.0, 0.5, 0.5, 3.0]),
        st.sampled_from(list(Side)), st.sampled_from("ab"), st.integers(0, 4), st.sampled_from(["yes", "no", ""]),
        st.sampled_from([None, True, False, True, False]), st.integers(-3, 3),
    ),
    max_size=30,
).map(lambda rows: [_outcome(at, row) for at, row in enumerate(rows)])  # fmt: skip


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def scored(outcomes: Given, *sides: Side) -> list[bool]:
    return [o.correct for o in outcomes if o.correct is not None and (not sides or o.side in sides)]


def by_side(outcomes: Given) -> float | None:
    helped, misled = (mean(scored(outcomes, side)) for side in (Side.CONGRUENT, Side.CONFLICTING))
    return None if helped is None or misled is None else helped - misled


def by_side_within(outcomes: Given) -> float | None:
    kinds: dict[float | None, list[Outcome]] = {}
    for o in outcomes:
        if o.correct is not None and o.side is not Side.NEUTRAL:
            kinds.setdefault(o.features.get("true"), []).append(o)
    found = [(len(own), by_side(own)) for own in kinds.values()]
    both = [(count, one) for count, one in found if one is not None]
    if not both:
        return by_side(outcomes)
    return sum(count * one for count, one in both) / sum(count for count, _ in both)


def ratio(outcomes: Given) -> float | None:
    rows = [(o.value, o.features["tokens"]) for o in outcomes if o.value is not None and "tokens" in o.features]
    below = sum(tokens for _, tokens in rows)
    return sum(value for value, _ in rows) / below if below else None


def auc(outcomes: Given) -> float | None:
    high, low = (
        [o.value for o in outcomes if o.value is not None and o.features.get("true") == kind] for kind in (1.0, 0.0)
    )
    if not high or not low:
        return None
    return float(stats.mannwhitneyu(high, low).statistic) / (len(high) * len(low))


def d_prime(outcomes: Given) -> float | None:
    rows = [(o.output == "yes", o.features["true"] == 1.0) for o in outcomes if "true" in o.features]
    counts = Counter(rows)
    yes, no = (counts[True, kind] + counts[False, kind] for kind in (True, False))
    if not yes or not no:
        return None
    return float(
        stats.norm.ppf((counts[True, True] + 0.5) / (yes + 1)) - stats.norm.ppf((counts[True, False] + 0.5) / (no + 1))
    )


def weight(place: int) -> Plain:
    def plain(outcomes: Given) -> float | None:
        said: dict[tuple[bool, bool], list[bool]] = {}
        for o in outcomes:
            if "true" in o.features and o.side is not Side.NEUTRAL:
                true = o.features["true"] == 1.0
                said.setdefault((true, true == (o.side is Side.CONGRUENT)), []).append(o.output == "yes")
        if len(said) < 3:
            return None
        counts = [[sum(yes) + 0.5, len(yes) - sum(yes) + 0.5] for yes in said.values()]
        rows = [[1.0, truth - 0.5, shortcut - 0.5] for truth, shortcut in said]
        model = GLM(np.array(counts), np.array(rows), family=Binomial())
        return float(model.fit(method="newton", gtol=1e-13, maxiter=200, disp=0).params[place])

    return plain


def slope(outcomes: Given) -> float | None:
    rows = [(o.value, o.features["true"], o.features["x"]) for o in outcomes if o.value is not None and o.features]
    if len(rows) < 8:
        return None
    y, held, x = np.array(rows).T
    if x.std() < 1e-9:
        return None
    z = (x - x.mean()) / x.std()
    design = np.stack([np.ones_like(y), held, z], axis=1)
    if np.linalg.matrix_rank(design) < 2 + (np.ptp(held) > 0):
        return None  # the label says all that x says
    return float(np.linalg.lstsq(design, y, rcond=None)[0][2])


def rank_correlation(outcomes: Given) -> float | None:
    rows = [(o.value, o.features["x"]) for o in outcomes if o.value is not None and o.features]
    if len(rows) < 3 or any(len(set(column)) < 2 for column in zip(*rows, strict=True)):
        return None
    return float(stats.spearmanr(*zip(*rows, strict=True)).statistic)


def alpha(read: Callable[[Outcome], float | str | None], distance: Callable) -> Plain:
    """From the matrix of coincidences, pair by pair (Krippendorff 2011, Computing Krippendorff's alpha-reliability)."""

    def plain(outcomes: Given) -> float | None:
        units: dict[str, list] = {}
        for o in outcomes:
            if read(o) is not None:
                units.setdefault(o.cluster, []).append(read(o))
        pairs: Counter = Counter()
        for values in units.values():
            for a, b in itertools.permutations(values, 2):
                pairs[a, b] += 1 / (len(values) - 1)
        total: Counter = Counter()
        for (a, _), count in pairs.items():
            total[a] += count
        n = sum(total.values())
        observed = sum(count * distance(a, b) for (a, b), count in pairs.items()) / n if n else 0.0
        expected = sum(total[a] * total[b] * distance(a, b) for a in total for b in total)
        return 1 - observed * n * (n - 1) / expected if expected else None

    return plain


CASES: list[tuple[Statistic, Plain]] = [
    (Mean(), lambda outcomes: mean(scored(outcomes))),
    (Mean(column="value", splits=("a",)),
     lambda outcomes: mean([o.value for o in outcomes if o.split == "a" and o.value is not None])),
    (Mean(side=Side.CONFLICTING), lambda outcomes: mean(scored(outcomes, Side.CONFLICTING))),
    (Mean(column="output:yes", where=("true", 1.0)),
     lambda outcomes: mean([o.output == "yes" for o in outcomes if o.features.get("true") == 1.0])),
    (BySide(), by_side),
    (BySideWithin(within=TRUTH), by_side_within),
    (Ratio(per="feature:tokens"), ratio),
    (Auc(truth=TRUTH), auc),
    (DPrime(truth=TRUTH), d_prime),
    (Weight(weight="truth", truth=TRUTH), weight(1)),
    (Weight(weight="shortcut", truth=TRUTH), weight(2)),
    (Slope(x="feature:x", held=(TRUTH,)), slope),
    (RankCorrelation(y="feature:x"), rank_correlation),
    (Alpha(scale="interval"), alpha(lambda o: o.value, lambda a, b: (a - b) ** 2)),
    (Alpha(scale="nominal", column="output"), alpha(lambda o: o.output, lambda a, b: float(a != b))),
]  # fmt: skip
NAMES = [f"{type(statistic).__name__}-{at}" for at, (statistic, _) in enumerate(CASES)]
every = pytest.mark.parametrize(("statistic", "plain"), CASES, ids=NAMES)


@every
@settings(max_examples=80, deadline=None)
@given(outcomes=ANY)
def test_it_is_the_plain_computation(statistic: Statistic, plain: Plain, outcomes: Given) -> None:
    expected = plain(outcomes)
    found = statistic.of(outcomes)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-9)


@every
@settings(max_examples=60, deadline=None)
@given(outcomes=ANY, data=st.data())
def test_weights_are_repetitions(statistic: Statistic, plain: Plain, outcomes: Given, data: st.DataObject) -> None:
    """Whole clusters are repeated, as the bootstrap does; a cluster drawn twice stands for two of its kind."""
    clusters = sorted({o.cluster for o in outcomes})
    times = {cluster: data.draw(st.integers(0, 3)) for cluster in clusters}
    repeated = [
        o.model_copy(update={"cluster": f"{o.cluster}-{copy}"}) for o in outcomes for copy in range(times[o.cluster])
    ]
    weights = np.array([[times[o.cluster] for o in outcomes], [1] * len(outcomes)], dtype=np.float32)
    drawn, whole = statistic.values(Table(outcomes), weights)
    for value, expected in ((drawn, plain(repeated)), (whole, plain(outcomes))):
        if expected is None:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(expected, abs=1e-4 if isinstance(statistic, RankCorrelation) else 1e-6)


@every
@settings(max_examples=30, deadline=None)
@given(outcomes=ANY)
def test_an_item_that_it_does_not_read_changes_nothing(statistic: Statistic, plain: Plain, outcomes: Given) -> None:
    def item(o: Outcome) -> Item:
        prompt = Prompt(messages=())
        return Item(id=o.item, prompt=prompt, gold=Gold(), split=o.split, cluster=o.cluster, side=o.side)

    read = [o for o in outcomes if statistic.reads(item(o))]
    assert statistic.of(read) == pytest.approx(statistic.of(outcomes))


@every
def test_of_nothing_comes_nothing(statistic: Statistic, plain: Plain) -> None:
    assert statistic.of([]) is None
    assert np.isnan(statistic.values(Table([]), np.ones((3, 0)))).all()


@every
def test_it_is_a_value(statistic: Statistic, plain: Plain) -> None:
    """Equal settings are equal statistics, so that draws are shared; another statistic with these settings is not."""
    assert statistic == type(statistic).model_validate(statistic.model_dump())
    assert hash(statistic) == hash(statistic.model_copy())
    assert [other for other, _ in CASES].count(statistic) == 1


def test_every_statistic_is_held_here() -> None:
    """A file without a plain computation beside it, or with more than one statistic, is noticed."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2].startswith("_"):  # what all of them are made of
            continue
        own = [
            value
            for value in vars(importlib.import_module(module.name)).values()
            if isinstance(value, type) and issubclass(value, Statistic) and value.__module__ == module.name
        ]
        assert len(own) == 1, module.name
        assert own[0] in {type(statistic) for statistic, _ in CASES}, module.name


@settings(max_examples=60, deadline=None)
@given(runs=st.lists(ANY, min_size=1, max_size=3))
def test_all_runs_at_once_are_each_run_alone(runs: list[Given]) -> None:
    columns = Columns(runs)
    for statistic, _ in CASES:
        alone = [math.nan if (own := statistic.of(run)) is None else own for run in runs]
        assert columns.figures(statistic) == pytest.approx(alone, nan_ok=True, abs=1e-12), statistic


def test_what_was_not_scored_is_neither_right_nor_wrong() -> None:
    made = [Outcome(item=f"i{n}", correct=c, split="s", cluster="c") for n, c in enumerate([True, None, False, None])]
    assert Mean().of(made) == 0.5
    assert Mean().of(made[1::2]) is None


def test_a_long_sum_is_added_from_the_left() -> None:
    """To the last digit what a plain sum gives, on every machine."""
    values = np.random.default_rng(0).normal(2, 1, 1000).tolist()
    made = [Outcome(item=f"i{n}", correct=None, split="s", cluster="c", value=v) for n, v in enumerate(values)]
    assert Mean(column="value").of(made) == sum(values) / len(values)


def test_one_answer_throughout_leans_on_nothing_whichever_items_are_drawn() -> None:
    cells = [(True, Side.CONGRUENT, 9), (False, Side.CONGRUENT, 4), (True, Side.CONFLICTING, 3)]
    cells = [(yes, side) for yes, side, count in [*cells, (False, Side.CONFLICTING, 8)] for _ in range(count)]
    made = [
        Outcome(
            item=f"i{n}", correct=yes, split="s", cluster=f"c{n % 7}", output="yes", features={"true": float(yes)},
            side=side,
        )
        for n, (yes, side) in enumerate(cells)
    ]  # fmt: skip
    assert BySide().of(made) == pytest.approx(9 / 13 - 3 / 11)
    assert BySideWithin(within=TRUTH).of(made) == 0
    columns = Columns([made])
    assert np.abs(influence(columns, BySideWithin(within=TRUTH)).ways[0]).max() == 0
    assert np.abs(influence(columns, BySide()).ways[0]).max() > 0


def test_alpha_has_the_published_values() -> None:
    """Krippendorff 2011, section C (nominal, 4 observers, missing values: .743) and D (interval: .849)."""
    rows = """1 2 3 3 2 1 4 1 2 . . .
              1 2 3 3 2 2 4 1 2 5 . 3
              . 3 3 3 2 3 4 2 2 5 1 .
              1 2 3 3 2 4 4 1 2 5 1 ."""
    made = [
        Outcome(item=f"{observer}-{unit}", correct=None, split="s", cluster=f"u{unit}", value=float(cell))
        for observer, row in enumerate(rows.splitlines())
        for unit, cell in enumerate(row.split())
        if cell != "."
    ]
    assert Alpha(scale="nominal").of(made) == pytest.approx(0.743, abs=5e-4)
    assert Alpha(scale="interval").of(made) == pytest.approx(0.849, abs=5e-4)
    within = [o.model_copy(update={"cluster": "c", "features": {"unit": float(o.cluster[1:])}}) for o in made]
    assert Alpha(scale="interval", unit="feature:unit").of(within) == pytest.approx(0.849, abs=5e-4)
    assert Alpha().of([o.model_copy(update={"value": 0.1}) for o in made]) is None, "nothing can differ"


def test_settings_that_make_no_sense_are_refused() -> None:
    for make in (
        lambda: BySide(side=Side.CONGRUENT),
        lambda: Weight(weight="truth", truth=TRUTH, side=Side.CONFLICTING),
        lambda: Alpha(column="output", scale="interval"),
        lambda: Mean(column="speed"),
        lambda: Auc(truth="output"),
    ):
        with pytest.raises(ValidationError):
            make()
    made = [Outcome(item="i", correct=True, split="s", cluster="c", value=-1.0)]
    with pytest.raises(ValueError, match="below the line"):
        Ratio(column="correct", per="value").of(made)


def test_one_that_lacks_its_definition_says_so() -> None:
    class Half(Statistic):
        def columns(self) -> tuple[str, ...]:
            return ("correct",)

    class Parts(Linear):
        def columns(self) -> tuple[str, ...]:
            return ("correct",)

    class Terms(OfSums):
        def columns(self) -> tuple[str, ...]:
            return ("correct",)

    made = [Outcome(item="i", correct=True, split="s", cluster="c")]
    for statistic in (Statistic(), Half(), Parts(), Terms()):
        with pytest.raises(TypeError, match=r"has no (columns|drawn|parts|terms)"):
            statistic.of(made)
