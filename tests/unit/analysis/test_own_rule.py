"""A rule of the user's own: found by its file, held to its codes, and noticed where it was edited afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.analysis.analysis import analyse
from engine.analysis.figures import check_figures
from engine.rules import found
from engine.run.planned import runs_of, with_uses
from engine.spec.errors import PluginError, SpecError
from engine.spec.plugin import FOLDER
from engine.spec.study import RuleSpec
from engine.spec.trial import TrialSpec
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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "any_gain.py").write_text(RULE, "utf-8")
    return tmp_path / "rules"


def trial() -> TrialSpec:
    plain = load("function-calling")
    study = plain.model_copy(update={"rule": RuleSpec(name="any-gain"), "reliance": None, "controls": ()})
    check_figures(study)
    made = make_trial(study, 3)
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
    assert trial().registration != asked.registration


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"ahead" if', '"grand" if', "no code 'grand'"),
        ("found.value:+.3f", "found.nothing", "failed: AttributeError"),
    ],
)
def test_one_that_fails_says_so(folder: Path, old: str, new: str, said: str) -> None:
    (folder / "any_gain.py").write_text(RULE.replace(old, new), "utf-8")
    asked = trial()
    with pytest.raises(PluginError, match=said):
        analyse(asked, make_runs(asked, CALLS, items=200))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", INCONCLUSIVE)", ")", "no code 'inconclusive'"),
        ("Read(*self.study.primary.contrast", 'Read("nobody", "sft"', "no arm is named nobody"),
    ],
)
def test_one_that_cannot_be_used_is_refused_beforehand(folder: Path, old: str, new: str, said: str) -> None:
    (folder / "any_gain.py").write_text(RULE.replace(old, new), "utf-8")
    with pytest.raises((PluginError, SpecError), match=said):
        trial()


def test_a_broken_one_is_listed_and_a_taken_name_too(folder: Path) -> None:
    (folder / "broken.py").write_text("1 / 0", "utf-8")
    (folder / "effect.py").write_text(RULE.replace("any-gain", "effect"), "utf-8")
    broken = {one.name: one.traceback for one in found().broken}
    assert "ZeroDivisionError" in broken["broken"]
    assert "another plug-in named" in broken["effect"]
    assert "any-gain" in found().classes
