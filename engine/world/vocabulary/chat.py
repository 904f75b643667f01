"""The bundled models' chat template, once in jinja (what ships with the tokenizer) and once in Python (for speed).

A test holds that both give the same text. Tools stand after the first request, not before it: each tool's words can
then look back at the request, which a model of four layers learns several times sooner (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence

SPECIAL = (
    "<|pad|>",
    "<|end|>",
    "<|tools|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<tool_call>",
    "</tool_call>",
)
PAD, END = SPECIAL[0], SPECIAL[1]
CALL = ("<tool_call>", "</tool_call>")

TEMPLATE = """\
{%- set shown = namespace(tools=false) -%}
{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
{{ '<|assistant|>' }}{% generation %}{{ message.content or '' }}\
{% if message.tool_calls %}{% for call in message.tool_calls %}\
{% set f = call.function if call.function is defined else call %}\
{{ '<tool_call>' }}{"name": {{ f.name | tojson }}, "arguments": \
{{ f.arguments if f.arguments is string else f.arguments | tojson }}}{{ '</tool_call>' }}\
{% endfor %}{% endif %}{{ '<|end|>' }}{% endgeneration %}
{%- else -%}
{{ '<|' + message.role + '|>' }}{{ message.content or '' }}{{ '<|end|>' }}
{%- endif -%}
{%- if message.role == 'user' and tools and not shown.tools -%}
{% set shown.tools = true %}{{ '<|tools|>' }}{% for tool in tools %}\
{% set f = tool.function if tool.function is defined else tool %}\
{{ f.name }}({{ (f.parameters.properties.keys() | join(', ')) if f.parameters and f.parameters.properties else '' }})\
{{ ': ' + f.description if f.description else '' }}{{ '\\n' if not loop.last }}{% endfor %}{{ '<|end|>' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif -%}
"""


def chat(user: str, answer: str, *, system: str = "", tools: Sequence[str] = ()) -> str:
    """One exchange in the template's form, the end token included.

    Args:
        tools: Lines that describe tools (`Tool.line`).
    """
    shown = f"<|tools|>{chr(10).join(tools)}{END}" if tools else ""
    order = f"<|system|>{system}{END}" if system else ""
    return f"{order}<|user|>{user}{END}{shown}<|assistant|>{answer}{END}"
