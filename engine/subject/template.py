"""A model's chat template: what it can say, how it wants calls, and what it writes for an answer.

Templates differ in what they take for a call's arguments (an object or JSON text), in the ids they ask for, and in
whether they know tools and calls at all. Which it is is found by rendering a call and reading it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any

from engine.spec.errors import ModelError
from engine.subject.calls import Call, apart, read
from engine.subject.messages import FORMS, Form, with_calls

BUILT_IN = """\
{{- bos_token or '' -}}
{%- if tools %}{{- 'Tools:\\n' -}}
{%- for tool in tools %}{{- (tool | tojson) + '\\n' -}}{%- endfor %}{{- '\\n' -}}{%- endif %}
{%- for message in messages -%}
{{- message.role | capitalize + ': ' -}}
{%- if message.role == 'assistant' -%}
{%- generation -%}
{{- message.content or '' -}}
{%- for call in message.tool_calls or [] -%}
{%- set function = call.function or call -%}
{{- '<tool_call>{"name": ' + (function.name | tojson) + ', "arguments": ' -}}
{{- (function.arguments if function.arguments is string else function.arguments | tojson) + '}</tool_call>' -}}
{%- endfor -%}
{{- eos_token or '' -}}
{%- endgeneration -%}
{{- '\\n' -}}
{%- else -%}
{{- (message.content or '') + '\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}
"""
"""The plain template of a model that brings none."""

MARK = "\u2063answer\u2063"
"""No model's template holds it."""

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Its name"},
                "days": {"type": "integer", "description": "How many"},
            },
            "required": ["city", "days"],
        },
    },
}
"""A tool to try a template with."""

CALL = Call(name="get_weather", arguments={"city": "Rome", "days": 3})
"""A call of `TOOL`."""

_OVERLAP = 64  # characters by which a prompt and its answered form are aligned


class Template:
    """The chat template of a tokenizer, or a plain one where it has none.

    Models that may think before they answer are asked not to: answers of the data hold no thoughts, which are left out
    as a file is read.

    Attributes:
        text: The template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.text = template_of(tokenizer)
        self._options = {"enable_thinking": False} if "enable_thinking" in self.text else {}

    @cached_property
    def shows_tools(self) -> bool:
        """Whether it shows the tools on offer; where it does not, they are written into the first message."""
        try:
            return CALL.name in self._render([{"role": "user", "content": "?"}], [TOOL], open_answer=True)
        except ModelError:
            return "tools" in self.text

    @cached_property
    def form(self) -> Form | None:
        """How it wants calls. None where it writes none: they are then written as Hermes does, as words."""
        seen = raised = None
        for form in FORMS:
            try:
                written = self._tried(form)
            except ModelError:
                raised = raised or form
                continue
            printed = str(CALL.arguments) in written  # an object that the template prints as Python does
            if read(written, [TOOL]).calls == (CALL,) and not printed:
                return form
            if CALL.name in written:
                seen = seen or form  # in a language that is not read: every call will be refused
        return seen or (raised if "tool_calls" in self.text else None)

    def render(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], *, open_answer: bool) -> str:
        """Messages as text.

        Args:
            open_answer: Whether an answer is to follow.

        Raises:
            ModelError: The template refuses them.
        """
        calls = any(message.get("tool_calls") for message in messages)
        prepared = with_calls(messages, self.form) if calls else [dict(message) for message in messages]
        if tools and not self.shows_tools:
            shown = "Tools:\n" + "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
            first = prepared[0]  # joined to the first message: a template without tools may refuse a system role
            prepared[0] = {**first, "content": f"{shown}\n\n{first.get('content') or ''}"}
        return self._render(prepared, tools, open_answer=open_answer)

    def answer(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], answer: Mapping[str, Any], prompt: str
    ) -> str:
        """What the template writes for an answer, and whatever it puts behind it.

        Args:
            prompt: `messages` rendered, open for an answer.

        Raises:
            ModelError: The template refuses the messages.
        """
        message = {**answer, "content": answer.get("content") or ""}
        whole = self.render([*messages, message], tools, open_answer=False)
        if whole.startswith(prompt):
            return whole[len(prompt) :]
        other = self.render([*messages, {"role": "assistant", "content": MARK}], tools, open_answer=False)
        shared = _shared(whole, other)
        return _behind(prompt, whole[:shared]) + whole[shared:]

    def beginning(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], begun: str, prompt: str
    ) -> str:  # fmt: skip
        """What the template writes for the beginning of an answer, and whatever it puts before it (a space, say).

        Args:
            begun: The beginning of the answer's content.
            prompt: `messages` rendered, open for an answer.

        Raises:
            ModelError: The template refuses the messages, or writes the beginning differently.
        """
        written = self.answer(messages, tools, {"role": "assistant", "content": begun + MARK}, prompt)
        opened, mark, _ = written.partition(MARK)
        shown = begun.lstrip() or begun  # a template may trim the content
        if not mark or not opened.endswith(shown):
            raise ModelError(
                f"The model's chat template writes the beginning {begun[:80]!r} of an answer differently.",
                "Begin the answer with plain words.",
            )
        return opened

    def _tried(self, form: Form) -> str:
        """What it writes for a call in a form. Raises ModelError."""
        asked: list[dict[str, Any]] = [{"role": "user", "content": "?"}]
        call = {"type": "function", "function": {"name": CALL.name, "arguments": CALL.arguments}}
        answered = with_calls([*asked, {"role": "assistant", "content": "", "tool_calls": [call]}], form)
        whole = self._render(answered, [TOOL], open_answer=False)
        other = self._render([*asked, {"role": "assistant", "content": MARK}], [TOOL], open_answer=False)
        return whole[_shared(whole, other) :]

    def _render(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], *, open_answer: bool) -> str:
        try:
            return self.tokenizer.apply_chat_template(
                list(messages),
                tools=list(tools) or None,
                chat_template=self.text,
                add_generation_prompt=open_answer,
                tokenize=False,
                **self._options,
            )
        except Exception as error:  # a template is a program of its own and may raise anything
            raise ModelError(
                f"The model's chat template refuses these messages: {error}",
                "Use a model whose chat template takes system, user and assistant messages.",
            ) from error


def template_of(tokenizer: Any) -> str:
    """The template that is used with a tokenizer: its own, or the plain one."""
    own = tokenizer.chat_template  # one text: engine.models.template chose it where there are several
    return own if isinstance(own, str) and own.strip() else BUILT_IN


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _behind(prompt: str, before: str) -> str:
    """What a template puts between a prompt and its answer: space, or an empty thought.

    Args:
        before: All that stands before the answer's own words once the prompt is answered.
    """
    for length in range(min(_OVERLAP, len(prompt)), 0, -1):
        at = before.rfind(prompt[-length:])
        if at >= 0:
            between = before[at + length :]
            empty = apart(between)
            return between if not empty.rest.strip() and not empty.thought and not empty.unfinished else ""
    return ""
