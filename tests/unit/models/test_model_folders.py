"""A model folder: whole and safe, or one ModelError that says what to do; known by its content."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.models import bundled, resolve
from engine.spec.errors import ModelError
from tests.support.userfiles import config_only_model, write_weights

TENSOR = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return config_only_model(tmp_path / "mine")


def change(folder: Path, file: str, **values: Any) -> None:
    path = folder / file
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**before, **values}), encoding="utf-8")


def shards(folder: Path, **weight_map: Any) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    write_weights(folder / "model-2.safetensors", {"v": TENSOR}, bytes(24))
    change(folder, "model.safetensors.index.json", weight_map={"w": "model-1.safetensors", **weight_map})


def weights(folder: Path, header: Any, data: bytes = bytes(24)) -> None:
    write_weights(folder / "model.safetensors", header, data)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("archive/data.pkl", b"x")
    return buffer.getvalue()


def link(folder: Path, name: str, target: Path) -> None:
    (folder / name).unlink(missing_ok=True)
    try:
        (folder / name).symlink_to(target)
    except OSError as error:
        if os.name != "nt" and not isinstance(error, PermissionError):  # any other is a fault of the test
            raise
        pytest.skip("this system lets no links be made")


def outside(folder: Path) -> Path:
    (folder.parent / "secret.json").write_text("{}", encoding="utf-8")
    return folder.parent / "secret.json"


UNSAFE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a pickle as safetensors": (lambda f: (f / "model.safetensors").write_bytes(pickle.dumps([1] * 99)), "is a pickle"),
    "a torch archive as safetensors": (lambda f: (f / "model.safetensors").write_bytes(archive()), "a zip archive"),
    "auto_map": (lambda f: change(f, "config.json", auto_map={"AutoModel": "x.Y"}), "config.json asks for code"),
    "auto_map inside": (
        lambda f: change(f, "config.json", text_config={"auto_map": {"AutoConfig": "x.Y"}}),
        "auto_map",
    ),
    "auto_map of the tokenizer": (
        lambda f: change(f, "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}),
        "tokenizer_config.json asks",
    ),
    "trust_remote_code": (lambda f: change(f, "tokenizer_config.json", trust_remote_code=True), "trust_remote_code"),
    "weights elsewhere": (lambda f: change(f, "config.json", transformers_weights="x.bin"), "transformers_weights"),
    "kernel from the hub": (
        lambda f: change(f, "config.json", attn_implementation="a/kernel"),
        "a kernel from the hub",
    ),
    "a link outside": (lambda f: link(f, "tokenizer.json", outside(f)), "tokenizer.json is a link"),
    "a link to nowhere": (lambda f: link(f, "tokenizer.json", f / "gone"), "leads nowhere"),
    "weights linked outside": (lambda f: link(f, "model.safetensors", outside(f)), "model.safetensors is a link"),
    "a shard linked outside": (
        lambda f: (shards(f, v="model-2.safetensors"), link(f, "model-2.safetensors", outside(f))),
        "model-2.safetensors is a link",
    ),
    "a pickle as tokenizer": (lambda f: (f / "tokenizer.json").write_bytes(pickle.dumps({"a": 1})), "is a pickle"),
    "an adapter too": (lambda f: change(f, "adapter_config.json", r=8), "an adapter"),
    "shard outside": (lambda f: shards(f, v="../model-2.safetensors"), "no safetensors file of this folder"),
    "shard a pickle": (lambda f: shards(f, v="x.bin"), "no safetensors file of this folder"),
}
BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no safetensors weights"),
    "config no JSON": (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON"),
    "config a list": (lambda f: (f / "config.json").write_text("[]"), "not a JSON object"),
    "tokenizer too deep": (lambda f: (f / "tokenizer.json").write_text("[" * 200_000), "tokenizer.json is not JSON"),
    "tokenizer no UTF-8": (lambda f: (f / "tokenizer.json").write_bytes(b'{"\xff": 1}'), "tokenizer.json is not JSON"),
    "no type": (lambda f: change(f, "config.json", model_type=None), "no model_type"),
    "unknown type": (lambda f: change(f, "config.json", model_type="mine"), "'mine' is no causal language model"),
    "no text generator": (
        lambda f: change(f, "config.json", model_type="bert", architectures=["BertForMaskedLM"]),
        "BertForMaskedLM",
    ),
    "quantised": (lambda f: change(f, "config.json", quantization_config={"bits": 4}), "quantised"),
    "quantised weights": (
        lambda f: weights(f, {"a.weight": {"dtype": "U8", "shape": [24], "data_offsets": [0, 24]}}),
        "quantised",
    ),
    "LFS pointer": (lambda f: (f / "model.safetensors").write_text("version https://git-lfs"), "pointer of Git LFS"),
    "weights empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "not a whole safetensors file"),
    "weights cut": (lambda f: weights(f, {"w": TENSOR}, bytes(20)), "promises 24 bytes"),
    "weights too long": (lambda f: weights(f, {"w": TENSOR}, bytes(30)), "holds 30"),
    "header no JSON": (lambda f: weights(f, b"{{{{"), "header is no JSON"),
    "header a list": (lambda f: weights(f, b"[]"), "header is no object"),
    "header huge": (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 7 + b"\x00{}"), "not a whole"),
    "no tensors": (lambda f: weights(f, {}, b""), "promises 0 bytes"),
    "wrong size": (lambda f: weights(f, {"w": {**TENSOR, "shape": [2, 4]}}), "another size"),
    "negative shape": (lambda f: weights(f, {"w": {**TENSOR, "shape": [-2, -3]}}), "another size"),
    "tensor no object": (lambda f: weights(f, {"w": 3}), "does not describe"),
    "overlap": (lambda f: weights(f, {"w": TENSOR, "v": TENSOR}), "overlap"),
    "index no map": (
        lambda f: (shards(f), change(f, "model.safetensors.index.json", weight_map=3)),
        "has no weight_map",
    ),
    "index empty": (lambda f: (shards(f), change(f, "model.safetensors.index.json", weight_map={})), "names no files"),
    "shard missing": (lambda f: shards(f, v="model-3.safetensors"), "model-3.safetensors is missing"),
    "tensor missing": (lambda f: shards(f, u="model-2.safetensors"), "does not hold 'u'"),
    "template": (lambda f: (f / "chat_template.jinja").write_bytes(b"\xff"), "chat_template.jinja is not readable"),
}


@pytest.mark.parametrize(("spoil", "says"), [*UNSAFE.values(), *BROKEN.values()], ids=[*UNSAFE, *BROKEN])
def test_refused_with_reason_and_hint(folder: Path, spoil: Callable[[Path], Any], says: str) -> None:
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        resolve(str(folder))
    assert says in caught.value.message
    assert caught.value.hint


def test_a_whole_folder(folder: Path) -> None:
    ref = resolve(folder)
    assert (ref.name, ref.path, ref.parameters, ref.template) == ("mine", str(folder.resolve()), 6, "")
    assert len(ref.digest) == 64
    assert resolve(f"{folder}/") == ref


def test_shards_count_together(folder: Path) -> None:
    shards(folder, v="model-2.safetensors")
    assert resolve(folder).parameters == 12


def test_the_digest_follows_the_content(folder: Path, tmp_path: Path) -> None:
    first = resolve(folder).digest
    assert resolve(config_only_model(tmp_path / "elsewhere")).digest == first
    (folder / "README.md").write_text("a card", encoding="utf-8")
    assert resolve(folder).digest == first
    change(folder, "tokenizer.json", more=1)
    second = resolve(folder).digest
    assert second != first
    weights(folder, {"v": TENSOR})
    assert resolve(folder).digest not in (first, second)


def test_the_template_is_identified(folder: Path) -> None:
    change(folder, "tokenizer_config.json", chat_template="hello")
    one = resolve(folder).template
    change(folder, "tokenizer_config.json", chat_template=[{"name": "default", "template": "hello"}])
    assert resolve(folder).template == one != ""
    (folder / "chat_template.jinja").write_text("other", encoding="utf-8")
    assert resolve(folder).template not in ("", one)


def test_a_header_that_looks_like_a_pickle_is_none(folder: Path) -> None:
    header = json.dumps({"w": TENSOR, "__metadata__": {}}).encode()
    weights(folder, header.ljust(0x280))
    assert (folder / "model.safetensors").read_bytes()[:2] == b"\x80\x02"
    assert resolve(folder).parameters == 6


@pytest.mark.parametrize("name", ["nobody", "", "a\0b", "x" * 5000, "no/such/folder", "~nobody-here/x"])
def test_no_such_model(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve(name) if name else resolve("no such")
    assert caught.value.hint


def test_bundled_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="No bundled model"):
        resolve(None)
    config_only_model(tmp_path / "alpha")
    assert resolve(None).name == "alpha"
    config_only_model(tmp_path / bundled.FIRST)
    (tmp_path / "half-made").mkdir()
    assert bundled.names() == [bundled.FIRST, "alpha"]
    assert resolve(None).name == bundled.FIRST
    assert resolve("alpha").name == "alpha"


def test_transformers_table_is_read_without_importing_it(root: Path) -> None:
    code = "import sys; from engine.models.architecture import causal_models as c"
    code += "; print(len(c()) > 100, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
