"""A JSON list of rows, alone or inside one object, and JSON objects that stand one after another over several lines.

A list is read piece by piece. Where it is broken, nothing after that place can be told apart, so that the file is
refused whatever is done with bad rows.
"""

from __future__ import annotations

import codecs
from typing import Any, BinaryIO, NoReturn

from engine.data.expected import EXPECTED
from engine.data.files.sample import Sample
from engine.data.problems import Problems, shown, unusable
from engine.data.strict_json import LONGEST_ROW, SPACE, NotJson, decode_value

_CHUNK = 2**20


def take_list(stream: BinaryIO, sample: Sample, problems: Problems) -> None:
    """Offer the elements of the list that is all of the stream."""
    reader = _Reader(stream, problems)
    reader.expect("[")
    _elements(reader, sample, "is empty: a list without rows")
    reader.finish("the list")


def take_wrapped(stream: BinaryIO, sample: Sample, problems: Problems) -> str:
    """Offer the elements of the one list of rows in an object such as {"data": [...]}; gives the list's name."""
    reader = _Reader(stream, problems)
    reader.expect("{")
    name = ""
    while True:
        key = reader.value()
        reader.expect(":")
        if reader.next() != "[":
            reader.value()
        elif name:
            what = f"holds several lists of rows ({shown(name)} and {shown(key)})"
            raise unusable(problems.file, what, "Keep one of them in a file of its own.")
        else:
            name = str(key)
            reader.expect("[")
            _elements(reader, sample, f"is empty: its list {shown(name)} has no rows")
        if reader.next() != ",":
            break
        reader.expect(",")
    reader.expect("}")
    reader.finish("the object")
    return name


def take_objects(stream: BinaryIO, sample: Sample, problems: Problems) -> None:
    """Offer the objects that follow one another with nothing but space between."""
    reader = _Reader(stream, problems)
    while reader.next():
        reader.row += 1
        sample.offer(reader.row, reader.element())


def _elements(reader: _Reader, sample: Sample, empty: str) -> None:
    """The elements up to the list's end; the list has been opened."""
    reader.row = 0
    if reader.next() == "]":
        raise unusable(reader.problems.file, empty, EXPECTED)
    while True:
        reader.row += 1
        sample.offer(reader.row, reader.element())
        mark = reader.next()
        if mark not in (",", "]"):
            reader.broken("a comma or ] must follow this row" if mark else "the file is cut off after this row")
        reader.expect(mark)
        if mark == "]":
            return


class _Reader:
    """The text of a stream, a piece at a time.

    Attributes:
        row: The row that is being read, for messages.
    """

    def __init__(self, stream: BinaryIO, problems: Problems) -> None:
        self.problems = problems
        self.row = 0
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._gone = 0  # line breaks in the text that was let go
        self._line_start = 0  # characters that the present line had before the text at hand
        self._ended = False

    def next(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            match = SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._fill():
                return self._text[self._at : self._at + 1]

    def expect(self, mark: str) -> None:
        """Go past a character that must come next."""
        if self.next() != mark:
            self.broken(f"{mark} is missing")
        self._at += 1

    def value(self) -> Any:
        """The value that comes next, and go past it."""
        return self._value()[0]

    def element(self) -> bytes:
        """The text of the value that comes next, as UTF-8, and go past it."""
        value, text = self._value()
        if isinstance(value, str) and len(text) > LONGEST_ROW:
            self.broken("this row is too long")
        return text.encode("utf-8", "surrogatepass")

    def finish(self, what: str) -> None:
        """Nothing but space may follow."""
        if self.next():
            self.broken(f"more follows after {what}")

    def broken(self, text: str, at: int | None = None) -> NoReturn:
        """Refuse the file: `text` says what is wrong at the present place, or `at` another offset."""
        at = self._at if at is None else at
        line = self._gone + self._text.count("\n", 0, at) + 1
        start = self._text.rfind("\n", 0, at)
        column = at - start if start >= 0 else self._line_start + at + 1
        self.problems.skip, self.problems.hint = False, ""
        self.problems.add(max(1, self.row), "", f"is not JSON: {text}, at line {line}, column {column}")
        self.problems.check()
        raise AssertionError("a problem was added, so that the check raises")

    def _value(self) -> tuple[Any, str]:
        self.next()
        while True:
            try:
                value, end = decode_value(self._text, self._at)
            except NotJson as error:
                if not self._ended and len(self._text) - self._at <= LONGEST_ROW and self._fill():
                    continue
                if not self._ended and len(self._text) - self._at > LONGEST_ROW and "deep" not in str(error):
                    self.broken(f"this row is too long (at most {LONGEST_ROW:,} characters) or broken: {error}")
                ends = error.at >= len(self._text.rstrip()) or "Unterminated" in str(error)
                self.broken(f"{error}{' (the file seems to be cut off)' if ends else ''}", error.at)
            if end < len(self._text) or self._ended or not self._fill():
                text = self._text[self._at : end]
                self._at = end
                return value, text

    def _fill(self) -> bool:
        """More text at hand, and what was read let go. False at the end of the stream."""
        if self._ended:
            return False
        if self._at > _CHUNK:
            last = self._text.rfind("\n", 0, self._at)
            self._line_start = self._at - last - 1 if last >= 0 else self._line_start + self._at
            self._gone += self._text.count("\n", 0, self._at)
            self._text, self._at = self._text[self._at :], 0
        data = self._stream.read(_CHUNK)
        self._ended = not data
        try:
            self._text += self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line = self._gone + self._text.count("\n") + error.object.count(b"\n", 0, error.start) + 1
            raise unusable(self.problems.file, f"is not UTF-8 (line {line})", "Save it as UTF-8.") from error
        return bool(data)
