"""How many tokens an answer may take: as the longest right answer of the data needs in the model's own template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.spec.errors import LabError
from engine.spec.example import Example, Gold, Item, Prompt, StudyData, first_accepted
from engine.subject.calls import thoughts
from engine.subject.rendering import Renderer, calls_text

LEAST = 48  # tokens
SPARE = 16  # tokens beside a quarter more than the longest right answer
ROUND = 8  # limits are a multiple of so many tokens
_MEASURED, _RENDERED = 2000, 48  # the longest answers in bytes are measured in tokens, the longest of those rendered
_PROMPTS = 16  # the longest prompts in characters are measured in tokens


class Limit(NamedTuple):
    """The room for an answer, in tokens.

    Attributes:
        tokens: The most tokens an answer may take, its end included.
        answer: Tokens of the longest right answer, its end included; 0 where there is none.
        prompt: Tokens of the longest prompt.
        think: Tokens of `tokens` that are there to think before the answer.
    """

    tokens: int
    answer: int
    prompt: int
    think: int = 0

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        said = f"Answers may take {self.tokens} tokens; the longest right answer takes {self.answer}"
        return f"{said}, and {self.think} are for what is thought before it." if self.think else f"{said}."


class Limits:
    """The limits of a study's data, for every model that answers them."""

    def __init__(self, items: Sequence[Item], train: Sequence[Example]) -> None:
        self._items, self._train = items, train
        self._known: dict[tuple[Any, ...], tuple[Any, int, int]] = {}

    @classmethod
    def of_data(cls, data: StudyData) -> Limits:
        """Of all items and all training examples."""
        return cls(data.items, data.train)

    def of(self, renderer: Renderer, think_tokens: int = 0) -> Limit:
        """The limit for one model.

        A quarter more than the longest right answer and 16 tokens, rounded up to a multiple of 8, at least 48, as far
        as the context goes: beyond the longest right answer nothing is given that the longest prompt needs of it, and
        a quarter of it is always the prompt's. In a context of 60 tokens an answer may take no more than 45.

        Args:
            think_tokens: Given besides where the template thinks before it answers.
        """
        answer, prompt = self._longest(renderer)
        thought = think_tokens if thinks(renderer) else 0
        wanted = max(LEAST, _rounded(answer + -(-answer // 4) + SPARE)) + thought
        room = max(renderer.context - prompt, answer)
        tokens = renderer.room(min(wanted, room))
        return Limit(tokens, answer, prompt, max(0, min(thought, tokens - answer)))

    def _longest(self, renderer: Renderer) -> tuple[int, int]:
        """Tokens of the longest right answer and of the longest prompt."""
        key = (id(renderer.tokenizer), renderer.digest, renderer.context, renderer.prefix)
        if key not in self._known:  # the tokenizer is kept beside: its id is its own as long as it lives
            asked = [item.prompt for item in self._items] + [example.prompt for example in self._train]
            asked.sort(key=_characters, reverse=True)
            prompts = [len(renderer.prompt_ids(prompt)) for prompt in asked[:_PROMPTS]]
            self._known[key] = renderer.tokenizer, self._longest_answer(renderer), max(prompts, default=0)
        return self._known[key][1:]

    def _longest_answer(self, renderer: Renderer) -> int:
        answers: dict[str, tuple[Prompt, Mapping[str, Any]]] = {}
        for example in self._train:
            answers.setdefault(_plain(example.answer), (example.prompt, example.answer))
        for item in self._items:
            answer = right_answer(item.gold)
            answers.setdefault(_plain(answer), (item.prompt, answer))
        texts = sorted(answers, key=lambda text: len(text.encode()), reverse=True)[:_MEASURED]
        texts = [text for text in texts if text]
        sizes = [len(ids) for ids in renderer.tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []
        ranked = sorted(zip(sizes, texts, strict=True), key=lambda pair: -pair[0])[:_RENDERED]
        return max((_tokens(renderer, *answers[text], least=size) for size, text in ranked), default=0)


def right_answer(gold: Gold) -> dict[str, Any]:
    """The longest right answer of an item as a message; empty where any answer without a call is right."""
    if gold.kind == "text" or not gold.calls:
        return {"role": "assistant", "content": gold.text}
    calls = [
        {"type": "function", "function": {"name": call["name"], "arguments": _longest_values(call["arguments"], gold)}}
        for call in gold.calls
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def thinks(renderer: Renderer) -> bool:
    """Whether the template knows of thoughts before an answer."""
    return thoughts.mentioned(renderer.template)


def _longest_values(accepted: Mapping[str, Any], gold: Gold) -> dict[str, Any]:
    found = {}
    for name, values in accepted.items():
        listed = list(values) if isinstance(values, list | tuple) else [values]
        listed = [first_accepted(value) for value in listed] if gold.grader == "bfcl" else listed
        longest = max(listed, key=lambda value: len(json.dumps(value, default=str)), default="")
        if longest != "":  # an argument that may be left out, and has no other value
            found[name] = longest
    return found


def _plain(answer: Mapping[str, Any]) -> str:
    return str(answer.get("content") or "") + calls_text(answer.get("tool_calls") or ())


def _characters(prompt: Prompt) -> int:
    return len(str(prompt.messages)) + len(str(prompt.tools))


def _tokens(renderer: Renderer, prompt: Prompt, answer: Mapping[str, Any], least: int) -> int:
    try:
        return len(renderer.answer_ids(prompt, answer))
    except LabError:  # said where the example is used
        return least + len(renderer.ids(renderer.end))


def _rounded(tokens: int) -> int:
    return -(-tokens // ROUND) * ROUND
