"""Cells that say right or wrong, in figures and in the words of several languages; seeds, numbers and plain text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.data.tables.answers import GROUPED
from engine.data.tables.choices import Choices, Word

VOCABULARIES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(right.split()), frozenset(wrong.split()))
    for right, wrong in (
        ("true yes correct right pass passed", "false no incorrect wrong fail failed"),
        ("t", "f"),
        ("y", "n"),
        ("c", "i n"),  # inspect_ai: correct, incorrect, no answer
        ("v", "f"),
        ("✓ ✔ ✅", "✗ ✘ ❌"),
        ("ja richtig wahr korrekt j", "nein falsch n"),
        ("oui vrai juste correct", "non faux incorrect"),
        ("sí si verdadero correcto cierto", "no falso incorrecto"),
        ("sì si vero corretto giusto", "no falso sbagliato errato"),
        ("sim verdadeiro certo correto", "não nao falso errado incorreto"),
        ("ja waar juist goed correct", "nee onwaar fout incorrect"),
        ("ja sant rätt riktigt korrekt sand rigtigt", "nej falskt fel forkert usann nei feil"),
        ("tak prawda poprawne", "nie fałsz niepoprawne"),
        ("evet doğru", "hayır yanlış"),
        ("да верно правильно истина", "нет неверно неправильно ложь"),
        ("是 对 正确", "否 错 错误 不正确"),
        ("はい 正解 正しい", "いいえ 不正解 誤り"),
    )
)
"""Words for right and for wrong, one language (or manner) a line: all cells of a table must be of one of them."""
_PARTIAL = {"c": 1.0, "p": 0.5, "i": 0.0, "n": 0.0}  # inspect_ai's own values
ABSENT = frozenset(("", "nan", "<na>", "nat", "#n/a", "n/a", "na", "null", "none"))
"""Cells of `correct` that say nothing, in small letters."""
MOST_WORDS = 12
"""With more different cells than this, they are no words for right and wrong."""
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,3})?)\s*(%?)")
_SEED = re.compile(r"(?:(?:seed|run|s)[\s_=:#-]*)?(\d{1,15})(?:\.0+|,0{1,2})?", re.IGNORECASE)
_QUOTES = "\"'\u2018\u2019\u201c\u201d"


def text_of(value: Any) -> str:
    """A cell as text, without spaces around it: 1.0 as 1; lists, objects, true and false as JSON has them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():  # a table's 1 comes back as 1.0 where a column has gaps
        return str(int(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).replace("\0", "\ufffd").strip().strip("\ufeff\u200b").strip()


def word_of(value: Any) -> str:
    """A cell as a word to be compared: in small letters, without quotes, a whole number without decimals."""
    text = text_of(value)
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    text = text.casefold()
    return re.sub(r"(?<=\d)[.,]0+(?=\s*%?$)", "", text) if re.fullmatch(_NUMBER, text) else text


def number_of(word: str) -> float | None:
    """The number that a word is, a percentage as a share; None where it is none. A comma is a decimal comma."""
    match = _NUMBER.fullmatch(word)
    if match is None:
        return None
    value = float(match[1].replace(",", "."))
    value = value / 100 if match[2] else value
    return value if math.isfinite(value) else None


def is_finite(text: str) -> bool:
    """Whether a text is a finite number, with a comma or a point before its decimals or commas between thousands."""
    if re.fullmatch(GROUPED, text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def seed_of(value: Any) -> int | None:
    """The seed that a cell is: a whole number, also as "seed 3", "3.0" or "3,0"; None where it is none."""
    match = _SEED.fullmatch(text_of(value))
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Scoring:
    """What the cells of a table's column `correct` mean.

    Attributes:
        meaning: Word to whether it means right; a word that is not in it is unknown.
        how: The same in words, for people.
        scores: The cells are scores, not right or wrong, and nobody said from which score on they are right.
        mixed: Why words that could be read one by one cannot be read together; "" where they can.
    """

    meaning: Mapping[str, bool]
    how: str
    scores: bool = False
    mixed: str = ""

    def words(self, counts: Mapping[str, int]) -> tuple[Word, ...]:
        """The words in question, the most frequent first."""
        often = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(Word(word, rows, self.meaning.get(word)) for word, rows in often[:MOST_WORDS])


def scoring(counts: Mapping[str, int], choices: Choices) -> Scoring:
    """What the cells mean, as somebody said, else as they say themselves.

    Args:
        counts: Each word of the column (see `word_of`), and in how many rows; without those in `ABSENT`.
        choices: What was said.
    """
    if choices.right or choices.wrong:
        told = {word_of(word): False for word in choices.wrong} | {word_of(word): True for word in choices.right}
        return Scoring(told, "as was said")
    numbers = {word: number for word in counts if (number := number_of(word)) is not None}
    if choices.threshold is not None:
        partial = _PARTIAL if counts.keys() - numbers.keys() <= _PARTIAL.keys() else {}
        scored = {word: partial.get(word, numbers.get(word, -1.0)) for word in counts}
        meaning = {word: score >= choices.threshold for word, score in scored.items() if 0 <= score <= 1}
        return Scoring(meaning, f"a score of at least {choices.threshold:g} counts as right")
    plain = {word: bool(number) for word, number in numbers.items() if number in (0.0, 1.0)}
    rights, wrongs = max(VOCABULARIES, key=lambda pair: sum(counts[w] for w in (pair[0] | pair[1]) & counts.keys()))
    meaning = {word: word in rights for word in (rights | wrongs) & counts.keys()} | plain
    total = sum(counts.values())
    between = [word for word, number in numbers.items() if 0 < number < 1] + [w for w in ("p",) if w in counts]
    scores = sum(counts[word] for word in between) > total / 20
    percent = [word for word in numbers if word.endswith("%")]
    mixed = "1 beside percentages: 1 % or all of it" if percent and "1" in numbers else ""
    return Scoring(meaning, _how(meaning), scores, mixed)


def _how(meaning: Mapping[str, bool]) -> str:
    right, wrong = (sorted(word for word, means in meaning.items() if means is wanted) for wanted in (True, False))
    said = [f"{' or '.join(words)} is {name}" for words, name in ((right, "right"), (wrong, "wrong")) if words]
    return ", ".join(said)
