"""Nothing of a tool or a call is lost in silence: parameters, arguments, nulls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data.notes import Notes
from engine.data.problems import Problems, Unusable
from engine.data.row import Row
from engine.data.tools.calls import read_call
from engine.data.tools.reading import Tools, read_tools
from engine.data.tools.types import described

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def row() -> Row:
    return Row(1, Problems(Path("mine.jsonl")))


def offer(parameters: Any, **more: Any) -> Tools:
    here = row()
    tools = read_tools([{"name": "go", "parameters": parameters, **more}], here, "tools")
    assert not here.failed
    return tools


def kept(tools: Tools, arguments: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    here = row()
    notes = Notes()
    call = read_call({"name": "go", "arguments": arguments}, here, "call", tools)
    here.done(notes)
    return call.arguments, notes.sentences()


def refusal(tools: Any) -> str:
    problems = Problems(Path("mine.jsonl"))
    read_tools(tools, Row(1, problems), "tools")
    (problem,) = problems.found
    return str(problem)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"name": "go", "arguments": {"city": "a", "zip": 1}}, "takes no argument 'zip'"),
        ({"name": "go", "arguments": {}}, "required argument 'city'"),
        ({"name": "go", "payload": {"city": "a"}}, "may hold arguments"),
        ({"name": "go", "city": "a"}, "may hold arguments"),
        ({"name": "go", "arguments": {"city": "a"}, "args": {"city": "b"}}, "differs from arguments"),
        ({"name": "go", "arguments": '{"city": "a", "city": "b"}'}, "stands twice"),
        ({"name": "go", "arguments": '{"city": "a", "city": "it\'s"}'}, "stands twice"),
        ({"name": "go", "arguments": "city=a"}, "not JSON"),
        ({"name": "go", "arguments": [1]}, "must be an object"),
        ({"arguments": {"city": "a"}}, "is missing"),
        ("go", "not JSON"),
        (7, "must be an object"),
    ],
)
def test_calls_that_would_lose_something_are_refused(call: Any, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        read_call(call, row(), "call", offer(CITY))


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ({"name": "go", "arg_spec": {"city": {"type": "str"}}}, "tools[0].arg_spec: may hold parameters"),
        ({"name": "go", "parameters": CITY, "input_fields": [{"name": "zip"}]}, "input_fields: may hold parameters"),
        ({"name": "go", "parameters": CITY, "input_schema": {**CITY, "required": []}}, "differs from parameters"),
        (
            {"name": "go", "parameters": {"type": "object", "city": {"type": "string"}}},
            "parameters.city: is no keyword",
        ),
        ({"name": "go", "parameters": {"properties": {"city": {"$ref": "#/$defs/City"}}}}, "which is not in the tool"),
        ({"name": "go", "parameters": {"type": "object", "properties": 3}}, "parameters.properties: must be an object"),
        ({"name": "go", "parameters": {**CITY, "required": "city"}}, "parameters.required: must be a list"),
        ({"name": "go", "parameters": [{"type": "string"}]}, "parameters[0]: must have the parameter's name"),
        ({"name": "go", "parameters": "{oops"}, "parameters: holds text that is not JSON"),
        ({"name": "", "parameters": CITY}, "tools[0].name: must be text, not empty"),
        ({"parameters": CITY, "type": "function"}, "tools[0].name: is missing"),
        (7, "tools[0]: must be an object"),
    ],
)
def test_tools_whose_parameters_would_be_lost_are_refused(tool: Any, says: str) -> None:
    assert says in refusal([tool])


def test_two_tools_of_one_name_are_refused_unless_they_are_the_same() -> None:
    one = {"name": "go", "parameters": CITY}
    assert len(read_tools([one, dict(one)], row(), "tools").schemas) == 1
    assert "name of another tool" in refusal([one, {"name": "go", "parameters": {}}])


def test_further_arguments_only_where_the_schema_allows_them() -> None:
    assert kept(offer({**CITY, "additionalProperties": True}), {"city": "a", "zip": 1})[0] == {"city": "a", "zip": 1}
    assert kept(offer({**CITY, "additionalProperties": {"type": "integer"}}), {"city": "a", "zip": 1})[0]["zip"] == 1
    arguments, notes = kept(offer(None), {"zip": 1, "pad": None})
    assert arguments == {"zip": 1}
    assert "Calls with arguments though their tools describe no parameters: 1." in notes
    with pytest.raises(Unusable, match="takes no argument"):
        kept(offer({"type": "object", "properties": {}}), {"zip": 1})


def test_nulls_stay_where_the_schema_allows_them_and_only_there() -> None:
    inner = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "integer"}}}
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    tools = offer(
        {"type": "object", "properties": {"in": inner, "many": {"type": "array", "items": inner}, "or": either}}
    )
    given = {"in": {"a": None, "b": None, "c": None}, "many": [{"b": None}, {"a": 1}], "or": None, "pad": None}
    arguments, notes = kept(tools, given)
    assert arguments == {"in": {"a": None}, "many": [{}, {"a": 1}], "or": None}
    assert "Nulls left out of calls as padding, since the tools' schemas do not allow them: 4." in notes
    assert "Nulls kept in calls, since the tools' schemas allow them: 2." in notes
    with pytest.raises(Unusable, match="required argument 'city'"):
        kept(offer(CITY), {"city": None})


def test_references_alternatives_and_nested_arrays_stay() -> None:
    place = {"type": "object", "properties": {"lat": {"type": "number"}, "near": {"$ref": "#/$defs/Place"}}}
    tools = offer({
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/Place", "description": "where"},
            "grid": {"type": "array", "items": {"type": "array", "items": {"type": "NUMBER"}}},
            "kind": {"enum": ["a", "b", None]},
            "any": {"oneOf": [{"type": "str"}, {"type": "list", "items": {"type": "int"}}]},
        },
        "$defs": {"Place": place},
    })  # fmt: skip
    (tool,) = tools.schemas
    properties = tool["function"]["parameters"]["properties"]
    assert properties["at"]["description"] == "where"
    assert properties["at"]["properties"]["lat"] == {"type": "number"}
    assert properties["grid"]["items"]["items"] == {"type": "number"}
    assert properties["kind"] == {"enum": ["a", "b", None]}
    assert properties["any"] == {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}
    assert "$defs" not in tool["function"]["parameters"]
    assert kept(tools, {"at": {"lat": 1.5}, "kind": None})[0] == {"at": {"lat": 1.5}, "kind": None}


def test_names_of_alternatives_are_known() -> None:
    parts = [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "integer"}}}]
    assert kept(offer({"type": "object", "anyOf": parts}), {"b": 1})[0] == {"b": 1}
    with pytest.raises(Unusable, match="takes no argument 'c'"):
        kept(offer({"type": "object", "anyOf": parts}), {"c": 1})


def test_a_parameter_may_be_called_type_or_properties() -> None:
    flat = {"type": {"type": "str", "description": "kind"}, "properties": {"type": "list"}}
    (tool,) = offer(flat).schemas
    assert tool["function"]["parameters"]["properties"] == {
        "type": {"type": "string", "description": "kind"}, "properties": {"type": "array"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "schema", "optional"),
    [
        ("str", {"type": "string"}, False),
        ("str, optional", {"type": "string"}, True),
        ("List[int]", {"type": "array", "items": {"type": "integer"}}, False),
        ("List[List[str]], optional", {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, True),
        ("Dict[str, int]", {"type": "object"}, False),
        ("Optional[float]", {"type": ["number", "null"]}, True),
        ("Union[int, str]", {"type": ["integer", "string"]}, False),
        ("int | None", {"type": ["integer", "null"]}, False),
        ("string[]", {"type": "array", "items": {"type": "string"}}, False),
        ("Literal['a', 'b']", {"enum": ["a", "b"]}, False),
        ("BOOLEAN", {"type": "boolean"}, False),
        ("any", {}, False),
        ("colour", {}, False),
        ("List[", {}, False),
    ],
)
def test_types_as_files_spell_them(text: str, schema: dict[str, Any], optional: bool) -> None:
    assert described(text) == (schema, optional, text not in ("colour", "List["))
