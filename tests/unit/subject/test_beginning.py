"""A model goes on from the beginning of an answer as if it had written it; the whole answer is what others read."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.objectives import _pairs as pairs
from engine.run.inspection import roundtrip
from engine.spec.errors import DataError, ModelError
from engine.spec.example import Example, Gold, Preference, Prompt, StudyData
from engine.subject.local import LocalSubject
from engine.subject.rendering import BUILT_IN, Renderer
from tests.support.families import FAMILIES, renderer_of
from tests.support.tiny import TEMPLATE

MESSAGES = ({"role": "user", "content": "Where is the weather warm?"},)
PLAIN = Prompt(messages=MESSAGES)
ANSWER = {"role": "assistant", "content": "The weather in Rome is warm."}


def begun(text: str) -> Prompt:
    return Prompt(messages=MESSAGES, begun=text)


def test_stored_prompts_have_no_beginning() -> None:
    stored = {"messages": [{"role": "user", "content": "?"}], "tools": []}
    assert Prompt.model_validate(stored).begun == ""


@pytest.mark.parametrize("family", [name for name, about in FAMILIES.items() if about.language])
@pytest.mark.parametrize("text", ["The weather", "The weather in Rome is warm."])
def test_prompt_and_rest_are_the_very_tokens_of_prompt_and_answer(family: str, text: str) -> None:
    renderer = renderer_of(family)
    whole = renderer.answer_text(PLAIN, ANSWER)
    assert renderer.prompt_text(begun(text)).endswith(text)
    assert renderer.begun_text(begun(text)) == whole[: whole.index(text) + len(text)]
    assert renderer.prompt_text(begun(text)) + renderer.answer_text(begun(text), ANSWER) == (
        renderer.prompt_text(PLAIN) + whole
    )
    assert renderer.prompt_ids(begun(text)) + renderer.answer_ids(begun(text), ANSWER) == (
        renderer.prompt_ids(PLAIN) + renderer.answer_ids(PLAIN, ANSWER)
    )
    assert renderer.whole_answer(begun(text), ANSWER) == renderer.whole_answer(PLAIN, ANSWER)


def test_what_the_template_puts_before_an_answer_stands_before_its_beginning(tokenizer: Any) -> None:
    tokenizer.chat_template = BUILT_IN
    renderer = Renderer(tokenizer, 512)
    assert renderer.prompt_text(begun("The")).endswith("Assistant: The")
    assert renderer.begun_ids(begun("The")) == renderer.ids(" The")
    assert renderer.answer_text(begun("The"), ANSWER) == " weather in Rome is warm.<|im_end|>"
    assert renderer.following(begun("The"), "The sun.") == renderer.ids(" The sun.")[len(renderer.ids(" The")) :]


def test_a_beginning_of_space_alone_is_kept_or_refused(tokenizer: Any) -> None:
    assert Renderer(tokenizer, 512).prompt_text(begun(" ")).endswith("assistant\n ")
    tokenizer.chat_template = TEMPLATE.replace("message.content or ''", "(message.content or '') | trim")
    renderer = Renderer(tokenizer, 512)
    assert renderer.prompt_text(begun(" The ")).endswith("assistant\nThe ")
    with pytest.raises(ModelError, match="writes the beginning"):
        renderer.prompt_text(begun("  "))


def test_a_template_that_writes_the_beginning_differently_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = TEMPLATE.replace("message.content or ''", "(message.content or '') | upper")
    with pytest.raises(ModelError, match="writes the beginning 'The sun'"):
        Renderer(tokenizer, 512).prompt_text(begun("The sun"))


@pytest.mark.parametrize("said", ["A warm one.", "", "the weather"])
def test_an_answer_that_begins_otherwise_is_an_error(tokenizer: Any, said: str) -> None:
    with pytest.raises(DataError, match="does not begin with 'The'"):
        Renderer(tokenizer, 512).answer_text(begun("The"), {"role": "assistant", "content": said})


def test_within_a_token_the_rest_is_tokenised_alone(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 512)
    whole = renderer.ids("weather<|im_end|>")
    assert len(whole) == 2, "the word is one token"
    prompt, answer = begun("wea"), {"role": "assistant", "content": "weather"}
    rest = renderer.answer_ids(prompt, answer)
    assert rest == renderer.ids("ther<|im_end|>")
    assert renderer.said(prompt, rest[:-1]) == "weather"
    assert renderer.begun_ids(prompt) + rest != whole


def test_a_tokenizer_that_puts_a_space_before_every_text_cannot_go_on_within_a_word() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "</s>", "\u2581", "\u2581Par", "is", "\u2581is", "\u2581Paris", "\u2581in"]
    vocabulary = {word: at for at, word in enumerate(words)}
    raw = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="<unk>", continuing_subword_prefix=""))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    raw.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="</s>", unk_token="<unk>")
    end = "{% if m.role == 'assistant' %}</s>{% endif %}"
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}" + end + "{% endfor %}"
    renderer = Renderer(tokenizer, 512)
    asked = Prompt(messages=({"role": "user", "content": "in"},), begun="Par")
    assert renderer.answer_ids(asked.model_copy(update={"begun": "Paris"}), {"content": "Paris is"})
    with pytest.raises(ModelError, match="cannot go on from 'Par'"):
        renderer.answer_ids(asked, {"content": "Paris"})


def test_training_learns_what_follows_the_beginning(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 512)
    example = Example(
        id="1", prompt=begun("The weather in"), answer=ANSWER, gold=Gold(text="x"), family="t", cluster="c"
    )  # fmt: skip
    row = renderer.encode(example)
    assert renderer.text(row.completion) == " Rome is warm.<|im_end|>"
    assert renderer.text(row.prompt).endswith("assistant\nThe weather in")
    tight = Renderer(tokenizer, len(row.completion) + 4).encode(example)
    assert tight.prompt == row.prompt[-4:], "cut from the left: the beginning stays"


def test_pairs_follow_one_prompt(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 512)
    pair = Preference(prompt=begun("The weather"), chosen=ANSWER, rejected="The weather in Oslo", failure="wrong")
    (row,) = pairs.encode([pair], renderer)
    assert renderer.text(row.completion) == " in Rome is warm.<|im_end|>"
    assert renderer.text(row.rejected) == " in Oslo<|im_end|>"
    assert pairs.finding([pair], [row], renderer).ok
    same = pair.model_copy(update={"rejected": ANSWER["content"]})
    assert not pairs.finding([same], pairs.encode([same], renderer), renderer).ok
    with pytest.raises(DataError, match="does not begin"):
        pairs.encode([pair.model_copy(update={"rejected": "In Oslo"})], renderer)


def test_an_answer_is_read_back_with_its_beginning(tokenizer: Any) -> None:
    gold = Gold(kind="text", text="The weather in Rome is warm.")
    example = Example(id="1", prompt=begun("The weather"), answer=ANSWER, gold=gold, family="t", cluster="c", row=3)
    assert roundtrip.check([example], Renderer(tokenizer, 512)) == []
    (refused,) = roundtrip.check(
        [example.model_copy(update={"prompt": begun("A weather")})], Renderer(tokenizer, 512)
    )  # fmt: skip
    assert "does not begin with 'A weather'" in refused.reason


def test_a_model_goes_on_from_the_beginning_and_its_answer_is_whole(model: Any, tokenizer: Any) -> None:
    subject = LocalSubject(model, tokenizer)
    prompts = [begun("The weather in"), PLAIN, begun('<tool_call>{"name": "news"')]
    for prompt, answer in zip(prompts, subject.generate(prompts, 9), strict=True):
        ids = list(subject.renderer.prompt_ids(prompt))
        added = model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=9,
            do_sample=False, eos_token_id=sorted(subject.renderer.end_ids), pad_token_id=0,
        )[0, len(ids) :].tolist()  # fmt: skip
        said = [token for token in added if token not in subject.renderer.end_ids]
        assert answer.text == prompt.begun + subject.renderer.text(said)
    sampled = subject.sample(prompts, 2, 1.0, 3, 5)
    assert all(a.text.startswith(prompt.begun) for prompt, two in zip(prompts, sampled, strict=True) for a in two)


def test_a_beginning_that_the_model_would_write_changes_nothing(model: Any, tokenizer: Any, data: StudyData) -> None:
    subject = LocalSubject(model, tokenizer)
    renderer, prompts = subject.renderer, [example.prompt for example in data.train[:20]]
    wholes, tried = subject.generate(prompts, 12), 0
    for prompt, whole, ids in zip(
        prompts, wholes, subject.answer_ids([renderer.prompt_ids(p) for p in prompts], 12), strict=True
    ):
        text = renderer.text(ids[:3])
        if text.strip() and renderer.ids(text) == tuple(ids[:3]):
            tried += 1
            (again,) = subject.generate([prompt.model_copy(update={"begun": text})], 9)
            assert again.text == whole.text
    assert tried > 3


def test_rendered_answers_and_limits_know_the_beginning(model: Any, tokenizer: Any) -> None:
    subject = LocalSubject(model, tokenizer)
    assert subject.rendered(begun("The weather"), ANSWER) == ANSWER["content"]
    with pytest.raises(DataError):
        subject.rendered(begun("The sun"), ANSWER)


def test_a_pair_fits_only_beside_the_prefix(tokenizer: Any) -> None:
    pair = Preference(prompt=PLAIN, chosen=ANSWER, rejected="The weather in Oslo", failure="wrong")
    tokens = len(Renderer(tokenizer, 512).answer_ids(PLAIN, ANSWER))
    renderer = Renderer(tokenizer, tokens + 4)
    assert pairs.usable([pair], renderer) == [pair]
    assert pairs.usable([pair], renderer.with_prefix((3, 4, 5))) == [pair]
    assert pairs.usable([pair], renderer.with_prefix((3, 4, 5, 6))) == []
