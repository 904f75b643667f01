"""Asking a rule, and checking what it gives: a fault of a user's file is told by rule, file and line."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.rules._base import OPEN, Case, Code, Decision, Gate, Read, Rule
from engine.spec.errors import PluginError
from engine.spec.plugins.discovery import line_of
from engine.spec.plugins.fault import line_within, place, what
from engine.spec.result import NamedFigure

AGAIN = (
    "The runs and their figures are kept. Mend the file and ask for the result again (`python main.py report`, or open "
    "it in the window): nothing is trained anew. The result will say that its rule was changed after it was queued."
)


class Unfit(Exception):
    """A rule gave something else than it should.

    Attributes:
        of: The method or attribute of the rule that gave it.
    """

    def __init__(self, of: str, said: str) -> None:
        super().__init__(said)
        self.of = of


@contextmanager
def faults(cls: type[Rule], file: Path | None, then: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Within it, whatever goes wrong is a fault of the user's file that defines the rule.

    Args:
        file: The file; None for a rule of the lab's own, whose faults are bugs.
        then: What can be done about it, as sentences.
        passing: What is raised on purpose, and passes as it is.

    Raises:
        PluginError: Something went wrong; it names the rule, the file and the line.
    """
    try:
        yield
    except Exception as error:
        if file is None or isinstance(error, passing):
            raise
        said, of = (str(error), error.of) if isinstance(error, Unfit) else (what(error).rstrip("."), "")
        line = line_within(error, str(file))
        at = defined_at(cls, of, file) if line is None else place(str(file), line)
        raise PluginError(f"The rule {cls.name!r} failed: {said}.", f"{at}. {then}") from error


def defined_at(cls: type[Rule], of: str, file: Path) -> str:
    """Where in a user's file a method of a rule begins; where the file does not define it, the class."""
    method = getattr(cls, of, None)
    if isinstance(method, FunctionType) and method.__code__.co_filename == str(file):
        return place(str(file), method.__code__.co_firstlineno)
    return place(str(file), line_of(cls))


def asked(rule: Rule, method: str, *given: Any) -> Any:
    """What a method of a rule gives. Raises Unfit where it is not what that method should give."""
    answer = getattr(rule, method)(*given)
    fits, wanted = GIVES[method]
    if not fits(answer):
        raise Unfit(method, f"its {method}() must give {wanted}, and gave {reprlib.repr(answer)}")
    return answer


def decided(rule: Rule, case: Case) -> Decision:
    """What a rule decides, checked down to its code and its words. Raises Unfit where something does not fit."""
    found: Decision = asked(rule, "decide", case)
    codes = [code.code for code in rule.codes]
    wrong = (
        (found.code not in codes, found.code, f"the code {{}}, which is none of its `codes` ({', '.join(codes)})"),
        (not (isinstance(found.text, str) and found.text.strip()), found.text, "the text {}, which is no sentence"),
        (not _each(str)(found.reasons), found.reasons, "the reasons {}, which are no tuple of sentences"),
        (not _each(NamedFigure)(found.figures), found.figures, "the figures {}, which are no tuple of NamedFigure"),
    )
    for holds, given, said in wrong:
        if holds:
            raise Unfit("decide", f"its decide() gave a Decision with {said.format(reprlib.repr(given))}")
    return found


def check_codes(rule: Rule) -> None:
    """Raise Unfit where its codes are no codes, or where it cannot say that the figures do not say."""
    if not _each(Code)(rule.codes):
        raise Unfit("codes", f"its `codes` must be a tuple of Code, and are {reprlib.repr(rule.codes)}")
    if OPEN not in {code.code for code in rule.codes}:
        raise Unfit("codes", f"it has no code {OPEN!r} among its `codes`")


def _each(kind: type) -> Callable[[Any], bool]:
    return lambda answer: isinstance(answer, list | tuple) and all(isinstance(one, kind) for one in answer)


def _named(kinds: type | Any) -> Callable[[Any], bool]:
    return lambda answer: (
        isinstance(answer, dict)
        and all(isinstance(name, str) and isinstance(value, kinds) for name, value in answer.items())
    )


def _reads(answer: Any) -> bool:
    return _each(Read)(answer) and all(_each(str)(read[:3]) and isinstance(read.margin, int | float) for read in answer)


GIVES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "roles": (_named(str), "a dict from role to arm"),
    "metrics": (_each(str), 'a tuple of names like "probe.metric"'),
    "reads": (_reads, 'a tuple of Read(arm, arm, "probe.metric", margin)'),
    "thresholds": (_named(int | float | str), "a dict from name to number or word"),
    "gates": (lambda answer: _each(Gate)(answer) and all(_each(str)(gate) for gate in answer), "a list of Gate"),
    "reasons": (_each(str), "a list of sentences"),
    "decide": (lambda answer: isinstance(answer, Decision), "a Decision"),
}
"""Method -> whether what it gave is what it should give, and what that is."""
