"""Wrong answers that a teacher samples: graded, sorted by type, never right, equal to the chosen answer or cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from engine.methods._settings import PreferenceSettings
from engine.objectives._pairs import Sampled
from engine.spec.example import Example, Preference, Side
from engine.subject.grading import grade
from engine.subject.protocol import Answer, Subject
from engine.subject.sameness import alike

_CHUNK = 96  # prompts sampled at once; sampling ends once there are enough pairs


def asked(settings: PreferenceSettings, examples: Sequence[Example], pool: Sequence[Example]) -> Sequence[Example]:
    """The run's own examples; adversarial ones come from the whole pool, for a biased run has few of its own."""
    return examples if settings.negatives_on == "all" else [e for e in pool if e.side is Side.CONFLICTING]


def sample(
    settings: PreferenceSettings, policy: Subject, teacher: Subject, examples: Sequence[Example], rng: Random
) -> Sampled:
    """Sampled answers that ended and were graded wrong, at most one of each failure type per prompt."""
    asked = list(examples)
    rng.shuffle(asked)
    limit = teacher.room(settings.think_tokens, settings.max_new_tokens)
    readable: list[Preference] = []
    unreadable: list[Preference] = []
    fates: Counter[str] = Counter()
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        prompts = [example.prompt for example in chunk]
        answers = teacher.sample(prompts, settings.samples, settings.temperature, rng.getrandbits(32), limit)
        for example, given in zip(chunk, answers, strict=True):
            said = policy.rendered(example.prompt, example.answer)
            other = readable if settings.unreadable else unreadable
            fates.update(_sort(example, said, given, readable, other))
        if len(readable) >= settings.pairs:
            break
    pairs = (readable or unreadable)[: settings.pairs]
    return Sampled(pairs, fates.total(), fates["cut"], fates["right"], limit)


def _sort(
    example: Example, said: str, answers: Sequence[Answer], readable: list[Preference], other: list[Preference]
) -> list[str]:
    """Add each wrong answer, one of a failure type, to the readable ones or to the others.

    Args:
        said: The chosen answer as the model's template writes it. What says the same is not wrong.

    Returns:
        What became of each answer: "cut", "right" or "wrong".
    """
    seen: set[str] = set()
    fates = []
    for text, cut in answers:
        verdict = grade(text, example.gold, example.prompt.tools)
        right = verdict.failure is None or alike(text, said, example.prompt.tools)
        fates.append("cut" if cut else "right" if right else "wrong")
        if cut or right or verdict.failure is None or not text.strip() or verdict.failure in seen:
            continue
        seen.add(verdict.failure)
        pair = Preference(prompt=example.prompt, chosen=example.answer, rejected=text, failure=verdict.failure)
        (readable if verdict.parses else other).append(pair)
    return fates
