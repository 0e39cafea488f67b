"""The text protocol: what a model writes to use a tool, and what a reader is never shown."""

from __future__ import annotations

import json
import re
import time

from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.scaffold.catalogue import all_tools
from leanloop.plugins.scaffold.protocol import instructions, result_text, without_protocol, written

TOOLS = all_tools()
MARK = re.compile(r"(?im)^[ \t>*#`-]{0,12}@(?:think|thought)\b")


def arguments(text: str) -> dict[str, str]:
    found = written(text, TOOLS)
    assert found is not None
    read: dict[str, str] = json.loads(found.arguments)
    return read


def test_a_call_is_read_with_its_inputs_over_several_lines() -> None:
    text = "Let me check.\n@think examine_answer\nquestion: 2 + 2?\nreasoning: two\nand two\n@end\nThought: fine."
    found = written(text, TOOLS)
    assert found is not None
    assert found.name == "examine_answer"
    assert json.loads(found.arguments) == {"question": "2 + 2?", "reasoning": "two\nand two"}
    assert found.upto == text.removesuffix("\nThought: fine.")


def test_what_stands_behind_the_first_call_is_not_read() -> None:
    found = written("@think understand_question\nquestion: a\n@thought understand_question\nmade up\n@end", TOOLS)
    assert found is not None
    assert found.upto == "@think understand_question\nquestion: a\n@end"
    assert "made up" not in found.arguments


def test_a_call_without_an_end_goes_to_the_end_of_the_text_or_to_the_next_one() -> None:
    assert arguments("@think understand_question\nquestion: a\nb") == {"question": "a\nb"}
    assert arguments("@think understand_question\nquestion: a\n@think backtracking\nquestion: b") == {"question": "a"}


def test_a_tool_of_one_input_takes_a_text_without_its_name() -> None:
    assert arguments("@think understand_question\nHow many?\n@end") == {"question": "How many?"}
    assert arguments("@think understand_question: How many?\n@end") == {"question": "How many?"}


def test_marks_may_stand_in_lists_quotations_and_other_spelling() -> None:
    for line in ("- @think understand_question", "**@Think** Understand-Question", "> @think: `understand_question`"):
        found = written(f"{line}\nquestion: a\n@end", TOOLS)
        assert found is not None
        assert found.name == "understand_question", line
        assert json.loads(found.arguments) == {"question": "a"}


def test_a_name_within_an_input_begins_no_second_one_of_that_name() -> None:
    assert arguments("@think examine_answer\nquestion: a\nreasoning: b\nquestion: c") == {
        "question": "a",
        "reasoning": "b\nquestion: c",
    }


def test_a_mark_in_the_middle_of_a_line_is_text() -> None:
    text = "Write to me@think.example or say @think understand_question inline."
    assert written(text, TOOLS) is None
    assert without_protocol(text) == text


def test_an_unknown_tool_is_still_a_call() -> None:
    found = written("@think solve_it\nquestion: a\n@end", TOOLS)
    assert found is not None
    assert (found.name, found.arguments) == ("solve_it", "{}")


def test_a_reader_is_shown_no_line_of_the_protocol() -> None:
    text = f"Before.\n@think backtracking\nquestion: a\n@end\nBetween.\n{result_text('backtracking', 'x')}\nAfter."
    assert without_protocol(text) == "Before.\nBetween.\nAfter."


def test_an_answer_behind_a_call_that_is_not_ended_is_shown() -> None:
    assert without_protocol("@thought examine_answer: holds.\n\nThe answer is 42.") == "The answer is 42."
    assert without_protocol("Yes.\n@think backtracking\nquestion: a") == "Yes."


def test_an_answer_in_objective_c_keeps_its_ends() -> None:
    program = "@interface A : B\n- (void)run;\n@end"
    assert without_protocol(program) is program


def test_a_text_without_marks_is_the_very_same() -> None:
    for text in ("An answer.", "Mail me: a@b.example", ""):
        assert without_protocol(text) is text


def test_instructions_name_every_tool_its_inputs_and_the_marks() -> None:
    text = instructions([TOOLS["understand_question"], TOOLS["examine_answer"]])
    for part in ("@think understand_question", "@end", "examine_answer takes question, reasoning."):
        assert part in text


_LINES = st.sampled_from(
    ["@think understand_question", "@think", "@end", "@thought x", "question: a", "reasoning:", "text", "", "  @END"]
)


@given(st.lists(_LINES | st.text(max_size=30), max_size=30).map("\n".join))
def test_any_text_is_read_and_cleaned(text: str) -> None:
    found = written(text, TOOLS)
    if found is not None:
        assert isinstance(json.loads(found.arguments), dict)
        assert len(found.upto) <= len(text) + len("\n@end")
    assert not MARK.search(without_protocol(text))


def test_long_hostile_texts_are_read_in_linear_time() -> None:
    def seconds(lines: int) -> float:
        text = "@think examine_answer\n" + "> > > question: > @en\n" * lines
        began = time.process_time()
        written(text, TOOLS)
        without_protocol(text)
        return time.process_time() - began

    def least(lines: int) -> float:  # what a collection or another thread takes meanwhile is not its own
        return min(seconds(lines) for _ in range(3))

    assert least(16_000) < 60 * max(least(1_000), 1e-3)
