"""The page: its figures are the JSON's, nothing in it runs, and nobody's text becomes markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.spec.result import Result
from engine.stats.display import wording
from jobs.report import write
from jobs.report.content.sections import report_of
from jobs.report.formats import page as html
from jobs.report.formats.svg import Drawing, wrap
from tests.support.documents import Page


def render(result: Result) -> str:
    return html.render(report_of(result))


@pytest.mark.parametrize("name", ["calls", "smoke", "partial"])
def test_every_figure_is_the_jsons(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    result = request.getfixturevalue(name)
    write(result, tmp_path / "r.json")
    write(result, tmp_path / "r.html")
    plain = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    units = {m["metric"]: m["unit"] for m in plain["metrics"]}
    labels = {m["metric"]: m["label"] for m in plain["metrics"]}
    names = {a["name"]: a["label"] for a in plain["arms"]}

    parts = page.tables["arms"][: -(-len(plain["arms"]) // 5)]  # a table holds five arms
    names_of_rows = [row[0] for row in parts[0][1:]]
    rows = {
        name: [cell for part in parts for row in part if row[0] == name for cell in row[1:]] for name in names_of_rows
    }
    for at, arm in enumerate(plain["arms"]):
        for level in arm["summary"]:
            unit = units[level["metric"]]
            shown = f"{wording.level(level['mean'], unit)} {wording.bounds(level['ci'], unit, signed=False)}".rstrip()
            assert rows[labels[level["metric"]]][at] == shown

    for section, key in (("differences", "contrasts"), ("further", "further")):
        tables = page.tables.get(section, [])
        assert bool(tables) == bool(plain[key])
        for row, contrast in zip(tables[0][1:] if tables else [], plain[key], strict=True):
            unit = units[contrast["metric"]]
            tested = [
                wording.probability(contrast["p_holm"]) or "–",
                str(contrast["n_seeds"]),
                "confirmatory" if contrast["primary"] else "exploratory",
            ]
            assert row == [
                labels[contrast["metric"]],
                f"{names[contrast['a']]} {wording.MINUS} {names[contrast['b']]}",
                wording.difference(contrast["difference"], unit),
                wording.bounds(contrast["ci"], unit) or "–",
                wording.probability(contrast["p"]) or "–",
                *(tested if key == "contrasts" else [str(contrast["n_seeds"])]),
            ]

    _, sizes, *within = page.tables.get("differences", [[], [[]]])
    for row, contrast in zip(sizes[1:], plain["contrasts"], strict=True):
        for cell, key in zip(row[2:5], ("paired_d", "cliffs_delta", "cohens_h"), strict=True):
            assert cell == ("–" if contrast[key] is None else wording.level(contrast[key], "coefficient"))
        assert row[5] == {True: "yes", False: "not shown", None: "–"}[contrast["equivalent"]]
    primary = next((c for c in plain["contrasts"] if c["primary"]), None)
    paired = [seed for seed in (primary["seeds"] if primary else []) if seed["p"] is not None]
    assert bool(within) == bool(paired)
    for row, seed in zip(within[0][1:] if within else [], paired, strict=True):
        assert row[0] == f"seed {seed['seed']}"
        assert row[2:] == [str(seed["only_a"]), str(seed["only_b"]), wording.probability(seed["p"])]

    read = [primary_of(plain), plain["accuracy"], plain["reliance"], *plain["rule"]["reads"]]
    for table, metric in zip(page.tables["seeds"], dict.fromkeys(read), strict=True):
        seeds = [int(cell.removeprefix("seed ")) for cell in table[0][1:]]
        for row, arm in zip(table[1:], plain["arms"], strict=True):
            for cell, seed in zip(row[1:], seeds, strict=True):
                run = next((r for r in arm["runs"] if r["seed"] == seed), None)
                if run and run["status"] != "succeeded":
                    assert cell == run["status"]
                else:
                    value = run["metrics"].get(metric) if run else None
                    assert cell == ("–" if value is None else wording.level(value, units[metric]))

    for table, steps in ((t, plain["decomposition"]) for t in page.tables.get("chain", [])):
        assert [row[2] for row in table[1:]] == [wording.level(s["level"], "share") for s in steps]
        gains = [f"{wording.difference(s['gain'], 'share')} {wording.bounds(s['ci'], 'share')}" for s in steps[1:]]
        assert [row[3] for row in table[2:]] == gains

    for table in page.tables.get("failures", []):
        for row, arm in zip(table[1:], [a for a in plain["arms"] if a["name"] in plain["failures"]], strict=True):
            shares = plain["failures"][arm["name"]]
            kinds = table[0][1:]
            assert row[1:] == [wording.level(shares[k], "share") if k in shares else "–" for k in kinds]

    said = page.words["verdict"]
    assert plain["verdict"]["text"] in said
    assert all(reason in said for reason in plain["verdict"]["reasons"])
    assert plain["provenance"]["command"] in page.words["provenance"]
    for check in plain["checks"]:
        assert check["detail"] in page.words["checks"]
    primary = next((c for c in plain["contrasts"] if c["primary"]), None)
    if primary:
        assert wording.difference(primary["difference"], units[primary["metric"]]) in page.words["primary"]


def primary_of(plain) -> str:
    return f"{plain['study']['primary']['probe']}.{plain['study']['primary']['metric']}"


def test_the_scales_warning_stands_beside_every_table_and_figure(smoke: Result, calls: Result) -> None:
    text = render(smoke)
    drawn = len(re.findall(r"<table>|<figure>", text))
    assert text.count('<p class="note">') >= drawn
    assert '<p class="note">' not in render(calls)


@pytest.mark.parametrize("name", ["calls", "smoke", "partial", "hostile"])
def test_the_page_needs_and_runs_nothing(name: str, request: pytest.FixtureRequest) -> None:
    text = render(request.getfixturevalue(name))
    page = Page(text)
    assert page.open == []
    tags = {tag for tag, _ in page.tags}
    assert not tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "use",
        "image",
        "foreignobject",
    }
    for _, attributes in page.tags:
        assert not [a for a in attributes if a.startswith("on") or a in ("src", "href", "style", "xlink:href")]
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert text.count("</style>") == 1
    assert not {"\x1b", "\u202e", "\x00"} & set(text)


def test_every_drawing_says_in_words_what_it_shows(calls: Result) -> None:
    text = render(calls)
    assert text.count("<svg ") == text.count("<desc ") == text.count('role="img"') == 4
    for label in re.findall(r'aria-labelledby="([^"]+)"', text):
        assert all(text.count(f' id="{one}"') == 1 for one in label.split())
    primary = next(c for c in calls.contrasts if c.primary)
    assert wording.bounds(primary.ci, "share") in text.split(">Paired differences</title><desc")[1]


def test_no_text_or_class_leaves_its_place_in_a_drawing() -> None:
    drawing = Drawing(10, 10, "name", "a < b", '"c" & d')
    drawing.text(1, 2, "</text><script>")
    drawing.rect(0, 5, 3, -2, 'bar" onload="x')
    made = str(drawing.done().svg)
    assert "<script>" not in made
    assert 'onload="x' not in made
    assert "a &lt; b" in made


def test_wrapping() -> None:
    assert wrap("instruction meaning", 12) == ["instruction", "meaning"]
    assert wrap("a" * 20, 8) == ["a" * 8, "a" * 8, "a" * 4]
    assert wrap("llama_lora_r16_" + "x" * 50 + "_step_1200", 9) == ["llama_lor", "a_r1…xxx_", "step_1200"]
    assert all(len(line) <= 7 for line in wrap("a rather long name of an arm at step-1200", 7))
    assert wrap("a rather long name of an arm at step-1200", 7)[-1].endswith("1200")
    assert len(wrap("one two three four five six seven", 5)) == 3
