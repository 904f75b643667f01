"""Search: text-generating models, described in plain text however hostile the hub's answer is."""

from __future__ import annotations

import pytest

import engine
from engine.models.hub import HubError, search
from tests.support.hub_server import HubServer, Repository


def test_finds_by_words_and_says_what_is_known(hub: HubServer) -> None:
    hub.repositories["tiny/large"].about["config"] = {
        "tokenizer_config": {"chat_template": "{{ tools }} {{ messages[0].tool_calls }}"}
    }
    (found,) = search("large")
    assert found.repository == "tiny/large"
    assert (found.parameters, found.bytes) == (3_000_000, 12_000_000)
    assert (found.licence, found.downloads, found.gated, found.tools) == ("apache-2.0", 12_345, False, True)
    (small,) = search("small")
    assert (small.licence, small.downloads, small.parameters, small.tools) == ("mit", 7, None, None)
    assert search("nothing like it") == []
    asked = hub.asked[0][1]
    assert "pipeline_tag=text-generation" in asked
    assert "limit=40" in asked


def test_other_tasks_and_impossible_names_are_left_out(hub: HubServer) -> None:
    hub.add(
        Repository("tiny/classifier", {}, about={"pipeline_tag": "text-classification"}),
        Repository("tiny/../up", {}),
        Repository("tiny/\x1b[31mred", {}),
        Repository("tiny/odd", {}, about={"id": 3, "modelId": None}),
    )
    assert [model.repository for model in search("tiny")] == ["tiny/large", "tiny/small"]


def test_what_the_hub_says_is_cut_and_printable(hub: HubServer) -> None:
    hub.repositories["tiny/small"].about |= {
        "cardData": {"license": "\x1b[2J<b>" + "x" * 500},
        "tags": ["\u202eevil", 7, "a" * 999],
        "downloads": "many",
        "safetensors": {"parameters": {"F32": -1, "BF16": True}, "total": "1e9"},
        "config": {"tokenizer_config": {"chat_template": 5}},
    }
    (found,) = search("small")
    assert found.licence.isprintable()
    assert len(found.licence) <= 61
    assert all(tag.isprintable() and len(tag) <= 61 for tag in found.tags)
    assert len(found.tags) == 2
    assert (found.downloads, found.parameters, found.bytes, found.tools) == (0, None, None, None)


def test_without_a_network_nothing_is_asked(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ASKED_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        search("tiny")
    assert hub.asked == []


@pytest.mark.parametrize("address", ["ftp://x", "huggingface.co", "http://", "file:///etc/passwd"])
def test_an_address_that_is_none(hub: HubServer, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(HubError, match="no web address"):
        search("tiny")
