"""Wrong keys and wrong kinds of values: everything is told at once, and in its place."""

from __future__ import annotations

import pytest
from test_scenario_syntax import cases, told

# Files, each with what is said about it: after ">>" line:column: key: message; hint.
KEYS = r"""
Version: 1
agents: {a: {}}
>> 1:1: unknown key 'Version'; did you mean 'version'?
----
version: 1
agents: {a: {}}
tools:
  y: {return: [{value: 1}]}
  z: {pyhton: "a:b"}
>> 4:7: tools.y: unknown key 'return'; did you mean 'returns'?
>> 5:7: tools.z: unknown key 'pyhton'; did you mean 'python'?
----
version: 1
agents:
  editor:
    subagnts: [writer]
  writer: {}
>> 4:5: agents.editor: unknown key 'subagnts'; did you mean 'subagents'?
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
tags: [a]
zzz: 1
>> 4:1: unknown key 'zzz'; known keys: version, name, description, tags, models, tools, agents,
>>   main, input, turns, inputs, interactive, script, decisions, expect, run
----
agents: {a: {}}
>> 1:1: missing key 'version'; begin the file with 'version: 1'
----
version: 1
>> 1:1: missing key 'agents'
----
version: 1
tool: {look: {returns: [{value: 1}]}}
agents: {a: {tools: [look]}}
>> 2:1: unknown key 'tool'; did you mean 'tools'?
----
version: 1
agents:
  1a: {}
  a b: {titel: x}
>> 3:3: agents: '1a': a name is a letter followed by letters, digits, '_' or '-', at most 64
>> 4:3: agents: 'a b': a name is a letter followed by letters, digits, '_' or '-', at most 64
>> 4:9: agents.'a b': unknown key 'titel'; did you mean 'title'?
----
version: 1
base: &base {title: A}
agents: {a: {<<: *base}}
>> 2:1: unknown key 'base'; known keys: version, name, description, tags, models, tools,
>>   agents, main, input, turns, inputs, interactive, script, decisions, expect, run
>> 3:14: agents.a: unknown key '<<'; YAML 1.2 has no merge keys; 'use:' takes over an agent
>>   from a file
----
version: 1
agents:
  a: {"x\e[2J": 1}
>> 3:7: agents.a: unknown key 'x␛[2J'; known keys: title, description, system_prompt, model,
>>   tools, subagents, handoffs, approve, response_format, middleware, limits, use, sequence,
>>   parallel, map, loop, route
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
models: {m: {temperature: 0}}
>> 3:10: models.m: missing key 'model'
"""

KINDS = r"""
version: '1'
agents: {a: {}}
>> 1:10: version: expected 1, found the text '1'; remove the quotes
----
version: true
agents: {a: {}}
>> 1:10: version: expected 1, found true
----
version: 2
agents: {a: {}}
>> 1:10: version: expected 1, found the number 2
----
version: 1
agents:
  a:
>> 3:5: agents.a: expected a mapping, found nothing; indent what belongs to it, or write {}
----
version: 1
agents:
  a: text
>> 3:6: agents.a: expected a mapping, found the text 'text'; write {system_prompt: …}
----
version: 1
agents: [a]
>> 2:9: agents: expected a mapping, found a list; write 'name:' instead of '- '
----
version: 1
agents: {}
>> 2:9: agents: needs at least one item
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
tags: demo
>> 3:7: tags: expected a list, found the text 'demo'; write [demo]
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
tags: {demo: 1}
>> 3:7: tags: expected a list, found a mapping; begin each item with '- '
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
tags: [1.10, true, no]
>> 3:8: tags[0]: expected text, found the number 1.1; put it in quotes
>> 3:14: tags[1]: expected text, found true; put it in quotes
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: 12
>> 3:7: name: expected text, found the number 12; put it in quotes
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: ''
>> 3:7: name: must not be empty
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
description:
>> 3:13: description: expected text, found nothing; leave the key out, or write ''
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
input: [a, b]
>> 3:8: input: expected text, found a list; several messages of one conversation are 'turns'
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
turns: []
>> 3:8: turns: needs at least one item
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
turns:
>> 3:7: turns: expected a list, found nothing; write [] for an empty one
----
version: 1
agents:
  a: {model: {model: 'openai:x', timeot: 3}}
>> 3:34: agents.a.model: unknown key 'timeot'; did you mean 'timeout'?
----
version: 1
agents:
  a: {model: [x]}
>> 3:14: agents.a.model: expected text or a mapping, found a list
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script: {writer: {text: x}}
>> 3:18: script.writer: expected a list, found a mapping; begin each item with '- '
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script: {writer: [hello]}
>> 3:19: script.writer[0]: expected a mapping, found the text 'hello'; write {text: …}
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script: {writer: [{tool_calls: [a, {b: {c: 1}}, {d: 1}, {e: {}, f: {}}, 3]}]}
>> 3:49: script.writer[0].tool_calls[2]: expected one tool call, as 'name' or '{name:
>>   {argument: value}}'; its arguments need names, as {d: {argument: 1}}
>> 3:57: script.writer[0].tool_calls[3]: expected one tool call, as 'name' or '{name:
>>   {argument: value}}'
>> 3:73: script.writer[0].tool_calls[4]: expected one tool call, as 'name' or '{name:
>>   {argument: value}}'
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script:
  writer:
    - {text: 3, rate: fast, first_token: -1, usage: {output_tokens: 1.5}}
    -
>> 5:14: script.writer[0].text: expected text, found the number 3; put it in quotes
>> 5:23: script.writer[0].rate: expected a number, found the text 'fast'
>> 5:42: script.writer[0].first_token: must be at least 0, found -1
>> 5:69: script.writer[0].usage.output_tokens: expected a whole number, found the number 1.5
>> 6:6: script.writer[1]: expected a mapping, found nothing; indent what belongs to it, or write {}
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
models:
  a: 3
  b: {model: 'openai:x', timeout: '40', max_tokens: 1.5, temperature: hot, seed:}
>> 4:6: models.a: expected text or a mapping, found the number 3; put it in quotes
>> 5:35: models.b.timeout: expected a number, found the text '40'; remove the quotes
>> 5:53: models.b.max_tokens: expected a whole number, found the number 1.5
>> 5:71: models.b.temperature: expected a number, found the text 'hot'
>> 5:81: models.b.seed: expected a whole number, found nothing
"""


@pytest.mark.parametrize(("text", "expected"), cases("----".join((KEYS, KINDS))))
def test_what_is_wrong_is_told_at_its_place(text: str, expected: list[str]) -> None:
    assert told(text) == expected
