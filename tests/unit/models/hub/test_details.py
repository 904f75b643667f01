"""Details: what would be downloaded, pinned and with checksums; what speaks against it."""

from __future__ import annotations

import hashlib
import json
import pickle
from typing import Any

import pytest

from engine.models.hub import HubError, details
from tests.support.hub_server import HubServer, variant


def test_only_needed_files_pinned_with_checksums(hub: HubServer) -> None:
    served = hub.repositories["tiny/large"]
    found = details("tiny/large")
    assert found.revision == served.revision
    assert {file.name for file in found.files} == {
        "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"
    }  # fmt: skip
    for file in found.files:
        data = served.files[file.name]
        assert file.size == len(data)
        assert file.sha256 == (hashlib.sha256(data).hexdigest() if file.name.endswith(".safetensors") else "")
        assert bool(file.sha1) != bool(file.sha256)
    assert found.bytes == sum(len(served.files[file.name]) for file in found.files)
    assert (found.parameters, found.licence, found.template, found.gated) == (3_000_000, "apache-2.0", "tools", False)
    assert found.usable
    said = " ".join(finding.text for finding in found.findings)
    assert "; 2 pickles beside them are not downloaded." in said
    assert "Python files that nothing asks for" in said
    assert hub.sent["model.safetensors"] == hub.sent["pytorch_model.bin"] == 0


def test_a_revision_is_asked_for_and_kept(hub: HubServer) -> None:
    revision = hub.repositories["tiny/small"].revision
    assert details("tiny/small", revision).revision == revision
    assert details("tiny/small", "main").revision == revision
    assert all(revision in path for _, path, _ in hub.asked if "/resolve/" in path)
    with pytest.raises(HubError, match="no such revision"):
        details("tiny/small", "0" * 40)
    for odd in ("../main", "a b", "", "-x"):
        with pytest.raises(HubError, match="is no revision"):
            details("tiny/small", odd)


@pytest.mark.parametrize("name", ["../x", "a/b/c", "tiny/small?x=1", "", "a--b/c", "tiny/..", "tiny small", "x" * 300])
def test_names_that_are_none(hub: HubServer, name: str) -> None:
    with pytest.raises(HubError, match="is no name of a model"):
        details(name)
    assert hub.asked == []


def test_sizes_and_checksums_wherever_the_hub_says_them(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = details("tiny/large")
    hub.blobs = False
    assert details("tiny/large") == whole
    assert any("/tree/" in path for _, path, _ in hub.asked)
    monkeypatch.setattr(type(hub.repositories["tiny/large"]), "tree", lambda self: [])
    assert details("tiny/large") == whole
    assert any(method == "HEAD" for method, _, _ in hub.asked)


TOOLLESS = json.dumps({"chat_template": "{{ messages }} {# tools tool_calls #}"}).encode()
MULTI = json.dumps({"weight_map": {"w": "model-1.safetensors"}}).encode()


def config(**values: Any) -> bytes:
    return json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], **values}).encode()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"model__safetensors": None, "pytorch_model__bin": pickle.dumps(1)}, "only there as pickles"),
        ({"model__safetensors": None, "x__gguf": b"GGUF"}, "llama.cpp"),
        ({"model__safetensors": None}, "no safetensors weights"),
        ({"model__safetensors": None, "model__safetensors__index__json": b"{"}, "is broken"),
        ({"model__safetensors": None, "model__safetensors__index__json": MULTI}, "model-1.safetensors is missing"),
        ({"config__json": config(auto_map={"AutoModel": "m.M"})}, "asks for code"),
        ({"config__json": config(quantization_config={"bits": 4})}, "quantised"),
        ({"config__json": config(model_type="brand-new")}, "no causal language model"),
        ({"config__json": config(model_type="t5", architectures=["T5ForConditionalGeneration"])}, "encoder-decoder"),
        ({"config__json": config(vision_config={"a": 1})}, "pictures or sound"),
        ({"config__json": None}, "no config.json"),
        ({"config__json": None, "adapter_config__json": b'{"base_model_name_or_path": "a/b"}'}, "an adapter of a/b"),
        ({"tokenizer__json": None, "tokenizer__model": b"x"}, "tokenizer.model alone"),
    ],
)
def test_what_forbids_a_download(hub: HubServer, files: dict[str, bytes | None], says: str) -> None:
    variant(hub, "tiny/bad", **files)
    found = details("tiny/bad")
    assert not found.usable
    assert found.files == ()
    assert says in found.findings[0].text
    assert found.findings[0].level == "bad"
    assert found.findings[0].hint


def test_what_only_warns(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = variant(hub, "tiny/so-so", tokenizer_config__json=TOOLLESS)
    made.about = {"gated": "manual", "tags": [], "safetensors": {"total": 10**12}}
    found = details("tiny/so-so")
    assert found.usable
    assert found.gated
    assert found.template == "plain"
    said = " ".join(finding.text for finding in found.findings if finding.level == "warn")
    for words in ("Gated", "names no licence", "takes no tool calls", "its weights take 4000.0 GB"):
        assert words in said


def test_hostile_words_stay_words(hub: HubServer) -> None:
    evil = "\x1b[2J\u202e<b>" + "x" * 1000
    made = variant(hub, "tiny/evil", config__json=config(model_type=evil, architectures=[evil]))
    made.about = {"cardData": {"license": evil}}
    found = details("tiny/evil")
    for finding in found.findings:
        assert finding.text.isprintable()
        assert finding.hint.isprintable()
        assert len(finding.text) <= 401
    assert found.licence.isprintable()


@pytest.mark.parametrize(
    ("trouble", "kind", "says"),
    [
        ("401", "refused", "does not let you have"),
        ("403", "refused", "does not let you have"),
        ("429", "busy", "Try again in 7 s"),
        ("500", "busy", "out of order"),
        ("not json", "damaged", "no JSON"),
        ("hang", "slow", "did not answer in time"),
    ],
)
def test_trouble_with_the_hub(hub: HubServer, trouble: str, kind: str, says: str) -> None:
    hub.trouble["api"] = trouble
    with pytest.raises(HubError) as caught:
        details("tiny/small")
    assert caught.value.kind == kind
    assert says in str(caught.value)
    assert caught.value.hint


def test_a_moments_trouble_is_waited_out(hub: HubServer) -> None:
    hub.trouble["api"] = "500 once"
    assert details("tiny/small").usable


def test_gated_and_missing_and_unreachable(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.trouble["config.json"] = "gated"
    with pytest.raises(HubError, match="is gated") as caught:
        details("tiny/small")
    assert "hf auth login" in caught.value.hint
    with pytest.raises(HubError, match="no model named tiny/nobody"):
        details("tiny/nobody")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="cannot be reached"):
        details("tiny/small")


def test_small_files_are_verified_too(hub: HubServer) -> None:
    hub.trouble["config.json"] = "wrong"
    with pytest.raises(HubError, match="checksum is another"):
        details("tiny/small")


def test_the_token_goes_to_the_hub_and_nowhere_else(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.trouble["config.json"] = "elsewhere"  # a redirect to another host
    details("tiny/small")
    sent = [token for (_, path, _), token in zip(hub.asked, hub.tokens, strict=True) if path.endswith("config.json")]
    assert sent[:2] == ["Bearer hf_secret", ""]
    assert hub.tokens[0] == "Bearer hf_secret"
