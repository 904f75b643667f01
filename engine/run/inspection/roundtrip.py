"""Whether a model can say the right answers: rendered by its own template, each must be read back and graded right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from engine.spec.errors import LabError
from engine.spec.example import Example, Prompt
from engine.spec.understanding import Refused
from engine.subject.calls import Call, Reading, apart, label, read
from engine.subject.grading import grade
from engine.subject.rendering import Renderer
from engine.subject.template import CALL, TOOL

_SHOWN = 160  # characters of an answer that a reason quotes
_MOST_WORDS = 20  # of a message that are looked for in the prompt
_WORD = re.compile(r"[^\W_]{3,}")


def check(examples: Iterable[Example], renderer: Renderer) -> list[Refused]:
    """The examples whose right answer the model cannot say, or says so that it is not read back as right.

    An answer is taken through the model's tokens, as a generated one is, up to the first that ends an answer.
    """
    found: list[Refused] = []
    for example in examples:
        reason = _reason(example, renderer)
        if reason:
            found.append(Refused(row=example.row, example=example.id, reason=reason))
    return found


def language(renderer: Renderer) -> str:
    """How the model's template writes a call, in words; "" where what it writes is not read."""
    prompt = Prompt(messages=({"role": "user", "content": "?"},), tools=(TOOL,))
    function = {"name": CALL.name, "arguments": CALL.arguments}
    answer = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
    try:
        said = renderer.answer_text(prompt, answer)
    except LabError:
        return ""
    reading = read(renderer.answer_of(said), prompt.tools)
    return label(reading.language) if reading.calls == (CALL,) else ""


def _reason(example: Example, renderer: Renderer) -> str:
    """Why an example cannot be used with the model; "" where it can."""
    try:
        shown = renderer.prompt_text(example.prompt)
        ids = renderer.answer_ids(example.prompt, example.answer)
    except LabError as error:
        return error.message
    if lost := _lost(example.prompt, shown):
        return f"The model's chat template leaves out the {lost} message."
    if len(ids) > (room := renderer.room(len(ids))):
        return (
            f"The right answer takes {len(ids)} tokens; the model sees {renderer.context} in all, {room} for answers."
        )
    text = renderer.said(example.prompt, _up_to_end(ids, renderer))
    if _right(text, example):
        return ""
    reading = read(text, example.prompt.tools)
    wanted = "no call" if not example.gold.calls else example.gold.shown()
    if example.gold.kind == "text":
        return f"The model's chat template writes {_cut(text)} for the answer {_cut(example.gold.text)}."
    read_as = _words(reading)
    if read_as == wanted:
        return (
            f"The grader {example.gold.grader!r} does not take the data's own answer as right: {_cut(wanted, False)}."
        )
    return (
        f"The model's chat template writes {_cut(text)}, which reads as {_cut(read_as, quoted=False)} "
        f"where {_cut(wanted, quoted=False)} is right."
    )


def _right(text: str, example: Example) -> bool:
    if grade(text, example.gold, example.prompt.tools).correct:
        return True
    content = example.answer.get("content")  # of a worked answer only its end is graded: it must come back whole
    return example.gold.kind == "text" and isinstance(content, str) and apart(text).rest.strip() == content.strip()


def _up_to_end(ids: Sequence[int], renderer: Renderer) -> Sequence[int]:
    return ids[: next((at for at, token in enumerate(ids) if token in renderer.end_ids), len(ids))]


def _lost(prompt: Prompt, shown: str) -> str:
    """The role of a message of which the rendered prompt holds less than half the words; "" where there is none.

    The assistant's are not looked at: templates leave out its thoughts, and its words beside a call.
    """
    for message in prompt.messages:
        content = message.get("content")
        words = _WORD.findall(content)[:_MOST_WORDS] if isinstance(content, str) else []
        if message.get("role") != "assistant" and 2 * sum(word in shown for word in words) < len(words):
            return str(message.get("role"))
    return ""


def _words(reading: Reading) -> str:
    if not reading.calls:
        return "a call that cannot be read" if reading.attempted else "no call"
    return "; ".join(_call(call) for call in reading.calls)


def _call(call: Call) -> str:
    arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
    return f"{call.name}({', '.join(arguments)})"


def _cut(text: str, quoted: bool = True) -> str:
    """A text in a sentence, printable and short."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return repr(cut) if quoted else "".join(char if char.isprintable() else " " for char in cut)
