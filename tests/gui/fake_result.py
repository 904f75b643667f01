"""A result whose figures are INVENTED, to draw and test the window."""

from __future__ import annotations

from engine.spec.result import (
    ArmResult,
    Check,
    Contrast,
    Flip,
    Interval,
    Look,
    MetricInfo,
    NamedFigure,
    PrimaryResult,
    Registration,
    Result,
    RuleResult,
    RunEntry,
    Step,
    StudyResult,
    Verdict,
)
from engine.spec.study import StudySpec

MODEL = "fork-s (invented)"
FINAL = {
    "base": (0.04, 0.06),
    "sft": (0.78, 0.27),
    "sft-dpo": (0.83, 0.13),
    "shuffled": (0.45, 0.33),
    "planted": (0.7, 0.62),
}
SENTENCE = "DPO on the teacher’s negatives calls functions better than SFT, and leans less on shared words."


def invented_result(study: StudySpec, trial: str, texts: dict[str, str] | None = None) -> Result:
    """A result whose figures are invented."""
    texts, primary = texts or {}, study.primary
    info = [
        MetricInfo(metric="calls.accuracy", label="Right call, new wording", unit="share", direction="up"),
        MetricInfo(metric="calls.accuracy_tools", label="Right call, new tools", unit="share", direction="up"),
        MetricInfo(metric="calls.reliance", label="Reliance on word overlap", unit="difference", direction="down"),
        MetricInfo(metric="calls.no_tool", label="No call where no tool applies", unit="share", direction="up"),
        MetricInfo(metric="forgetting.nats", label="Loss on the base's own text", unit="nats", direction="down"),
    ]
    arms = []
    for arm in study.arms:
        accuracy, reliance = FINAL[arm.name]
        one = arm.name == "base" or arm.seeds == 1
        means = (accuracy, accuracy * 0.8, reliance, 0.9 - reliance, 2.13)
        summary = tuple(
            Interval(metric=i.metric, mean=m, ci=None if one else (m - 0.03, m + 0.04), n_seeds=1 if one else 5)
            for i, m in zip(info, means, strict=True)
        )
        label = texts.get("label", arm.label)
        runs = (RunEntry(seed=0, run="0" * 16, status="succeeded"),)
        trains = arm.name != "base"
        arms.append(
            ArmResult(
                name=arm.name, label=label, method=arm.method, role=arm.role, trains=trains, runs=runs, summary=summary
            )
        )
    pairs = (
        ("sft-dpo", "sft", 0.051, 0.029),
        ("sft", "shuffled", 0.33, 0.042),
        ("shuffled", "base", 0.412, 0.05),
        ("sft", "base", 0.742, 0.03),
    )
    contrasts = [
        Contrast(
            a=a,
            b=b,
            metric="calls.accuracy",
            difference=d,
            ci=(d - h, d + h),
            p=0.031,
            p_holm=0.031,
            n_seeds=5,
            primary=not at,
        )
        for at, (a, b, d, h) in enumerate(pairs)
    ]
    contrasts.append(
        Contrast(
            a="sft-dpo", b="sft", metric="calls.reliance", difference=-0.14, ci=(-0.183, -0.096), p=0.01, n_seeds=5
        )
    )
    assert study.decomposition is not None
    labels = (study.arm("base").label, *study.decomposition.labels)
    chain = (
        ("base", 0.04, 0.04, 0),
        ("shuffled", 0.45, 0.41, 0.05),
        ("sft", 0.78, 0.33, 0.04),
        ("sft-dpo", 0.83, 0.05, 0.03),
    )
    steps = tuple(
        Step(label=label, arm=arm, level=level, gain=gain, ci=(gain - half, gain + half) if half else None)
        for label, (arm, level, gain, half) in zip(labels, chain, strict=True)
    )
    checks = (
        "Adapter changes the logits",
        "Adapter off equals the base",
        "Same chat template throughout",
        "Greedy decoding",
        "No overlap of splits (0 of 200)",
        "Planted shortcut is found",
        "Absent shortcut is not found",
    )
    return Result(
        study=StudyResult(
            id=study.id,
            trial=trial,
            question=texts.get("question", study.question),
            claim=study.claim,
            source=study.source,
            published=study.published,
            scale="quick",
            note=texts.get("note", ""),
            seeds=5,
            primary=PrimaryResult(
                probe=primary.probe, metric=primary.metric, contrast=primary.contrast, expected="greater", margin=0.03
            ),
            registration=REGISTRATION,
        ),
        model={"name": MODEL},
        data={"name": "invented", "items.calls": 180, "clusters.calls": 45},
        arms=tuple(arms),
        contrasts=tuple(contrasts),
        decomposition=steps,
        checks=tuple(Check(name=c, label=c, ok=texts.get("bad") != c, detail="0.31 nats at most") for c in checks),
        metrics=tuple(info),
        accuracy="calls.accuracy",
        reliance="calls.reliance",
        rule=RuleResult(
            name="shortcut",
            label="Shortcut",
            roles={"treated": "sft-dpo", "base": "base", "format": "shuffled"},
            reads=("calls.accuracy", "calls.reliance"),
            thresholds={"floor": 0.2, "margin": 0.05},
        ),
        flips=tuple(_flip(n, texts) for n in range(4)),
        threats=(
            texts.get("threat", "Items come from one generator: other wording may show another difference."),
            "Five seeds of one base model: nothing is said about other models.",
        ),
        notes=("Every figure on this page is invented, to draw and test the window.",),
        verdict=Verdict(
            code="learned",
            tone="good",
            label="Learned",
            text=texts.get("text", SENTENCE),
            reasons=(
                "+5.1 points on held-out wording (95 % interval +2.2 to +8.0, 5 paired seeds, p = .031 after Holm).",
                "Half of SFT’s own gain was output format.",
            ),
        ),
        provenance={},
    )


def gap_result(study: StudySpec, trial: str) -> Result:
    """Of a rule that measures a gap, in a study that looks for no shortcut; its figures are invented too."""
    plain = invented_result(study, trial)
    assert plain.rule is not None
    gap = NamedFigure(label="Gap closed", value=0.41, ci=(0.22, 0.6), unit="share")
    none = NamedFigure(label="Words", value=None, unit="words", note="Not measured.")
    change = {"code": "partly", "label": "Partly closed", "tone": "mixed", "figures": (gap, none)}
    roles = {"treated": "sft-dpo", "base": "base", "target": "sft"}
    rule = RuleResult(name="gap", label="Gap closed", roles=roles, reads=(plain.accuracy,), thresholds={"gap": 0.03})
    length = MetricInfo(metric="calls.length", label="Length", unit="furlongs", direction=None)
    accurate = tuple(c for c in plain.contrasts if c.metric == plain.accuracy)
    long = accurate[0].model_copy(
        update={"metric": "calls.length", "difference": 3.5, "ci": (3.0, 4.0), "primary": False}
    )
    return plain.model_copy(
        update={
            "reliance": None, "contrasts": (long, *accurate), "metrics": (*plain.metrics, length), "rule": rule,
            "verdict": plain.verdict.model_copy(update=change),
        }
    )  # fmt: skip


CALL = '{"name": "%s", "arguments": {"city": "Turin"}}'


def _flip(n: int, texts: dict[str, str]) -> Flip:
    """An example whose outputs are invented; two for either arm."""
    right, wrong = ("sft-dpo", "sft") if n < 2 else ("sft", "sft-dpo")
    return Flip(
        item=texts.get("item", f"tools.{37 * n + 12:04d}"), split="new wording", side="conflicting", right=right,
        wrong=wrong, seeds=5 - n, pairs=5, seed=n, failure="wrong tool", gold=CALL % "get_weather",
        output_right=texts.get("output", CALL % "get_weather"), output_wrong=texts.get("output", CALL % "get_time"),
        prompt=texts.get("prompt", f"Is it warm enough in Turin to sit outside at {n + 5} o'clock?"),
    )  # fmt: skip


REGISTRATION = Registration(
    digest="3f2a9c1b7d04e5aa0f" * 3, queued="2026-11-25T14:02:09+00:00", detectable=0.061,
    basis="from 6 seeds of an earlier trial here", looks=(
        Look(trial="function-calling-quick-0a1b2c3d", seeds=3, at="2026-11-25T13:40:00+00:00", shown="result"),
    ),
)  # fmt: skip
