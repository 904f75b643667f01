"""The work of each arm's runs, drawn up without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from engine import objectives
from engine.methods import Answering
from engine.methods.sft import Sft
from engine.objectives import Objective
from engine.objectives.dpo import Dpo
from engine.probes.calls import Calls
from engine.run.costs import arms, rehearsal
from engine.run.costs.work import Counted, Measured
from engine.run.inspection import pricing
from engine.spec.errors import DataError
from engine.spec.example import Example, Prompt, StudyData
from engine.spec.reference import ModelRef
from engine.spec.run import Need, Use, Wanted
from engine.subject import scoring
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer, Subject
from engine.subject.rendering import Renderer
from tests.support.tiny import data, make_spec, model, tokenizer, tokenizer_folder

__all__ = ["data", "model", "tokenizer", "tokenizer_folder"]


@pytest.fixture
def renderer(tokenizer: Any) -> Renderer:
    return Renderer(tokenizer, 512)


def drawn(method: str, data: StudyData, renderer: Renderer, settings: dict[str, Any] | None = None, **more: Any) -> Any:
    spec = make_spec(method, settings=settings, **more)
    return arms.arm(spec, data, renderer, Limits.of_data(data), renderer.encode)


def test_sft_reads_its_examples_in_batches_the_largest_first(data: StudyData, renderer: Renderer) -> None:
    made = drawn("sft", data, renderer)
    (phase,) = made.phases
    assert (phase.objective.name, phase.steps, len(phase.drawn.batches)) == ("sft", 12, 12)
    tokens = [phase.objective.block(row).size for row in phase.drawn.rows]
    sizes = [sum(tokens[at] for at in batch) for batch in phase.drawn.batches]
    assert sizes == sorted(sizes, reverse=True)
    assert phase.making == ()


def test_dpo_asks_for_as_many_answers_as_it_may_need(data: StudyData, renderer: Renderer) -> None:
    made = drawn("sft-dpo", data, renderer, {"pairs": 10})
    sft, dpo = made.phases
    assert (sft.objective.name, dpo.objective.name) == ("sft", "dpo")
    ((asks, before),) = dpo.making
    assert before == sft.steps
    assert sum(len(one.prompts) for one in asks.least) <= sum(len(one.prompts) for one in asks.most) == 40
    assert 0 < len(asks.rows) <= 10
    assert dpo.drawn.rows == asks.rows
    assert all(row.rejected != row.completion for row in asks.rows)
    (scored,) = asks.scored
    assert sum(len(answers) for _, answers in scored.blocks) == 2 * len(asks.rows), "the reference of each answer"


def test_a_base_trains_nothing(data: StudyData, renderer: Renderer) -> None:
    made = drawn("base", data, renderer)
    assert made.phases == ()
    assert made.unknown == ""


def test_a_teacher_of_its_own_is_not_loaded_and_taken_to_be_as_fast_as_the_model(
    data: StudyData, renderer: Renderer
) -> None:
    spec = make_spec("sft-dpo", settings={"teacher": "another"})
    needs = {"teacher": Need(model=ModelRef(name="another", path="", digest="1", parameters=1000))}
    spec = spec.model_copy(update={"tune": spec.tune.model_copy(update={"needs": needs})})
    made = arms.arm(spec, data, renderer, Limits.of_data(data), renderer.encode)
    assert made.phases[1].making[0].asks.rows
    assert pricing._beside(made, [made]) == 4000


def test_probes_are_asked_what_they_would_ask(data: StudyData, renderer: Renderer) -> None:
    found = drawn("sft", data, renderer, probes=("calls", "forgetting")).probed
    (asked,) = found.full.asked
    assert len(asked.prompts) == len(found.items["calls"])
    assert asked.limit == Limits.of_data(data).of(renderer).tokens
    (scored,) = found.full.scored
    assert len(scored.blocks) == len(found.items["forgetting"])
    assert found.live.scored == (), "forgetting has no curve"
    assert found.live.asked, "calls has one"


def test_the_same_objective_with_other_settings_is_another_kind_of_phase(data: StudyData, renderer: Renderer) -> None:
    made = [drawn("sft-dpo", data, renderer, settings) for settings in ({}, {"beta": 0.5}, {"rank": 2})]
    kinds = [made.phases[1].key for made in made]
    assert kinds[0] == kinds[2] != kinds[1]
    assert len({made.phases[0].key for made in made}) == 1
    assert len({made.adaptation for made in made}) == 2, "a smaller rank trains other weights"
    assert set(arms.by_objective(made)) == {made[0].phases[0].key, *kinds}


def test_rows_that_are_made_again_are_counted_as_often(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dpo, "chunk", 2)
    made = drawn("sft-dpo", data, renderer, {"pairs": 10})
    assert [making.step for making in made.phases[1].making] == [8, 10]


def test_what_is_sampled_in_a_step_is_unknown_and_not_guessed(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dpo, "batch", lambda self, rows, step, kit: {}, raising=False)
    made = drawn("sft-dpo", data, renderer)
    assert "makes its batches while it trains" in made.unknown
    assert made.phases == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [(DataError("no verifier here"), "no verifier here"), (AttributeError("logits"), "without the models themselves")],
)
def test_rows_that_need_a_model_are_unknown(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(Dpo, "rows", fail)
    assert said in drawn("sft-dpo", data, renderer).unknown


class _Twice:
    """Asks everything twice."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> Any:
        self.inner.generate(prompts, max_new_tokens)
        return self.inner.generate(prompts, max_new_tokens)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_an_arm_that_answers_in_a_way_of_its_own_is_asked_that_way(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = drawn("sft", data, renderer, probes=("calls",)).probed
    monkeypatch.setattr(Sft, "answerer", lambda self, kit: _Twice(kit.subject))
    twice = drawn("sft", data, renderer, probes=("calls",)).probed
    assert twice.full.asked == 2 * plain.full.asked
    assert twice.live.asked == 2 * plain.live.asked


def test_an_arm_that_needs_the_models_themselves_to_answer_is_unknown(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weighted(self: Any, kit: Answering) -> Subject:
        return kit.subject.model  # type: ignore[attr-defined, no-any-return]

    monkeypatch.setattr(Sft, "answerer", weighted)
    assert "how it answers cannot be told without the models themselves" in drawn("sft", data, renderer).unknown


def test_other_models_that_answer_make_it_unknown(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(self: Any, kit: Any, items: Any) -> Any:
        scorer: Subject = kit.needs["scorer"]
        scorer.text_nll(["a"] * len(items))
        return []

    monkeypatch.setattr(Calls, "needs", lambda self: {"scorer": Wanted(model="fork-s")})
    monkeypatch.setattr(Calls, "measure", measure)
    made = drawn("base", data, renderer, probes=("calls",))
    assert made.unknown == "other models answer, too (calls:scorer)"


def test_another_answer_is_wrong_and_looked_for_among_few(data: StudyData, renderer: Renderer) -> None:
    others = rehearsal.Others(data.train, renderer)
    for example in data.train:
        said = others(example.prompt)
        assert said
        assert said != renderer.answer_of(renderer.answer_text(example.prompt, example.answer))
    assert others(Prompt(messages=({"role": "user", "content": "?"},))) == ""
    alone = rehearsal.Others(data.train[:1], renderer)
    assert alone(data.train[0].prompt) == ""


def test_no_objective_is_named(data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An objective of a user's own is reckoned with by what it says of itself."""

    class Own(Objective[Any]):
        """Learns from every example twice."""

        name = "own"
        label = "Own"

        def rows(self, kit: Any, chunk: int) -> Sequence[Any]:
            with kit.policy() as policy:
                policy.generate([example.prompt for example in kit.examples], 8)
            return [*kit.encoded, *kit.encoded]

    plain = objectives.objective

    def found(use: Use) -> Any:
        return Own(Own.Config()) if use.name == "dpo" else plain(use)

    monkeypatch.setattr(objectives, "objective", found)
    phase = drawn("sft-dpo", data, renderer).phases[1]
    assert len(phase.drawn.rows) == 80
    ((asks, _),) = phase.making
    assert asks.least == asks.most
    assert [(len(one.prompts), one.limit) for one in asks.least] == [(40, 8)]
    assert isinstance(asks.scored, tuple)
    assert not asks.scored
    assert isinstance(phase.key, str)


def test_mappings_of_needs_are_by_name(data: StudyData, renderer: Renderer) -> None:
    seen: list[Mapping[str, Subject]] = []

    def answerer(subject: Subject, needs: Mapping[str, Subject]) -> Subject:
        seen.append(needs)
        return subject

    found = rehearsal.measured(
        (), {}, renderer, Limits.of_data(data), rehearsal.Answering(answerer, ("expert", "twin"))
    )
    assert found == Measured()
    assert set(seen[0]) == {"expert", "twin"}


def test_tokens_that_are_scored_are_counted_as_a_model_scores_them(
    data: StudyData, renderer: Renderer, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = renderer.with_prefix((3, 4, 5))
    seen: list[list[tuple[int, tuple[int, ...]]]] = []

    def noted(_: Any, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], *__: Any) -> Any:
        seen.append([(len(prompt), (len(answer),)) for prompt, answer in pairs])
        return [scoring.TokenScores(np.zeros(len(answer)), None) for _, answer in pairs]

    monkeypatch.setattr(scoring, "token_scores", noted)
    monkeypatch.setattr(
        scoring, "completion_logprobs", lambda *given: np.array([s.logprobs.sum() for s in noted(*given)])
    )
    plain = [example.prompt for example in data.train[:3]]
    begun = [prompt.model_copy(update={"begun": "The weather"}) for prompt in plain]
    counted, subject = (
        Counted(soft, Limits.of_data(data)),
        LocalSubject(model, renderer.tokenizer, renderer=soft),
    )
    for some in (counted, subject):
        some.score(plain, ["The weather in Rome"] * 3)
        some.score(begun, ["The weather in Rome"] * 3, end=False)
        some.score(begun, [Answer("The weather in Rome")] * 3)
        some.score(begun, [Answer("The weather in Rome", cut=True)] * 3)
        some.option_logprobs(begun, [["The weather is warm"]] * 3)
        some.text_nll(["The sea is near."])
    *scored, text = [list(asked.blocks) for asked in counted.scored]
    assert scored == seen[:-1]
    assert text[0][0] == seen[-1][0][0] == 4, "the prefix and the text's first token"


def test_a_teachers_wrong_answers_begin_as_their_prompts_say(data: StudyData, renderer: Renderer) -> None:
    def begun(example: Example) -> Example:
        text = renderer.whole_answer(example.prompt, example.answer)
        return example.model_copy(
            update={
                "prompt": example.prompt.model_copy(update={"begun": text[:3]}),
                "answer": {"role": "assistant", "content": text},
            }
        )

    train = tuple(map(begun, data.train))
    made = drawn("sft-dpo", data.model_copy(update={"train": train}), renderer)
    ((asks, _),) = made.phases[1].making
    assert asks.rows
