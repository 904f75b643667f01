"""What a model is trained and measured on. Plain values: no torch, no tokenizer."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

TEXT = 500  # characters that are kept of a text


class Frozen(BaseModel):
    """Base of every value that crosses a room: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(StrEnum):
    """Where the shortcut points on an item."""

    CONGRUENT = "congruent"  # the shortcut gives the right answer
    CONFLICTING = "conflicting"  # the shortcut gives a wrong answer
    NEUTRAL = "neutral"  # the shortcut says nothing


class Prompt(Frozen):
    """What a model is given before it answers.

    Attributes:
        messages: Chat messages ({"role", "content", ...}), the last one not the assistant's.
        tools: JSON-schema tool descriptions ({"type": "function", "function": {...}}), possibly none.
        evidence: Text that states what is asked for; "" for none. Only a method that is about it shows it.
        begun: The beginning of the answer's content, from which the model goes on; "" where it begins itself. It
            should end with a whole word and without a space: the model goes on from the tokens of `begun` alone, and
            in the middle of a word these are not the tokens that a whole answer would have.
    """

    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    evidence: str = ""
    begun: str = ""


class Gold(Frozen):
    """The right answer, and how an answer is compared with it.

    Attributes:
        kind: "call" (compared as an abstract syntax tree) or "text" (compared as a string).
        text: The right string (kind "text"); "" for calls.
        calls: Accepted calls ({"name": str, "arguments": {arg: [accepted values]}}), for kind "call".
            Empty means that no tool applies: any answer without a call is right. With the grader "bfcl" the values
            are as the leaderboard's files have them: fields of objects are lists of alternatives, too, and "" among
            alternatives says that the argument or field may be left out.
        labels: All strings that are valid answers of this task (kind "text"), possibly none.
        grader: How calls are compared: "strict" (JSON's own equality) or "bfcl" (the leaderboard's rules).
    """

    kind: str = Field(default="text", pattern="^(call|text)$")
    grader: Literal["strict", "bfcl"] = "strict"
    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    labels: tuple[str, ...] = ()

    def shown(self) -> str:
        """The right answer as people read it; of accepted values the first."""
        if self.kind == "text":
            return self.text
        if not self.calls:
            return "(no call)"
        calls = [f"{call['name']}({', '.join(self._arguments(call['arguments']))})" for call in self.calls]
        return "; ".join(calls)

    def _arguments(self, accepted: dict[str, list[Any]]) -> list[str]:
        firsts = {name: values[0] if values else None for name, values in accepted.items()}
        if self.grader == "bfcl":
            firsts = {name: first_accepted(value) for name, value in firsts.items() if value != ""}
        return [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in firsts.items()]


def first_accepted(value: Any) -> Any:
    """An accepted value of a leaderboard's file as a plain one: of every field's alternatives the first.

    Objects, and objects in lists, hold alternatives; what is deeper inside them is plain already.
    """
    if isinstance(value, list):
        return [first_accepted(entry) if isinstance(entry, dict) else entry for entry in value]
    if not isinstance(value, dict):
        return value
    fields = {name: one if isinstance(one, list) else [one] for name, one in value.items()}
    return {name: one[0] for name, one in fields.items() if one and one[0] != ""}


class Item(Frozen):
    """One evaluation example.

    Attributes:
        id: Unique within the study's data.
        split: What is held out, e.g. "wording", "tools", "no_tool".
        cluster: Items that share a template, tool or noun are no independent draws: intervals take them together.
        crossed: A second factor, crossed with the first: items with the same value are no independent draws either,
            whatever their cluster (a hypothesis that comes with many premises); "" where there is none.
        side: Where the shortcut points.
        features: Numbers a probe may regress on, e.g. {"delta_log_frequency": 1.2}.
        task: The task of the world it is of, e.g. "chains"; "" where it comes from a user's file.
        payload: What that task's solver needs, as JSON (`Task.payload` reads it as a typed value).
    """

    id: str
    prompt: Prompt
    gold: Gold
    split: str
    cluster: str
    crossed: str = ""
    side: Side = Side.NEUTRAL
    features: dict[str, float] = Field(default_factory=dict)
    task: str = ""
    payload: dict[str, Any] = Field(default_factory=dict)


class ItemText(Frozen):
    """An item as people read it: what was asked last, and the right answer, each cut to 500 characters."""

    item: str
    prompt: str
    gold: str

    @classmethod
    def of(cls, item: Item) -> ItemText:
        """The words of an item."""
        asked = item.prompt.messages[-1].get("content") or "" if item.prompt.messages else ""
        return cls(item=item.id, prompt=str(asked)[:TEXT], gold=item.gold.shown()[:TEXT])


class Example(Frozen):
    """One training example: a prompt, the assistant message that answers it, and what an item carries.

    Attributes:
        family: The family of the instruction (shuffling swaps instructions between families).
        answer: The assistant message: {"role": "assistant", "content": ...} or with "tool_calls".
        instruction: Index into `prompt.messages` of the message that carries the instruction.
        row: Row of the user's file it comes from, counted from 1; 0 where it comes from no file.
        task, payload: As an item's.
    """

    id: str
    prompt: Prompt
    answer: dict[str, Any]
    gold: Gold
    family: str
    cluster: str
    side: Side = Side.NEUTRAL
    instruction: int = 0
    row: int = 0
    task: str = ""
    payload: dict[str, Any] = Field(default_factory=dict)


class Preference(Frozen):
    """A prompt with a right answer and a verified wrong one (text after the generation prompt, no end token).

    Attributes:
        failure: The type of the wrong answer, as `engine.subject.grading` names it.
    """

    prompt: Prompt
    chosen: dict[str, Any]
    rejected: str
    failure: str


class Outcome(Frozen):
    """What one run did on one item.

    Attributes:
        correct: Whether the answer is right; None where it was not scored, which is neither right nor wrong.
        output: The model's own words (untrusted text), cut to 500 characters.
        failure: The type of the failure; None where right, or not scored.
        value: A number the probe keeps per item (e.g. log P(true) - log P(false), nats), if any.
        crossed: The item's second factor. A probe need not copy it: the lab does (`engine.run.measured`).
        features: The item's features, so that figures can be drawn from stored outcomes alone.
    """

    item: str
    correct: bool | None
    split: str
    cluster: str
    crossed: str = ""
    side: Side = Side.NEUTRAL
    output: str = ""
    failure: str | None = None
    value: float | None = None
    features: dict[str, float] = Field(default_factory=dict)

    @field_validator("correct", "value", mode="before")
    @classmethod
    def _no_words(cls, given: Any) -> Any:
        """Pydantic would read "yes" as true and "12" as a number; a probe that gives words means something else."""
        if isinstance(given, str):
            raise ValueError("must not be text")
        return given


class StudyData(Frozen):
    """Everything a study is trained and measured on.

    Attributes:
        train: Pool of training examples, a superset of what one run uses.
        items: Evaluation items, for all probes; a probe picks the splits it measures.
        texts: Plain text of the base model's own kind, for forgetting.
        aside: Examples like those of the pool on which no run trains; empty: none were set aside.
        name: Where it comes from, for people.
        digest: sha256 over the content.
    """

    train: tuple[Example, ...]
    items: tuple[Item, ...]
    texts: tuple[str, ...] = ()
    aside: tuple[Example, ...] = ()
    name: str
    digest: str
