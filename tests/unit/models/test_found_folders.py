"""Folders as people have them: Trainer's, the hub's, its cache. What is never loaded is ignored; the rest is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.models import load, load_tokenizer, resolve
from engine.models.folder import listed
from engine.spec.errors import ModelError
from tests.support.modelfolders import REVISION, SNAPSHOT, TRAINER, cached, litter
from tests.support.tiny import make_model, tokenizer_folder
from tests.support.userfiles import config_only_model, write_weights

__all__ = ["tokenizer_folder"]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return config_only_model(tmp_path / "plain")


def reason(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        resolve(folder)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("names", [TRAINER, SNAPSHOT], ids=["Trainer", "snapshot"])
def test_what_is_never_loaded_changes_nothing(plain: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    before = resolve(plain)
    after = resolve(litter(shutil.copytree(plain, tmp_path / "more"), names))
    assert (after.digest, after.parameters, after.template) == (before.digest, before.parameters, before.template)


def test_a_snapshot_of_the_hubs_cache(plain: Path, tmp_path: Path) -> None:
    before = resolve(plain)
    snapshot = cached(litter(plain, SNAPSHOT), tmp_path / "hub")
    found = resolve(snapshot)
    assert found.digest == before.digest
    assert found.name == f"some/model@{REVISION[:8]}"
    assert resolve(tmp_path / "hub" / "models--some--model") == found
    assert resolve(tmp_path / "hub" / "models--some--model" / "snapshots") == found


def test_a_name_that_the_hubs_own_cache_has(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(plain, tmp_path / "hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelError, match="is not downloaded") as caught:
        resolve("some/model")
    held = str(tmp_path / "hub" / "models--some--model")
    assert f"give {held!r} as the folder" in caught.value.hint
    assert resolve(held).parameters == 6


def test_a_link_out_of_the_cache_is_refused(plain: Path, tmp_path: Path) -> None:
    snapshot = cached(plain, tmp_path / "hub")
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    (snapshot / "tokenizer.json").unlink()
    (snapshot / "tokenizer.json").symlink_to(tmp_path / "secret.json")
    assert "leads outside" in reason(snapshot)
    (snapshot / "tokenizer.json").unlink()
    (snapshot / "tokenizer.json").symlink_to(f"../../blobs/{'0' * 64}")
    assert "leads nowhere" in reason(snapshot)


def test_of_several_snapshots_the_branch_main_is_meant(plain: Path, tmp_path: Path) -> None:
    cached(plain, tmp_path / "hub")
    other = cached(plain, tmp_path / "hub", revision="f" * 40)
    repository = tmp_path / "hub" / "models--some--model"
    assert resolve(repository).path == str(other.resolve())
    (repository / "refs" / "main").unlink()
    assert f"snapshots/{REVISION}" in reason(repository)
    assert "models--some--model" in reason(tmp_path / "hub")


def test_checkpoints(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for step in (50, 500, 1000):
        shutil.copytree(plain, out / f"checkpoint-{step}")
    said = reason(out)
    assert "checkpoint-50, checkpoint-500, checkpoint-1000" in said
    assert str(out / "checkpoint-1000") in said
    assert resolve(out / "checkpoint-500").name == "out/checkpoint-500"


def test_an_adapter_is_named_with_its_base(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "some/base"}', encoding="utf-8")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    said = reason(tmp_path)
    assert "holds an adapter of 'some/base', not a model" in said
    assert "merge_and_unload" in said


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("pytorch_model.bin", "pickled weights"),
        ("consolidated.00.pth", "pickled weights"),
        ("original/consolidated.00.pth", "pickled weights"),
        ("model-Q4_K_M.gguf", "GGUF"),
        ("tf_model.h5", "TensorFlow or Flax"),
        ("flax_model.msgpack", "TensorFlow or Flax"),
        ("onnx/model.onnx", "ONNX"),
        ("model-00001-of-00002.safetensors", "but no model.safetensors.index.json"),
        ("weights.safetensors", "name it model.safetensors"),
        ("training_args.bin", "no safetensors weights"),
    ],
)
def test_weights_in_another_form_are_named(plain: Path, file: str, says: str) -> None:
    (plain / "model.safetensors").unlink()
    litter(plain, (file,))
    assert says in reason(plain)
    if file.endswith(".gguf"):
        (plain / "config.json").unlink()
        assert says in reason(plain)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}, "encoder-decoder"),
        ({"model_type": "bart", "architectures": ["BartForCausalLM"]}, "encoder-decoder"),
        ({"model_type": "llama", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "both directions"),
        ({"model_type": "bert"}, "both directions"),
        ({"model_type": "roberta", "architectures": ["RobertaForCausalLM"]}, "both directions"),
        ({"model_type": "xlnet", "architectures": ["XLNetLMHeadModel"]}, "shuffled order"),
        ({"model_type": "reformer"}, "chunks"),
        ({"model_type": "qwen2_vl", "architectures": ["Qwen2VLForConditionalGeneration"]}, "pictures or sound"),
        (
            {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"], "text_config": {}},
            "pictures or sound",
        ),
        ({"model_type": "llava", "vision_config": {"a": 1}, "text_config": {"model_type": "llama"}}, "vision_config"),
        ({"model_type": "whisper", "architectures": ["WhisperForCausalLM"]}, "pictures or sound"),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}, "ForSequenceClassification"),
        ({"model_type": "qwen2", "quantization": {"bits": 4}}, "quantised"),
    ],
)
def test_what_cannot_be_tuned_is_refused_when_chosen(plain: Path, config: dict[str, object], says: str) -> None:
    (plain / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert says in reason(plain)


def test_a_class_is_known_whatever_its_letters_case(plain: Path) -> None:
    config = {"model_type": "llama", "architectures": ["LLaMAForCausalLM"]}
    (plain / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert resolve(plain).parameters == 6


@pytest.mark.parametrize("name", ["tokenizer.model", "vocab.txt"])
def test_a_tokenizer_that_needs_more_libraries(plain: Path, name: str) -> None:
    (plain / "tokenizer.json").rename(plain / name)
    assert f"{name} alone cannot be read" in reason(plain)


def test_a_trainer_folder_without_tokenizer(plain: Path) -> None:
    (plain / "tokenizer.json").unlink()
    assert "copy tokenizer.json" in reason(plain)


@pytest.fixture
def real(tokenizer_folder: Path, tmp_path: Path) -> Path:
    path = shutil.copytree(tokenizer_folder, tmp_path / "real")
    make_model(len(load_vocabulary(path))).save_pretrained(path)
    return path


def load_vocabulary(path: Path) -> dict[str, int]:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(path).get_vocab()


WATCH = """
import sys, json
from pathlib import Path
opened = []
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes, Path)):
        opened.append(str(args[0]))
    if event in ("pickle.find_class", "subprocess.Popen", "socket.connect"):
        opened.append(event)
from engine.models import load, resolve
import torch, transformers
sys.addaudithook(hook)
model, tokenizer = load(resolve(sys.argv[1]))
folders = [sys.argv[1], "tuning-fork-model-"]
print(json.dumps([sorted({Path(p).name for p in opened if any(f in p for f in folders) or "." not in Path(p).name}),
                  [p for p in opened if p in ("pickle.find_class", "subprocess.Popen", "socket.connect")],
                  sum(p.numel() for p in model.parameters()), tokenizer.chat_template != "", model.name_or_path]))
"""


def test_loading_opens_the_listed_files_alone(real: Path, root: Path) -> None:
    alone = resolve(real)
    litter(real, (*TRAINER, *(name for name in SNAPSHOT if name != "vocab.txt")))
    (real / "vocab.json").write_text("{}", encoding="utf-8")
    (real / "custom_generate" / "generate.py").write_text("raise SystemExit('code ran')", encoding="utf-8")
    ref = resolve(real)
    assert ref.parameters == alone.parameters
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(real)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen, bad, parameters, template, name = json.loads(done.stdout.splitlines()[-1])
    allowed = {*listed(real), "model.safetensors"}
    held = {path.name for path in real.rglob("*") if path.is_file()}
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= set(seen)
    assert set(seen) & held <= allowed
    assert bad == []
    assert (parameters, template, name) == (ref.parameters, True, str(real))


def test_a_tokenizer_from_its_parts(real: Path) -> None:
    from tokenizers import Tokenizer

    whole = Tokenizer.from_file(str(real / "tokenizer.json"))
    state = json.loads(whole.to_str())["model"]
    (real / "vocab.json").write_text(json.dumps(state["vocab"]), encoding="utf-8")
    merges = "\n".join(" ".join(pair) for pair in state["merges"])
    (real / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    (real / "tokenizer.json").unlink()
    settings = json.loads((real / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings |= {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_end|>", "unk_token": "<|im_end|>"}
    (real / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    ref = resolve(real)
    tokenizer = load(ref)[1]
    text = "What is the weather in Oslo?"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert load_tokenizer(ref).get_vocab() == tokenizer.get_vocab()
    (real / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    assert resolve(real).digest != ref.digest
    (real / "vocab.json").write_text('{"a": 0, "b": 1}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot be built|cannot be loaded"):
        load_tokenizer(resolve(real))


def test_shards_beside_another_tools_weights(real: Path) -> None:
    """Mistral's uploads hold the same weights twice: consolidated.safetensors is its own tool's."""
    before = resolve(real)
    write_weights(
        real / "consolidated.safetensors", {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)
    )
    assert resolve(real) == before
    model, _ = load(before)
    assert sum(p.numel() for p in model.parameters()) == before.parameters
