"""A tiny random model, a tokenizer and data, so that no test needs a download."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.spec.example import Example, Gold, Item, Prompt, Side, StudyData
from engine.spec.plugins.discovery import configured
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import Need, RunSpec, Sample, Size, TuneSpec, Use

TEMPLATE = """\
{%- if tools %}{{- '<|im_start|>tools\\n' }}
{%- for tool in tools %}{{- (tool | tojson) + '\\n' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}{% generation %}{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) + '</tool_call>' }}
{%- endfor %}{{- '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}
{%- else %}{{- message.content + '<|im_end|>\\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

CITIES = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi")
TOOLS = ("weather", "news", "time")


def tool(name: str) -> dict[str, Any]:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": f"{name} of a city", "parameters": city}}


def example(at: int, rng: Random) -> Example:
    name, city = rng.choice(TOOLS), rng.choice(CITIES)
    side = rng.choice([Side.CONGRUENT, Side.CONFLICTING, Side.NEUTRAL])
    asked = f"What is the {name} in {city}? ({at})"
    if at % 3 == 2:
        system, answer, gold = "Repeat the city.", {"role": "assistant", "content": city}, Gold(kind="text", text=city)
        task = "copy"
    else:
        system, task = "Call the tool.", "call"
        call = {"type": "function", "function": {"name": name, "arguments": {"city": city}}}
        answer = {"role": "assistant", "content": "", "tool_calls": [call]}
        gold = Gold(kind="call", calls=({"name": name, "arguments": {"city": [city]}},))
    messages = ({"role": "system", "content": system}, {"role": "user", "content": asked})
    prompt = Prompt(messages=messages, tools=tuple(tool(t) for t in TOOLS[:2]))
    return Example(id=f"train-{at}", prompt=prompt, answer=answer, gold=gold, family=task, cluster=name, side=side)


def make_data(train: int = 60, items: int = 12) -> StudyData:
    rng = Random(1)
    made = [example(at, rng) for at in range(train + items)]
    held = [
        Item(id=f"item-{e.id}", prompt=e.prompt, gold=e.gold, split="wording", cluster=e.cluster, side=e.side)
        for e in made[train:]
    ]
    texts = tuple(f"A {name} in {city} is near the sea." for name in TOOLS for city in CITIES)
    return StudyData(train=tuple(made[:train]), items=tuple(held), texts=texts, name="tiny", digest="0" * 64)


@pytest.fixture(scope="session")
def data() -> StudyData:
    return make_data()


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
    made = make_data()
    corpus = [json.dumps(e.model_dump(mode="json")) for e in made.train] + list(made.texts)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        corpus, trainers.BpeTrainer(vocab_size=700, special_tokens=specials, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|im_end|>", extra_special_tokens=["<|im_start|>"]
    )
    tokenizer.chat_template = TEMPLATE
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def tokenizer(tokenizer_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer_folder)


def make_model(vocabulary: int, kind: str = "qwen2", context: int = 512) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    sizes = {
        "vocab_size": vocabulary, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": context,
        "tie_word_embeddings": True, "initializer_range": 0.2,
        "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        made = Qwen2ForCausalLM(Qwen2Config(**sizes)) if kind == "qwen2" else LlamaForCausalLM(LlamaConfig(**sizes))
    return made.eval()


@pytest.fixture
def model(tokenizer: Any) -> Any:
    return make_model(len(tokenizer))


def make_loaders(tokenizer_folder: Path) -> Any:
    from transformers import AutoTokenizer

    from engine.run.execute import Loaders

    def load(ref: ModelRef, device: str) -> tuple[Any, Any]:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
        return make_model(len(tokenizer)), tokenizer

    return Loaders(model=load, data=lambda ref: make_data())


@pytest.fixture(scope="session")
def loaders(tokenizer_folder: Path) -> Any:
    return make_loaders(tokenizer_folder)


def make_tune(
    method: str = "sft", seed: int = 0, settings: dict[str, Any] | None = None, *, steps: int = 12,
    batch_size: int = 4, train_examples: int = 40, **more: Any,
) -> TuneSpec:  # fmt: skip
    """What makes the weights of a tiny run, as `engine.run.planned` would plan it."""
    from engine.methods import method_class, settings_of

    made = configured(method_class(method), settings or {}, f"arm {method!r}")
    sizes = Size(steps=steps, batch_size=batch_size, train_examples=train_examples)
    fields = {
        "method": Use(name=method, settings=settings_of(made.config)), "adaptation": made.adaptation(),
        "objectives": tuple(phase.objective for phase in made.phases()), "data": DataRef(source="tiny"),
        "model": ModelRef(name="tiny", path="", digest="0"), "seed": seed, "size": sizes,
    }  # fmt: skip
    return TuneSpec(**{**fields, **more})


def make_spec(
    method: str = "sft", seed: int = 0, settings: dict[str, Any] | None = None, *, items: int = 6, live_items: int = 3,
    live_every: int = 5, checkpoint_every: int = 4, probes: tuple[str | Use, ...] = ("forgetting",),
    needs: dict[str, Need] | None = None, **tune: Any,
) -> RunSpec:  # fmt: skip
    """A tiny run. Further arguments are those of `make_tune`, or fields of `TuneSpec`."""
    return RunSpec(
        study="tiny", arm=method, tune=make_tune(method, seed, settings, **tune),
        probes=tuple(Use(name=probe) if isinstance(probe, str) else probe for probe in probes),
        sample=Sample(items=items, live_items=live_items, live_every=live_every), needs=needs or {},
        checkpoint_every=checkpoint_every,
    )  # fmt: skip
