"""A model's chat template: which text it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.spec.errors import ModelError

LARGEST_TEMPLATE = 1_000_000  # characters


def text(root: Path, tokenizer: dict[str, Any]) -> str:
    """The chat template's text, "" where the model brings none; of several as `chosen`.

    Raises:
        ModelError: It cannot be read.
    """
    file = root / "chat_template.jinja"
    if file.is_file():
        try:
            found = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError("chat_template.jinja is not readable text in UTF-8.", "Download it again.") from error
    else:
        found = chosen(tokenizer.get("chat_template"))
    if len(found) > LARGEST_TEMPLATE:
        raise ModelError("The chat template is too long.", f"At most {LARGEST_TEMPLATE:,} characters are read.")
    return found


def chosen(value: Any) -> str:
    """The one template of a tokenizer's setting: text, {name: text} or [{"name", "template"}].

    Of several it is the one for tools, "tool_use", as transformers takes it where tools are on offer; else "default".
    """
    if isinstance(value, list):
        value = {e.get("name"): e.get("template") for e in value if isinstance(e, dict)}
    if isinstance(value, dict):
        value = value.get("tool_use") or value.get("default")
    return value if isinstance(value, str) else ""
