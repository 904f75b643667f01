"""What a trial would be made of: data as the model sees them, refused rows, and costs measured or worked out."""

from __future__ import annotations

import json
import shutil
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.methods.oracle_context import OracleContext
from engine.models import resolve
from engine.run import sources
from engine.run.costs import measuring
from engine.run.inspection import inspection, roundtrip
from engine.run.inspection.settled import settled
from engine.run.shared import Loaders
from engine.spec.errors import DataError, ModelError
from engine.spec.example import Example
from engine.spec.reference import ModelRef
from engine.spec.stopping import Stopped
from engine.spec.study import ArmSpec, ScaleSpec, StudySpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Fit, Inspection, Refused
from engine.subject.rendering import Renderer
from tests.support.tiny import TEMPLATE, make_model, tokenizer_folder
from tests.support.userfiles import chat_row

__all__ = ["tokenizer_folder"]

SIZES = ScaleSpec(
    seeds=1, steps=4, batch_size=4, train_examples=16, items=4, live_items=2, live_every=2, checkpoint_every=4
)
ROWS = 60
STUDIES = Path(__file__).resolve().parents[3] / "resources" / "studies"


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import AutoTokenizer

    path = tmp_path_factory.mktemp("model") / "tiny"
    shutil.copytree(tokenizer_folder, path)
    make_model(len(AutoTokenizer.from_pretrained(path))).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "calls.jsonl"
    path.write_text("".join(json.dumps(chat_row(at)) + "\n" for at in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def trial(folder: Path, file: Path) -> TrialSpec:
    return planned_on(folder, file)


def planned_on(model: Path, file: Path) -> TrialSpec:
    """The bundled study of calls on a model and a file, a few steps long."""
    study = StudySpec.model_validate(tomllib.loads((STUDIES / "function-calling.toml").read_text("utf-8")))
    study = study.on_own_data().model_copy(update={"scales": {"smoke": SIZES}})
    data = sources.prepare(study, file).ref
    arms = ("base", "sft", "sft-dpo")
    return TrialSpec(study=study, scale="smoke", seeds=1, arms=arms, model=resolve(model), data=data)  # type: ignore[arg-type]


def refuses(rows: set[int]):
    """A round trip that refuses these rows."""

    def check(examples: list[Example], renderer: Renderer) -> list[Refused]:
        return [Refused(row=e.row, example=e.id, reason="no such words") for e in examples if e.row in rows]

    return check


def test_data_are_seen_as_the_model_sees_them_and_costs_are_measured(trial: TrialSpec) -> None:
    told: list[str] = []
    found = inspection.inspect(trial, tell=told.append)
    fit = found.fit
    assert (fit.context, fit.cut, fit.refused_count) == (512, 0, 0)
    assert "Hermes" in fit.language
    assert fit.prompt.endswith("<|im_start|>assistant\n")
    assert "<|im_start|>" not in fit.answer
    assert 0 < fit.answer_tokens < fit.limit < fit.prompt_tokens
    assert [cost.arms for cost in found.costs] == [("base",), ("sft",), ("sft-dpo",)]
    base, sft, dpo = found.costs
    assert base.batches == {}
    assert set(sft.batches) == {2, 1}
    assert 0 < base.seconds < dpo.seconds
    assert sft.low <= sft.seconds <= sft.high
    assert 0 < sft.own < sft.memory <= found.memory
    assert {cost.basis for cost in found.costs} == {measuring.TRIED}
    assert found.once > 0
    assert found.needs == 0
    assert told[0] == "Reading the data."
    assert "Trying a step" in told[-1]


def test_arms_that_train_other_weights_are_tried_apart_and_what_is_unknown_is_said(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A soft prompt is read before every prompt; who answers with other models cannot be told before."""
    loaded: list[str] = []
    loader = Loaders().model

    def load(ref: ModelRef, device: str) -> tuple[Any, Any]:
        loaded.append(ref.name)
        return loader(ref, device)

    more = (
        ArmSpec(name="soft", label="soft prompt", method="soft-prompt"),
        ArmSpec(name="shots", label="few-shot", method="few-shot"),
        ArmSpec(name="strange", label="strange", method="oracle-context"),
    )
    monkeypatch.setattr(OracleContext, "answerer", lambda self, kit: kit.subject.model)
    study = trial.study.model_copy(update={"arms": (*trial.study.arms, *more)})
    wider = trial.model_copy(update={"study": study, "arms": ("base", "sft", "soft", "shots", "strange")})
    found = inspection.inspect(wider, loaders=Loaders(model=load, data=Loaders().data))
    by_arm = {arm: cost for cost in found.costs for arm in cost.arms}
    assert set(by_arm) == {"base", "sft", "soft", "shots"}
    assert len(loaded) == 2, "once for the base and its LoRA, once for the soft prompt"
    (said,) = found.warnings
    assert said.startswith("What the arm 'strange' takes is not known beforehand: how it answers")
    assert by_arm["shots"].high > by_arm["base"].high, "answered examples are read before every prompt"
    assert all(cost.seconds > 0 for cost in found.costs)
    assert set(by_arm["soft"].batches) == {2, 1}


def test_a_model_too_large_to_be_tried_is_worked_out(trial: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "measure", None)  # were it tried, it would fail
    found = inspection.inspect(trial, free=1)
    assert all("too large to be tried" in cost.basis and cost.seconds > 0 for cost in found.costs)
    assert found.memory > 0
    assert found.needs > found.memory / 2
    assert found.costs[1].batches[1] < found.costs[1].memory


def test_refused_rows_end_the_look_before_the_model_is_loaded(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roundtrip, "check", refuses({3, 7}))
    monkeypatch.setattr(measuring, "measure", None)
    found = inspection.inspect(trial)
    assert found.costs == ()
    assert (found.fit.refused_count, found.fit.refused_rows) == (2, (3, 7))
    assert found.fit.refused[0].reason == "no such words"


def test_refused_rows_are_left_out_where_that_was_asked_for(trial: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roundtrip, "check", refuses({3, 7}))
    skipping = trial.model_copy(update={"data": trial.data.model_copy(update={"skip_bad_rows": True})})
    found = inspection.inspect(skipping, free=1)
    assert found.fit.refused_rows == (3, 7)
    assert found.fit.limit > 0
    assert found.costs
    assert found.understanding is not None
    assert found.understanding.left_out_count == 2
    assert found.understanding.left_out == ("row 3: no such words", "row 7: no such words")
    assert settled(skipping, found).data.without == (3, 7)


def test_more_than_fifty_refused_rows_are_counted(trial: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roundtrip, "check", refuses(set(range(1, ROWS + 1))))
    found = inspection.inspect(trial)
    assert len(found.fit.refused) == inspection.SHOWN
    assert found.fit.refused_count == ROWS
    assert len(found.fit.refused_rows) == ROWS


def test_too_few_rows_left_is_an_error(trial: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roundtrip, "check", refuses(set(range(1, ROWS))))
    skipping = trial.model_copy(update={"data": trial.data.model_copy(update={"skip_bad_rows": True})})
    with pytest.raises(DataError):
        inspection.inspect(skipping)


def test_a_template_that_loses_calls_is_refused_by_the_rows_it_loses(folder: Path, file: Path, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    shutil.copytree(folder, deaf)
    (deaf / "chat_template.jinja").write_text(TEMPLATE.replace("call.function.arguments", "{}"))
    found = inspection.inspect(planned_on(deaf, file))
    assert found.fit.refused_count == ROWS - ROWS // 5, "every row that calls a tool"
    assert 5 not in found.fit.refused_rows


def test_a_stop_is_heeded(trial: TrialSpec) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        inspection.inspect(trial, stop=stop)


def test_a_file_that_changed_is_refused(trial: TrialSpec) -> None:
    other = trial.model_copy(update={"data": trial.data.model_copy(update={"digest": "0" * 64})})
    with pytest.raises(DataError, match="changed"):
        inspection.inspect(other)


def test_the_renderer_is_that_of_the_loaded_model(trial: TrialSpec) -> None:
    from engine.models import load
    from engine.subject.local import renderer_of

    light = inspection.renderer_without_weights(trial.model)
    whole = renderer_of(*load(trial.model, "cpu"))
    assert (light.context, light.end, light.end_ids, light.pad_id) == (
        whole.context,
        whole.end,
        whole.end_ids,
        whole.pad_id,
    )
    assert light.digest == whole.digest


def test_only_checked_files_are_opened(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoConfig

    from engine.models import load

    own = tmp_path / "own"
    shutil.copytree(folder, own)
    seen: list[set[str]] = []
    plain = AutoConfig.from_pretrained

    def watched(place: Path, **more: object) -> object:
        seen.append({file.name for file in Path(place).iterdir()})
        return plain(place, **more)

    monkeypatch.setattr(AutoConfig, "from_pretrained", watched)
    (own / "notes.txt").write_text("mine")
    context = inspection.renderer_without_weights(resolve(own)).context
    assert len(seen) == 1
    assert "config.json" in seen[0]
    assert not {"notes.txt", "model.safetensors"} & seen[0]
    config = json.loads((own / "config.json").read_text())
    (own / "config.4.0.0.json").write_text(json.dumps(config | {"max_position_embeddings": context // 2}))
    (own / "config.json").write_text(json.dumps(config | {"configuration_files": ["config.4.0.0.json"]}))
    ref = resolve(own)
    for open_it in (inspection.renderer_without_weights, load):
        with pytest.raises(ModelError, match="cannot be loaded"):
            open_it(ref)


def test_rows_of_no_file_cannot_be_left_out(trial: TrialSpec) -> None:
    refused = Refused(row=0, example="e", reason="no")
    found = Inspection(
        fit=Fit(context=1, prompt_tokens=1, answer_tokens=1, limit=1, refused=(refused,), refused_count=1)
    )
    with pytest.raises(DataError, match="no file"):
        settled(trial, found)
