"""What a run says while it works: one JSON object a line, numbered, in `events.ndjson` of its folder.

The stream is a pure function of the run: a run that resumes from a checkpoint repeats the numbers it had
already written, so a reader that keeps the first event of every number sees an undisturbed run. What is not
reproducible (process ids, attempts, failures) is not an event: a failure is `failure.json` beside the stream.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, TypeAdapter

from engine.spec.example import Frozen, ItemText, Outcome


class Started(Frozen):
    """The run began. `total_steps` is the number of optimizer steps over all phases (0: nothing is trained)."""

    kind: Literal["started"] = "started"
    seq: int
    total_steps: int
    threads: int
    device: str
    versions: dict[str, str]
    hardware: dict[str, str] = Field(default_factory=dict)


class Asked(Frozen):
    """What a probe asked in its full measurement, in words; its outcomes follow."""

    kind: Literal["asked"] = "asked"
    seq: int
    probe: str
    texts: tuple[ItemText, ...] = ()


class Entered(Frozen):
    """A phase of training begins: what a reader of its steps must know.

    Attributes:
        phase: Its objective, e.g. "sft", "dpo".
        first: Optimizer steps of the run before it.
        max_grad_norm: Gradients with a larger norm are scaled down to it.
        comparable: Whether losses of different steps are of the same kind. They are not where batches are sampled from
            the policy, or rows are made again on the way: such a loss need not fall while the model learns.
    """

    kind: Literal["entered"] = "entered"
    seq: int
    phase: str
    first: int
    steps: int
    max_grad_norm: float
    comparable: bool


class Scored(Frozen):
    """Examples of the run's own kind that it does not train on were scored, as the model stood after `step` steps.

    Attributes:
        losses: Mean negative log-likelihood of each right answer's tokens, nats a token; the same examples each time.
    """

    kind: Literal["scored"] = "scored"
    seq: int
    step: int
    losses: tuple[float, ...]


class Stepped(Frozen):
    """Optimizer step `step` (1-based, over all phases) is done.

    Attributes:
        loss: The objective's loss; nats per answer token for SFT, TRL's DPO loss for DPO.
        phase: Which objective, e.g. "sft", "dpo".
        elapsed: Seconds since the run's process began; differs between repeats.
        scalars: Further figures of the step that the objective names; each is a live curve.
        gradient_norm: Of all trained weights together, before clipping; None where it was not recorded.
    """

    kind: Literal["stepped"] = "stepped"
    seq: int
    step: int
    loss: float
    learning_rate: float
    phase: str
    elapsed: float
    scalars: dict[str, float] = Field(default_factory=dict)
    gradient_norm: float | None = None


class Probed(Frozen):
    """A probe measured the model after `step` steps.

    Attributes:
        stage: "live" (small fixed sample, during training) or "after" (the full set).
        metrics: Metric name to value; a metric that could not be measured is absent.
        outcomes: Every item's outcome ("after" only).
    """

    kind: Literal["probed"] = "probed"
    seq: int
    step: int
    probe: str
    stage: Literal["live", "after"]
    metrics: dict[str, float]
    outcomes: tuple[Outcome, ...] = ()


class Checked(Frozen):
    """An integrity check of this run (see `engine/run/checks.py`)."""

    kind: Literal["checked"] = "checked"
    seq: int
    name: str
    ok: bool
    detail: str


class Finding(NamedTuple):
    """A check's name, whether it holds, and what was seen."""

    name: str
    ok: bool
    detail: str


class Noted(Frozen):
    """Something a reader of the report must know, e.g. how many negatives the teacher gave, by type."""

    kind: Literal["noted"] = "noted"
    seq: int
    name: str
    detail: str


class Finished(Frozen):
    """The run is complete: everything it measured stands before this line."""

    kind: Literal["finished"] = "finished"
    seq: int
    seconds: float
    adapter: str = ""  # sha256 of the adapter's weights; "" where nothing was trained


Event = Annotated[
    Started | Entered | Asked | Scored | Stepped | Probed | Checked | Noted | Finished, Field(discriminator="kind")
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def encode(event: Event) -> str:
    """One line of JSON, without the line end."""
    return event.model_dump_json()


def decode(line: str | bytes) -> Event:
    """The event of one line. Raises pydantic.ValidationError where the line is none."""
    return EVENT.validate_json(line)
