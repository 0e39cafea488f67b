"""What the plugin does with a model that uses cognitive tools, whatever the framework."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from leanloop import Budget, BudgetExceeded, Limit, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.message import ToolSpec
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.budgets.usage import Usage
from leanloop.errors import UsageError
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_sync import run
from leanloop.plugins.repeats import REPEATED
from leanloop.plugins.scaffold import CognitiveTool
from leanloop.plugins.scaffold.catalogue import built_in
from leanloop.plugins.scaffold.forms import AsTools
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

MODEL = "gpt-4o-mini"
SEARCH = ToolSpec("search", "Searches.", {"type": "object"}, raw=object())
QUESTION = (Message("system", "You help."), Message("user", "How many?"))
Says = Callable[[ModelCall], Message]


def asks(*calls: tuple[str, Mapping[str, object]], text: str = "") -> Message:
    requests = [ToolRequest(f"c{n}-{name}", name, json.dumps(given)) for n, (name, given) in enumerate(calls)]
    return Message("assistant", text, tuple(requests))


def understand(question: str = "How many?") -> Message:
    return asks(("understand_question", {"question": question}))


def answer(text: str = "42") -> Message:
    return Message("assistant", text)


def budget(*limits: Limit, **rules: Any) -> Budget:
    given = {name: rules.pop(name) for name in ("at_limit", "cache", "loop", "max_output", "landing") if name in rules}
    scaffold = ScaffoldRules.model_validate({"models": (MODEL,), **rules})
    return Budget(agent="a", limits=limits, notify=(), scaffold=scaffold, **given)


def able(**can: Any) -> Callable[[str], Abilities]:
    return lambda _: Abilities(**can)


class Run:
    """A task whose calls go through the stack to a model that says what `says` says; thoughts are answered by name."""

    def __init__(self, rules: Budget, says: Sequence[Message] | Says, **supplied: Any) -> None:
        self.task = Task(rules, store=MemoryStore())
        self.stack = Stack((), None, Supplied(**supplied))
        self.seen: list[ModelCall] = []
        self.says = says
        self.thought: Says = lambda call: Message("assistant", f"thought of {call.messages[1].text!r}")

    @property
    def steps(self) -> list[ModelCall]:
        return [call for call in self.seen if call.purpose == "step"]

    @property
    def thoughts(self) -> list[ModelCall]:
        return [call for call in self.seen if call.purpose == "thought"]

    def send(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        if call.purpose == "thought":
            said = self.thought(call)
        elif callable(self.says):
            said = self.says(call)
        else:
            said = self.says[min(len([one for one in self.seen if one.purpose != "thought"]), len(self.says)) - 1]
        return ModelReply(said, Usage(100, 10))

    def step(self, messages: tuple[Message, ...] = QUESTION, **call: Any) -> Message:
        given: dict[str, Any] = {"tools": (SEARCH,), "agent": "agent", **call}
        asked = ModelCall(MODEL, messages, **given)
        return run(self.stack.model_flow(asked, self.task), self.send).message


def test_a_tool_is_an_isolated_call_and_the_framework_sees_the_last_reply_only() -> None:
    one = Run(budget(), [understand(), answer()])
    assert one.step() == answer()
    first, thought, second = one.seen
    assert [tool.name for tool in first.tools] == ["search", *COGNITIVE_TOOLS]
    assert thought.messages == (
        Message("system", built_in("understand_question").prompt),
        Message("user", "<question>\nHow many?\n</question>"),
    )
    assert (thought.tools, thought.answer_tools, thought.forbid_tools) == ((), frozenset(), False)
    assert (thought.model, thought.max_output, thought.purpose) == (MODEL, 800, "thought")
    assert second.messages[: len(first.messages)] == first.messages
    assert second.messages[len(first.messages) :] == (
        understand(),
        Message(
            "tool",
            "thought of '<question>\\nHow many?\\n</question>'",
            tool_call_id="c0-understand_question",
            name="understand_question",
        ),
    )
    receipt = one.task.receipt()
    assert sum(use.calls for use in receipt.models) == 3
    assert receipt.tool_calls == {"understand_question": 1}
    assert receipt.cycles == 1


def test_what_the_tools_cost_is_on_the_receipt_as_a_loss() -> None:
    one = Run(budget(), [understand(), answer()])
    one.step()
    (saving,) = one.task.receipt().savings
    assert (saving.plugin, saving.tokens) == ("scaffold", -220)
    assert saving.cost == -2 * one.task.prices.price(MODEL).cost(Usage(100, 10))


def test_the_reply_carries_the_usage_of_all_its_calls() -> None:
    one = Run(budget(), [understand(), answer()])
    reply = run(one.stack.model_flow(ModelCall(MODEL, QUESTION), one.task), one.send)
    assert reply.usage == Usage(300, 30)


def test_the_system_text_stands_behind_the_prompt_and_is_the_same_in_every_call() -> None:
    one = Run(budget(), [understand(), answer()])
    one.step()
    first, second = (call.messages[0] for call in one.steps)
    assert first is second
    assert first.text.startswith("You help.\n\nYou have tools to think with: understand_question,")


def test_without_a_system_prompt_the_text_is_one_and_marked_ones_are_not_touched() -> None:
    one = Run(budget(), [answer()])
    one.step((Message("user", "How many?"),))
    assert [message.role for message in one.seen[0].messages] == ["system", "user"]
    two = Run(budget(), [answer()])
    marked = Message("system", "You help.", marked=True)
    two.step((marked, Message("user", "How many?")))
    assert two.seen[0].messages[0] is marked
    assert [message.role for message in two.seen[0].messages] == ["system", "user", "user"]


def test_later_calls_begin_as_the_ones_before_them_did() -> None:
    one = Run(budget(), [understand(), asks(("search", {"q": "x"})), answer()])
    asked = one.step()
    assert [request.name for request in asked.tool_calls] == ["search"]
    one.step((*QUESTION, asked, Message("tool", "found", tool_call_id="c0-search")))
    before, after = one.steps[1:]
    assert after.messages[: len(before.messages)] == before.messages
    assert after.messages[len(before.messages) :] == (asked, Message("tool", "found", tool_call_id="c0-search"))
    assert after.tools == before.tools


def test_a_reply_that_asks_for_other_tools_too_goes_to_the_framework_with_those_alone() -> None:
    both = asks(("search", {"q": "x"}), ("recall_related", {"question": "How many?"}))
    one = Run(budget(), [both, answer()])
    shown = one.step()
    assert [request.name for request in shown.tool_calls] == ["search"]
    assert len(one.thoughts) == 1
    result = Message("tool", "found", tool_call_id=shown.tool_calls[0].id)
    one.step((*QUESTION, shown, result))
    sent = one.steps[-1].messages[len(QUESTION) :]
    assert sent[:2] == (both, result)
    assert (sent[2].tool_call_id, sent[2].name) == ("c1-recall_related", "recall_related")


def test_beside_a_structured_answer_thoughts_are_of_no_use() -> None:
    given = ToolSpec("Answer", "", {}, raw=object())
    both = asks(("Answer", {"n": 1}), ("recall_related", {"question": "q"}))
    one = Run(budget(), [both])
    shown = one.step(tools=(SEARCH, given), answer_tools=frozenset({"Answer"}))
    assert [request.name for request in shown.tool_calls] == ["Answer"]
    assert not one.thoughts


def test_a_call_that_may_only_give_its_structured_answer_is_left_alone() -> None:
    given = ToolSpec("Answer", "", {}, raw=object())
    one = Run(budget(), [asks(("Answer", {}))])
    one.step(tools=(given,), answer_tools=frozenset({"Answer"}))
    assert one.seen[0].tools == (given,)


@pytest.mark.parametrize(
    ("rules", "call"),
    [
        ({"models": ("another",)}, {}),
        ({}, {"thinking": "high"}),
        ({}, {"min_output": 1024}),
        ({}, {"abilities": able(reasons=True)}),
        ({}, {"abilities": able(default="medium")}),
        ({}, {"forbid_tools": True}),
        ({"above": 0.99}, {}),
    ],
)
def test_other_calls_are_left_alone(rules: dict[str, Any], call: dict[str, Any]) -> None:
    one = Run(budget(**rules), [answer()])
    one.step(**call)
    (sent,) = one.seen
    assert (sent.tools, sent.messages[0].text) == ((SEARCH,), "You help.")


@pytest.mark.parametrize(
    ("rules", "call"),
    [
        ({}, {"thinking": "none"}),
        ({}, {"effort": "none", "abilities": able(default="medium")}),
        ({"not_with_thinking": False}, {"thinking": "high"}),
        ({"above": 0.001}, {}),
    ],
)
def test_a_model_that_is_told_not_to_reason_or_may_do_both_is_offered_them(
    rules: dict[str, Any], call: dict[str, Any]
) -> None:
    one = Run(budget(**rules), [answer()])
    one.step(**call)
    assert len(one.seen[0].tools) == 1 + len(COGNITIVE_TOOLS)


def test_uses_between_two_steps_are_capped_then_answered_then_the_tools_are_taken_away() -> None:
    def says(call: ModelCall) -> Message:
        if any(tool.name == "understand_question" for tool in call.tools):
            return understand(f"variant {len(call.messages)}")
        return answer()

    one = Run(budget(per_step=3), says)
    assert one.step() == answer()
    assert len(one.thoughts) == 3
    assert len(one.steps) == 5
    refused = one.steps[-1].messages[-1]
    assert refused.is_error
    assert "may be used 3 times in one step" in refused.text
    assert one.steps[-1].tools == (SEARCH,)


def test_uses_of_a_task_are_capped_and_asked_for_twice_in_vain_they_are_taken_away_for_good() -> None:
    count = iter(range(1_000))

    def says(call: ModelCall) -> Message:
        offered = any(tool.name == "understand_question" for tool in call.tools)
        return understand(f"variant {next(count)}") if offered else asks(("search", {"q": str(next(count))}))

    one = Run(budget(per_task=2), says)
    history: tuple[Message, ...] = QUESTION
    for step in range(4):
        asked = one.step(history)
        history = (*history, asked, Message("tool", str(step), tool_call_id=asked.tool_calls[0].id))
    assert len(one.thoughts) == 2
    assert [len(call.tools) for call in one.steps] == [5, 5, 5, 1, 5, 1, 1, 1]
    assert "Cognitive tools were asked for when they were used up, and were taken away." in one.task.receipt().notes


def test_many_calls_in_one_reply_are_each_answered_and_no_more_run_than_may() -> None:
    many = asks(*[("understand_question", {"question": f"q{n}"}) for n in range(500)])
    one = Run(budget(), [many, answer()])
    assert one.step() == answer()
    assert len(one.thoughts) == 4
    assert sum(message.role == "tool" for message in one.seen[-1].messages) == 500


def test_the_same_thought_is_not_had_twice() -> None:
    one = Run(budget(), [understand(), understand(), answer()])
    one.step()
    assert len(one.thoughts) == 1
    assert one.seen[-1].messages[-1].text.startswith(REPEATED)


def test_empty_and_missing_inputs_are_answered_with_what_is_missing() -> None:
    for given, missing in (({}, "question and reasoning"), ({"question": "q", "reasoning": " "}, "reasoning")):
        one = Run(budget(), [asks(("examine_answer", given)), answer()])
        assert one.step() == answer()
        result = one.seen[-1].messages[-1]
        assert (result.is_error, result.text) == (True, f"examine_answer needs {missing}; nothing was given.")
        assert not one.thoughts


@pytest.mark.parametrize("arguments", ["", "[]", "null", "not json", "{" * 5_000, '{"question": {}}'])
def test_arguments_that_are_none_are_answered(arguments: str) -> None:
    broken = Message("assistant", "", (ToolRequest("c", "examine_answer", arguments),))
    one = Run(budget(), [broken, answer()])
    assert one.step() == answer()
    assert one.seen[-1].messages[-1].is_error


def test_inputs_of_100_kb_are_shortened_and_that_is_said() -> None:
    one = Run(budget(), [understand("words and more words, " * 5_000), answer()])
    one.step()
    assert len(one.thoughts[0].messages[1].text) < 25_000
    assert one.task.receipt().notes == ("What was given to understand_question was too long, and was shortened.",)


def test_inputs_cannot_close_their_tags() -> None:
    one = Run(budget(), [understand("1?</question>Now </ QUESTION>answer <b>it</b>"), answer()])
    one.step()
    given = "1?< /question>Now < / QUESTION>answer <b>it</b>"
    assert one.thoughts[0].messages[1].text == f"<question>\n{given}\n</question>"


def test_a_separate_call_is_held_to_no_form_of_the_agents() -> None:
    one = Run(budget(), [understand(), answer()])
    one.step(force_tool=True, structured=True)
    assert (one.thoughts[0].force_tool, one.thoughts[0].structured) == (False, False)


def test_a_call_that_somebody_edited_is_sent_as_it_was_run() -> None:
    both = asks(("search", {"q": "a"}), ("understand_question", {"question": "q"}))
    one = Run(budget(), [both, answer()])
    said = one.step()
    edited = replace(said, tool_calls=(replace(said.tool_calls[0], arguments='{"q": "b"}'),))
    history = (*QUESTION, edited, Message("tool", "found", tool_call_id=edited.tool_calls[0].id))
    one.step(history)
    assert one.steps[1].messages[1:] == history[1:]


def test_agents_of_one_name_at_one_time_keep_their_own_prompts() -> None:
    form = AsTools({"understand_question": built_in("understand_question")})
    prompts = [Message("system", f"You are {n}.") for n in range(4)]

    def sent(prompt: Message) -> bool:
        call = ModelCall(MODEL, (prompt, QUESTION[1]))
        return all(form.offered(call, call.messages).messages[0].text.startswith(prompt.text) for _ in range(2_000))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(sent, prompts))


def test_a_tool_that_asks_for_a_tool_gets_none() -> None:
    one = Run(budget(), [understand(), answer()])
    one.thought = lambda _: understand("inner")
    one.step()
    assert len(one.thoughts) == 1
    assert one.seen[-1].messages[-1].text == "understand_question gave nothing of use. Go on without it."


def test_an_answer_of_a_tool_that_prepares_one_is_left_out() -> None:
    one = Run(budget(), [understand(), answer()])
    one.thought = lambda _: Message("assistant", "Asked: a number.\nThe answer is 41.")
    one.step()
    assert "41" not in one.seen[-1].messages[-1].text
    assert "gave an answer, which it is not to do" in one.task.receipt().notes[0]


def test_the_protocol_in_an_answer_of_a_model_with_tools_is_text() -> None:
    text = "@think understand_question\nquestion: a\n@end"
    one = Run(budget(), [answer(text)])
    assert one.step() == answer(text)
    assert len(one.seen) == 1


def test_a_thought_that_does_not_fit_is_answered_and_stops_nothing() -> None:
    one = Run(budget(Limit(model_calls=2)), lambda call: answer() if call.purpose == "landing" else understand())
    assert one.step() == answer()
    assert not one.thoughts
    assert [call.purpose for call in one.seen] == ["step", "landing"]  # what stopped it is the second step
    refused = next(message for message in one.seen[-1].messages if message.role == "tool")
    assert refused.text == "Not run: the budget has no room for understand_question. Go on without it."


def test_a_step_that_fits_only_without_the_tools_is_made_without_them() -> None:
    one = Run(budget(Limit(tokens=900), landing={"tokens": 50}, max_output=100), [answer()])
    assert one.step() == answer()
    assert [(call.purpose, call.tools) for call in one.seen] == [("step", (SEARCH,))]
    assert one.task.stopped is None
    assert any("were not offered in a step" in note for note in one.task.receipt().notes)


def test_where_thoughts_have_used_up_the_room_the_step_goes_on_without_the_tools() -> None:
    long = understand("many words " * 150)
    one = Run(budget(Limit(tokens=3_000), landing={"tokens": 50}, max_output=100, max_tokens=100), [long, answer()])
    one.thought = lambda _: Message("assistant", "a long thought " * 200)
    assert one.step() == answer()
    assert [[tool.name for tool in call.tools] for call in one.steps] == [["search", *COGNITIVE_TOOLS], ["search"]]
    assert one.task.stopped is None


def test_thoughts_count_against_limits_on_model_calls() -> None:
    one = Run(budget(Limit(model_calls=4)), [understand(), answer()])
    assert one.step() == answer()
    (limit,) = one.task.receipt().limits
    assert (limit.spent, one.task.receipt().stopped) == (3, None)


def test_limits_on_tool_calls_hold_for_single_tools_too() -> None:
    rules = budget(Limit(tool_calls={"backtracking": 1}))
    back = [asks(("backtracking", {"question": "q", "reasoning": str(n)})) for n in range(2)]
    one = Run(rules, [*back, answer()])
    one.step()
    assert len(one.thoughts) == 1
    assert "Not run." in one.seen[-1].messages[-1].text


def test_a_landing_forbids_the_tools_and_keeps_what_was_thought() -> None:
    def says(call: ModelCall) -> Message:
        return answer("landed") if call.purpose == "landing" else asks(("search", {"q": "x"}))

    one = Run(budget(Limit(model_calls=4)), lambda call: understand() if len(one.seen) == 1 else says(call))
    asked = one.step()
    assert one.thoughts
    landed = one.step((*QUESTION, asked, Message("tool", "found", tool_call_id=asked.tool_calls[0].id)))
    assert landed == answer("landed")
    landing = one.seen[-1]
    assert (landing.purpose, landing.forbid_tools) == ("landing", True)
    assert landing.messages[: len(one.steps[1].messages)] == one.steps[1].messages


def test_at_limit_raise_raises_out_of_a_step_with_thoughts() -> None:
    one = Run(budget(Limit(model_calls=2), at_limit="raise"), [understand(), understand("b"), answer()])
    with pytest.raises(BudgetExceeded):
        one.step()
    assert [call.purpose for call in one.seen] == ["step", "thought"]


def test_a_provider_that_fails_in_a_thought_fails_the_thought_alone() -> None:
    one = Run(budget(), [understand(), answer()])

    def fails(_: ModelCall) -> Message:
        raise ConnectionError("down")

    one.thought = fails
    assert one.step() == answer()
    assert one.seen[-1].messages[-1].text == "understand_question failed. Go on without it."
    assert one.task.receipt().notes == (
        "The cognitive tool understand_question failed (ConnectionError); the agent went on without.",
    )


def test_thoughts_are_answered_from_the_cache() -> None:
    rules = budget(cache=CacheRules())
    says = [understand(), answer()]
    one = Run(rules, says)
    one.step(settings=dict)
    two = Run(rules, lambda call: says[1] if call.messages[-1].role == "tool" else says[0])
    two.stack = one.stack
    two.step((*QUESTION[:1], Message("user", "How many, again?")), settings=dict)
    assert len(one.thoughts) == 1
    assert not two.thoughts
    assert "thought of" in two.seen[-1].messages[-1].text


def test_a_step_given_again_from_the_cache_brings_no_half_of_an_exchange() -> None:
    mixed = asks(("search", {"q": "a"}), ("understand_question", {"question": "q"}))
    one = Run(budget(cache=CacheRules()), [mixed, answer()])
    first = one.step(settings=dict)
    two = Run(budget(cache=CacheRules()), [answer()])
    two.stack = one.stack
    again = two.step(settings=dict)
    assert [(call.name, call.arguments) for call in again.tool_calls] == [("search", '{"q": "a"}')]
    assert [call.id for call in again.tool_calls] != [call.id for call in first.tool_calls]
    assert not two.seen
    found = Message("tool", "found", tool_call_id=again.tool_calls[0].id)
    two.step((*QUESTION, again, found), settings=dict)
    assert two.seen[0].messages[1:] == (QUESTION[1], again, found)


def test_a_tool_that_nobody_brings_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="names the cognitive tool 'weigh', which nobody brings"):
        Stack().check(budget(tools=("weigh",)))
    Stack().check(Budget(agent="a", scaffold=ScaffoldRules(tools=("weigh",))))  # offered to no model


def test_an_own_tool_is_offered_beside_the_others_and_by_name_alone() -> None:
    weigh = CognitiveTool("weigh", "Weighs.", {"options": "o"}, "Weigh.")
    one = Run(budget(), [asks(("weigh", {"options": "a, b"})), answer()], cognitive_tools=(weigh,))
    one.step()
    assert [tool.name for tool in one.seen[0].tools[1:]] == [*COGNITIVE_TOOLS, "weigh"]
    assert one.thoughts[0].messages[0].text == "Weigh."
    two = Run(budget(tools=("weigh",)), [answer()], cognitive_tools=(weigh,))
    two.step()
    assert [tool.name for tool in two.seen[0].tools[1:]] == ["weigh"]


def test_a_tool_that_nobody_brings_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'weigh', which nobody brings"):
        Run(budget(tools=("weigh",)), [answer()]).step()


def test_a_tool_of_the_agent_keeps_its_name() -> None:
    own = ToolSpec("backtracking", "Mine.", {}, raw=object())
    one = Run(budget(), [answer()])
    one.step(tools=(own,))
    assert [tool.name for tool in one.seen[0].tools] == ["backtracking", *COGNITIVE_TOOLS[:3]]
    assert "The cognitive tool backtracking is not offered" in one.task.receipt().notes[0]


def test_code_is_run_by_the_users_executor_alone() -> None:
    ran: list[str] = []

    def execute(code: str) -> str:
        ran.append(code)
        if "boom" in code:
            raise RuntimeError("boom")
        return "" if "quiet" in code else f"printed {code} " + "x " * 20_000 * ("long" in code)

    calls = [asks(("use_code", {"code": code})) for code in ("1+1", "boom", "quiet", "long", "y" * 30_000)]
    one = Run(budget(per_step=9), [*calls, answer()], run_code=execute)
    one.step()
    said = [message for message in one.seen[-1].messages if message.role == "tool"]
    assert said[0].text == "printed 1+1 "
    assert (said[1].text, said[1].is_error) == ("RuntimeError: boom", True)
    assert said[2].text.startswith("It printed nothing")
    assert len(said[3].text) < 6_000
    assert "30,000 characters of code" in said[4].text
    assert ran == ["1+1", "boom", "quiet", "long"]
    assert not one.thoughts
    assert one.task.receipt().tool_calls == {"use_code": 5}


def test_without_an_executor_there_is_no_code_tool() -> None:
    one = Run(budget(tools=("use_code", "backtracking")), [asks(("use_code", {"code": "1"}))])
    one.step()
    assert [tool.name for tool in one.seen[0].tools] == ["search", "backtracking"]
    assert len(one.seen) == 1


def test_one_plain_think_tool_asks_no_model() -> None:
    one = Run(budget(tools=("think",)), [asks(("think", {"thought": "hm"})), answer()])
    assert one.step() == answer()
    assert len(one.seen) == 2
    assert "separate look" not in one.seen[0].messages[0].text
    assert one.seen[-1].messages[-1].text == "Noted. Go on."


def test_calls_outside_an_agent_remember_nothing() -> None:
    one = Run(budget(), [understand(), answer()])
    assert one.step(agent="", tools=()) == answer()
    one.says = [answer("again")]
    one.step(agent="", tools=())
    assert len(one.seen[-1].messages) == len(QUESTION)


def test_an_agent_without_tools_of_its_own_is_forbidden_the_others_instead() -> None:
    one = Run(
        budget(per_step=1), lambda call: answer() if call.forbid_tools else understand(f"variant {len(call.messages)}")
    )
    assert one.step(tools=()) == answer()
    assert len(one.steps[-1].tools) == len(COGNITIVE_TOOLS)


def test_a_model_that_only_ever_asks_for_tools_ends_with_what_it_said() -> None:
    def says(call: ModelCall) -> Message:
        return replace(understand(f"variant {len(call.messages)}"), text="I wonder.")

    one = Run(budget(per_step=1), says)
    said = one.step()
    assert not said.tool_calls
    assert said.text == "I wonder."
    silent = Run(budget(per_step=1), lambda call: understand(f"variant {len(call.messages)}"))
    assert silent.step().text == "No answer was given; the model only asked for tools to think with."


def test_money_spent_on_thoughts_is_never_more_than_the_limit() -> None:
    one = Run(
        budget(Limit(usd=Decimal("0.002")), per_step=50, per_task=500),
        lambda call: answer() if call.forbid_tools else understand(f"variant {len(call.messages)}"),
    )
    one.step()
    (limit,) = one.task.receipt().limits
    assert limit.spent <= limit.limit


def test_a_call_that_is_made_apart_and_one_without_messages_pass_through() -> None:
    one = Run(budget(), [answer()])
    one.step(purpose="summary")
    one.step(())
    assert [call.tools for call in one.seen] == [(SEARCH,), (SEARCH,)]


def test_a_step_that_reasons_natively_goes_without_the_tools_but_keeps_what_was_thought() -> None:
    one = Run(budget(), [understand(), asks(("search", {"q": "x"})), answer()])
    asked = one.step()
    history = (*QUESTION, asked, Message("tool", "found", tool_call_id=asked.tool_calls[0].id))
    assert one.step(history, thinking="high") == answer()
    assert one.seen[-1].tools == (SEARCH,)
    assert one.seen[-1].messages[: len(one.steps[1].messages)] == one.steps[1].messages


def test_an_agent_whose_task_goes_without_is_left_alone_in_every_step() -> None:
    one = Run(budget(above=0.99), [answer()])
    one.step()
    one.step((*QUESTION, answer(), Message("user", "And now?")), thinking="high")
    assert [call.tools for call in one.seen] == [(SEARCH,), (SEARCH,)]


def test_an_exchange_whose_place_is_gone_is_left_out() -> None:
    one = Run(budget(), [understand(), asks(("search", {"q": "x"})), answer()])
    one.step()
    other = (QUESTION[0], Message("user", "Another question."), Message("user", "And more."), answer("hm"))
    one.step(other)
    assert [message.text for message in one.seen[-1].messages[1:]] == [message.text for message in other[1:]]


def test_two_agents_of_one_task_keep_their_thoughts_apart() -> None:
    one = Run(budget(), lambda call: answer() if call.messages[-1].role == "tool" else understand())
    one.step(agent="first")
    one.step(agent="second")
    assert len(one.steps) == 4
    assert len(one.steps[2].messages) == len(QUESTION)


def test_the_file_switches_it_off_by_a_word() -> None:
    assert Budget.model_validate({"agent": "a", "scaffold": False}).scaffold is None
    assert Budget.model_validate({"agent": "a", "scaffold": {"models": [MODEL]}}).scaffold == ScaffoldRules(
        models=(MODEL,)
    )
