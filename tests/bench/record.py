"""Where figures go: docs/benchmarks.json, a section for each benchmark, and docs/benchmarks.md, made from it."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from engine.subject.forward.kernels import has_bfloat16

SECTIONS = "sections"
DOCS = Path(__file__).resolve().parents[2] / "docs"


def record(
    section: str, rows: Mapping[str, str], figures: Mapping[str, object], note: str,
    ratios: Mapping[str, Sequence[float]] | None = None,
) -> None:  # fmt: skip
    """Replace one section, keep the others, and print the new one.

    Args:
        rows: What was measured, and the figure in words, for people.
        figures: The same, unrounded, for machines.
        note: How it was measured.
        ratios: Repeated measurements of one ratio, by the name it has at the top of benchmarks.json.
    """
    path = DOCS / "benchmarks.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known.setdefault(SECTIONS, {})[section] = {
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()} ({instructions()}), "
        f"Python {platform.python_version()}",
        "rows": dict(rows), "figures": dict(figures), "note": note,
    }  # fmt: skip
    known["date"], known["hardware"] = (known[SECTIONS][section][name] for name in ("date", "hardware"))
    for name, found in (ratios or {}).items():
        known[name] = {"median": statistics.median(found), "min": min(found), "max": max(found)}
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    (DOCS / "benchmarks.md").write_text(page(known[SECTIONS]), encoding="utf-8")
    print(f"\n{_section(section, known[SECTIONS][section])}")


def instructions() -> str:
    """What this machine multiplies with: figures of one that has AVX2 alone are others than with AVX-512's bfloat16."""
    able = torch.cpu.get_capabilities()
    half = [name for name in ("amx_bf16", "avx512_bf16") if able.get(name) and has_bfloat16("cpu")]
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *half])


def spread(found: Sequence[float]) -> str:
    """Median and range of a repeated measurement."""
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def page(known: Mapping[str, dict]) -> str:
    """docs/benchmarks.md."""
    head = "# Benchmarks\n\nWritten by `make bench`. Ratios travel, times do not.\n"
    return "\n".join([head, *(_section(name, known[name]) for name in sorted(known))])


def _section(name: str, found: dict) -> str:
    rows = "\n".join(f"| {what} | {figure} |" for what, figure in found["rows"].items())
    return (
        f"## {name}\n{found['date']}, {found['hardware']}.\n\n| what | figure |\n|---|---|\n{rows}\n\n{found['note']}\n"
    )
