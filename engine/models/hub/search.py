"""Search the hub for text-generating models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.models.downloaded import NAME
from engine.models.hub.client import Hub
from engine.models.hub.errors import HubError, plain

MOST = 40  # models of one search
_TASK = "text-generation"
_WANTED = ("downloads", "likes", "gated", "tags", "safetensors", "pipeline_tag", "cardData", "config", "lastModified")
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Found:
    """A model as the hub's search describes it.

    Attributes:
        repository: "owner/name".
        parameters: How many numbers its safetensors hold, None where the hub does not say: often there are none then.
        bytes: Size of those safetensors.
        licence: As its card names it; "" where it does not.
        gated: Whether terms must be accepted first.
        tools: Whether its chat template takes tool calls; None where the hub does not show the template.
        tags: Languages, base models, formats, as its owner wrote them.
    """

    repository: str
    parameters: int | None = None
    bytes: int | None = None
    licence: str = ""
    downloads: int = 0
    gated: bool = False
    tools: bool | None = None
    tags: tuple[str, ...] = ()


def search(words: str, most: int = MOST) -> list[Found]:
    """Text-generating models whose name fits the words, those downloaded most often first.

    Raises:
        HubError: The hub cannot be asked.
    """
    asked: dict[str, Any] = {
        "search": words.strip()[:200], "pipeline_tag": _TASK, "sort": "downloads", "direction": "-1", "limit": most,
        "expand": list(_WANTED),
    }  # fmt: skip
    answer = Hub().json("/api/models", "models", asked)
    if not isinstance(answer, list):
        raise HubError("The hub answers a search with something that is no list.", "Check HF_ENDPOINT.", kind="damaged")
    found = [_found(entry) for entry in answer[:most] if isinstance(entry, dict)]
    return [model for model in found if model is not None]


def _found(entry: dict[str, Any]) -> Found | None:
    name = entry.get("id") or entry.get("modelId")
    if not isinstance(name, str) or not NAME.fullmatch(name) or entry.get("pipeline_tag") not in (None, _TASK):
        return None
    parameters, size = weights(entry.get("safetensors"))
    template = template_of(entry.get("config"))
    tags = entry.get("tags")
    return Found(
        repository=name,
        parameters=parameters,
        bytes=size,
        licence=licence(entry),
        downloads=number(entry.get("downloads")) or 0,
        gated=bool(entry.get("gated")),
        tools=takes_tools(template) if template else None,
        tags=tuple(plain(tag, 60) for tag in tags[:30] if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def number(value: object) -> int | None:
    """A count of the hub's; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def weights(value: object) -> tuple[int | None, int | None]:
    """Parameters and bytes of what the hub says of a model's safetensors."""
    if not isinstance(value, dict):
        return None, None
    kinds = value.get("parameters")
    counts = {str(k): n for k, n in kinds.items() if number(n) is not None} if isinstance(kinds, dict) else {}
    total = number(value.get("total"))
    size = sum(BYTES.get(kind, 1) * count for kind, count in counts.items()) if counts else None
    return total if total is not None else (sum(counts.values()) or None), size


def licence(entry: dict[str, Any]) -> str:
    """The licence that a model's card names; "" where it names none."""
    card = entry.get("cardData")
    value = (card.get("license_name") or card.get("license")) if isinstance(card, dict) else None
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value[:3])
    if not value:
        tags = entry.get("tags")
        named = [t for t in tags if isinstance(t, str) and t.startswith("license:")] if isinstance(tags, list) else []
        value = named[0].removeprefix("license:") if named else ""
    return plain(value, 60)


def template_of(config: object) -> str:
    """The chat template in what the hub shows of a model's configuration; "" where it shows none."""
    from engine.models.template import chosen

    if not isinstance(config, dict):
        return ""
    tokenizer = config.get("tokenizer_config")
    inner = tokenizer.get("chat_template") if isinstance(tokenizer, dict) else None
    return chosen(config.get("chat_template_jinja") or inner)


def takes_tools(template: str) -> bool:
    """Whether a chat template speaks of tools and of calls. Whether it writes them right is tried before a run."""
    import re

    said = re.sub(r"{#.*?#}", "", template, flags=re.DOTALL)
    return "tool_calls" in said and "tools" in said
