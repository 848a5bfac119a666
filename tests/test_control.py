"""What a person does to a run in progress: one of its calls is called off, all of it is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runs import check_promises, finished, of, scenario
from virtual import run_virtually

from orchestra import events
from orchestra.events import Event
from orchestra.runtime import Batch, Run, run
from orchestra.runtime.past import Past
from orchestra.scenario import Decision

TEAM = """
agents: {lead: {subagents: [w, boss]}, w: {}, boss: {subagents: [w]}}
input: go
script:
  lead: [{tool_calls: [{w: {query: a}}, {boss: {query: b}}]}, {text: all done}]
  w: [{text: one two three four five, rate: 1}]
  boss: [{tool_calls: [{w: {query: c}}]}, {text: from below}]
"""

Act = Callable[[Run | Batch, Event], object]


def acted(text: str, act: Act, **how: object) -> list[Event]:
    """The events of a run on a virtual clock; ``act`` is called with each as it comes."""

    async def go() -> list[Event]:
        begun, seen = run(scenario(text), **how), []
        async for event in begun:
            seen.append(event)
            act(begun, event)
        return seen

    return run_virtually(go())


def calling_off(call: str) -> Act:
    def act(begun: Run | Batch, event: Event) -> None:
        if isinstance(event, events.TextDelta) and event.call == call and "two" in event.text:
            begun.cancel(call)

    return act


def ends(seen: list[Event]) -> dict[str, str]:
    return {e.call: e.status for e in of(events.AgentFinished, seen)}


def test_one_call_is_called_off_and_the_others_go_on() -> None:
    seen = acted(TEAM, calling_off("lead/w#1"))
    check_promises(seen)
    assert finished(seen).status == "completed"
    assert finished(seen).output == "all done"
    assert ends(seen) == {
        "lead/w#1": "cancelled",
        "lead/boss#1": "completed",
        "lead/boss#1/w#1": "completed",
        "lead": "completed",
    }
    (failed,) = of(events.ToolFailed, seen)
    assert (failed.call, failed.name) == ("lead", "w")
    assert failed.error == "called off by a person: there is no answer"
    (voided,) = of(events.ModelAborted, seen)
    assert (voided.call, voided.reason) == ("lead/w#1", "cancelled")


def test_all_below_a_call_goes_with_it() -> None:
    def act(begun: Run | Batch, event: Event) -> None:
        if isinstance(event, events.TextDelta) and event.call == "lead/boss#1/w#1":
            begun.cancel("lead/boss#1")

    seen = acted(TEAM, act)
    check_promises(seen)
    assert finished(seen).output == "all done"
    assert ends(seen) == {
        "lead/w#1": "completed",
        "lead/boss#1": "cancelled",
        "lead/boss#1/w#1": "cancelled",
        "lead": "completed",
    }


def test_the_main_agent_is_the_run() -> None:
    seen = acted(TEAM, lambda begun, e: e.type == "text_delta" and begun.cancel("lead"))
    check_promises(seen)
    assert finished(seen).status == "cancelled"


def test_of_several_main_agents_one_can_be_called_off() -> None:
    text = """
        main: [a, b]
        agents: {a: {}, b: {}}
        input: go
        script: {a: [{text: one two three, rate: 1}], b: [{text: well done, rate: 1}]}
    """
    seen = acted(text, calling_off("a"))
    check_promises(seen)
    assert ends(seen) == {"a": "cancelled", "b": "completed"}
    assert "well done" in (finished(seen).output or "")
    assert "called off by a person" in (finished(seen).output or "")


def test_a_step_that_is_called_off_says_so_to_the_next() -> None:
    text = """
        main: both
        agents:
          both: {sequence: [a, b]}
          a: {}
          b: {model: echo}
        input: go
        script: {a: [{text: one two three, rate: 1}]}
    """
    seen = acted(text, calling_off("both/a#1"))
    check_promises(seen)
    assert ends(seen)["both/a#1"] == "cancelled"
    assert finished(seen).output == "called off by a person: there is no answer"


def test_what_is_over_or_unknown_stays_as_it_is() -> None:
    def act(begun: Run | Batch, event: Event) -> None:
        begun.cancel("lead/nobody#1")
        if isinstance(event, events.AgentFinished) and event.call != "lead":
            begun.cancel(event.call)

    seen = acted(TEAM, act)
    check_promises(seen)
    assert set(ends(seen).values()) == {"completed"}


def test_the_limits_of_a_call_that_is_called_off_stay_limits_of_others() -> None:
    limited = TEAM.replace("boss: {subagents: [w]}", "boss: {subagents: [w], limits: {seconds: 3}}")
    seen = acted(limited, calling_off("lead/w#1"))
    check_promises(seen)
    assert "took more than 3 s (limits.seconds)" in (finished(seen).error or "")


def test_a_call_that_asks_a_person_can_be_called_off() -> None:
    text = """
        agents: {lead: {subagents: [w]}, w: {tools: [t], approve: [t]}}
        tools: {t: {returns: [{value: ok}]}}
        input: go
        script:
          lead: [{tool_calls: [{w: {query: a}}]}, {text: without it}]
          w: [{tool_calls: [t]}, {text: never}]
    """

    async def never(question: events.Interrupted) -> Decision | None:
        await asyncio.get_running_loop().create_future()

    def act(begun: Run | Batch, event: Event) -> None:
        if isinstance(event, events.Interrupted):
            begun.cancel("lead/w#1")

    seen = acted(text, act, decide=never)
    check_promises(seen)
    assert finished(seen).output == "without it"
    assert ends(seen) == {"lead/w#1": "cancelled", "lead": "completed"}


def test_a_run_that_is_held_begins_nothing_and_its_calls_lose_no_time() -> None:
    text = TEAM.replace(
        "lead: {subagents: [w, boss]}", "lead: {subagents: [w, boss], limits: {seconds: 30}}"
    )

    async def go() -> list[Event]:
        begun, seen = run(scenario(text)), []
        async for event in begun:
            seen.append(event)
            if isinstance(event, events.TextDelta) and event.text.startswith("two"):
                begun.pause()
                asyncio.get_running_loop().call_later(100, begun.resume)
        return seen

    seen = run_virtually(go())
    check_promises(seen)
    assert finished(seen).status == "completed"
    held = next(e.t for e in of(events.TextDelta, seen) if e.text.startswith("two"))
    begun = [e.t for e in of(events.ModelStarted, seen) if e.t > held]
    assert begun
    assert min(begun) >= held + 100
    # What was under way went on.
    assert any(held < e.t < held + 10 for e in of(events.TextDelta, seen))


def test_a_held_run_can_be_cancelled() -> None:
    def act(begun: Run | Batch, event: Event) -> None:
        begun.pause()
        begun.pause()
        if isinstance(event, events.TurnStarted):
            asyncio.get_running_loop().call_later(5, begun.cancel)

    seen = acted(TEAM, act)
    check_promises(seen)
    assert finished(seen).status == "cancelled"
    assert of(events.ModelStarted, seen) == []


def test_of_a_batch_the_run_that_is_shown_loses_a_call() -> None:
    text = TEAM.replace("input: go", "inputs: [x, y]")
    seen = acted(text, calling_off("lead/w#1"))
    statuses = [e.status for e in of(events.AgentFinished, seen) if e.call == "lead/w#1"]
    # Of the second all had been said before it was shown.
    assert statuses == ["cancelled", "completed"]
    assert [e.status for e in of(events.RunFinished, seen)] == ["completed"] * 2


def test_a_held_batch_goes_on_when_it_may() -> None:
    text = TEAM.replace("input: go", "inputs: [x, y]")

    def act(begun: Run | Batch, event: Event) -> None:
        if isinstance(event, events.RunStarted):
            begun.pause()
            asyncio.get_running_loop().call_later(50, begun.resume)

    seen = acted(text, act)
    assert [e.status for e in of(events.RunFinished, seen)] == ["completed"] * 2


def test_resumed_it_does_not_do_again_what_was_called_off() -> None:
    seen = acted(TEAM, calling_off("lead/w#1"))
    cut = next(at for at, e in enumerate(seen) if isinstance(e, events.ToolFailed)) + 1
    again = acted(TEAM, lambda *_: None, past=Past.of(seen[:cut]))
    check_promises([*seen[:cut], *again])
    assert "lead/w#1" not in ends(again)
    assert finished(again).output == "all done"
