"""From messages to the model's own form and back: chat templates, end tokens, token ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import ModelError
from engine.example import Example, Frozen, Prompt
from engine.provenance import hash_text

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

_MARK = "\u2063answer\u2063"  # no model's template holds it


class Encoded(Frozen):
    """A training example as token ids. `cut` counts the prompt tokens dropped from the left, `lost` the answer's."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    cut: int = 0
    lost: int = 0


class Renderer:
    """Renders prompts and answers with a tokenizer's chat template; the same one in training and evaluation.

    Attributes:
        template: The template in use.
        digest: sha256 of it.
        end: The text that ends an answer, e.g. "<|im_end|>".
        end_ids: Tokens that end an answer.
        pad_id: Token for padding (never looked at).
        context: Longest sequence the model takes, in tokens.
    """

    def __init__(self, tokenizer: Any, context: int, eos_ids: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.context = context
        own = tokenizer.chat_template
        self.template: str = own if isinstance(own, str) and own.strip() else BUILT_IN
        self._shows_tools = "tools" in self.template
        self._shows_calls = "tool_calls" in self.template
        self._prompts: dict[int, tuple[Prompt, str, tuple[int, ...]]] = {}
        self._texts: dict[str, tuple[int, ...]] = {}
        self.end = self._find_end()
        end_ids = self.ids(self.end)
        ends = {*(end_ids[:1]), *eos_ids, *([tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])}
        self.end_ids = frozenset(ends)
        pads = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self.pad_id: int = next(token for token in pads if token is not None)

    @property
    def digest(self) -> str:
        """sha256 of the template as it stands now, so that a change under way is seen."""
        own = self.tokenizer.chat_template
        return hash_text(own if isinstance(own, str) and own.strip() else BUILT_IN)

    def prompt_text(self, prompt: Prompt) -> str:
        """The prompt up to where the answer begins. Raises ModelError where the template refuses it."""
        return self._prompt(prompt)[1]

    def prompt_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the prompt."""
        return self._prompt(prompt)[2]

    def answer_text(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """What the template adds for an answer, up to and with its end token.

        Raises:
            ModelError: The template renders the prompt differently once it is answered, so that training
                would show another prompt than evaluation.
        """
        message = dict(answer)
        if message.get("tool_calls") and not self._shows_calls:
            message = {"role": "assistant", "content": calls_text(message["tool_calls"])}
        message.setdefault("content", "")
        start = self.prompt_text(prompt)
        whole = self._render([*self._messages(prompt), message], prompt.tools, False)
        if not whole.startswith(start):
            raise ModelError(
                "The model's chat template renders a prompt differently once it is answered.",
                "Training would then show another prompt than evaluation. Use a model with a plain chat template.",
            )
        return self._until_end(whole[len(start) :])

    def encode(self, example: Example) -> Encoded:
        """An example as token ids, at most `context` together: what is too long is cut from the prompt's left."""
        return self.fit(self.prompt_ids(example.prompt), self.ids(self.answer_text(example.prompt, example.answer)))

    def fit(self, prompt: Sequence[int], completion: Sequence[int]) -> Encoded:
        """Both within the context; at least one token of the prompt stays."""
        kept = tuple(completion[: self.context - 1])
        room = max(1, self.context - len(kept))
        return Encoded(
            prompt=tuple(prompt[-room:]),
            completion=kept,
            cut=max(0, len(prompt) - room),
            lost=len(completion) - len(kept),
        )

    def ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text, without the tokens a tokenizer adds on its own."""
        if len(text) > 64:
            return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        if text not in self._texts:  # options and end tokens come again and again
            self._texts[text] = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return self._texts[text]

    def text(self, ids: Sequence[int]) -> str:
        """An answer's tokens as text, without the end token; other special tokens stay."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def answer_of(self, rendered: str) -> str:
        """What a probe would see of an answer that `answer_text` rendered: without the end token."""
        return rendered.removesuffix(self.end)

    def _prompt(self, prompt: Prompt) -> tuple[Prompt, str, tuple[int, ...]]:
        """Text and ids of a prompt, remembered: evaluation items come again and again."""
        known = self._prompts.get(id(prompt))
        if known is None or known[0] is not prompt:
            text = self._render(self._messages(prompt), prompt.tools, True)
            known = (prompt, text, self.ids(text))
            self._prompts[id(prompt)] = known
        return known

    def _messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        messages = [dict(message) for message in prompt.messages]
        if not prompt.tools or self._shows_tools:
            return messages
        shown = "Tools:\n" + "\n".join(json.dumps(tool, ensure_ascii=False) for tool in prompt.tools)
        first = messages[0]  # joined to the first message: a template without tools may refuse a system role
        return [{**first, "content": f"{shown}\n\n{first.get('content') or ''}"}, *messages[1:]]

    def _render(self, messages: list[dict[str, Any]], tools: Sequence[Any], open_answer: bool) -> str:
        try:
            return self.tokenizer.apply_chat_template(
                messages,
                tools=list(tools) or None,
                chat_template=self.template,
                add_generation_prompt=open_answer,
                tokenize=False,
            )
        except Exception as error:  # a template is a program of its own and may raise anything
            raise ModelError(
                f"The model's chat template refuses these messages: {error}",
                "Use a model whose chat template takes system, user and assistant messages.",
            ) from error

    def _find_end(self) -> str:
        asked = [{"role": "user", "content": "?"}]
        answered = self._render([*asked, {"role": "assistant", "content": _MARK}], (), False)
        rest = answered.partition(_MARK)[2]
        specials = [token for token in self.tokenizer.all_special_tokens if token and token in rest]
        if specials:
            first = min(specials, key=rest.index)
            return rest[: rest.index(first) + len(first)]
        return self.tokenizer.eos_token or rest or "\n"

    def _until_end(self, rest: str) -> str:
        at = rest.rfind(self.end)
        return rest[: at + len(self.end)] if at >= 0 else rest.rstrip("\n") + self.end


def calls_text(calls: Sequence[Mapping[str, Any]]) -> str:
    """Calls as text, for a template that knows none."""
    parts = []
    for call in calls:
        function = call.get("function", call)
        arguments = function.get("arguments", {})
        body = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        parts.append(f'<tool_call>{{"name": {json.dumps(function.get("name"))}, "arguments": {body}}}</tool_call>')
    return "".join(parts)


def context_of(config: Any, tokenizer: Any) -> int:
    """The longest sequence of a model, in tokens: the smaller of what its configuration and tokenizer say."""
    said = [getattr(config, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None)]
    return min([length for length in said if isinstance(length, int) and 0 < length < 10**7], default=1024)
