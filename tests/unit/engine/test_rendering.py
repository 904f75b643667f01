"""Prompts and answers in a model's own form."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoConfig

from engine.spec.errors import ModelError
from engine.spec.example import Prompt, StudyData
from engine.spec.provenance import hash_text
from engine.subject.local import renderer_of
from engine.subject.rendering import BUILT_IN, Renderer, context_of
from tests.support.tiny import TEMPLATE, make_model, tool

ASKED = Prompt(
    messages=({"role": "system", "content": "Call the tool."}, {"role": "user", "content": "News?"}),
    tools=(tool("news"),),
)
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "news", "arguments": {"city": "Rome"}}}],
}


def test_an_answer_is_what_the_template_adds_up_to_the_end_token(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 512)
    assert renderer.end == "<|im_end|>"
    assert renderer.end_ids == {tokenizer.eos_token_id}
    answer = renderer.answer_text(ASKED, CALL)
    assert answer == '<tool_call>{"name": "news", "arguments": {"city": "Rome"}}</tool_call><|im_end|>'
    assert renderer.prompt_text(ASKED).endswith("<|im_start|>assistant\n")
    assert renderer.digest == hash_text(TEMPLATE)


def test_training_shows_the_very_tokens_that_evaluation_shows(tokenizer: Any, data: StudyData) -> None:
    renderer = Renderer(tokenizer, 512)
    for example in data.train:
        row = renderer.encode(example)
        assert row.prompt == renderer.prompt_ids(example.prompt)
        whole = tokenizer.decode([*row.prompt, *row.completion])
        assert whole == renderer.prompt_text(example.prompt) + renderer.answer_text(example.prompt, example.answer)
        assert row.completion[-1] in renderer.end_ids
        assert (row.cut, row.lost) == (0, 0)


@pytest.mark.parametrize("template", [None, "", "   "])
def test_a_tokenizer_without_a_template_gets_the_built_in_one(tokenizer: Any, template: str | None) -> None:
    tokenizer.chat_template = template
    renderer = Renderer(tokenizer, 512)
    assert renderer.template == BUILT_IN
    assert renderer.digest == hash_text(BUILT_IN)
    text = renderer.prompt_text(ASKED)
    assert "News?" in text
    assert '"name": "news"' in text
    assert text.endswith("Assistant:")
    answer = renderer.answer_text(ASKED, CALL)
    assert answer == ' <tool_call>{"name": "news", "arguments": {"city": "Rome"}}</tool_call><|im_end|>'
    assert renderer.answer_text(ASKED, {"role": "assistant", "content": "Yes."}) == " Yes.<|im_end|>"


def test_an_answer_may_end_with_another_end_token(tokenizer: Any) -> None:
    tokenizer.chat_template = TEMPLATE.replace(
        "{{- '<|im_end|>' }}{% endgen", "{{- '<|pad|>' if message.tool_calls else '<|im_end|>' }}{% endgen"
    )
    renderer = Renderer(tokenizer, 512, [tokenizer.pad_token_id])
    assert renderer.answer_text(ASKED, CALL).endswith("</tool_call><|pad|>")
    assert Renderer(tokenizer, 512).answer_text(ASKED, CALL).endswith("</tool_call><|pad|><|im_end|>")


def test_a_template_that_knows_no_tools_is_shown_them_in_words(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    renderer = Renderer(tokenizer, 512)
    assert '"name": "news"' in renderer.prompt_text(ASKED)
    assert (
        renderer.answer_text(ASKED, CALL)
        == '<tool_call>{"name": "news", "arguments": {"city": "Rome"}}</tool_call><|im_end|>'
    )


def test_the_answer_follows_the_prompt_of_evaluation_where_the_template_changes_it(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"
    renderer = Renderer(tokenizer, 512)
    assert renderer.prompt_text(ASKED).startswith("2")
    assert renderer.answer_text(ASKED, {"role": "assistant", "content": "Yes."}) == "Yes.<|im_end|>"


def test_a_template_that_raises_is_a_model_error(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"
    )
    with pytest.raises(ModelError, match="no system role"):
        Renderer(tokenizer, 512).prompt_text(ASKED)


def test_what_is_too_long_is_cut_and_counted(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 10)
    row = renderer.fit(range(20), range(4))
    assert (row.prompt, row.completion, row.cut, row.lost) == (tuple(range(14, 20)), (0, 1, 2, 3), 14, 0)
    row = renderer.fit(range(20), range(30))
    assert (len(row.prompt), len(row.completion), row.cut, row.lost) == (1, 9, 19, 21)


def test_the_context_is_the_smaller_of_what_model_and_tokenizer_say(tokenizer: Any) -> None:
    model = make_model(len(tokenizer), context=64)
    assert context_of(model.config, tokenizer) == 64
    tokenizer.model_max_length = 32
    assert context_of(model.config, tokenizer) == 32
    assert renderer_of(model, tokenizer).context == 32


@pytest.mark.parametrize(
    ("kind", "fields", "want"),
    [("mpt", {"max_seq_len": 512}, 512), ("gemma3", {"text_config": {"max_position_embeddings": 700}}, 700)],
)
def test_the_context_has_other_names_and_may_stand_in_the_part_for_text(
    tokenizer: Any, kind: str, fields: dict[str, Any], want: int
) -> None:
    tokenizer.model_max_length = 10**30
    assert context_of(AutoConfig.for_model(kind, **fields), tokenizer) == want


def test_answers_also_end_where_the_model_says(tokenizer: Any) -> None:
    model = make_model(len(tokenizer))
    model.generation_config.eos_token_id = [2, 9]
    assert renderer_of(model, tokenizer).end_ids == {2, 9}
