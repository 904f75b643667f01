"""The tokenizer keeps words whole, loses nothing, and its template says the same in jinja and in Python."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pretraining import tokenizer
from engine.world import corpus
from engine.world.study_data import study_data
from engine.world.vocabulary.chat import TEMPLATE, chat


@pytest.fixture(scope="module")
def encode():
    return tokenizer.build()


def test_the_corpus_survives_the_round_trip(encode) -> None:
    for text in itertools.islice(corpus.documents("round trip"), 500):
        assert encode.decode(encode.encode(text, add_special_tokens=False)) == text


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_the_round_trip(text: str) -> None:
    encode = _shared()
    assert encode.decode(encode.encode(text, add_special_tokens=False)) == text


_BUILT: list = []


def _shared():
    if not _BUILT:
        _BUILT.append(tokenizer.build())
    return _BUILT[0]


def test_words_are_one_token_in_every_form(encode) -> None:
    for word in ("ticket", " ticket", "_ticket", "paris", " paris", "42", " 42"):
        assert len(encode.encode(word, add_special_tokens=False)) == 1, word
    assert tokenizer.stem(" ticket") == tokenizer.stem("_ticket") == "ticket"


def test_every_token_of_a_call_occurs_in_pretraining(encode) -> None:
    """A token pretraining never shows cannot be reached through a frozen embedding."""
    seen: set[int] = set()
    for text in itertools.islice(corpus.documents("0:1"), 30_000):
        seen.update(encode.encode(text, add_special_tokens=False))
    data = study_data("calling", train=300, per_split=60)
    for example in data.train:
        full = encode.apply_chat_template(
            [*example.prompt.messages, example.answer], tools=list(example.prompt.tools), tokenize=False
        )
        unseen = {encode.decode([i]) for i in encode.encode(full, add_special_tokens=False)} - {
            encode.decode([i]) for i in seen
        }
        assert not unseen, (unseen, full)


def test_the_template_in_python_is_the_template_in_jinja(encode) -> None:
    example = study_data("calling", train=3, per_split=1).train[1]
    lines = [
        f"{t['function']['name']}({', '.join(t['function']['parameters']['properties'])})" for t in example.prompt.tools
    ]
    messages = [*example.prompt.messages, {"role": "assistant", "content": "yes"}]
    rendered = encode.apply_chat_template(messages, tools=list(example.prompt.tools), tokenize=False)
    by_hand = chat(messages[1]["content"], "yes", system=messages[0]["content"], tools=lines)
    assert rendered == by_hand


def test_the_template_marks_what_the_assistant_says(encode) -> None:
    assert "{% generation %}" in TEMPLATE
    marked = encode.apply_chat_template(
        [{"role": "user", "content": "where does anna live?"}, {"role": "assistant", "content": "paris"}],
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    said = [i for i, m in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if m]
    assert encode.decode(said) == "paris<|end|>"


def test_tool_results_have_a_role_of_their_own(encode) -> None:
    text = encode.apply_chat_template([{"role": "tool", "content": "done"}], tokenize=False)
    assert text == "<|tool|>done<|end|>"
