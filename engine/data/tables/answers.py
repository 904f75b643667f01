"""Whether a prediction is the right answer: numbers as numbers, JSON as values, all else as text."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import Any

NOT_GOLD = frozenset(("", "nan", "<na>", "nat", "#n/a"))
"""Right answers that are none, in small letters: what programs write where there is nothing."""
DOUBTFUL = frozenset(("none", "null", "na", "n/a"))
"""Right answers that may be none, in small letters; they are taken as text, and that is said."""
_PLAIN = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
GROUPED = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
"""A number with commas between its thousands."""
_NUMBER = re.compile(f"{_PLAIN}|{GROUPED}")
_LONGEST = 20_000  # characters of an answer that is compared as a value
_EXACT = 15  # digits that a float holds
_AROUND = " \t\r\n\u00a0.!?,;:\"'`*_()[]\u2018\u2019\u201c\u201d\u00ab\u00bb$€£"


@lru_cache(maxsize=1024)  # answers are often labels, and then the same few pairs come again and again
def same(prediction: str, gold: str) -> bool:
    """Whether an answer is the right one.

    Two numbers are compared as numbers (4 is 4.0; 1,000 is 1000), two JSON lists or objects as values (in any order
    of keys; 1 is 1.0, true is not 1), true and false in any case, all else as text without spaces around it. An empty
    right answer, or one that is not a number (nan), is matched by nothing.
    """
    if not gold or gold.casefold() in NOT_GOLD:
        return False
    if prediction == gold:
        return True
    a, b = (value_of(text) for text in (prediction, gold))
    if a is not None and b is not None:
        return equal(a, b)
    return unicodedata.normalize("NFC", prediction) == unicodedata.normalize("NFC", gold)


def grouped(prediction: str, gold: str) -> bool:
    """Whether a comma was read as a separator of thousands to find two answers the same."""
    return prediction != gold and any(re.fullmatch(GROUPED, text) for text in (prediction, gold))


@lru_cache(maxsize=1024)
def alike(prediction: str, gold: str) -> bool:
    """Whether two answers are the same but for case, spaces and marks around them (Python's lists count as JSON)."""
    if same(prediction, gold):
        return True
    if not gold or gold.casefold() in NOT_GOLD:
        return False
    a, b = (_bare(text) for text in (prediction, gold))
    if a and b and same(a, b):
        return True
    a, b = (_literal(text) for text in (prediction, gold))
    return a is not None and b is not None and equal(a, b)


@lru_cache(maxsize=1024)
def holds(prediction: str, gold: str) -> bool:
    """Whether a longer answer holds the right one as whole words."""
    a, b = (_bare(text) for text in (prediction, gold))
    return bool(b) and b in a and re.search(rf"(?<!\w){re.escape(b)}(?!\w)", a) is not None


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    return " ".join(plain.split()).strip(_AROUND)


def value_of(text: str) -> Any:
    """The number, true, false, list or object that a text is; None where it is plain text."""
    if len(text) > _LONGEST or not text:
        return None
    if _NUMBER.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    if text[0] not in "{[":
        return None
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_object)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice, so that the object has no one value")
    return found


def _literal(text: str) -> Any:
    """A list or object in Python's or in JSON's spelling."""
    if (found := value_of(text)) is not None:
        return found
    if not text or len(text) > _LONGEST or text[0] not in "{[(":
        return None
    try:
        made = ast.literal_eval(text)
        return json.loads(json.dumps(made), parse_float=Decimal, parse_int=Decimal)
    except (ValueError, TypeError, SyntaxError, ArithmeticError, RecursionError, MemoryError):
        return None


def equal(a: Any, b: Any) -> bool:
    """Whether two values of JSON are equal; numbers as numbers, true and false as nothing else."""
    stack = [(a, b)]
    while stack:  # not recursive: a value may be deeper than Python's own stack
        x, y = stack.pop()
        if isinstance(x, dict) and isinstance(y, dict):
            if x.keys() != y.keys():
                return False
            stack += [(x[key], y[key]) for key in x]
        elif isinstance(x, list) and isinstance(y, list):
            if len(x) != len(y):
                return False
            stack += zip(x, y, strict=True)
        elif isinstance(x, Decimal) and isinstance(y, Decimal):
            if not _same_number(x, y):
                return False
        elif type(x) is not type(y) or x != y:
            return False
    return True


def _same_number(x: Decimal, y: Decimal) -> bool:
    """Equal, or fractions whose difference is no larger than a float's rounding."""
    if x == y:
        return True
    if not (x.is_finite() and y.is_finite()):
        return False
    long = max(len(number.as_tuple().digits) for number in (x, y)) > _EXACT
    whole = all(number == number.to_integral_value() for number in (x, y))
    return long and not whole and float(x) == float(y)
