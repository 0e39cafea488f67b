"""A guarded LLM: counted once, landed, raised, streamed, copied, and its original left alone."""

# LlamaIndex leaves type arguments out:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import copy
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, UsageError
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.plugins.current import enter, leave

METHODS = [
    "chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete",
]  # fmt: skip


class Town(BaseModel):
    """A town."""

    name: str


def under(*, at_limit: Any = "land", **limits: Any) -> Budget:
    return Budget(agent="a", limits=(Limit(**limits),), at_limit=at_limit)


def call(llm: Any, method: str, said: str = "hello", **kwargs: Any) -> Any:
    """One call by `method`; of a stream, all its chunks."""
    given = said if "complete" in method else [ChatMessage(content=said)]
    made = getattr(llm, method)
    if not method.startswith("a"):
        answer = made(given, **kwargs)
        return list(answer) if "stream" in method else answer

    async def awaited() -> Any:
        answer = await made(given, **kwargs)
        return [chunk async for chunk in answer] if "stream" in method else answer

    return asyncio.run(awaited())


def last(answer: Any) -> str:
    answer = answer[-1] if isinstance(answer, list) else answer
    return str(getattr(answer, "text", None) or answer.message.content)


def asking(tool: str, **kwargs: Any) -> ChatMessage:
    return ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="1", tool_name=tool, tool_kwargs=kwargs)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "own", [MockLLM(max_tokens=5), ScriptedLLM(script=["one two"]), ScriptedTextLLM(script=["one two"])]
)
def test_a_call_is_counted_once_however_the_class_nests_it(own: Any, method: str, store: Any) -> None:
    loop = LeanLoop(under(tokens=9_000), store=store)
    with leanloop.task(loop.budget, store=store) as task:
        assert last(call(loop.llm(own), method)) == last(call(own, method))
    assert task.receipt().model_calls == task.receipt().cycles == 1


def test_the_twin_is_of_the_user_s_class_and_the_original_stays_as_it_was() -> None:
    own = ScriptedLLM(script=["one"])
    before = dict(own.__dict__)
    guarded = LeanLoop(under(tokens=5_000)).llm(own)
    assert isinstance(guarded, ScriptedLLM)
    assert isinstance(guarded, FunctionCallingLLM)
    assert (type(guarded).__name__, type(guarded).__module__) == (type(own).__name__, type(own).__module__)
    guarded.callback_manager = CallbackManager()
    guarded.max_tokens = 3
    assert own.__dict__ == before
    assert type(own) is ScriptedLLM
    assert guarded.metadata.is_function_calling_model


def test_what_is_no_llm_is_refused_and_what_is_guarded_is_not_guarded_again() -> None:
    loop = LeanLoop()
    guarded = loop.llm(MockLLM())
    assert loop.llm(guarded) is guarded
    with pytest.raises(UsageError, match="takes an LLM of LlamaIndex, not str"):
        loop.llm("gpt-4o")  # type: ignore[type-var]


@pytest.mark.parametrize("method", METHODS)
def test_a_call_that_does_not_fit_is_not_made_and_answered_all_the_same(method: str, store: Any) -> None:
    own = ScriptedLLM(script=["one"])
    answer = call(LeanLoop(under(tokens=50), store=store).llm(own), method, "long " * 100)
    assert "The limit of 50 tokens for this task is reached" in last(answer)
    assert own.seen == []


@pytest.mark.parametrize("method", METHODS)
def test_it_raises_where_the_budget_says_so(method: str, store: Any) -> None:
    own = ScriptedLLM(script=["one"])
    loop = LeanLoop(under(tokens=50, at_limit="raise"), store=store)
    with pytest.raises(BudgetExceeded, match="The limit of 50 tokens"):
        call(loop.llm(own), method, "long " * 100)
    assert own.seen == []


@pytest.mark.parametrize("method", METHODS)
def test_the_last_call_of_a_task_lands_on_what_was_said(method: str, store: Any) -> None:
    own = ScriptedLLM(script=["working on it", "the answer so far"])
    loop = LeanLoop(under(model_calls=2), store=store)
    with leanloop.task(loop.budget, store=store) as task:
        llm = loop.llm(own)
        answers = [last(call(llm, method, "the question")) for _ in range(3)]
    assert answers[:2] == ["working on it", "the answer so far"]
    assert answers[2].startswith("This task stopped before it was finished.")
    assert len(own.seen) == 2
    assert "Call no further tools" in str(own.seen[1][0])
    assert task.receipt().landed


def test_each_call_outside_any_task_is_a_task_of_its_own(store: Any) -> None:
    own = ScriptedLLM(script=["one"])
    llm = LeanLoop(under(model_calls=1), store=store).llm(own)
    assert [llm.chat([ChatMessage(content="hi")]).message.content for _ in range(3)] == ["one"] * 3


def test_a_budget_of_its_own_holds_below_that_of_the_task(store: Any) -> None:
    outer = under(tokens=9_000)
    inner = Budget(agent="b", limits=(Limit(model_calls=1), Limit(per="day", model_calls=2)), at_limit="raise")
    llm = LeanLoop(inner, store=store).llm(ScriptedLLM(script=["one"]))
    with leanloop.task(outer, store=store) as task:
        llm.complete("hi")
        llm.complete("hi")
        with pytest.raises(BudgetExceeded, match="agent=b per day"):
            llm.complete("hi")
    assert task.receipt().model_calls == 2


def test_without_a_budget_of_its_own_calls_belong_to_the_current_task(store: Any) -> None:
    llm = LeanLoop().llm(ScriptedLLM(script=["one"]))
    with leanloop.task(under(model_calls=9), store=store) as task:
        llm.complete("hi")
    assert task.receipt().model_calls == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_belongs_to_the_task_it_was_asked_for_in_and_settles_when_it_is_left(
    asynchronous: bool, store: Any
) -> None:
    own = ScriptedLLM(script=["one two three four"])
    loop = LeanLoop(under(tokens=9_000), store=store)
    llm = loop.llm(own)
    task = leanloop.Task(loop.budget, store=store)

    async def read() -> None:
        token = enter(task)
        chunks = await llm.astream_chat([ChatMessage(content="hi")])
        leave(token)
        assert (await anext(chunks)).delta == "one "
        assert store.reserved()
        await chunks.aclose()

    if asynchronous:
        asyncio.run(read())
    else:
        token = enter(task)
        chunks = llm.stream_chat([ChatMessage(content="hi")])
        leave(token)
        assert next(chunks).delta == "one "
        assert store.reserved()
        chunks.close()
    task.close()
    (use,) = task.receipt().models
    assert use.usage.estimated
    assert use.usage.total == store.spent("tokens")[0]


def test_a_stream_nobody_reads_costs_nothing(store: Any) -> None:
    own = ScriptedLLM(script=["one"])
    loop = LeanLoop(under(tokens=9_000), store=store)
    loop.llm(own).stream_chat([ChatMessage(content="hi")])
    assert (own.seen, store.spent("tokens")) == ([], [])


def test_a_long_stream_is_not_kept_chunk_by_chunk(store: Any) -> None:
    own = ScriptedLLM(script=["word " * 2_000], reports_usage=False)
    alive: list[Any] = []
    for chunk in LeanLoop(under(tokens=9_000), store=store).llm(own).stream_chat([ChatMessage(content="hi")]):
        alive.append(weakref.ref(chunk))
        assert sum(ref() is not None for ref in alive[-50:]) < 10


def test_callbacks_see_each_call_once_and_may_be_given_later() -> None:
    handler = TokenCountingHandler()
    llm = LeanLoop(under(tokens=9_000)).llm(ScriptedLLM(script=["one two"]))
    llm.callback_manager = CallbackManager([handler])
    llm.chat([ChatMessage(content="hi")])
    assert [event.completion_token_count for event in handler.llm_token_counts] == [2]
    assert CBEventType.LLM.value == "llm"


def test_a_rate_limiter_is_asked_once_a_call() -> None:
    class Limiter:
        asked = 0

        def acquire(self, num_tokens: int = 0) -> None:
            self.asked += 1

    limiter = Limiter()
    LeanLoop(under(tokens=9_000)).llm(ScriptedTextLLM(script=["one"], rate_limiter=limiter)).chat([])
    assert limiter.asked == 1


@pytest.mark.parametrize("guarded_first", [True, False])
def test_a_structured_llm_is_one_call_a_call(guarded_first: bool, store: Any) -> None:
    own = ScriptedLLM(script=[asking("Town", name="Kiel")])
    loop = LeanLoop(under(tokens=9_000), store=store)
    llm = loop.llm(own).as_structured_llm(Town) if guarded_first else loop.llm(own.as_structured_llm(Town))
    with leanloop.task(loop.budget, store=store) as task:
        assert llm.chat([ChatMessage(content="a town")]).raw == Town(name="Kiel")
        assert asyncio.run(llm.achat([ChatMessage(content="a town")])).raw == Town(name="Kiel")
    assert task.receipt().model_calls == 2


@pytest.mark.parametrize("method", ["structured_predict", "astructured_predict"])
def test_a_structured_answer_that_cannot_be_paid_raises_what_no_synthesizer_swallows(method: str, store: Any) -> None:
    llm = LeanLoop(under(tokens=20), store=store).llm(ScriptedLLM(script=[asking("Town", name="Kiel")]))
    predict = getattr(llm, method)

    def predicted() -> Any:
        answer = predict(Town, PromptTemplate("A town near {place}."), place="the sea " * 100)
        return asyncio.run(answer) if method.startswith("a") else answer

    with pytest.raises(BudgetExceeded, match="The limit of 20 tokens"):
        predicted()


def test_a_landing_with_a_structured_answer_keeps_to_its_schema(store: Any) -> None:
    own = ScriptedLLM(script=[asking("Town", name="Kiel")])
    loop = LeanLoop(under(model_calls=1), store=store)
    with leanloop.task(loop.budget, store=store) as task:
        program = FunctionCallingProgram.from_defaults(Town, prompt_template_str="A town.", llm=loop.llm(own))
        assert program() == Town(name="Kiel")
    assert task.receipt().landed
    assert "Answer now, in the required format" in str(own.seen[0][0])
    assert own.seen[0][1]["tool_choice"] == "required"


def test_tools_are_counted_with_their_schemas(store: Any) -> None:
    def lookup(word: str) -> str:
        """Look a word up in a very long list of words."""
        return word

    loop = LeanLoop(under(tokens=9_000), store=store)
    llm = loop.llm(ScriptedLLM(script=["none"], reports_usage=False))
    counted: list[int] = []
    for tools in ([], [FunctionTool.from_defaults(lookup)]):
        with leanloop.task(loop.budget, store=store) as task:
            llm.chat_with_tools(tools, user_msg="hi")
        counted.append(task.receipt().usage.input)
    assert counted[1] > counted[0] + 30


def test_tools_are_called_as_the_class_itself_calls_them(store: Any) -> None:
    def double(number: int) -> int:
        """Twice a number."""
        return 2 * number

    loop = LeanLoop(under(tokens=9_000), store=store)
    llm = loop.llm(ScriptedLLM(script=[asking("double", number=4)]))
    tool = FunctionTool.from_defaults(double)
    with leanloop.task(loop.budget, store=store) as task:
        assert llm.predict_and_call([tool], user_msg="hi").response == "8"
        assert asyncio.run(llm.apredict_and_call([tool], user_msg="hi")).response == "8"
    assert task.receipt().model_calls == 2


def test_a_copy_is_under_the_same_guard(store: Any) -> None:
    loop = LeanLoop(under(model_calls=2), store=store)
    llm = loop.llm(MockLLM(max_tokens=3))
    with leanloop.task(loop.budget, store=store) as task:
        for twin in (copy.deepcopy(llm), copy.copy(llm), llm.model_copy()):
            twin.complete("hi")
    assert task.stopped is not None


def test_it_goes_through_pickle_with_its_budget() -> None:
    llm = pickle.loads(pickle.dumps(LeanLoop(under(tokens=20)).llm(MockLLM(max_tokens=3))))
    assert isinstance(llm, MockLLM)
    assert "The limit of 20 tokens" in llm.complete("long " * 100).text


def test_a_guard_that_cannot_be_pickled_is_not_lost_in_silence(store: Any) -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(LeanLoop(under(tokens=20), store=store).llm(MockLLM(max_tokens=3)))


def test_many_at_once_never_overspend(store: Any) -> None:
    own = ScriptedLLM(script=["one two three"])
    loop = LeanLoop(under(model_calls=9), store=store)
    gate = threading.Barrier(32)

    def one(task: Any) -> str:
        gate.wait()
        token = enter(task)
        try:
            return str(llm.chat([ChatMessage(content="hi")]).message.content)
        finally:
            leave(token)

    llm = loop.llm(own)
    with leanloop.task(loop.budget, store=store) as task, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(one, [task] * 32))
    assert len(own.seen) == 9
    assert answers.count("one two three") == 9
    assert store.spent("model_calls") == [9]


async def test_an_error_of_the_provider_reaches_the_caller_and_is_booked_as_what_may_have_been_billed(
    store: Any,
) -> None:
    def failing(*_: Any) -> str:
        raise TimeoutError("too slow")

    loop = LeanLoop(under(tokens=9_000), store=store)
    llm = loop.llm(ScriptedLLM(script=failing))
    with leanloop.task(loop.budget, store=store) as task:
        with pytest.raises(TimeoutError, match="too slow"):
            await llm.achat([ChatMessage(content="hi")])
        with pytest.raises(TimeoutError, match="too slow"):
            [chunk async for chunk in await llm.astream_chat([ChatMessage(content="hi")])]
    assert task.receipt().usage.estimated
    assert task.receipt().model_calls == 2
