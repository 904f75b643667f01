"""Requests that take two calls: what is right follows from the request and the first result, and nothing leaks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from random import Random
from typing import Any

import pytest

from engine.spec import overlap
from engine.spec.example import Example, Item, Side
from engine.subject.grading import grade
from engine.subject.rendering import Renderer
from engine.world.tasks import calling, steps
from engine.world.vocabulary import tools
from engine.world.vocabulary.chat import SPECIAL, TEMPLATE

CHUNKS = re.compile(
    "|".join(map(re.escape, SPECIAL))
    + r'|[ _]?[A-Za-z]+| ?[0-9]{1,2}|": "|", "|": \{"|"\}+|\}+|\{"|\["|"\]|\s?[^A-Za-z0-9\s_]|\s|_'
)
"""The tokenizer's own chunks, special tokens included."""
MEANING = {
    w: (kind, i)
    for kind, pairs in (("verb", tools.VERBS), ("thing", tools.THINGS))
    for i, pair in enumerate(pairs)
    for w in pair.split("/")
}
KEYS = {w: key for key in steps.LOOKED_UP for w in (key, tools.PARAMETERS[key][0])}


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(steps.items(100))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(steps.examples(900))


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [steps.document(rng) for _ in range(3000)]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.WordLevel({"<|end|>": 0, "?": 1}, unk_token="?"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", unk_token="?")
    tokenizer.chat_template = TEMPLATE
    return Renderer(tokenizer, 160)


def synonyms(word: str) -> set[str]:
    """The word and the other one of its pair."""
    pairs = [*tools.VERBS, *tools.THINGS, *(f"{k}/{o}" for k, (o, _) in tools.PARAMETERS.items())]
    return {w for pair in pairs if word in pair.split("/") for w in pair.split("/")}


def right_tool(request: str, offered: list[str], turn: int) -> str:
    """The tool that a clause of the request means, found from the words alone."""
    look, _, do = request.partition(" the ")
    key = do.split(" ")[0]
    clause = (look.split(" ")[-1], key)
    if turn == 1:
        at = re.search(r"the \w+ of the \w+(?: and then|, then| and) (\w+) (?:a|an) (\w+)", request)
        assert at, request
        clause = (at[1], at[2])
    meant = [
        name for name in offered if all(part in synonyms(w) for part, w in zip(name.split("_"), clause, strict=True))
    ]
    assert len(meant) == 1, (request, offered, clause)
    return meant[0]


def test_the_right_call_follows_from_the_words_and_the_first_result(items: list[Item], examples: list[Example]) -> None:
    seen: Counter[int] = Counter()
    for case in (*items, *examples):
        messages = case.prompt.messages
        turn = (len(messages) - 2) // 2
        seen[turn] += 1
        request = messages[1]["content"]
        if turn == 2:
            assert case.gold.text == f"done: {messages[3]['content']}, {messages[5]['content']}."
            continue
        (call,) = case.gold.calls
        assert call["name"] == right_tool(request, [t["function"]["name"] for t in case.prompt.tools], turn)
        values = [value for [value] in call["arguments"].values()]
        if turn == 0:
            assert f"of the {values[0]}" in request
        else:
            told = [v for v in values if re.search(rf"\b{v}\b", request)]
            assert [str(v) for v in values if v not in told] == [messages[3]["content"]], (request, call)
    assert min(seen[turn] for turn in (0, 1, 2)) >= 200


def test_prompts_of_later_turns_hold_the_earlier_ones(examples: list[Example]) -> None:
    for first, second, third in zip(examples[::3], examples[1::3], examples[2::3], strict=True):
        assert second.prompt.messages[:3] == (*first.prompt.messages, first.answer)
        assert third.prompt.messages[:5] == (*second.prompt.messages, second.answer)
        assert [m["role"] for m in third.prompt.messages[2:]] == ["assistant", "tool"] * 2


def test_the_template_shows_calls_and_results_in_the_middle_of_a_prompt(
    renderer: Renderer, items: list[Item], examples: list[Example]
) -> None:
    second = examples[1]
    name, arguments = (examples[0].gold.calls[0][k] for k in ("name", "arguments"))
    ((parameter, [value]),) = arguments.items()
    text = renderer.prompt_text(second.prompt)
    result = second.prompt.messages[3]["content"]
    assert text.endswith(
        f'<|assistant|><tool_call>{{"name": "{name}", "arguments": {{"{parameter}": "{value}"}}}}</tool_call><|end|>'
        f"<|tool|>{result}<|end|><|assistant|>"
    )
    assert text.count("<|tools|>") == 1
    for example in examples[:60]:
        answer = renderer.answer_text(example.prompt, example.answer)
        assert grade(answer.removesuffix("<|end|>"), example.gold).correct
    longest = max(len(CHUNKS.findall(renderer.prompt_text(i.prompt))) + 30 for i in items)
    assert longest <= 160, longest


def test_a_document_is_what_the_template_would_show(renderer: Renderer) -> None:
    rng, twin = Random(8), Random(8)
    shown = steps.exchange(twin, twin.choice(tuple(Side)), held_out=False)
    instruction, form = twin.choice(steps._FORMS)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": instruction},
        {"role": "user", "content": shown.request},
    ]
    for call, result in zip(shown.calls, shown.results, strict=True):
        messages += [{"role": "assistant", "content": form(*call)}, {"role": "tool", "content": result}]
    messages.append({"role": "assistant", "content": shown.answer})
    rendered = renderer.tokenizer.apply_chat_template(
        messages, tools=[t.schema() for t in shown.tools], tokenize=False, add_generation_prompt=False
    )
    text = steps.document(rng)
    assert rendered.startswith(text)
    assert rendered == text or len(shown.calls[1][1]) > 1


def test_sides_are_what_word_overlap_says_and_are_balanced(items: list[Item], examples: list[Example]) -> None:
    for case in (*items, *(e for e in examples if e.gold.kind == "call")):
        found = overlap.side(case.prompt.messages[1]["content"], case.prompt.tools, case.gold.calls[0]["name"])
        assert found is case.side, case.prompt
    cells = Counter((i.split, i.side) for i in items)
    assert cells == {(split, side): 50 for split in steps.SPLITS for side in (Side.CONGRUENT, Side.CONFLICTING)}
    taught = Counter(e.side for e in examples if e.family == "second call")
    assert taught[Side.CONGRUENT] == taught[Side.CONFLICTING] == 2 * taught[Side.NEUTRAL]


def meanings(names: list[str]) -> set[tuple[int, int]]:
    """(verb, thing) of the tools among names that do something; those that look things up are left out."""
    found = [name.split("_") for name in names]
    return {(MEANING[v][1], MEANING[t][1]) for v, t in found if t not in KEYS}


def test_nothing_held_out_is_trained_on(items: list[Item], examples: list[Example], documents: list[str]) -> None:
    for text in (re.sub(r"</?tool_call>", "", d) for d in documents):
        assert not meanings(re.findall(r"\b([a-z]+_[a-z]+)\b", text)) & tools.held_out()
        looked_up, done = re.findall(r"\b([a-z]+_[a-z]+)\b", text.split("<|tools|>")[1].split("<|end|>", 1)[1])[:2]
        (meaning,) = meanings([done])
        assert not steps.is_reserved(KEYS[looked_up.split("_")[1]], meaning)
        assert '{"name"' not in text
    for example in examples:
        names = [t["function"]["name"] for t in example.prompt.tools]
        assert not meanings(names) & tools.held_out()
        if example.family == "second call":
            (meaning,) = meanings([example.cluster])
            assert not steps.is_reserved(_looked_up(example), meaning)
    for item in items:
        if item.split == "tools":
            assert meanings([item.cluster]) <= tools.held_out()
        elif item.split == "second call":
            (meaning,) = meanings([item.cluster])
            assert steps.is_reserved(_looked_up(item), meaning)


def _looked_up(case: Example | Item) -> str:
    name: str = case.prompt.messages[2]["tool_calls"][0]["function"]["name"]
    return KEYS[name.split("_")[1]]


def test_every_token_of_items_and_examples_occurs_in_documents(
    renderer: Renderer, items: list[Item], examples: list[Example], documents: list[str]
) -> None:
    rng = Random("calls")
    corpus = [*documents, *(steps.document(rng) for _ in range(2000)), *(calling.document(rng) for _ in range(4000))]
    seen = {chunk for text in corpus for chunk in CHUNKS.findall(text)}
    shown = [renderer.prompt_text(i.prompt) for i in items]
    shown += [renderer.prompt_text(e.prompt) + renderer.answer_text(e.prompt, e.answer) for e in examples[:300]]
    assert not {chunk for text in shown for chunk in CHUNKS.findall(text)} - seen
    assert max(len(CHUNKS.findall(d)) for d in documents) <= 110


def test_items_are_distinct(items: list[Item]) -> None:
    assert len({i.id for i in items}) == len(items)
    assert len({(i.split, i.prompt.messages[1]["content"]) for i in items}) == len(items)


def test_two_processes_give_the_same(root) -> None:
    code = (
        "from random import Random; from hashlib import sha256; r = Random(1);"
        "from engine.world.tasks import steps as m;"
        "print(sha256(repr(([m.document(r) for _ in range(300)], list(m.examples(60)), list(m.items(20)))).encode())"
        ".hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert list(steps.examples(10)) == list(steps.examples(20))[:10]
