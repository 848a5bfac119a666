"""Names that name nothing, or two things: agents, tools, models, script keys, expectations."""

from __future__ import annotations

import pytest
from test_scenario_syntax import cases, told

# Files, each with what is said about it: after ">>" line:column: key: message; hint.
NAMES = r"""
version: 1
tools: {weather: {returns: [{value: 1}]}}
agents:
  editor: {tools: [wether, writer], subagents: [writr, weather]}
  writer: {}
>> 4:20: agents.editor.tools[0]: unknown tool 'wether'; did you mean 'weather'?
>> 4:28: agents.editor.tools[1]: unknown tool 'writer'; it is an agent: list it under
>>   'subagents'
>> 4:49: agents.editor.subagents[0]: unknown agent 'writr'; did you mean 'writer'?
>> 4:56: agents.editor.subagents[1]: unknown agent 'weather'; it is a tool: list it under
>>   'tools'
----
version: 1
agents:
  a: {tools: [x]}
>> 3:15: agents.a.tools[0]: unknown tool 'x'; the file has no tools
----
version: 1
tools: {b: {returns: [{value: 1}]}}
agents:
  a: {tools: [b, b], subagents: [b, b]}
  b: {}
>> 4:18: agents.a.tools[1]: 'b' is listed twice
>> 4:34: agents.a.subagents[0]: 'b' is also a tool of this agent; rename one: a model knows
>>   both by name
>> 4:37: agents.a.subagents[1]: 'b' is listed twice
----
version: 1
agents:
  a: {}
  b: {}
>> 2:1: several agents could be the main one: 'a', 'b'; name it with 'main:'
----
version: 1
agents:
  a: {subagents: [b]}
  b: {subagents: [a]}
>> 2:1: every agent is called by another, so none is the main one; name it with 'main:'
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
main: editr
>> 3:7: main: unknown agent 'editr'; did you mean 'editor'?
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
main: {editor: x}
>> 3:7: main: expected text or a list, found a mapping
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
input: a
turns: [b]
>> 4:1: 'input' is given too; keep one of them
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: "a\e[2J"
tags: ["x\ny", b, b]
>> 3:7: name: must be one line, without control characters
>> 4:8: tags[0]: must be one line, without control characters
>> 4:19: tags[2]: 'b' is listed twice
----
version: 1
agents:
  a: {title: "a\u202eb"}
>> 3:14: agents.a.title: must be one line, without control characters
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
models: {a: b, b: c, c: a, d: d}
>> 3:13: models.a: the models name one another: 'a' → 'b' → 'c' → 'a'
>> 3:31: models.d: the models name one another: 'd' → 'd'
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
models: {scripted: echo, live: gpt-5, x: ':y', y: 'z:', m: {model: live}}
>> 3:10: models: 'scripted' is built in; choose another name
>> 3:32: models.live: unknown model 'gpt-5'; a model is 'provider:name', or one of 'scripted',
>>   'live', 'x', 'y', 'm', 'scripted', 'echo'
>> 3:42: models.x: ':y' is not 'provider:name'
>> 3:51: models.y: 'z:' is not 'provider:name'
>> 3:68: models.m.model: unknown model 'live'; a model is 'provider:name', or one of
>>   'scripted', 'echo'
----
version: 1
agents:
  a: {model: live}
>> 3:14: agents.a.model: unknown model 'live'; a model is 'provider:name', or one of
>>   'scripted', 'echo'
----
version: 1
models: {fast: 'openai:x'}
agents: {a: {model: fsat}}
>> 3:21: agents.a.model: unknown model 'fsat'; did you mean 'fast'?
----
version: 1
agents:
  a: {model: {model: gpt-5}}
>> 3:22: agents.a.model.model: unknown model 'gpt-5'; a model is 'provider:name', or one of
>>   'scripted', 'echo'
"""

TOOLS = r"""
version: 1
agents: {a: {}}
tools:
  a: {python: weather}
  b: {python: 'm:f', description: x}
  c: {}
  d: {returns: []}
  e: {returns: [{}, {value: 1, error: x}, {when: 3, value: 1}]}
  f: text
>> 4:15: tools.a.python: 'weather': expected 'module:function'
>> 5:22: tools.b: unknown key 'description'; known keys: python, args, mock
>> 6:3: tools.c: missing key 'returns'
>> 7:16: tools.d.returns: needs at least one item
>> 8:17: tools.e.returns[0]: needs one of 'value' and 'error'
>> 8:21: tools.e.returns[1]: needs one of 'value' and 'error'
>> 8:50: tools.e.returns[2].when: expected a mapping, found the number 3
>> 9:6: tools.f: expected a mapping, found the text 'text'
----
version: 1
agents: {a: {}}
tools:
  a:
    parameters: {city: str, n: [1], m: list}
    returns: [{value: 1}]
  b:
    parameters: {properties: {city: {type: string}}}
    returns: [{value: 1}]
  c:
    parameters: {type: object, properties: [a], required: a}
    returns: [{value: 1}]
  d:
    parameters: {type: object, properties: {city: {}}, required: [citi]}
    returns: [{when: {town: x}, value: 1}]
  e:
    parameters: {city: string}
    returns: [{when: {citty: x}, value: 1, times: 0, delay: 100000}]
>> 5:24: tools.a.parameters.city: unknown type 'str'; did you mean 'string'?
>> 5:32: tools.a.parameters.n: expected a type, found a list; one of string, number, integer,
>>   boolean, array, object; a JSON Schema has 'type: object' at its top
>> 5:40: tools.a.parameters.m: unknown type 'list'; one of string, number, integer, boolean,
>>   array, object
>> 8:30: tools.b.parameters.properties: expected a type, found a mapping; one of string,
>>   number, integer, boolean, array, object; a JSON Schema has 'type: object' at its top
>> 11:44: tools.c.parameters.properties: expected a mapping, found a list;
>>   write 'name:' instead of '- '
>> 14:67: tools.d.parameters.required[0]: 'citi' is none of the properties; did you mean
>>   'city'?
>> 15:23: tools.d.returns[0].when: 'town' is no parameter of this tool; its parameters: city
>> 18:23: tools.e.returns[0].when: 'citty' is no parameter of this tool; did you mean 'city'?
>> 18:51: tools.e.returns[0].times: must be greater than 0, found 0
>> 18:61: tools.e.returns[0].delay: must be at most 86400, found 100000
"""

SCRIPT_KEYS = r"""
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script:
  wrter: []
  editor/writer#0: []
  writer#: []
  editor//writer: []
  '': []
  editor/nobody#1: []
>> 4:3: script: unknown agent 'wrter'; did you mean 'writer'?
>> 5:3: script: 'editor/writer#0': expected the end of a call path, as 'writer' or
>>   'editor/writer#2'
>> 6:3: script: 'writer#': expected the end of a call path, as 'writer' or 'editor/writer#2';
>>   did you mean 'writer'?
>> 7:3: script: 'editor//writer': expected the end of a call path, as 'writer' or
>>   'editor/writer#2'; did you mean 'writer'?
>> 8:3: script: '': expected the end of a call path, as 'writer' or 'editor/writer#2'
>> 9:3: script: unknown agent 'nobody'; the agents are 'editor', 'writer'
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script:
  editor#1/writer: []
  editor/writer#1: []
>> 5:3: script: 'editor#1/writer' and 'editor/writer#1' could both speak for one call; add the
>>   key 'editor#1/writer#1' to decide it
"""

EXPECTATIONS = r"""
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
expect: {status: completed}
>> 3:9: expect: expected a list, found a mapping; begin each item with '- '
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
expect:
  - {}
  - status: done
  - {status: completed, output: x}
  - output: 3
  - output: {}
  - output: {contain: x}
  - calls: {wrter: 1, writer: x, editor: true}
  - calls: {writer: 3..1}
  - {agent: editor/wrter#1, status: completed}
  - tool_calls: [3]
  - tool_calls: {steps: [a, {b: 1}], match: exact}
  - tool_calls: text
>> 4:5: expect[0]: needs exactly one check of status, output, calls, tool_calls, handoffs, order, parallel, forbidden_tools, tool_result, max, error, no_warnings, golden, python, not
>> 5:13: expect[1].status: expected 'completed', 'failed', 'interrupted' or 'cancelled', found
>>   the text 'done'
>> 6:5: expect[2]: needs exactly one check of status, output, calls, tool_calls, handoffs, order, parallel, forbidden_tools, tool_result, max, error, no_warnings, golden, python, not; write status
>>   and output as list items of their own
>> 7:13: expect[3].output: expected text, or a mapping with one of 'contains', 'equals', 'matches', 'json_schema', 'json_path'
>> 8:13: expect[4].output: needs one of 'contains', 'equals', 'matches', 'json_schema', 'json_path'
>> 9:14: expect[5].output: unknown key 'contain'; did you mean 'contains'?
>> 10:13: expect[6].calls: unknown agent 'wrter'; did you mean 'writer'?
>> 10:31: expect[6].calls.writer: expected a whole number, or a range such as '1..3'
>> 10:42: expect[6].calls.editor: expected a whole number, or a range such as '1..3'
>> 11:21: expect[7].calls.writer: the range 3..1 is empty
>> 12:13: expect[8].agent: unknown agent 'wrter'; did you mean 'writer'?
>> 13:18: expect[9].tool_calls[0]: expected one step, as 'name' or '{name: {argument: value}}'
>> 14:29: expect[10].tool_calls.steps[1]: expected one step, as 'name' or '{name: {argument:
>>   value}}'; its arguments need names, as {b: {argument: 1}}
>> 14:45: expect[10].tool_calls.match: expected 'strict', 'unordered', 'subset', 'superset' or
>>   'in_order', found the text 'exact'
>> 15:17: expect[11].tool_calls: expected a list of steps, or a mapping with 'steps'
"""


@pytest.mark.parametrize(
    ("text", "expected"), cases("----".join((NAMES, TOOLS, SCRIPT_KEYS, EXPECTATIONS)))
)
def test_a_name_that_names_nothing_is_told(text: str, expected: list[str]) -> None:
    assert told(text) == expected
