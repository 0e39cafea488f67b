"""Whether a call is offered cognitive tools, which of them, and how."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.errors import ModelUnavailable, StoreError, UsageError
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import Count
from leanloop.plugins.scaffold.catalogue import all_tools
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.scaffold.use_code import USE_CODE
from leanloop.plugins.scaffold.worth import WITH_TOOLS, WORTH_COMPARING, helps
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Offer", "abilities_of", "judge", "offered_to", "reasons", "tools_named"]

_log = logging.getLogger("leanloop")
_said: set[str] = set()
_MOST_SAID = 256


class Offer(NamedTuple):
    """What was decided for a model of a task.

    Attributes:
        tools: by name; none where they are not offered this time.
        form: as tools of the provider, or by the protocol in the text.
        estimate: what is expected of them.
        setting, other: what calls are made with, and what they would have been made with otherwise.
        unsure: it is not known whether they help.
        explored: it was decided the other way, to learn.
    """

    tools: Mapping[str, CognitiveTool]
    form: Literal["tools", "text"]
    estimate: Estimate
    setting: Setting
    other: Setting
    unsure: bool
    explored: bool


def offered_to(call: ModelCall, rules: ScaffoldRules) -> bool:
    """Whether the file speaks of such a call at all.

    One that may only give its structured answer, or call no tool, cannot call these either.
    """
    if call.purpose != "step" or call.forbid_tools or call.model not in rules.models:
        return False
    if call.tools and all(tool.name in call.answer_tools for tool in call.tools):
        return False
    if (call.structured or call.force_tool) and form_of(call, rules) == "text":  # there is no text to write it in
        return False
    return not (rules.not_with_thinking and reasons(call, abilities_of(call)))


def form_of(call: ModelCall, rules: ScaffoldRules) -> Literal["tools", "text"]:
    """As the file says, or the model's profile."""
    return rules.form or ("text" if abilities_of(call).tools is False else "tools")


def reasons(call: ModelCall, abilities: Abilities) -> bool:
    """Whether the model reasons natively in this call."""
    if call.thinking is not None:
        return call.thinking != "none"
    if call.min_output > 0:  # a thinking budget
        return True
    if call.effort == "none":
        return False
    return abilities.reasons is True or abilities.default not in {None, "none"}


def abilities_of(call: ModelCall) -> Abilities:
    """What the call's model can do, as far as the framework says."""
    try:
        return call.abilities(call.model) if call.abilities is not None else Abilities()
    except ModelUnavailable:
        return Abilities()


def tools_named(rules: ScaffoldRules, supplied: Supplied) -> Mapping[str, CognitiveTool]:
    """The tools that the file names, and `use_code` where there is an executor and the file names none of its own.

    Raises:
        UsageError: nobody has a tool of that name, or two of the user's have one name.
    """
    known = all_tools(supplied.cognitive_tools)
    names = list(rules.tools)
    if rules.tools == COGNITIVE_TOOLS:
        names += [tool.name for tool in supplied.cognitive_tools if tool.name not in names]
        names += [USE_CODE.name] if supplied.run_code is not None else []
    named: dict[str, CognitiveTool] = {}
    for name in dict.fromkeys(names):
        if name == USE_CODE.name:
            if supplied.run_code is not None:
                named[name] = USE_CODE
            else:
                _say_once("The budget names use_code, which is offered only with an executor: LeanLoop(run_code=...).")
        elif name in known:
            named[name] = known[name]
        else:
            raise UsageError(
                f"The budget names the cognitive tool {name!r}, which nobody brings; there are "
                f"{', '.join(known)}. Give your own: LeanLoop(cognitive_tools=[...])."
            )
    return named


def judge(
    call: ModelCall, task: Task, rules: ScaffoldRules, tools: Mapping[str, CognitiveTool], learning: Learning
) -> Steps[Offer]:
    """Decide for a call that the file speaks of."""
    without = Setting(call.model, call.thinking or call.effort)
    with_tools = Setting(call.model + WITH_TOOLS, without.effort)
    estimate = yield from learning.estimate(call, task, without, with_tools)
    side = "above" if rules.above is None else estimate.side(rules.above)
    wanted = side != "below"  # unsure: what is never tried is never known
    known = yield from _known(estimate, task, learning)
    proven = helps(known, str(with_tools), str(without))
    if wanted and proven is False:
        wanted = False
        text = f"Cognitive tools are not offered to {call.model}: its tasks did not end better with them."
        if task.note(text):
            _say_once(f"Agent {task.agent}: {text}")
    unsure = side == "unsure" or (side == "above" and proven is not True)
    tried = max((one.get(str(with_tools), Count()).weight for one in known), default=0.0) >= WORTH_COMPARING
    explored = unsure and tried and learning.explores(call, task, estimate)
    on = wanted is not explored
    own: Mapping[str, CognitiveTool] = _without_clashes(tools, call, task) if on else {}
    setting, other = (with_tools, without) if own else (without, with_tools)
    return Offer(own, form_of(call, rules), estimate, setting, other, unsure, explored)


def _known(estimate: Estimate, task: Task, learning: Learning) -> Steps[Sequence[Mapping[str, Count]]]:
    """Counts of the kinds of call that it is of; a store that is down says nothing."""
    store = learning.store_of(task.budget)
    try:
        known: Sequence[Mapping[str, Count]] = yield Io(store.counts, store.acounts, estimate.keys)
    except StoreError as error:
        task.note(f"Outcomes could not be read. {error}")
        return ()
    return known


def _without_clashes(tools: Mapping[str, CognitiveTool], call: ModelCall, task: Task) -> Mapping[str, CognitiveTool]:
    """The tools without those whose name a tool of the agent has; that one stays what it is."""
    taken = {tool.name for tool in call.tools}
    for name in sorted(taken & tools.keys()):
        text = f"The cognitive tool {name} is not offered: the agent has a tool of that name. Give one another name."
        if task.note(text):
            _say_once(f"Agent {task.agent}: {text}")
    return {name: tool for name, tool in tools.items() if name not in taken}


def _say_once(text: str) -> None:
    if text not in _said and len(_said) < _MOST_SAID:
        _said.add(text)
        _log.warning("%s", text)
