"""A rule of the user's own: found by its file, held to its codes, and noticed where it was edited afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from engine.analysis.analysis import analyse
from engine.analysis.figures import check_figures
from engine.analysis.registration import changed
from engine.rules import found
from engine.run.planned import runs_of, with_uses
from engine.spec.errors import PluginError, SpecError
from engine.spec.plugins.discovery import FOLDER
from engine.spec.study import RuleSpec
from engine.spec.trial import TrialSpec
from jobs.report.content.endpoint import primary, registration
from jobs.report.content.model import Paragraph
from jobs.studies import load
from tests.support.planted import CALLS, make_runs, make_trial

RULE = '''
from engine.rules import INCONCLUSIVE, Code, Decision, Read, Rule


class AnyGain(Rule):
    """Whether the first arm of the primary contrast is ahead at all."""

    name = "any-gain"
    label = "Any gain"
    about = "Says which arm is ahead."
    codes = (Code("ahead", "Ahead", "good"), Code("behind", "Behind", "bad"), INCONCLUSIVE)

    def roles(self):
        return dict(zip(("treated", "reference"), self.study.primary.contrast))

    def reads(self):
        return (Read(*self.study.primary.contrast, self.study.accuracy, 0.03),)

    def decide(self, case):
        found = case.evidence.difference(*self.study.primary.contrast, self.study.accuracy)
        return Decision("ahead" if found.value > 0 else "behind", f"It is ahead by {found.value:+.3f}.", ("It is so.",))
'''


READS = (
    r"the rule 'any-gain' does not read the primary contrast: its reads\(\) gives .* It must give at least "
    r"Read\('sft-dpo', 'sft', 'calls.accuracy', margin\)"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "any_gain.py").write_text(RULE, "utf-8")
    return tmp_path / "rules"


def trial(scale: Literal["smoke", "quick"] = "quick") -> TrialSpec:
    plain = load("function-calling")
    study = plain.model_copy(update={"rule": RuleSpec(name="any-gain"), "reliance": None, "controls": ()})
    check_figures(study)
    made = make_trial(study, 3, scale)
    return with_uses(made, runs_of(made))


def test_it_decides(folder: Path) -> None:
    asked = trial()
    result = analyse(asked, make_runs(asked, CALLS, items=200))
    assert (result.verdict.code, result.verdict.label, result.verdict.tone) == ("ahead", "Ahead", "good")
    assert result.study.primary.registered
    assert result.rule is not None
    assert result.rule.roles == {"treated": "sft-dpo", "reference": "sft"}
    missing = analyse(asked, make_runs(asked, CALLS, items=200)[:-3])
    assert missing.verdict.text.startswith("No verdict yet"), "gates stand before every rule"


def test_its_file_is_part_of_the_registration_and_editing_it_later_makes_it_exploratory(folder: Path) -> None:
    asked = trial()
    runs = make_runs(asked, CALLS, items=200)
    (folder / "any_gain.py").write_text(RULE.replace("found.value > 0", "found.value > -9"), "utf-8")
    result = analyse(asked, runs)
    assert not result.study.primary.registered
    assert any("rules/any_gain.py was changed after it was queued" in threat for threat in result.threats)
    said = " ".join(block.text for block in registration(result).blocks if isinstance(block, Paragraph))
    assert said.startswith("All was fixed when the trial was queued, but what was fixed is not what drew up these")
    assert "since the file rules/any_gain.py was changed after it was queued" in said
    assert primary(result, half=False).caption.startswith("Exploratory, since the file rules/any_gain.py was changed")
    assert trial().registration != asked.registration
    both = asked.model_copy(update={"uses": asked.uses | {"probes/forgetting": "other"}})
    said = changed(both)
    assert said == "since the files rules/any_gain.py and probes/forgetting.py were changed after it was queued"


DECIDED = (
    'return Decision("ahead" if found.value > 0 else "behind", f"It is ahead by {found.value:+.3f}.", ("It is so.",))'
)
FAULTS = {
    "a code of its own": ('"ahead" if', '"grand" if', "with the code 'grand', which is none of its `codes`", 19),
    "it raises": ("found.value:+.3f", "found.nothing", "AttributeError: 'Estimate' object has no attribute", 21),
    "nothing": (DECIDED, "pass", "its decide() must give a Decision, and gave None", 19),
    "a word": (DECIDED, 'return "ahead"', "its decide() must give a Decision, and gave 'ahead'", 19),
    "no text": ('f"It is ahead by {found.value:+.3f}."', "None", "with the text None, which is no sentence", 19),
    "one reason": ('("It is so.",)', '"It is so."', "the reasons 'It is so.', which are no tuple of sentences", 19),
    "a figure": ('("It is so.",)', '("It is so.",), (0.5,)', "the figures (0.5,), which are no tuple of", 19),
    "reasons raise": (
        "    def decide",
        "    def reasons(self, case):\n        1 / 0\n\n    def decide",
        "ZeroDivisionError",
        20,
    ),
    "a gate": (
        "    def decide",
        "    def gates(self, case):\n        return None\n\n    def decide",
        "a list of Gate",
        19,
    ),
}


@pytest.mark.parametrize("scale", ["smoke", "quick"])
@pytest.mark.parametrize("name", FAULTS)
def test_one_that_fails_says_so_with_its_line_and_is_asked_again_once_it_is_mended(
    folder: Path, name: str, scale: Literal["smoke", "quick"]
) -> None:
    old, new, said, line = FAULTS[name]
    assert old in RULE
    asked = trial(scale)
    runs = make_runs(asked, CALLS, items=200)[: None if name != "reasons raise" else -1]
    (folder / "any_gain.py").write_text(RULE.replace(old, new), "utf-8")
    with pytest.raises(PluginError, match="The rule 'any-gain' failed: ") as caught:
        analyse(asked, runs)
    assert said in caught.value.message
    assert f'File "{folder / "any_gain.py"}", line {line}. The runs and their figures are kept.' in caught.value.hint
    (folder / "any_gain.py").write_text(RULE, "utf-8")
    assert analyse(asked, runs).verdict.text


def test_smoke_scale_asks_the_rule_and_gives_no_verdict(folder: Path) -> None:
    asked = trial("smoke")
    verdict = analyse(asked, make_runs(asked, CALLS, items=200)).verdict
    assert verdict.text == "No verdict: smoke scale shows that everything runs, and no more."
    assert "It is so." not in verdict.reasons
    (folder / "any_gain.py").write_text(RULE.replace("found.value > 0", "found.nothing"), "utf-8")
    runs = make_runs(asked, CALLS, items=200)
    missing = [run for run in runs if run.record.arm != "sft"]
    assert analyse(asked, missing).verdict.text.startswith("No verdict yet"), "it is promised its figures"
    with pytest.raises(PluginError, match="failed: AttributeError"):
        analyse(asked, runs)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", INCONCLUSIVE)", ")", r"it has no code 'inconclusive' among its `codes`.* line 5"),
        ("Read(*self.study.primary.contrast", 'Read("nobody", "sft"', r"no arm is named nobody\..* line 16"),
        (
            "self.study.accuracy, 0.03",
            '"calls.nothing", 0.03',
            r"has no metric 'nothing'.*'any-gain' reads it.* line 16",
        ),
        ("return (Read(*self.study.primary.contrast, self.study.accuracy, 0.03),)", "return ()", READS),
        ("self.study.accuracy, 0.03", '"calls.reliance", 0.03', READS),
        ("return (Read(", "return (tuple(", r"failed: TypeError.* line 17"),
        ("return (Read(*self.study.primary.contrast, self.study.accuracy, 0.03),)", "pass", r"its reads\(\) must give"),
        ("return dict(zip(", "return list(zip(", r"its roles\(\) must give a dict from role to arm"),
    ],
)
def test_one_that_cannot_be_used_is_refused_beforehand(folder: Path, old: str, new: str, said: str) -> None:
    assert old in RULE
    (folder / "any_gain.py").write_text(RULE.replace(old, new), "utf-8")
    with pytest.raises((PluginError, SpecError), match=said) as caught:
        trial()
    assert f'File "{folder / "any_gain.py"}", line ' in str(caught.value)


def test_the_primary_contrast_may_be_read_either_way_and_among_others(folder: Path) -> None:
    other = 'Read("sft", "base", "calls.reliance", 0.1), Read(*self.study.primary.contrast[::-1]'
    (folder / "any_gain.py").write_text(RULE.replace("Read(*self.study.primary.contrast", other), "utf-8")
    assert trial()


def test_a_broken_one_is_listed_and_a_taken_name_too(folder: Path) -> None:
    (folder / "broken.py").write_text("1 / 0", "utf-8")
    (folder / "effect.py").write_text(RULE.replace("any-gain", "effect"), "utf-8")
    broken = {one.name: one.traceback for one in found().broken}
    assert "ZeroDivisionError" in broken["broken"]
    assert "another plug-in named" in broken["effect"]
    assert "any-gain" in found().classes
