"""A simple model that sees one part of the input alone: a conditional logit over the answers to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from engine.spec.choice import Choice, Words

PENALTY = 1.0
"""Of half the squared weights, beside the summed log-likelihood: what ridge logistic regression usually has."""
_TIED = 1e-6  # scores this close are equal: a guess decides
Feature = tuple[str, str]  # answer ("" where the words are its own), word


class PartModel:
    """P(answer) proportional to exp(sum of the weights of what the part shows of it) (McFadden 1974).

    Where the part's words belong to the question, each answer has its own weight for each word, and one more for
    itself: with two fixed answers this is logistic regression on a bag of words. Where each answer has words (tools
    on offer), a word has one weight, whichever answer it stands at.

    Args:
        choices: What is learned from, all of one kind.
        part: The part that is seen.
    """

    def __init__(self, choices: Sequence[Choice], part: str) -> None:
        self._part = part
        self._known: dict[Feature, int] = {}
        self._weights = self._fitted(choices)

    def credit(self, choices: Sequence[Choice]) -> np.ndarray:
        """For each choice 1 where the right answer alone scores highest, 1/n where n tie with it, else 0: [choices]."""
        scores = self._rows(choices, learn=False) @ self._weights
        found, at = np.empty(len(choices)), 0
        for number, choice in enumerate(choices):
            own = scores[at : at + len(choice.answers)]
            best = own >= own.max() - _TIED
            found[number] = best[choice.right] / best.sum()
            at += len(choice.answers)
        return found

    def _rows(self, choices: Iterable[Choice], learn: bool) -> csr_matrix:
        """What is shown of each answer of each choice, one row an answer: [answers, features]; new ones are learned."""
        starts, columns, known = [0], list[int](), self._known
        for choice in choices:
            for features in shown(choice, self._part):
                if learn:
                    columns += [known.setdefault(feature, len(known)) for feature in features]
                else:
                    columns += [known[feature] for feature in features if feature in known]
                starts.append(len(columns))
        return csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(starts) - 1, len(known)))

    def _fitted(self, choices: Sequence[Choice]) -> np.ndarray:
        rows, weight = self._rows(choices, learn=True), weights(choices)
        sizes = np.array([len(choice.answers) for choice in choices])
        starts = np.cumsum(sizes) - sizes
        right = starts + np.array([choice.right for choice in choices])

        def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
            scores = rows @ beta
            scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
            odds = np.exp(scores)
            total = np.add.reduceat(odds, starts)
            slope = np.repeat(weight / total, sizes) * odds
            slope[right] -= weight
            likelihood = float((weight * (scores[right] - np.log(total))).sum())
            return PENALTY / 2 * float(beta @ beta) - likelihood, PENALTY * beta + rows.T @ slope

        start = np.zeros(len(self._known))
        # Not L-BFGS: scipy's calls a BLAS that starts a thread a core for vectors of a few hundred numbers.
        return minimize(loss, start, jac=True, method="CG", options={"gtol": 1e-3, "maxiter": 500}).x


def weights(choices: Sequence[Choice]) -> np.ndarray:
    """How much each choice counts, 1 on average; where answers count evenly, all choices of an answer the same."""
    if not choices or not choices[0].evenly:
        return np.ones(len(choices))
    right = [choice.answers[choice.right] for choice in choices]
    of = {answer: right.count(answer) for answer in set(right)}
    return np.array([len(right) / (len(of) * of[answer]) for answer in right])


def shown(choice: Choice, part: str) -> list[list[Feature]]:
    """What a part shows of each answer: its own words, or the question's words as they speak for that answer."""
    words: tuple[Words, ...] = choice.parts[part]
    if len(words) == 1:
        own = sorted(words[0])
        return [[(answer, ""), *((answer, word) for word in own)] for answer in choice.answers]
    return [[("", word) for word in sorted(of_answer)] for of_answer in words]
