"""What a report says, in which order, and how far each part may be read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import pytest

from engine.spec.result import Check, Contrast, Result, Tone
from engine.stats.display import wording
from jobs.report.content import endpoint, figures
from jobs.report.content.model import Checks, Examples, Facts, Figure, Report, Section, Table, Value, cleaned
from jobs.report.content.sections import report_of
from jobs.report.formats import markdown, page
from tests.support import results

ORDER = [
    "claim", "primary", "registration", "rule", "gain", "corner", "chain", "differences", "curves", "reliance", "arms",
    "seeds", "failures", "flips", "checks", "threats", "further", "design", "notes", "provenance",
]  # fmt: skip


def section(report: Report, name: str) -> Section:
    return next(one for one in report.sections if one.name == name)


def table(report: Report, name: str) -> Table:
    return next(b for s in report.sections for b in s.blocks if isinstance(b, Table) and b.name == name)


def words(part: Section) -> str:
    return str(dataclasses.asdict(part))


def test_the_order_is_fixed_and_nothing_is_missing(calls: Result, partial: Result) -> None:
    assert [one.name for one in report_of(calls).sections] == ORDER
    early = [one.name for one in report_of(partial).sections]
    assert early == [name for name in ORDER if name in early]
    assert {"curves", "flips", "chain"}.isdisjoint(early)


def test_names_are_unique(big: Result) -> None:
    names = [b.name for s in report_of(big).sections for b in s.blocks if hasattr(b, "name")]
    assert len(names) == len(set(names)) > 20


def test_only_the_primary_endpoint_is_confirmatory(calls: Result) -> None:
    report = report_of(calls)
    assert section(report, "primary").status == "confirmatory"
    statuses = {one.status for one in report.sections if one.name not in ("primary",)}
    assert statuses == {"exploratory", ""}
    read_as = [row[-1] for row in table(report, "contrasts").rows]
    assert read_as.count("confirmatory") == 1
    assert [c.primary for c in calls.contrasts] == [word == "confirmatory" for word in read_as]


def test_what_was_named_afterwards_confirms_nothing(calls: Result) -> None:
    primary = calls.study.primary.model_copy(update={"registered": False})
    study = calls.study.model_copy(update={"primary": primary, "registration": None})
    report = report_of(calls.model_copy(update={"study": study}))
    assert "confirmatory" not in {one.status for one in report.sections}
    assert {row[-1] for row in table(report, "contrasts").rows} == {"exploratory"}
    assert "Nothing was fixed before" in words(section(report, "registration"))
    assert section(report, "registration").status == "exploratory"


def test_what_was_fixed_is_told(calls: Result) -> None:
    fixed = calls.study.registration
    assert fixed is not None
    facts = next(b for b in section(report_of(calls), "registration").blocks if isinstance(b, Facts))
    told = dict(facts.pairs)
    assert told["Digest of the design"] == fixed.digest
    assert told["When"].startswith("2026-11-20 08:30 UTC")
    assert fixed.detectable is not None
    designed = told["Smallest difference the design could show"]
    assert designed.startswith("4 points")
    assert "the spread of 3 seeds" in designed
    assert told["Earlier looks"].startswith("none")
    none = calls.study.model_copy(update={"registration": fixed.model_copy(update={"detectable": 1.62})})
    told = dict(next(b for b in section(report_of(calls.model_copy(update={"study": none})), "registration").blocks
                     if isinstance(b, Facts)).pairs)  # fmt: skip
    assert told["Smallest difference the design could show"].startswith("none, however large")
    unknown = fixed.model_copy(update={"detectable": None})
    study = calls.study.model_copy(update={"registration": unknown})
    told = dict(next(b for b in section(report_of(calls.model_copy(update={"study": study})), "registration").blocks
                     if isinstance(b, Facts)).pairs)  # fmt: skip
    assert told["Smallest difference the design could show"].startswith("not known, from the spread")


def test_an_earlier_look_leaves_nothing_to_confirm(calls: Result) -> None:
    report = report_of(results.looked_at(calls))
    part = section(report, "registration")
    facts = next(b for b in part.blocks if isinstance(b, Facts))
    said = (
        "figures of function-calling-quick-0a1b2c3d (2 seeds) were shown on 2026-11-19 07:05 UTC, before it was queued"
    )
    assert dict(facts.pairs)["Earlier looks"].startswith(f"{said}. ")
    assert "could be known when the trial was queued" in words(part)
    assert section(report, "primary").caption.startswith(
        "Asked when figures of these arms could be known, so exploratory"
    )
    assert "confirmatory" not in {one.status for one in report.sections}


def test_without_a_record_no_one_claims_to_know(calls: Result) -> None:
    study = calls.study.model_copy(update={"registration": None})
    assert "no record" in words(section(report_of(calls.model_copy(update={"study": study})), "registration"))


def test_the_published_figure_is_beside_ours(calls: Result) -> None:
    facts = next(b for b in section(report_of(calls), "claim").blocks if isinstance(b, Facts))
    assert dict(facts.pairs)["Published"] == calls.study.published
    primary = next(c for c in calls.contrasts if c.primary)
    assert wording.difference(primary.difference, "share") in dict(facts.pairs)["Here"]


def test_reliance_moves_beside_each_step(calls: Result) -> None:
    rows = table(report_of(calls), "chain").rows
    assert rows[0][-1] == "–"
    for row, step in zip(rows[1:], calls.decomposition[1:], strict=True):
        assert step.leaning is not None
        assert (
            row[-1]
            == f"{wording.difference(step.leaning, 'difference')} {wording.bounds(step.leaning_ci, 'difference')}"
        )


def test_a_pair_in_the_other_order_is_turned_round(calls: Result) -> None:
    turned = tuple(c.model_copy(update={"a": c.b, "b": c.a, **_negated(c)}) for c in calls.contrasts)
    report = report_of(calls.model_copy(update={"contrasts": turned}))
    assert table(report, "reliance").rows == table(report_of(calls), "reliance").rows


def _negated(contrast: Contrast) -> dict[str, object]:
    ci = contrast.ci
    return {"difference": -contrast.difference, "ci": (-ci[1], -ci[0]) if ci else None}


def test_flipped_items_state_their_rule_and_their_words(calls: Result) -> None:
    part = section(report_of(calls), "flips")
    assert "Chosen by rule" in words(part)
    examples = next(b for b in part.blocks if isinstance(b, Examples))
    assert len(examples.entries) == len(calls.flips)
    for entry, flip in zip(examples.entries, calls.flips, strict=True):
        told = [text for _, text in entry.said]
        assert flip.output_right in told
        assert flip.output_wrong in told or (not flip.output_wrong and "(nothing)" in told)
        assert f"{flip.seeds} of {flip.pairs} pairs of seeds" in entry.title


def test_checks_have_words(calls: Result) -> None:
    failed = Check(name="x", label="planted shortcut is found", ok=False, detail="Not detected.")
    part = section(report_of(calls.model_copy(update={"checks": (*calls.checks, failed)})), "checks")
    checks = next(b for b in part.blocks if isinstance(b, Checks))
    assert [entry.word for entry in checks.entries] == ["passed"] * len(calls.checks) + ["failed"]
    assert part.caption == f"each line says what must hold; 1 check of {len(calls.checks) + 1} failed"


def test_wide_tables_are_split_and_keep_their_rows_headers(big: Result) -> None:
    report = report_of(big)
    parts = [b for s in report.sections if s.name == "arms" for b in s.blocks if isinstance(b, Table)]
    assert [cell for part in parts for cell in part.head[1:]] == [arm.label for arm in big.arms]
    assert len({tuple(row[0] for row in part.rows) for part in parts}) == 1
    tables = [b for s in report.sections for b in s.blocks if isinstance(b, Table)]
    assert max(len(one.head) for one in tables) <= 9


def test_a_missing_endpoint_is_said(partial: Result) -> None:
    part = section(report_of(partial), "primary")
    assert not [b for b in part.blocks if isinstance(b, Value)]
    assert "could not be computed" in words(part)


@pytest.mark.parametrize("text", ["a\nb", "a\x1b", "a\u202eb", "a\u200bb", "a\ufeffb"])
def test_every_text_is_cleaned(calls: Result, text: str) -> None:
    report = dataclasses.replace(report_of(calls), title=text, footer=text)
    made = cleaned(report)
    assert made.title == made.footer
    assert made.title.isprintable()
    assert made.title != text
    assert cleaned(made) == made


def test_an_exploratory_verdict_says_so_beside_its_word(calls: Result) -> None:
    seen = results.looked_at(calls)
    assert report_of(seen).verdict.headline.endswith(", exploratory")
    assert f"{report_of(seen).verdict.headline}.**" in markdown.render(report_of(seen))
    assert 'class="pill plain">Exploratory<' in page.render(report_of(seen))
    assert "exploratory" not in report_of(calls).verdict.headline
    assert 'class="pill plain"' not in page.render(report_of(calls))


def test_the_good_corner_ends_below_no_lean_at_all(calls: Result) -> None:
    assert calls.rule is not None
    margin = calls.rule.thresholds["margin"]
    assert isinstance(margin, float)
    base = next(arm for arm in calls.arms if arm.name == calls.rule.roles["base"])
    lean = next(found.mean for found in base.summary if found.metric == calls.reliance)
    found = figures.good_corner(calls)
    assert found is not None
    assert found[1:] == pytest.approx((min(lean, 0) - margin, max(lean, 0) + margin))
    for other in (
        {"rule": None},
        {"reliance": None},
        {"rule": calls.rule.model_copy(update={"thresholds": {"margin": 0.05}})},
        {"rule": calls.rule.model_copy(update={"thresholds": {"floor": "none", "margin": 0.05}})},
        {"rule": calls.rule.model_copy(update={"reads": (calls.accuracy,)})},  # its margin is another figure's
        {"arms": tuple(arm.model_copy(update={"trains": True}) for arm in calls.arms)},
    ):
        assert figures.good_corner(calls.model_copy(update=other)) is None


def test_the_rule_is_told_with_its_parts_and_limits(calls: Result) -> None:
    assert calls.rule is not None
    facts = next(b for b in section(report_of(calls), "rule").blocks if isinstance(b, Facts))
    told = dict(facts.pairs)
    assert told["Rule"] == calls.rule.label
    assert told["Part: treated"] == "SFT → DPO"
    assert told["Limit: floor"] == "20 %"
    assert told["Limit: margin"] == "5 points"
    assert "Reliance on word overlap" in told["Figures that it reads"]
    without = calls.model_copy(update={"rule": None})
    assert "rule" not in [one.name for one in report_of(without).sections]


def test_any_rule_and_any_unit(other: Result) -> None:
    """No reliance, no decomposition, figures of its own, differences in two units."""
    report = report_of(other)
    names = [one.name for one in report.sections]
    assert {"gain", "corner", "chain", "reliance"}.isdisjoint(names)
    assert (report.verdict.word, report.verdict.tone) == ("Partly closed", "mixed")
    assert table(report, "figures").rows == (
        ("Gap closed", "41.0 % [22.0, 60.0]", ""),
        ("Answers’ length", "–", "Not measured."),
    )
    drawn = [b for b in section(report, "differences").blocks if isinstance(b, Figure)]
    assert [figure.title for figure in drawn] == ["Paired differences, 1 of 2", "Paired differences, 2 of 2"]
    first, second = (str(figure.svg) for figure in drawn)
    assert ">points</text>" in first
    assert ">furlongs</text>" in second
    assert 'class="margin"' in first
    assert 'class="margin"' not in second, "the margin is the primary metric's, in its unit"
    assert "+3.500 furlongs [+3.000, +4.000]" in drawn[1].description
    assert "+3.500 furlongs" in words(section(report, "differences"))


@pytest.mark.parametrize("tone", get_args(Tone))
def test_every_tone_has_a_colour_on_the_page_and_on_paper(calls: Result, root: Path, tone: Tone) -> None:
    verdict = calls.verdict.model_copy(update={"tone": tone, "code": "of-a-plug-in", "label": "Its own word"})
    text = page.render(report_of(calls.model_copy(update={"verdict": verdict})))
    assert f'class="card verdict {tone}"' in text
    assert "Its own word" in text
    assert "of-a-plug-in" not in text
    style = (root / "resources/report/report.css").read_text("utf-8")
    assert tone == "open" or f".verdict.{tone}" in style
    source = (root / "resources/report/report.typ").read_text("utf-8")
    assert tone == "open" or f"{tone}: " in source.partition(".at(report.verdict.tone")[0]


def test_a_limit_is_told_in_a_unit_only_where_all_that_the_rule_reads_agree(other: Result) -> None:
    assert other.rule is not None
    limits = endpoint.limits(other, other.rule)
    assert dict(limits) == {"smallest gap": "3 points", "margin": "5 points"}
    limited = other.rule.model_copy(
        update={"reads": ("calls.length",), "thresholds": {"margin": 0.5, "floor": 0.2, "seeds": 3, "way": "greater"}}
    )
    told = dict(endpoint.limits(other, limited))
    assert told == {"margin": "0.5 furlongs", "floor": "0.2", "seeds": "3", "way": "greater"}


def test_items_clusters_and_seeds_stand_by_the_levels(calls: Result) -> None:
    data = {"items.calls": 300, "clusters.calls": 75, "items.calls.congruent": 40, "clusters.calls.congruent": 9}
    arms = tuple(arm.model_copy(update={"summary": arm.summary[:1]}) for arm in calls.arms)
    counted = calls.model_copy(update={"data": data, "arms": arms})
    said = words(section(report_of(counted), "arms"))
    assert "calls: 300 items in 75 clusters; of these at most 40 in 9 for Right call where overlap helps." in said
    assert "3 seeds (base, planted overlap: 1)." in said
    assert "data.items.calls.congruent" not in words(section(report_of(counted), "provenance"))
    none = calls.model_copy(update={"data": {}, "arms": tuple(a.model_copy(update={"summary": ()}) for a in arms)})
    assert "arms" not in [one.name for one in report_of(none).sections]


def test_the_bound_of_a_share_at_its_end_is_named(calls: Result) -> None:
    def at(mean: float, ci: tuple[float, float] | None) -> str:
        found = calls.arms[0].summary[0].model_copy(update={"metric": "calls.accuracy", "mean": mean, "ci": ci})
        arms = (calls.arms[0].model_copy(update={"summary": (found,)}),)
        return words(section(report_of(calls.model_copy(update={"arms": arms})), "arms"))

    assert "binomial bound" in at(1.0, (0.292, 1.0))
    assert "binomial bound" in at(0.0, (0.0, 0.708))
    assert "binomial bound" not in at(1.0, None)
    assert "binomial bound" not in at(0.972, (0.823, 1.0))


def test_two_runs_that_differ_on_no_item_are_not_tested(calls: Result) -> None:
    primary = next(c for c in calls.contrasts if c.primary)
    seeds = (
        primary.seeds[0].model_copy(update={"only_a": 0, "only_b": 0, "p": 1.0}),
        primary.seeds[1].model_copy(update={"only_a": 2, "only_b": 2, "p": 1.0}),
    )
    alike = calls.model_copy(update={"contrasts": (primary.model_copy(update={"seeds": seeds}),)})
    assert [row[-1] for row in table(report_of(alike), "discordant").rows] == ["–", "1.000"]
