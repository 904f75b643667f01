"""What an objective works with: the run's examples, the model as it stands, and other models that it asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from engine.spec.errors import RunError
from engine.spec.events import Finding
from engine.spec.example import Example
from engine.spec.provenance import hash_text
from engine.subject import scoring
from engine.subject.forward import packing
from engine.subject.forward.packing import Block, Packed
from engine.subject.protocol import Subject
from engine.subject.rendering import Encoded, Renderer


@dataclass(frozen=True)
class Kit:
    """What every objective of a run is given.

    Attributes:
        folder: The run's folder, where rows are kept.
        phase: Which phase of the run it is, from 0.
        examples: The training examples as the method shows them; `encoded` are their rows.
        pool: All training examples of the study, as they are.
        model: The model with what is trained.
        policy: Within it, the model as it stands, answering.
        order: Which rows each step takes, for a number of rows and a chunk of the phase.
        needs: Other models that the method asked for, answering, by the method's names.
        note: Records what a reader of the report must know: a name, and words.
        check: Records a check; a failed one makes the verdict inconclusive.
    """

    folder: Path
    phase: int
    seed: int
    batch_size: int
    examples: Sequence[Example]
    encoded: Sequence[Encoded]
    pool: Sequence[Example]
    model: Any
    renderer: Renderer
    policy: Callable[[], AbstractContextManager[Subject]]
    order: Callable[[int, int], list[list[int]]]
    needs: Mapping[str, Subject]
    note: Callable[[str, str], None]
    check: Callable[[Finding], None]

    def rng(self, what: str, step: int | None = None) -> Random:
        """A stream of random numbers: a function of the run's seed, the phase, the name and the step alone."""
        return Random(f"{self.seed}:{what}-{self.phase}" + ("" if step is None else f":{step}"))

    def pack(self, blocks: Sequence[Block]) -> Packed:
        """Blocks as the model takes them."""
        layout = packing.layout_of(self.model, max(block.size for block in blocks))
        return layout.pack(blocks, self.renderer.pad_id)

    def logprobs(self, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> np.ndarray:
        """Log-probabilities (nats) of answers after their prompts, by the model as it stands: [pairs]."""
        return scoring.completion_logprobs(self.model, pairs, self.renderer.pad_id)

    def made(self, objective: Any, chunk: int) -> Sequence[Any]:
        """The rows of a chunk of the phase, made with the model as it stands and saved.

        Raises:
            RunError: There is nothing to learn from.
        """
        rows = objective.rows(self, chunk) if objective.makes_rows else self.encoded
        if not rows:
            raise RunError(f"The objective {objective.name!r} has nothing to learn from.", "Choose other data.")
        if objective.makes_rows:
            save(self._path(chunk), rows)
        return rows

    def saved(self, objective: Any, chunk: int) -> Sequence[Any]:
        """The rows that were made when the run was there before.

        Raises:
            RunError: They are gone or damaged.
        """
        if not objective.makes_rows:
            return self.encoded
        found = load(self._path(chunk), objective.Row)
        if not found:
            raise RunError(
                "What this run was trained on is gone or damaged, so it cannot go on where it was.",
                f"Delete the folder {self.folder.name!r} of this run and start it again.",
            )
        return found

    def _path(self, chunk: int) -> Path:
        return self.folder / (f"rows-{self.phase}-{chunk}.jsonl" if chunk else f"rows-{self.phase}.jsonl")


def save(path: Path, rows: Sequence[Encoded]) -> None:
    """Write rows as JSON lines, the first of them a hash of the others; whole or not at all."""
    body = "".join(row.model_dump_json() + "\n" for row in rows)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"sha256": hash_text(body)}) + "\n" + body, encoding="utf-8")
    os.replace(part, path)


def load(path: Path, kind: type[Encoded]) -> list[Any] | None:
    """What `save` wrote, or None where the file is missing or not whole."""
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        if json.loads(head)["sha256"] != hash_text(body):
            return None
        return [kind.model_validate_json(line) for line in body.splitlines()]
    except (OSError, ValueError, KeyError, TypeError):
        return None
