"""What was done to a user's data while they were read: counted, and said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

NULLS_IN_CALLS = "{n} nulls in calls were left out as padding: the tools' schemas do not allow them."
NULLS_ALLOWED = "{n} nulls in calls were kept: the tools' schemas allow them."
NULLS_IN_TOOLS = "{n} rows have nulls in their tools that fill up a table; they were left out."
TYPES_UNKNOWN = "{n} parameters have a type that JSON Schema does not know; any value is taken for them."
RECURSIVE = "{n} references to a schema inside itself were replaced by any value."
UNLISTED = "{n} calls have arguments though their tools describe no parameters."
LITERALS = "{n} texts were read as Python literals, since they are no JSON."
THOUGHTS = "{n} answers hold thoughts (reasoning before the answer), which were left out."
WORDS_AND_CALLS = "{n} answers hold words beside their calls; the words are kept."
JOINED = "{n} messages were joined to the assistant's message before them."
ENDS_EARLY = "{n} conversations end without an answer; they were read up to their last answer."
FROM_SYSTEM = "{n} rows describe their tools in the system message; they were taken as tools and left out of it."
NOT_OFFERED = "{n} answers quote JSON or code that calls no tool on offer; they were read as words."
NOT_LEARNED = "{n} answers in words are not learned from: they follow a tool's result, or no tool was on offer."
TOO_MANY_TURNS = "{n} answers are not learned from: of one conversation, the first 8 are taken."
NO_EXAMPLE = "{n} rows hold no answer to learn from."
REPEATED_IDS = "{n} rows have the id of another row; the row's number was added to it."
ODD_IDS = "{n} rows have an id that is neither text nor a number; the row's number stands for it."
NO_CALL_WORDS = "{n} rows give no call and no words; their answer is {words!r}."


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
