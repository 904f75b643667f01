"""The bundled models' tokenizer: whole words as single tokens, with and without the mark before them.

A word stands after a space (" ticket"), after an underscore ("_ticket") or bare ("ticket"), a number up to 99
after a space or bare. Everything else falls back to characters and then bytes. `stem` says which tokens are the same
word, so that pretraining can start them at nearly the same embedding: copying across forms is then free.
"""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from engine.world import corpus
from engine.world.vocabulary import people, taxonomy, tools
from engine.world.vocabulary.chat import END, PAD, SPECIAL, TEMPLATE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHUNKS = r'[ _]?[A-Za-z]+| ?[0-9]{1,2}|": "|", "|": \{"|"\}+|\}+|\{"|\["|"\]|\s?[^A-Za-z0-9\s_]|\s|_'
"""What may be one token: words, numbers, the joints of JSON, single marks."""
_WORD, _CHARACTER, _BYTE = -1.0, -4.0, -12.0  # Unigram scores: fewer tokens always win


@cache
def vocabulary(sample: int = 60_000) -> tuple[str, ...]:
    """All tokens in order: special ones, bytes, characters, then chunks of the corpus by frequency.

    Args:
        sample: Documents in which chunks are counted; one seen fewer than 5 times is spelled.
    """
    import re

    counted: Counter[str] = Counter()
    pattern = re.compile(CHUNKS)
    for text in itertools.islice(corpus.documents("vocabulary"), sample):
        for part in re.split("|".join(map(re.escape, SPECIAL)), text):
            counted.update(pattern.findall(part))
    spelled = {f"{mark}{letters}" for letters in _spelled(counted) for mark in ("", " ", "_")}
    chunks = [c for c, n in counted.most_common() if n >= 5 and c not in spelled]
    words = sorted({c.strip(" _") for c in chunks if c.strip(" _").isalpha()} | set(_lexicon()))
    forms = [f"{mark}{word}" for word in words for mark in ("", " ", "_")]
    numbers = [f"{mark}{n}" for n in range(100) for mark in ("", " ")]
    characters = [chr(c) for c in range(32, 127)] + ["\n"]
    seen = dict.fromkeys([*SPECIAL, *(f"<0x{b:02X}>" for b in range(256)), *characters, *chunks, *forms, *numbers])
    return tuple(seen)


def _lexicon() -> list[str]:
    pairs = [w for pair in (*tools.VERBS, *tools.THINGS) for w in pair.split("/")]
    names = [n for key, (other, _) in tools.PARAMETERS.items() for n in (key, other)]
    return [
        *taxonomy.nouns(),
        *people.NAMES,
        *people.CITIES,
        *people.COUNTRIES,
        *people.JOBS,
        *people.DAYS,
        *people.COLORS,
        *pairs,
        *names,
    ]


def _spelled(counted: Counter[str]) -> set[str]:
    """Random letter strings of the copying documents: they must stay spelled."""
    known = set(_lexicon())
    bare = {c.strip(" _") for c in counted}
    return {b for b in bare if b.isalpha() and b not in known and len(b) <= 5 and counted[b] + counted[" " + b] < 12}


def stem(token: str) -> str:
    """The word of a token without the mark before it."""
    return token.lstrip(" _") or token


def build() -> PreTrainedTokenizerFast:
    """The tokenizer, with its chat template (`{% generation %}` markers, tools, tool role)."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    def score(token: str) -> float:
        if token.startswith("<0x"):
            return _BYTE
        return _CHARACTER if len(token) == 1 and not token.isdigit() else _WORD

    vocab = vocabulary()
    model = models.Unigram([(t, score(t)) for t in vocab], unk_id=vocab.index("<0x00>"), byte_fallback=True)
    raw = Tokenizer(model)
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(CHUNKS), "isolated")  # type: ignore[assignment]
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])  # type: ignore[assignment]
    raw.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=END,
        pad_token=PAD,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
