"""What was done to a user's data while they were read: counted, and said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

NULLS_IN_CALLS = "Nulls left out of calls as padding, since the tools' schemas do not allow them: {n}."
NULLS_ALLOWED = "Nulls kept in calls, since the tools' schemas allow them: {n}."
NULLS_IN_TOOLS = "Rows whose tools hold nulls that fill up a table, which were left out: {n}."
TYPES_UNKNOWN = "Parameters of a type that JSON Schema does not know, for which any value is taken: {n}."
RECURSIVE = "References to a schema inside itself, for which any value is taken: {n}."
UNLISTED = "Calls with arguments though their tools describe no parameters: {n}."
LITERALS = "Texts read as Python literals, since they are no JSON: {n}."
THOUGHTS = "Answers with thoughts (reasoning before the answer), which were left out: {n}."
WORDS_AND_CALLS = "Answers with words beside their calls, which were kept: {n}."
JOINED = "Messages joined to the assistant's message before them: {n}."
ENDS_EARLY = "Conversations that end without an answer, read up to their last answer: {n}."
FROM_SYSTEM = "Rows that describe their tools in the system message; they were taken as tools, and out of it: {n}."
NOT_OFFERED = "Answers that quote JSON or code which calls no tool on offer, read as words: {n}."
NOT_LEARNED = "Answers in words that follow a tool's result, or had no tool on offer, and are not learned from: {n}."
TOO_MANY_TURNS = "Answers not learned from, since of one conversation the first 8 are taken: {n}."
UNWANTED = "Answers that the file asks not to learn from (weight 0): {n}."
OFF_SCHEMA = "Calls with values that their tools' schemas do not allow, taken as they stand: {n}."
LEFT_OVER = (
    "Answers that are neither trained on nor measured: {n}. They repeat a request, or were offered a tool that is held "
    "out where another one is right."
)
DISAGREE = "Requests that have different right answers in different rows: {n}. Only the row's own is taken as right."
NO_EXAMPLE = "Rows without an answer to learn from: {n}."
REPEATED_IDS = "Rows with the id of another row, to which the row's number was added: {n}."
ODD_IDS = "Rows with an id that is neither text nor a number, for which the row's number stands: {n}."
NO_CALL_WORDS = "Rows without a call and without words, answered by {words!r}: {n}."
MOSTLY_BAD = "More than half of the rows that were read cannot be used and were left out: {n}."


class Notes:
    """Counts by sentence; `{n}` in it stands for the count."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Take the counts of a row that is used."""
        self.counts.update(counts)

    def sentences(self) -> tuple[str, ...]:
        """Each note once, in the order in which they were first met."""
        return tuple(text.replace("{n}", f"{count:,}") for text, count in self.counts.items() if count)
