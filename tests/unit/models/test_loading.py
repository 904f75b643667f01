"""Loading in a worker: what was resolved, in float32, with something to pad with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.models import load, load_tokenizer, resolve
from engine.spec.errors import ModelError
from engine.spec.provenance import hash_text
from engine.spec.reference import ModelRef
from engine.subject.template import Template
from tests.support.tiny import TEMPLATE, make_model, tokenizer_folder
from tests.support.userfiles import config_only_model

__all__ = ["tokenizer_folder"]

STORIES = Path(__file__).resolve().parents[4] / "shared" / "data" / "models" / "stories260K"


@pytest.fixture
def folder(tokenizer_folder: Path, tmp_path: Path) -> Path:
    from transformers import AutoTokenizer

    path = tmp_path / "tiny"
    shutil.copytree(tokenizer_folder, path)
    make_model(len(AutoTokenizer.from_pretrained(path))).half().save_pretrained(path)
    return path


def test_loads_what_was_resolved(folder: Path) -> None:
    import torch

    ref = resolve(folder)
    model, tokenizer = load(ref, "cpu")
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert sum(p.numel() for p in model.parameters()) == ref.parameters
    assert tokenizer.pad_token == "<|pad|>"
    assert hash_text(tokenizer.chat_template) == ref.template


@pytest.mark.parametrize("names", [("default", "tool_use"), ("tool_use", "rag", "default"), ("default", "rag")])
@pytest.mark.parametrize("listed", [True, False])
def test_of_several_templates_the_one_for_tools_is_used(folder: Path, names: tuple[str, ...], listed: bool) -> None:
    """As transformers does wherever tools are on offer; a model is measured with the tools in its own form."""
    plain = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    best = "tool_use" if "tool_use" in names else "default"
    texts = {name: TEMPLATE if name == best else f"{plain}{name}" for name in names}
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["chat_template"] = [{"name": n, "template": t} for n, t in texts.items()] if listed else texts
    file.write_text(json.dumps(settings), encoding="utf-8")
    ref = resolve(folder)
    tokenizer = load_tokenizer(ref)
    assert tokenizer.chat_template == TEMPLATE
    assert hash_text(TEMPLATE) == ref.template
    writer = Template(tokenizer)
    assert writer.shows_tools
    assert writer.form is not None


def test_a_changed_folder_is_refused(folder: Path) -> None:
    ref = resolve(folder)
    config = folder / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace("}", ', "more": 1}', 1), encoding="utf-8")
    with pytest.raises(ModelError, match=r"has changed|not JSON"):
        load(ref)
    with pytest.raises(ModelError):
        load(ModelRef(name="gone", path=str(folder / "gone"), digest=ref.digest))


def test_weights_that_do_not_fit_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be loaded|not whole"):
        load(resolve(config_only_model(tmp_path / "zeros")))
    text = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(
        text.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'), encoding="utf-8"
    )
    with pytest.raises(ModelError, match=r"is missing|layer"):
        load(resolve(folder))


def test_a_tokenizer_of_another_model_is_refused(tokenizer_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "small"
    shutil.copytree(tokenizer_folder, path)
    make_model(100).save_pretrained(path)
    with pytest.raises(ModelError, match="does not fit"):
        load(resolve(path))


def test_a_really_pretrained_model() -> None:
    if not STORIES.exists():
        pytest.skip("stories260K is not beside this checkout (../shared/data/models)")
    ref = resolve(STORIES)
    assert (ref.name, ref.parameters, ref.template) == ("stories260K", 260_032, "")
    model, tokenizer = load(ref)
    asked = tokenizer("Once upon a time", return_tensors="pt")
    said = tokenizer.decode(model.generate(**asked, max_new_tokens=16, do_sample=False)[0], skip_special_tokens=True)
    assert "there was a little girl" in said
    assert tokenizer.pad_token_id is not None


def test_the_tokenizer_is_the_file_whatever_the_models_type(folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = load(resolve(folder))[1]
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in ("What is the weather in Oslo? (12)", "  two  spaces\n\nand 1234 digits", "ünïcode 中文"):
        assert (
            tokenizer(text, add_special_tokens=False)["input_ids"] == plain.encode(text, add_special_tokens=False).ids
        )
    assert len(tokenizer) == plain.get_vocab_size()
