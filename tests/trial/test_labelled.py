from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.errors import TraceError, UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled, labelled_in, read_labelled
from leanloop.plugins.trial.pairs import Tried, tried_with


def rows(*lines: object) -> list[Labelled]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return list(read_labelled(io.BytesIO(text.encode()), "set.jsonl"))


def row(**fields: object) -> dict[str, object]:
    return {"id": "q1", "setting": "m@high", "score": 1, **fields}


def test_a_row_is_read_with_all_that_it_says() -> None:
    [found] = rows(
        row(step="extract", question="Why?", cost=0.0031, seconds=4, tags={"tenant": "acme"}, agent="a", sample=7)
    )
    assert found == Labelled(
        "q1", Setting("m", "high"), 1.0, "extract", "a", "Why?", 3_100_000, 4.0, {"tenant": "acme"}, 1
    )


def test_a_mark_of_byte_order_empty_lines_and_numbers_for_names_are_taken() -> None:
    stream = io.BytesIO(b'\xef\xbb\xbf{"id": 7, "setting": "m", "score": true}\r\n\r\n  \n')
    assert [(one.id, one.score) for one in read_labelled(stream, "f")] == [("7", 1.0)]


def test_a_call_that_failed_says_nothing_of_the_setting() -> None:
    assert rows({"id": "q1", "setting": "m", "error": "timeout"}, row()) == [
        Labelled("q1", Setting("m", "high"), 1.0, line=2)
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is no labelled row: EOF"),
        ("[]", "is no labelled row: the line is no JSON object; a row is"),
        ("\ud83d".encode("utf-16", "surrogatepass").decode("latin-1"), "is no labelled row"),
        ('{"id": "q", "setting": "m", "score": NaN}', "is no labelled row"),
        ('{"id": "q", "setting": "m", "score": 1e999}', "score"),
        ('{"id": "q", "setting": "m", "score": 1.01}', "score"),
        ('{"id": "q", "setting": "m", "score": -0.1}', "score"),
        ('{"id": "q", "setting": "m", "score": "1"}', "score"),
        ('{"id": "q", "setting": "m"}', "has no score, and no error that says why"),
        ('{"setting": "m", "score": 1}', "is no labelled row: id is missing; a row is"),
        ('{"id": "", "setting": "m", "score": 1}', "id "),
        ('{"id": "q", "setting": " ", "score": 1}', "setting "),
        ('{"id": "q", "score": 1}', "setting is missing"),
        ('{"id": "q", "setting": "m", "score": 1, "cost": -1}', "cost "),
        ('{"id": "q", "setting": "m", "score": 1, "tags": {"a": 7}}', "tags "),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_place_and_without_its_content(line: str, why: str) -> None:
    with pytest.raises(TraceError, match=rf"set\.jsonl:2: .*{re.escape(why)}") as caught:
        rows(row(), line)
    assert (caught.value.file, caught.value.line) == ("set.jsonl", 2)


def test_what_stands_in_a_bad_row_is_not_shown() -> None:
    with pytest.raises(TraceError) as caught:
        rows(row(score="sk-secret"), row(cost="sk-secret"))
    assert "sk-secret" not in str(caught.value)


def test_the_second_row_of_one_question_and_setting_is_refused() -> None:
    with pytest.raises(TraceError, match=r"set\.jsonl:3: is the second .* 'q1' .*, after line 1; write the mean"):
        rows(row(), row(setting="m"), row(score=0))


def test_the_same_question_of_another_agent_is_another() -> None:
    assert len(rows(row(), row(agent="b"))) == 2


def test_a_line_longer_than_a_mebibyte_is_refused() -> None:
    rows(row(question="x" * 900_000))
    with pytest.raises(TraceError, match="is longer than 1,048,576 bytes"):
        rows(row(question="x" * 1_100_000))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read from .*none.jsonl: No such file"):
        next(labelled_in(tmp_path / "none.jsonl"))


def test_rows_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(row()) + "\n{", encoding="utf-8")
    reader = labelled_in(path)
    assert next(reader).id == "q1"
    with pytest.raises(TraceError):
        next(reader)


CHEAP, DEAR = Setting("m", "none"), Setting("m", "high")


def test_questions_are_paired_by_their_id_wherever_their_rows_stand() -> None:
    found = tried_with(
        rows(
            row(id="a", setting="m@high", cost=0.5),
            row(id="b", setting="m@none"),
            row(id="a", setting="m@none", score=0.25, step="s", question="Q", tags={"t": "1"}),
            row(id="a", setting="other", score=0),
        ),
        (CHEAP, DEAR),
    )
    assert found == [Tried("a", (0.25, 1.0), (None, 500_000_000), "s", "", "Q", {"t": "1"})]


def test_a_set_without_pairs_is_refused_with_what_it_has() -> None:
    with pytest.raises(UsageError, match=r"each of m@none, m@high: .*with their rows: m@high \(2\), other \(1\)\."):
        tried_with(rows(row(), row(id="b"), row(setting="other")), (CHEAP, DEAR))
    with pytest.raises(UsageError, match="with their rows: nothing"):
        tried_with([], (CHEAP, DEAR))


@given(st.binary(max_size=200))
def test_whatever_a_line_holds_it_is_a_row_or_refused(line: bytes) -> None:
    try:
        found = list(read_labelled(io.BytesIO(line), "f"))
    except TraceError:
        return
    assert all(0 <= one.score <= 1 and one.id for one in found)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["m@none", "m@high", "x"])), unique=True))
def test_a_question_is_paired_just_where_it_has_all_settings(pairs: list[tuple[int, str]]) -> None:
    both = {question for question, setting in pairs if setting == "m@none"} & {
        question for question, setting in pairs if setting == "m@high"
    }
    found = rows(*({"id": str(question), "setting": setting, "score": 0.5} for question, setting in pairs))
    if both:
        assert {int(one.id) for one in tried_with(found, (CHEAP, DEAR))} == both
    else:
        with pytest.raises(UsageError):
            tried_with(found, (CHEAP, DEAR))
