"""Mistakes of beginners: each is told where it stands, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_scenario_syntax import cases, told

from orchestra.errors import ScenarioError
from orchestra.scenario import load, loads

# Files, each with what is said about it: after ">>" line:column: key: message; hint.
QUOTES = r"""
version: 1
agents: {a: {model: echo}}
description: {topic} researcher
>> 3:14: text that begins with '{' needs quotes; put the whole text in single quotes: '{topic}
>>   researcher'
----
description: [topic] it's
>> 1:14: text that begins with '[' needs quotes; put the whole text in double quotes: "[topic]
>>   it's"
----
description: "you" are nice
>> 1:20: the text goes on behind its closing quote; put the whole text in single quotes: '"you"
>>   are nice'
----
description: "you" aren't
>> 1:20: the text goes on behind its closing quote; write it on the lines below, behind a '|'
----
description: "say "hi" now"
>> 1:20: the text goes on behind its closing quote; put the whole text in single quotes: 'say
>>   "hi" now'
----
description: "a\n" is a line # really
>> 1:20: the text goes on behind its closing quote; put the whole text in quotes
----
a: {title: "you" are}
>> 1:18: a text goes on behind its closing quote or bracket; put the whole text in quotes, or a
>>   ',' between the two
----
description: *bold* words that are too many to be written out once more
>> 1:14: text that begins with '*' needs quotes; put the whole text in single quotes
----
description: **bold**
>> 1:14: text that begins with '*' needs quotes; put the whole text in single quotes: '**bold**'
----
tags: [a, *b*]
>> 1:11: text that begins with '*' needs quotes; put the whole text in quotes
----
description: ? things
>> 1:14: text that begins with '? ' needs quotes; put the whole text in quotes
----
description: > 3 things
>> 1:16: text must begin on the next line; text that begins with '>' or '|' needs quotes
----
a: {title: x}}
>> 1:14: nothing is open that this could close; remove it
----
a: {b: {c: x}};
>> 1:15: a ';' is not expected here; remove it
----
```yaml
version: 1
>> 1:1: text cannot begin with '`'; put the whole text in quotes, or leave out the ``` of
>>   Markdown
"""

COLONS = r"""
version:1
agents: {a: {}}
>> 1:8: a space is missing behind this ':'; write 'version: 1'
----
name: x
version:1
>> 2:8: a space is missing behind this ':'; write 'version: 1'
----
agents:
  a:
    title:X
    system_prompt: y
>> 3:10: a space is missing behind this ':'; write 'title: X'
----
version: 1
agents:
  a:
    title:X
>> 4:5: agents.a: expected a mapping, found the text 'title:X'; a space is missing behind its
>>   ':': write 'title: X'
----
version: 1
agents:
  a: {title:X}
>> 3:7: agents.a: unknown key 'title:X'; a space is missing behind its ':': write 'title: X'
----
agents:
  a
    title: x
>> 2:4: a ':' is missing behind 'a'; write 'a:'
----
name = x
version: 1
>> 1:6: expected ':' instead of '='; write 'name: …'
----
agents:
  a:
    system_prompt: y
    You write.
    title: x
>> 4:5: a key without a ':'; write 'key: value'; a text of several lines stands below '|'
----
agents:
  a:
    You write.
    title: x
>> 3:5: a key without a ':'; write 'key: value'; a text of several lines stands below '|'
----
tags:
- x
-y
>> 3:1: a space is missing behind this '-'; write '- y'
"""

INDENTS = r"""
agents:
  a:
    system_prompt: |
    You are nice.
    Very nice.
>> 4:5: the text below '|' is not indented; begin each of its lines with 6 spaces
----
agents:
  a:
    system_prompt: >-

You are nice.
    title: x
>> 5:1: the text below '>' is not indented; begin each of its lines with 6 spaces
----
script:
  a:
  - text: |
    You are nice.
>> 4:5: the text below '|' is not indented; begin each of its lines with 6 spaces
----
agents:
  a:
    system_prompt: |
    - one
>> 4:5: the text below '|' is not indented; begin each of its lines with 6 spaces
----
version: 1
agents:
  a:
    system_prompt: |
    Be so kind: always.
    title: x
>> 5:5: agents.a: the text below '|' is not indented; begin each of its lines with 6 spaces
----
version: 1
agents:
  a:
    system_prompt: |
      fine: so
    be so: kind
>> 6:5: agents.a: unknown key 'be so'; known keys: title, description, system_prompt, model, tools,
>>   subagents, handoffs, approve, response_format, middleware, limits, use, sequence, parallel, map,
>>   loop, route
----
agents:
  a:
    title: x
   tools: []
>> 4:4: no line above that this could belong to begins in this column; check its indentation
----
script:
  a:
    - text: hi
  - text: ho
>> 4:3: an item of a list cannot stand among keys; check its indentation, or leave out the '- '
----
version: 1
agents:
  a: {}
  system_prompt: hi
>> 4:18: agents.system_prompt: expected a mapping, found the text 'hi'; if it is a key of an agent,
>>   indent it below the agent's name
"""

KEYS = r"""
version: 1
agents:
  a: {until: x, max_rounds: 3, over: x, join: b, default: b}
>> 3:7: agents.a: unknown key 'until'; it belongs to 'loop'
>> 3:17: agents.a: unknown key 'max_rounds'; it belongs to 'loop'
>> 3:32: agents.a: unknown key 'over'; it belongs to 'map'
>> 3:41: agents.a: unknown key 'join'; it belongs to 'parallel' and 'map'
>> 3:50: agents.a: unknown key 'default'; it belongs to 'route'
----
version: 1
agents:
  a: {foo: 1, bar: 2}
  b: {qux: 1}
  c: {loop: [a], tools: [], model: echo}
>> 3:7: agents.a: unknown key 'foo'; known keys: title, description, system_prompt, model, tools,
>>   subagents, handoffs, approve, response_format, middleware, limits, use, sequence, parallel, map,
>>   loop, route
>> 3:15: agents.a: unknown key 'bar'
>> 4:7: agents.b: unknown key 'qux'; known keys: title, description, system_prompt, model, tools,
>>   subagents, handoffs, approve, response_format, middleware, limits, use, sequence, parallel, map,
>>   loop, route
>> 5:18: agents.c: unknown key 'tools'; it does not go with 'loop', which takes title, description,
>>   loop, until, max_rounds, use
>> 5:29: agents.c: unknown key 'model'; it does not go with 'loop'
----
version: 1
agents:
  a: {prompt: x, name: A, tool: [x], Model: echo, subAgents: [], system-prompt: x, steps: []}
>> 3:7: agents.a: unknown key 'prompt'; did you mean 'system_prompt'?
>> 3:18: agents.a: unknown key 'name'; did you mean 'title'?
>> 3:27: agents.a: unknown key 'tool'; did you mean 'tools'?
>> 3:38: agents.a: unknown key 'Model'; did you mean 'model'?
>> 3:51: agents.a: unknown key 'subAgents'; did you mean 'subagents'?
>> 3:66: agents.a: unknown key 'system-prompt'; did you mean 'system_prompt'?
>> 3:84: agents.a: unknown key 'steps'; did you mean 'sequence'?
----
version: 1
agents:
  a: {temperature: 1, seconds: 3, main: true, max_concurrency: 3}
system_prompt: x
timeout: 3
>> 3:7: agents.a: unknown key 'temperature'; it belongs to a model: 'model: {model: …, temperature: …}'
>> 3:23: agents.a: unknown key 'seconds'; it belongs to 'limits: {seconds: …}'
>> 3:35: agents.a: unknown key 'main'; it belongs to a scenario, beside 'agents'
>> 3:47: agents.a: unknown key 'max_concurrency'; it belongs to 'run', beside 'agents'
>> 4:1: unknown key 'system_prompt'; it belongs to an agent: 'agents: {name: {system_prompt: …}}'
>> 5:1: unknown key 'timeout'; it belongs to 'run: {timeout: …}'
----
version: 1
agents: {a: {}, b: {sequence: [{name: a, prompt: x}]}}
script: {a: [{content: x, tools: []}]}
tools: {t: {args: {x: string}, result: 1}}
expect: [contains: x]
main: b
>> 2:33: agents.b.sequence[0]: unknown key 'name'; did you mean 'agent'?
>> 2:42: agents.b.sequence[0]: unknown key 'prompt'; did you mean 'input'?
>> 3:15: script.a[0]: unknown key 'content'; did you mean 'text'?
>> 3:27: script.a[0]: unknown key 'tools'; did you mean 'tool_calls'?
>> 4:13: tools.t: unknown key 'args'; did you mean 'parameters'?
>> 4:32: tools.t: unknown key 'result'; did you mean 'returns'?
>> 5:10: expect[0]: unknown key 'contains'; it belongs to 'output: {contains: …}'
----
version: 1
agents:
  a: {model: {model: echo, temp: 1}}
  main: true
  script: {a: []}
  tools: [x]
>> 3:28: agents.a.model: unknown key 'temp'; did you mean 'temperature'?
>> 4:9: agents.main: expected a mapping, found true; keys of the whole file begin in the first
>>   column
>> 5:12: agents.script: unknown key 'a'; if 'script' is no agent: keys of the whole file begin in
>>   the first column
>> 6:10: agents.tools: expected a mapping, found a list; if it is a key of an agent, indent it
>>   below the agent's name
----
version: 1
agents:
  a: {handoffs: [transfer_to_b]}
  b: {route: {when: x, to: a}}
  c: {map: [a, b]}
>> 3:18: agents.a.handoffs[0]: unknown agent 'transfer_to_b'; write 'b': 'transfer_to_' is put
>>   before it
>> 4:15: agents.b.route: unknown agent 'when'; rules stand in a list: 'route: [{when: …, to:
>>   name}]'
>> 4:24: agents.b.route: unknown agent 'to'; rules stand in a list: 'route: [{when: …, to:
>>   name}]'
>> 5:12: agents.c.map: expected text or a mapping, found a list; it calls one agent: write its
>>   name alone
----
version: 1
Agents: {a: {}}
>> 2:1: unknown key 'Agents'; did you mean 'agents'?
"""

VALUES = r"""
version: 1
main: true
agents: {a: {}}
>> 2:7: main: expected text or a list, found true; write the name of an agent, in quotes if it is
>>   such a word
----
version: v1
agents: {a: {}}
>> 1:10: version: expected 1, found the text 'v1'; write 'version: 1'
----
version:
agents: {a: {}}
>> 1:9: version: expected 1, found nothing; write 'version: 1'
----
version: 1
agents: {a: {}}
expect:
  - calls: {a: 1.5}
  - calls: {a: '2'}
>> 4:16: expect[0].calls.a: expected a whole number, or a range such as '1..3'
>> 5:16: expect[1].calls.a: expected a whole number, or a range such as '1..3'; write 2 without
>>   quotes
----
version: 1
agents: {a: {tools: {t: {}}, subagents: [{b: {}}]}, b: {route: [a]}}
tools: {t: {returns: 1}, u: {returns: [sunny]}}
script: {a: hi}
expect: [hi]
run: {timeout: 30s}
main: a
>> 2:21: agents.a.tools: expected a list, found a mapping; list their names; what they are stands
>>   in 'tools' at the top
>> 2:42: agents.a.subagents[0]: expected text, found a mapping; write its name alone
>> 2:65: agents.b.route[0]: expected a mapping, found the text 'a'; write {name: when to choose it}
>> 3:22: tools.t.returns: expected a list, found the number 1; write [{value: …}]
>> 3:40: tools.u.returns[0]: expected a mapping, found the text 'sunny'; write {value: …}
>> 4:13: script.a: expected a list, found the text 'hi'; write [{text: …}]
>> 5:10: expect[0]: expected a mapping, found the text 'hi'; write {output: …}
>> 6:16: run.timeout: expected a number, found the text '30s'; write 30 alone, without a unit
----
version: 1
agents: {a: {subagents: b c}, b: {limits: {tokens: 1e300}}}
>> 2:25: agents.a.subagents: expected a list, found the text 'b c'; write [b c], or begin each item
>>   with '- '
>> 2:52: agents.b.limits.tokens: must be at most 1000000000, found
>>   100000000000000005250476025520442024870…
----
version: 1
models:
  m: {model: 'openai:x', temperature: hot, model_kwargs: {top_p: much, seed: '7', stop: x}}
agents: {a: {model: {model: 'openai:x', model_kwargs: {max_tokens: many, seed: '${SEED}'}}}}
>> 3:39: models.m.temperature: expected a number, found the text 'hot'
>> 3:66: models.m.model_kwargs.top_p: expected a number, found the text 'much'; it is a setting of
>>   the model itself: write it beside 'model_kwargs'
>> 4:68: agents.a.model.model_kwargs.max_tokens: expected a whole number, found the text 'many'; it
>>   is a setting of the model itself: write it beside 'model_kwargs'
"""

ALL = "----".join((QUOTES, COLONS, INDENTS, KEYS, VALUES))


@pytest.mark.parametrize(("text", "expected"), cases(ALL))
def test_a_slip_is_told_where_it_stands(text: str, expected: list[str]) -> None:
    assert told(text) == expected


def test_keys_beside_a_used_composite_name_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("polish.yaml").write_text("loop: [b]\n")
    Path("s.yaml").write_text("version: 1\nagents: {a: {use: polish.yaml, tools: []}, b: {}}\n")
    with pytest.raises(ScenarioError) as caught:
        load("s.yaml")
    assert str(caught.value).startswith(
        "s.yaml:2:32: agents.a: unknown key 'tools'; it does not go with 'loop' of polish.yaml, "
        "which takes title, "
    )


HIDDEN = "version: 1\nagents: {a: {}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'version: 1\nagents: {a: {"ti\u200btle": x}}\n',
            r"2:14: the key 'ti\u200btle' holds the invisible character U+200B; remove it",
        ),
        (
            "version: 1\nagents: {a\u2060: {}}\n",
            r"2:10: the key 'a\u2060' holds the invisible character U+2060; remove it",
        ),
        (
            "version: 1\n\xa0\xa0name: x\nagents: {a: {}}\n",
            "2:1: the blank here is no ordinary one, but U+00A0; write an ordinary blank",
        ),
        (
            "version: 1\nagents: {a: {title:\u3000x}}\n",
            "2:14: the blank here is no ordinary one, but U+3000; write an ordinary blank",
        ),
        (
            HIDDEN + 'name: "a\\u200db"\n',
            r"3:7: name: 'a\u200db' holds the invisible character U+200D; remove it",
        ),
        (
            HIDDEN + "tags: [a\u00ad]\n",
            r"3:8: tags[0]: 'a\xad' holds the invisible character U+00AD; remove it",
        ),
        (
            "version: 1\nagents: {a: {tools: [t\u200b]}}\n",
            r"2:22: agents.a.tools[0]: unknown tool 't\u200b'; the file has no tools",
        ),
    ],
)
def test_what_nobody_sees_is_shown_and_refused_in_keys_and_names(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_texts_may_hold_what_joins_characters() -> None:
    family, word, england = "👩‍👩‍👧", "می‌خواهم", "🏴\U000e0067\U000e0062\U000e007f"
    scenario = loads(
        f"version: 1\nname: {family} {word} {england}\ntags: [{family}]\n"
        f'agents: {{a: {{title: "{family}", system_prompt: "a\u200bb {family}"}}}}\n'
        f"tools: {{t: {{returns: [{{value: {{{family}: 1}}}}]}}}}\n"
    )
    assert scenario.name == f"{family} {word} {england}"
