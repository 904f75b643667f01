"""Write docs/systems.md: the twelve systems, those that have a study as the study's own file says.

`python packaging/systems_page.py` writes it from resources/studies and docs/systems.toml; with `--check` it only says
whether the page is as they have it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from made_page import set_page  # noqa: E402

from engine.methods import method_class  # noqa: E402
from engine.probes import probe_class  # noqa: E402
from engine.rules import rule_of  # noqa: E402
from engine.spec.study import ArmSpec, ControlSpec, StudySpec  # noqa: E402
from jobs.studies import BUNDLED, read  # noqa: E402

PAGE = ROOT / "docs" / "systems.md"
SYSTEMS = ROOT / "docs" / "systems.toml"
HEAD = """\
# The twelve systems

Each is a published finding about what fine-tuning really does, and each is to become a study that a user starts with
one click: on the bundled model, and unchanged on a model of their own. This page is made by
`python packaging/systems_page.py` from the studies themselves and from [systems.toml](systems.toml); a test holds that
it is as they are.
"""
TAIL = """\
## What every study owes its reader

- **One primary endpoint**, its margin and the rule of the verdict, fixed in the study's file before anything runs.
- A **positive control**, a difference that the lab must see, and where it can be had a **negative control** that it
  must not. About a shortcut there is no verdict without a positive control: what was not found may have gone unseen.
- An **accuracy floor** where the question needs one: a model that does not do the task gets no verdict about how it
  does it.
- **Seeds as the unit**, paired across arms: the same seed means the same order of data and the same initialisation.

That a study is here means that it runs on the bundled model from one command and says what it found, also where that is
nothing. It does not mean that the published figure came out: a model of some millions of parameters is not the model of
the paper.
"""


def page() -> str:
    """The page as studies and list have it."""
    systems = tomllib.loads(SYSTEMS.read_text(encoding="utf-8"))["systems"]
    table = ["| # | system | study |", "|---|---|---|"]
    table += [f"| {s['number']} | {s['title']} | {_link(s)} |" for s in systems]
    return "\n".join([HEAD, *table, "", *(_section(each) for each in systems), TAIL])


def _link(system: dict[str, Any]) -> str:
    study = system.get("study")
    return f"[`{study}`](../resources/studies/{study}.toml)" if study else "not yet"


def _section(system: dict[str, Any]) -> str:
    name = system.get("study")
    study = read(BUNDLED / f"{name}.toml") if name else None
    lines = [f"## {system['number']}. {system['title']}", ""]
    lines += _of_study(study) if study else _not_yet(system)
    if missing := system.get("missing"):
        lines.append(f"- **Not there yet**: {missing}")
    return "\n".join([*lines, ""])


def _not_yet(system: dict[str, Any]) -> list[str]:
    return [
        "There is no study of it yet.",
        "",
        f"- **Claim**: {system['claim']}",
        f"- **Source**: {_linked(system['source'])}",
    ]


def _of_study(study: StudySpec) -> list[str]:
    rule, primary = rule_of(study), study.primary
    first, second = (study.arm(name).label for name in primary.contrast)
    metric = _metric(f"{primary.probe}.{primary.metric}")
    found = [
        f"**{study.question}** {study.summary}",
        "",
        f"- **Claim**: {study.claim}",
        f"- **Source**: {_linked(study.source)}",
        *([f"- **Published**: {study.published}"] if study.published else []),
        f"- **Arms**: {'; '.join(_arm(arm) for arm in study.arms)}",
        f"- **Probes**: {'; '.join(probe_class(p.probe).label for p in study.probes)}",
        f"- **Endpoint**: {metric}, {first} against {second}; expected to be {primary.expected}",
        f"- **Rule**: {rule.label}. {rule.about}",
        f"- **Controls**: {'; '.join(_control(study, c) for c in study.controls) or 'none'}",
        f"- **Run it**: `python main.py run {study.id}`",
    ]
    return [line.rstrip() for line in found]


def _arm(arm: ArmSpec) -> str:
    longer = f", {arm.longer} times as long as the others" if arm.longer > 1 else ""
    return f"{arm.label} ({method_class(arm.method).label}{longer})"


def _control(study: StudySpec, control: ControlSpec) -> str:
    must = "must be higher" if control.kind == "positive" else "must not be higher"
    must = "must be the same as" if control.either else f"{must} than"
    placebo = ", with sides drawn by lot" if control.placebo else ""
    metric = _metric(control.metric or study.reliance or "")
    arm = study.arm(control.arm).label
    if not control.against:
        return f"{control.kind}: {arm} must show no {metric[0].lower()}{metric[1:]}"
    return f"{control.kind}: {metric} of {arm} {must} of {study.arm(control.against).label}{placebo}"


def _metric(name: str) -> str:
    probe, _, metric = name.partition(".")
    return next(m.label for m in probe_class(probe).metrics if m.name == metric)


def _linked(source: str) -> str:
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", source)


if __name__ == "__main__":
    sys.exit(set_page(PAGE, page()))
