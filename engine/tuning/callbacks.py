"""Our hooks into TRL's loop: one event a step, live probes, checkpoints, stopping."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from engine.spec.errors import Diverged
from engine.tuning import checkpoint
from engine.tuning.journal import Journal


class Recorder(TrainerCallback):
    """Records a phase.

    Args:
        journal: Where events go.
        stop: Asks the run to stop: a checkpoint is written first.
        folder: The run's folder.
        identity: The run's hash.
        phase: Which phase, from 0, and its name.
        first: Steps done before this phase.
        live: Measures the live sample after so many steps of the run.
        live_every: Steps between live measurements.
        checkpoint_every: Steps between checkpoints.
        began: When the run's process began (`time.monotonic`).
    """

    def __init__(
        self, journal: Journal, stop: threading.Event, folder: Path, identity: str, phase: int, name: str, first: int,
        live: Callable[[int], None], live_every: int, checkpoint_every: int, began: float,
    ) -> None:  # fmt: skip
        self.journal, self.stop, self.folder, self.identity = journal, stop, folder, identity
        self.phase, self.name, self.first, self.live = phase, name, first, live
        self.live_every, self.checkpoint_every, self.began = live_every, checkpoint_every, began
        self.trainer: Any = None
        self.stopped = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """After an optimizer step: its event, then perhaps a measurement, then perhaps a checkpoint."""
        step = self.first + state.global_step
        loss = float(self.trainer.last_loss)
        if not math.isfinite(loss):
            slower = "Lower the learning rate of this arm, or lengthen its warm-up."
            never = "Nothing was learned before it, so no learning rate helps: look at the objective and the data."
            raise Diverged(f"The loss became {loss} at step {step}.", slower if step > 1 else never)
        scalars = ((name, float(value)) for name, value in self.trainer.last_scalars.items())
        norm = self.trainer.last_norm
        self.journal.emit(
            "stepped", step=step, loss=loss, learning_rate=self.trainer.last_rate, phase=self.name,
            elapsed=time.monotonic() - self.began,
            scalars={name: value for name, value in scalars if math.isfinite(value)},
            gradient_norm=float(norm) if norm is not None and math.isfinite(norm) else None,
        )  # fmt: skip
        if step % self.live_every == 0:
            self.live(step)
        self.stopped = self.stop.is_set() and state.global_step < state.max_steps
        due = state.global_step % self.checkpoint_every == 0 or state.global_step == state.max_steps
        control.should_save = due or self.stopped
        control.should_training_stop = control.should_training_stop or self.stopped
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """TRL has written its files: seal them."""
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        checkpoint.seal(self.folder, path, self.phase, state.global_step, self.journal.seq, self.identity)
        return control
