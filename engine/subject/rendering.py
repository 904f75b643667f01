"""From messages to the model's own form and back: prompts, answers, end tokens, token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.spec.example import Example, Frozen, Prompt
from engine.spec.provenance import hash_text
from engine.subject.forward import windows
from engine.subject.messages import calls_text
from engine.subject.template import BUILT_IN, MARK, Template, template_of

__all__ = ["BUILT_IN", "Encoded", "Renderer", "calls_text", "context_of"]


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
        writer: What it can say, and how it wants it.
        digest: sha256 of it.
        end: The text that ends an answer, e.g. "<|im_end|>".
        end_ids: Tokens that end an answer.
        pad_id: Token for padding (never looked at).
        context: Longest sequence the model takes, in tokens.
    """

    def __init__(self, tokenizer: Any, context: int, eos_ids: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.context = context
        self.writer = Template(tokenizer)
        self.template: str = self.writer.text
        self._prompts: dict[int, tuple[Prompt, str, tuple[int, ...]]] = {}
        self._texts: dict[str, tuple[int, ...]] = {}
        self.end = self._find_end()
        end_ids = self.ids(self.end)
        ends = {*(end_ids[:1]), *eos_ids, *([tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])}
        self.end_ids = frozenset(ends)
        pads = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self.pad_id: int = next(token for token in pads if token is not None)

    def room(self, tokens: int) -> int:
        """How many of so many tokens an answer may take, its end included: a quarter of the context is the prompt's."""
        return max(1, min(tokens, self.context - self.context // 4))

    @property
    def digest(self) -> str:
        """sha256 of the template as it stands now, so that a change under way is seen."""
        return hash_text(template_of(self.tokenizer))

    def prompt_text(self, prompt: Prompt) -> str:
        """The prompt up to where the answer begins. Raises ModelError where the template refuses it."""
        return self._prompt(prompt)[1]

    def prompt_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the prompt."""
        return self._prompt(prompt)[2]

    def answer_text(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """What follows the prompt where this is the answer, up to and with its end token.

        A template may render a prompt differently once it is answered (an empty thought, a system message that moves):
        the answer is what the template writes for it, behind the very prompt that evaluation shows.

        Raises:
            ModelError: The template refuses the messages.
        """
        written = self.writer.answer(prompt.messages, prompt.tools, answer, self.prompt_text(prompt))
        return self._until_end(written)

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
            text = self.writer.render(prompt.messages, prompt.tools, open_answer=True)
            known = (prompt, text, self.ids(text))
            self._prompts[id(prompt)] = known
        return known

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
