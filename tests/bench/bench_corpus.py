"""Making the corpus beside reading the same documents from a file, both tokenised on one core; and the memory it takes.

`make bench` writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from engine.pretraining import tokenizer
from engine.world.corpus import documents
from tests.bench.record import record

DOCUMENTS = 100_000
ENCODE = tokenizer.build()


def tokenised(texts: Iterable[str]) -> tuple[int, float, list[float]]:
    """Tokens, seconds of this process's CPU time, and memory in MiB after each tenth."""
    memory, tokens, began = [], 0, time.process_time()
    for number, text in enumerate(texts):
        tokens += len(ENCODE.encode(text, add_special_tokens=False))
        if number % (DOCUMENTS // 10) == 0:
            memory.append(psutil.Process().memory_info().rss / 2**20)
    return tokens, time.process_time() - began, memory


def test_corpus(tmp_path: Path) -> None:
    stored = tmp_path / "corpus.jsonl"
    next(documents("bench"))  # counts the nouns of the other documents, once
    tokens, made, memory = tokenised(itertools.islice(documents("bench"), DOCUMENTS))
    with stored.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(text) + "\n" for text in itertools.islice(documents("bench"), DOCUMENTS))
    with stored.open(encoding="utf-8") as file:
        same, read, _ = tokenised(map(json.loads, file))
    assert same == tokens
    growth = memory[-1] - memory[0]
    record(
        "Corpus",
        {
            "tokens a minute, made and tokenised on one core": f"{tokens / made * 60 / 1e6:.1f} M",
            "time, against reading the same documents from a file": f"{made / read:.2f}",
            "growth of memory from the first to the last tenth": f"{growth:.1f} MiB",
        },
        {"tokens": tokens, "seconds_made": made, "seconds_read": read, "memory_mib": memory},
        f"{DOCUMENTS:,} documents of the default corpus; CPU time.",
    )
