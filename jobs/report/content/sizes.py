"""What an arm's figures rest on: how many items, clusters and seeds, and where an interval is an exact bound."""

from __future__ import annotations

from engine.spec.result import Result
from engine.stats.display.wording import counted
from jobs.report.content.lookup import label_of, unit_of

AT_THE_END = (
    "A share of exactly 0 or 100 % is the same in every cluster and seed, so nothing shows how it varies: its "
    "interval is the exact binomial bound (Clopper & Pearson) with each cluster counted once, and may be wider than "
    "that of a share beside it."
)


def rests_on(result: Result) -> str:
    """Items, clusters and seeds behind the levels: "facts: 104 items in 8 clusters. 5 seeds."; "" where unknown.

    Both are the most of any run: conditional figures read fewer items in some.
    """
    probes = dict.fromkeys(info.metric.partition(".")[0] for info in result.metrics)
    said = [*(_of_probe(result, probe) for probe in probes), _seeds(result)]
    return " ".join(f"{part}." for part in said if part)


def of_shared_seeds(result: Result) -> str:
    """What the steps of the decomposition rest on, where some of its arms have more seeds; "" elsewhere."""
    shared = max((step.seeds for step in result.decomposition), default=0)
    arms = {step.arm for step in result.decomposition}
    most = max((found.n_seeds for arm in result.arms if arm.name in arms for found in arm.summary), default=0)
    return f"of the {counted(shared, 'seed')} that all of these arms have" if 0 < shared < most else ""


def at_the_end(result: Result) -> str:
    """A note on the intervals of shares of exactly 0 or 1; "" where there is none."""
    ends = (
        found.ci is not None and found.mean in (0.0, 1.0) and unit_of(result, found.metric) == "share"
        for arm in result.arms
        for found in arm.summary
    )
    return AT_THE_END if any(ends) else ""


def of_metric(name: str) -> bool:
    """Whether an entry of `Result.data` is the size of a single metric, which is said beside the levels."""
    return name.startswith(("items.", "clusters.")) and name.count(".") > 1


def _of_probe(result: Result, probe: str) -> str:
    whole = _sizes(result, probe)
    if whole is None:
        return ""
    groups: dict[tuple[int, int], list[str]] = {}
    for info in result.metrics:
        if info.metric.startswith(f"{probe}.") and (own := _sizes(result, info.metric)) is not None:
            groups.setdefault(own, []).append(label_of(result, info.metric))
    parts = [f"{items} in {clusters} for {', '.join(labels)}" for (items, clusters), labels in groups.items()]
    of_these = f"; of these at most {'; '.join(parts)}" if parts else ""
    return f"{probe}: {counted(whole[0], 'item')} in {counted(whole[1], 'cluster')}{of_these}"


def _sizes(result: Result, name: str) -> tuple[int, int] | None:
    """How many items and clusters are known of a probe, or of a metric that does not read all of its probe's."""
    items, clusters = result.data.get(f"items.{name}"), result.data.get(f"clusters.{name}")
    return (int(items), int(clusters)) if items is not None and clusters is not None else None


def _seeds(result: Result) -> str:
    """How many runs stand behind the levels, and of which arms there are fewer."""
    known = [(arm.label, max(found.n_seeds for found in arm.summary)) for arm in result.arms if arm.summary]
    if not known:
        return ""
    most, *fewer = sorted({seeds for _, seeds in known}, reverse=True)
    others = "; ".join(f"{', '.join(label for label, n in known if n == seeds)}: {seeds}" for seeds in fewer)
    return f"{counted(most, 'seed')}{f' ({others})' if others else ''}"
