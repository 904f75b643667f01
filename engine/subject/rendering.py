"""From messages to the model's own form and back: prompts, answers, end tokens, token ids.

A prompt is read as three parts, each tokenised on its own: `prefix` (ids that stand before every text), the rendered
messages, and the beginning of the answer where the prompt has one. In training, too, an answer is tokenised apart from
its prompt: the ids of a prompt with a beginning, followed by the ids of the rest of an answer, are those of the prompt
without one, followed by the whole answer (`Renderer.following` says where they are not).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.spec.errors import DataError, ModelError
from engine.spec.example import Example, Frozen, Prompt
from engine.spec.provenance import hash_text
from engine.subject.forward import windows
from engine.subject.messages import calls_text
from engine.subject.template import BUILT_IN, MARK, Template, template_of

__all__ = ["BUILT_IN", "Encoded", "Renderer", "calls_text", "context_of"]

_SHOWN = 80  # characters of a text that an error quotes


class Encoded(Frozen):
    """A training example as token ids. `cut` counts the prompt tokens dropped from the left, `lost` the answer's."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    cut: int = 0
    lost: int = 0


class _Rendered(NamedTuple):
    """A prompt with its text and ids, without the prefix; `begun` and `begun_ids`: the part that begins the answer."""

    prompt: Prompt
    text: str
    ids: tuple[int, ...]
    begun: str
    begun_ids: tuple[int, ...]


class Renderer:
    """Renders prompts and answers with a tokenizer's chat template; the same one in training and evaluation.

    Attributes:
        template: The template in use.
        writer: What it can say, and how it wants it.
        digest: sha256 of it.
        end: The text that ends an answer, e.g. "<|im_end|>".
        end_ids: Tokens that end an answer.
        pad_id: Token for padding (never looked at).
        context: Longest sequence the model takes, in tokens, the prefix included.
        prefix: Token ids before every prompt and every plain text, e.g. those of a soft prompt. Never cut away.
    """

    def __init__(self, tokenizer: Any, context: int, eos_ids: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.context = context
        self.prefix: tuple[int, ...] = ()
        self.writer = Template(tokenizer)
        self.template: str = self.writer.text
        self._prompts: dict[int, _Rendered] = {}
        self._texts: dict[str, tuple[int, ...]] = {}
        self.end = self._find_end()
        end_ids = self.ids(self.end)
        ends = {*(end_ids[:1]), *eos_ids, *([tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])}
        self.end_ids = frozenset(ends)
        pads = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self.pad_id: int = next(token for token in pads if token is not None)

    def with_prefix(self, ids: Sequence[int]) -> Renderer:
        """The same with other ids before every text; what was rendered is remembered by both.

        Args:
            ids: Whatever the model's input embedding takes, also ids beyond the tokenizer's vocabulary.

        Raises:
            ModelError: They leave no room in the context for a prompt and an answer.
        """
        if len(ids) > self.context - 2:
            raise ModelError(
                f"A prefix of {len(ids)} tokens leaves no room: the model sees {self.context} tokens in all.",
                "Use a shorter prefix.",
            )
        made = copy.copy(self)
        made.prefix = tuple(ids)
        return made

    def room(self, tokens: int) -> int:
        """How many of so many tokens an answer may take, its end included: a quarter of the context is the prompt's."""
        free = self.context - len(self.prefix)
        return max(1, min(tokens, free - max(1, free // 4)))

    @property
    def digest(self) -> str:
        """sha256 of the template as it stands now, so that a change under way is seen."""
        return hash_text(template_of(self.tokenizer))

    def prompt_text(self, prompt: Prompt) -> str:
        """The prompt up to where the model goes on: the answer's beginning included, the prefix not (it has no text).

        Raises:
            ModelError: The template refuses the messages, or rewrites the answer's beginning.
        """
        return self._prompt(prompt).text

    def prompt_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the prompt, with the prefix before it and the answer's beginning behind it."""
        ids = self._prompt(prompt).ids
        return self.prefix + ids if self.prefix else ids

    def begun_text(self, prompt: Prompt) -> str:
        """The beginning of the answer as the template writes it; "" where the prompt has none."""
        return self._prompt(prompt).begun

    def begun_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the answer's beginning: the last ones of `prompt_ids`."""
        return self._prompt(prompt).begun_ids

    def answer_text(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """What follows the prompt where this is the answer, up to and with its end token.

        A template may render a prompt differently once it is answered (an empty thought, a system message that moves):
        the answer is what the template writes for it, behind the very prompt that evaluation shows.

        Raises:
            ModelError: The template refuses the messages.
            DataError: The answer does not begin as its prompt says.
        """
        return self._whole(prompt, answer)[len(self.begun_text(prompt)) :]

    def answer_ids(self, prompt: Prompt, answer: Mapping[str, Any]) -> tuple[int, ...]:
        """Token ids of `answer_text`, as they follow `prompt_ids`. Raises what `answer_text` and `following` raise."""
        return self.following(prompt, self._whole(prompt, answer))

    def whole_answer(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """The whole answer as text, its beginning included and its end token not. Raises what `answer_text` raises."""
        return self.answer_of(self._whole(prompt, answer))

    def following(self, prompt: Prompt, whole: str) -> tuple[int, ...]:
        """Token ids that follow `prompt_ids` in a whole answer (as the template, or the model, wrote it).

        They are the ids of the whole answer without those of its beginning. Where the beginning ends within a token of
        the whole answer, what follows is tokenised on its own.

        Raises:
            DataError: The answer does not begin as its prompt says.
            ModelError: The tokenizer cannot go on from the beginning: on its own, the rest would be another text.
        """
        begun, first = self.begun_text(prompt), self.begun_ids(prompt)
        whole = self._checked(begun, whole)
        ids = self.ids(whole)
        if ids[: len(first)] == first:
            return ids[len(first) :]
        rest = self.ids(whole[len(begun) :])
        if self.text(first + rest) != self.text(ids):
            raise ModelError(
                f"The model's tokenizer cannot go on from {_quoted(begun)} in {_quoted(whole)}.",
                "Let the beginning of the answer end with a whole word, without a space.",
            )
        return rest

    def said(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """The whole answer as text, where a model went on with these ids; see `text`."""
        return self.text((*self.begun_ids(prompt), *ids))

    def encode(self, example: Example) -> Encoded:
        """An example as token ids, at most `context` together: what is too long is cut from the prompt's left."""
        return self.fit(self.prompt_ids(example.prompt), self.answer_ids(example.prompt, example.answer))

    def fit(self, prompt: Sequence[int], completion: Sequence[int]) -> Encoded:
        """Both within the context; the prefix and at least one further token of the prompt stay.

        Args:
            prompt: As `prompt_ids` gives it: it begins with the prefix.
        """
        kept = tuple(completion[: self.context - len(self.prefix) - 1])
        shown = self.cut(prompt, self.context - len(kept))
        return Encoded(
            prompt=shown, completion=kept, cut=len(prompt) - len(shown), lost=len(completion) - len(kept)
        )  # fmt: skip

    def cut(self, prompt: Sequence[int], most: int) -> tuple[int, ...]:
        """A prompt's ids, as `prompt_ids` gives them, cut to `most` from the left behind the prefix.

        At least one token stays beside the prefix.
        """
        size = len(self.prefix)
        if tuple(prompt[:size]) != self.prefix:
            raise ValueError("The prompt's ids do not begin with the renderer's prefix.")
        room = max(1, most - size)
        return (*self.prefix, *prompt[max(size, len(prompt) - room) :])

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

    def _prompt(self, prompt: Prompt) -> _Rendered:
        """A prompt rendered, and remembered: evaluation items come again and again."""
        known = self._prompts.get(id(prompt))
        if known is None or known.prompt is not prompt:
            text = self.writer.render(prompt.messages, prompt.tools, open_answer=True)
            begun = self.writer.beginning(prompt.messages, prompt.tools, prompt.begun, text) if prompt.begun else ""
            begun_ids = self.ids(begun) if begun else ()
            known = _Rendered(prompt, text + begun, self.ids(text) + begun_ids, begun, begun_ids)
            self._prompts[id(prompt)] = known
        return known

    def _whole(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """The answer from its very beginning up to and with its end token."""
        known = self._prompt(prompt)
        shown = known.text.removesuffix(known.begun)
        written = self._until_end(self.writer.answer(prompt.messages, prompt.tools, answer, shown))
        return self._checked(known.begun, written)

    def _checked(self, begun: str, whole: str) -> str:
        """The answer with the beginning, for space in front of it another template's may have written differently.

        Raises:
            DataError: The answer begins otherwise.
        """
        if whole.startswith(begun):
            return whole
        stripped, opening = whole.lstrip(), begun.lstrip()
        if not stripped.startswith(opening):
            raise DataError(
                f"The answer {_quoted(whole)} does not begin with {_quoted(begun)}, as its prompt says.",
                "Give the whole answer, its beginning included.",
            )
        return begun + stripped[len(opening) :]

    def _find_end(self) -> str:
        asked = [{"role": "user", "content": "?"}]
        answered = self.writer.render([*asked, {"role": "assistant", "content": MARK}], (), open_answer=False)
        rest = answered.partition(MARK)[2]
        specials = [token for token in self.tokenizer.all_special_tokens if token and token in rest]
        if specials:
            first = min(specials, key=rest.index)
            return rest[: rest.index(first) + len(first)]
        return self.tokenizer.eos_token or rest or "\n"

    def _until_end(self, rest: str) -> str:
        at = rest.rfind(self.end)
        if at >= 0:
            return rest[: at + len(self.end)]
        rest = rest.rstrip("\n")
        ends = tuple(token for token in map(self.text, ([end] for end in self.end_ids)) if token.strip())
        return rest if ends and rest.endswith(ends) else rest + self.end  # calls may end otherwise, e.g. in <|eom_id|>


def context_of(config: Any, tokenizer: Any) -> int:
    """The longest sequence of a model, in tokens: the smaller of what its configuration and tokenizer say.

    The configuration is that of the part that reads text, under whatever name its family has for the length.
    """
    said = [windows.context(config), getattr(tokenizer, "model_max_length", None)]
    return min([length for length in said if isinstance(length, int) and 0 < length < 10**7], default=windows.UNKNOWN)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
