"""Instruction families: one list of words, and instructions that want different answers of it.

"say the first word of the list." and "say the animal of the list." both have a word of the list as their answer, so
the input and the output space say nothing about which is wanted: only the instruction does. An instruction can be
simplified (all semantics removed, the output space left), emptied or swapped for another family's, and an answer can be
delusive (a valid one, wrongly mapped): the arms of Kung & Peng 2023 (arXiv 2305.11383).

The shortcut is to answer with the first word of the list. It is right on congruent items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal, get_args

from pydantic import Field

from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.world.holdout import reserved
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.taxonomy import ancestors, article, held_out_nouns, nouns

Form = Literal["original", "simplified", "empty", "swapped", "delusive"]
FORMS: tuple[Form, ...] = get_args(Form)

ASKED_CLASSES = ("animal", "food", "garment")
"""Classes that families ask for; every list holds words of two of them at least, never two words of one class."""
OTHER_CLASSES = ("vehicle", "furniture", "container", "instrument", "weapon", "building", "tool", "landform")
_ORDINALS = ("first", "second", "last")

# Frames by kind of family: four to train with, then two of the same words to measure with.
_FRAMES = {
    "place": (
        *("say the {x} word of the list.", "give the {x} word.", "which word comes {x}?", "answer with the {x} word."),
        *("answer with the word that comes {x}.", "which is the {x} word of the list?"),
    ),
    "class": (
        *("say the {x} of the list.", "give the {x}.", "which word is {ax}?", "which one is the {x}?"),
        *("say which word of the list is {ax}.", "which is the {x}?"),
    ),
    "neighbor": (
        *("say the word {x}.", "which word comes {x}?", "give the word that comes {x}.", "what is the word {x}?"),
        *("say which word comes {x}.", "which is the word {x}?"),
    ),
    "count": (
        *("how many words are in the list?", "count the words.", "say how many words.", "give the number of words."),
        *("say how many words are in the list.", "what is the number of words?"),
    ),
    "backwards": (
        *("say the list backwards.", "give the words from last to first.", "say the words backwards."),
        *("answer with the list from last to first.", "give the list backwards.", "say the list from last to first."),
    ),
}
_TRAINED = 4  # frames of each kind that documents and examples use
_KINDS = {
    **dict.fromkeys(_ORDINALS, "place"),
    **dict.fromkeys(ASKED_CLASSES, "class"),
    **dict.fromkeys(("after", "before"), "neighbor"),
    **dict.fromkeys(("count", "backwards"), None),
}
WORD_FAMILIES = tuple(family for family, kind in _KINDS.items() if kind)
"""Families whose answer is a word of the list."""
OTHER_FAMILIES = ("count", "backwards")
COUNTS = ("3", "4", "5")
_SIMPLIFIED = {"count": "answer with a number.", "backwards": "answer with the words of the list."}


@dataclass(frozen=True)
class Question:
    """A list and what is asked of it.

    Attributes:
        family: What is asked: one of `WORD_FAMILIES` or `OTHER_FAMILIES`.
        frame: The wording, without the class, place or neighbor it asks for.
        neighbor: The word that "after" and "before" start from, else "".
    """

    words: tuple[str, ...]
    family: str
    frame: str
    neighbor: str = ""

    @property
    def instruction(self) -> str:
        """The instruction in words."""
        x = f"{self.family} {self.neighbor}" if self.neighbor else self.family
        return self.frame.format(x=x, ax=article(x))

    @property
    def text(self) -> str:
        """The list as the user gives it."""
        return f"list: {', '.join(self.words)}"

    @property
    def answer(self) -> str:
        """The right answer."""
        if self.family == "count":
            return str(len(self.words))
        if self.family == "backwards":
            return ", ".join(reversed(self.words))
        if self.neighbor:
            return self.words[self.words.index(self.neighbor) + (1 if self.family == "after" else -1)]
        if self.family in ASKED_CLASSES:
            return next(w for w in self.words if class_of().get(w) == self.family)
        return self.words[{"first": 0, "second": 1, "last": -1}[self.family]]

    @property
    def side(self) -> Side:
        """Whether the first word of the list is right; neutral where the answer is no word of the list."""
        if self.family in OTHER_FAMILIES:
            return Side.NEUTRAL
        return Side.CONGRUENT if self.answer == self.words[0] else Side.CONFLICTING

    @property
    def gold(self) -> Gold:
        """The right answer, and what else would be a valid one."""
        labels = {"count": COUNTS, "backwards": ()}.get(self.family, self.words)
        return Gold(text=self.answer, labels=labels)


@cache
def class_of() -> dict[str, str]:
    """Noun -> the one class it belongs to.

    Nouns of several classes and the classes themselves are left out, and so are those of which no entailment question
    is asked: "which word is an animal?" would be one.
    """
    classes = (*ASKED_CLASSES, *OTHER_CLASSES)
    drawn = [noun for noun in nouns() if noun not in classes and noun not in held_out_nouns()]
    of = {noun: [c for c in classes if c in ancestors(noun)] for noun in drawn}
    return {noun: found[0] for noun, found in of.items() if len(found) == 1}


@cache
def _members() -> dict[str, tuple[str, ...]]:
    return {c: tuple(n for n, of in class_of().items() if of == c) for c in (*ASKED_CLASSES, *OTHER_CLASSES)}


def draw_list(rng: Random, *, held_out: bool) -> tuple[str, ...]:
    """Three to five words, each of another class."""
    while True:
        classes = rng.sample(ASKED_CLASSES, rng.choice((2, 3)))
        classes += rng.sample(OTHER_CLASSES, rng.randint(3, 5) - len(classes))
        rng.shuffle(classes)
        words = tuple(rng.choice(_members()[c]) for c in classes)
        if reserved("families", *words) == held_out:
            return words


def families_of(words: tuple[str, ...]) -> list[str]:
    """Families that can be asked of a list."""
    of = class_of()
    held = {of[w] for w in words}
    return [f for f in _KINDS if f not in ASKED_CLASSES or f in held]


def ask(rng: Random, words: tuple[str, ...], family: str, *, anew: bool = False) -> Question:
    """A question of a family, in a wording to train with or (`anew`) to measure with."""
    frames = _FRAMES[_KINDS[family] or family]
    frame = rng.choice(frames[_TRAINED:] if anew else frames[:_TRAINED])
    neighbor = {"after": words[:-1], "before": words[1:]}.get(family)
    return Question(words, family, frame, rng.choice(neighbor) if neighbor else "")


def document(rng: Random) -> str:
    """One to three questions about the same list, the instruction as the system's message or before the list."""
    words = draw_list(rng, held_out=False)
    asked = rng.sample(families_of(words), rng.choice((1, 2, 2, 3)))
    ahead = rng.random() < 0.3
    found = []
    for question in (ask(rng, words, family) for family in asked):
        if ahead:
            found.append(chat(f"{question.instruction} {question.text}", question.answer))
        else:
            found.append(chat(question.text, question.answer, system=question.instruction))
    return "".join(found)


def _other(rng: Random, asked: Question) -> Question:
    """A question of another family about the same list that has another answer."""
    while True:
        other = ask(rng, asked.words, rng.choice(families_of(asked.words)))
        if other.family != asked.family and other.answer != asked.answer:
            return other


def instruction(asked: Question, form: Form, rng: Random) -> str:
    """The instruction in one of the forms; "" is none. Delusive examples keep their instruction."""
    if form == "simplified":
        return _SIMPLIFIED.get(asked.family, "answer with one word of the list.")
    if form == "swapped":
        return _other(rng, asked).instruction
    return "" if form == "empty" else asked.instruction


def delusion(asked: Question, rng: Random) -> str:
    """A valid answer that is wrong: another word of the list, another number, another order."""
    if asked.family == "backwards":
        orders = (rng.sample(asked.words, len(asked.words)) for _ in iter(int, 1))
        return next(said for order in orders if (said := ", ".join(order)) != asked.answer)
    return rng.choice([label for label in asked.gold.labels if label != asked.answer])


def _prompt(asked: Question, form: Form, rng: Random) -> Prompt:
    said = instruction(asked, form, rng)
    system = ({"role": "system", "content": said},) if said else ()
    return Prompt(messages=(*system, {"role": "user", "content": asked.text}))


class FamilyOptions(TaskOptions):
    """The form of the instruction, in training and when measured (Kung & Peng 2023)."""

    form: Form = Field(
        default="original", description="The instruction of training examples; delusive: a wrong answer."
    )
    asked: Literal["original", "simplified", "empty", "swapped"] = Field(
        default="original", description="The instruction of items; what is right stays what the original one asks for."
    )


class FamilyPayload(TaskPayload):
    """A list and what is asked of it, as `Question` has it."""

    words: tuple[str, ...]
    family: str
    frame: str
    neighbor: str = ""

    @property
    def question(self) -> Question:
        """As the generators have it."""
        return Question(self.words, self.family, self.frame, self.neighbor)


def _carried(asked: Question) -> dict[str, Any]:
    carried = FamilyPayload(words=asked.words, family=asked.family, frame=asked.frame, neighbor=asked.neighbor)
    return carried.model_dump(mode="json")


def pool(count: int, form: Form = "original") -> Iterator[Example]:
    """Training examples in one form: in all forms the same lists and families, in the same order.

    Args:
        form: "empty" leaves the system's message out; "delusive" answers wrongly, and its gold is that answer.
    """
    rng = Random("families: training")
    for index in range(count):
        words = draw_list(rng, held_out=False)
        asked = ask(rng, words, rng.choice(families_of(words)))
        own = Random(f"families: {form} {index}")  # so that all forms draw the same questions
        answer = delusion(asked, own) if form == "delusive" else asked.answer
        yield Example(
            id=f"families-{index}",
            prompt=_prompt(asked, form, own),
            answer={"role": "assistant", "content": answer},
            gold=asked.gold.model_copy(update={"text": answer}),
            family=asked.family,
            cluster=asked.frame,
            side=asked.side,
            task="families",
            payload=_carried(asked),
        )


def _sided(rng: Random, side: Side, *, anew: bool = False) -> Question:
    """A question of a word family about a reserved list on which the shortcut is right, or is wrong."""
    while True:
        words = draw_list(rng, held_out=True)
        asked = ask(rng, words, rng.choice([f for f in families_of(words) if f in WORD_FAMILIES]), anew=anew)
        if asked.side is side:
            return asked


def _questions(split: str, index: int, rng: Random) -> tuple[Question, ...]:
    """What a split asks: one question, or two of the same list on exactly one of which the shortcut is right."""
    if split == "forms":
        return (ask(rng, draw_list(rng, held_out=True), OTHER_FAMILIES[index % 2]),)
    first = _sided(rng, (Side.CONGRUENT, Side.CONFLICTING)[index % 2], anew=split == "wording")
    if split != "flip":
        return (first,)
    while True:
        second = ask(rng, first.words, rng.choice([f for f in families_of(first.words) if f in WORD_FAMILIES]))
        if second.side is not first.side:
            return (first, second)


SPLITS = {
    "lists": "the list; asked in wordings of the training examples",
    "wording": "the wording, and the list",
    "flip": "the list, under two instructions with different right answers; both items have the list as their cluster",
    "forms": "the list; asked for the number of words or for the list backwards",
}


def asked_items(count: int, form: Form = "original") -> Iterator[Item]:
    """Items with their instruction in one form, whose gold stays the original one's; at most `count` a split."""
    for split in SPLITS:
        rng, seen, number = Random(f"families: {split}"), set(), 0
        for index in range(count // 2 if split == "flip" else count):
            asked = _questions(split, index, rng)
            if asked[0].words in seen:
                continue
            seen.add(asked[0].words)
            for question in asked:
                yield Item(
                    id=f"families-{split}-{number}",
                    prompt=_prompt(question, form, Random(f"families: {split} {form} {number}")),
                    gold=question.gold,
                    split=split,
                    cluster=" ".join(question.words) if split == "flip" else question.frame,
                    side=question.side,
                    features=_features(question),
                    task="families",
                    payload=_carried(question),
                )
                number += 1


def _features(asked: Question) -> dict[str, float]:
    """Words in the list, and where the answer stands in it (from 0)."""
    place = {"position": float(asked.words.index(asked.answer))} if asked.family in WORD_FAMILIES else {}
    return {"words": float(len(asked.words)), **place}


class Families(Task[FamilyOptions, FamilyPayload]):
    """A word of a list, by one of several instructions."""

    name = "families"
    title = "Instruction families"
    about = (
        "A list of words and an instruction that says which of them is wanted: the first, second or last, the one "
        "after or before another, the animal, the food, the garment; or how many there are, or the list backwards. "
        "Input and output space are the same whatever is asked, so only the instruction can tell. The shortcut is to "
        "answer with the first word of the list: right on congruent items, wrong on conflicting ones. `first` is "
        "always congruent and `second`, `last` and `after` never are; the classes and `before` are both, and "
        "comparing sides within them keeps the instruction's difficulty out."
    )
    splits = SPLITS
    Options = FamilyOptions
    Payload = FamilyPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: FamilyOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return pool(count, (options or FamilyOptions()).form)

    def items(self, count: int, options: FamilyOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return asked_items(count, (options or FamilyOptions()).asked)

    def solve(self, payload: FamilyPayload) -> str:
        """By reading the list."""
        return payload.question.answer
