"""What is wrong with a user's values, in the words of one line: the field, its value, and what is allowed."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

_NO_VALUE = ("missing", "extra_forbidden")


def misfit(error: ValidationError, within: str = "") -> str:
    """The first thing that does not fit, e.g. "rank: Input should be greater than 0 (it is -1)", and how many more do.

    Args:
        within: What the values are part of, e.g. "rule.settings".
    """
    found = error.errors(include_url=False)
    first = found[0]
    field = ".".join([*([within] if within else []), *(str(part) for part in first["loc"])])
    said = (
        "there is no such field" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    )
    if first["loc"] and first["type"] not in _NO_VALUE:
        said += f" (it is {reprlib.repr(first['input'])})"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{field}: {said}{more}" if field else f"{said}{more}"


def fields_for(error: ValidationError, model: type[BaseModel]) -> str:
    """A model's fields, the one first that was likely meant where there is none of the name that was given."""
    first = error.errors(include_url=False)[0]
    asked = str(first["loc"][0]) if first["type"] == "extra_forbidden" and len(first["loc"]) == 1 else ""
    return ", ".join(likeliest_first(asked, model.model_fields)) or "none"


def likeliest_first(asked: str, known: Iterable[str]) -> list[str]:
    """All names that are known, those first that look like the one that was asked for."""
    names = list(known)
    return list(dict.fromkeys([*get_close_matches(asked, names), *names]))
