from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from event_rows import MONDAY, Row, event, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leanloop.adapters.report.cell import exact, for_people
from leanloop.adapters.report.formats import as_csv, as_json, as_markdown
from leanloop.adapters.report.gather import gather
from leanloop.adapters.report.page import as_page
from leanloop.adapters.report.table import Report

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title>&lt;",
    "{{ 7 * 7 }}{% for %}",
    "=HYPERLINK(1)",
    "| a | b |\n# [x](javascript:alert(1))",
    "\u202eright to left\u0000\x1b[31m",
)


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the figures of each table."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.columns: dict[str, list[str]] = {}
        self.values: dict[str, list[list[str | None]]] = {}
        self._table = ""
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "table":
            self._table = given.get("id") or ""
            self.columns[self._table], self.values[self._table] = [], []
        elif tag == "tr":
            self.values[self._table].append([])
        elif tag == "th" and given.get("scope") == "col":
            self._in_head = True
        elif tag in ("td", "th"):
            self.values[self._table][-1].append(None)
        elif tag == "data" and self._table and self.values[self._table][-1:] not in ([], [[]]):
            self.values[self._table][-1][-1] = given["value"]

    def handle_data(self, data: str) -> None:
        if self._in_head:
            self.columns[self._table].append(data)
            self._in_head = False

    def sum_of(self, table: str, column: str) -> Decimal:
        place = self.columns[table].index(column)
        return sum((amount(row[place]) for row in self.values[table] if row), Decimal())


def amount(cell: str | None) -> Decimal:
    """Of a cell of usd; where no price is known there is none."""
    return Decimal(cell or 0) if cell != "\N{EN DASH}" else Decimal()


def page_of(report: Report) -> Page:
    page = Page()
    page.feed(as_page(report))
    return page


def rows_of_markdown(text: str, title: str) -> list[list[str]]:
    part = text.partition(f"### {title}\n")[2].partition("\n#")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return [lines[0], *lines[2:]]


calls = st.lists(
    st.tuples(
        st.integers(0, 10**13) | st.none(),
        st.sampled_from(["a", "b", "", "c"]),
        st.sampled_from(["m1", "m2"]),
        st.floats(MONDAY, MONDAY + 60 * 86_400),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(calls=calls)
def test_the_costs_of_all_calls_are_the_spending_in_every_format(
    calls: list[tuple[int | None, str, str, float]], write: Callable[..., str]
) -> None:
    report = gather([write(settled(cost, agent=agent, model=model, at=at) for cost, agent, model, at in calls)])
    spent = Decimal(sum(cost or 0 for cost, *_ in calls)).scaleb(-9)
    names = (
        "spend_by_agent",
        "spend_by_model",
        "spend_by_phase",
        "spend_over_time_by_agent",
        "spend_over_time_by_model",
    )

    told = json.loads(as_json(report))["tables"]
    lines = list(csv.DictReader(io.StringIO(as_csv(report))))
    page = page_of(report)
    by_agent = rows_of_markdown(as_markdown(report), "By agent")
    in_all = rows_of_markdown(as_markdown(report), "In all")

    assert amount(told["spend"][0]["usd"]) == spent
    assert amount(in_all[1][in_all[0].index("usd")]) == spent
    for name in names:
        assert sum(amount(row["usd"]) for row in told[name]) == spent
        in_csv = (line["value"] for line in lines if (line["table"], line["column"]) == (name, "usd"))
        assert sum(map(amount, in_csv)) == spent
        assert page.sum_of(name, "usd") == spent
    assert sum(amount(row[by_agent[0].index("usd")]) for row in by_agent[1:]) == spent


def test_what_calls_without_a_price_cost_is_a_dash_and_no_zero(write: Callable[..., str]) -> None:
    tags = {"user": "u1"}
    report = gather([write([settled(None, agent="a", tags=tags), settled(None, agent="a"), settled(0, agent="free")])])

    told = json.loads(as_json(report))["tables"]
    page = as_page(gather([write([settled(None, agent="a")])]))

    assert {row["agent"]: row["usd"] for row in told["spend_by_agent"]} == {"a": None, "free": "0"}
    assert {row["agent"]: row["usd"] for row in told["spend_over_time_by_agent"]} == {"a": None, "free": "0"}
    assert [row["usd"] for row in told["spend_by_tag"]] == [None]
    assert told["spend"][0]["usd"] == "0"
    assert "$" not in page


def hostile_rows() -> list[Row]:
    return [
        row
        for name in HOSTILE
        for row in (
            settled(
                agent=name, model=name, phase=name, task=name, tags={name: name}, error=name, limits={name: [1, 2]}
            ),
            event("tool", tool=name, arguments=name, task=name),
            event("tool", tool=name, arguments=name, task=name, at=MONDAY + 1),
            event("saved", plugin=name, what=name, how=name, cost=5),
            event("landed", reason=name),
            event("refused", resource=name, scope=name),
        )
    ]


def test_no_name_becomes_an_element_of_the_page(write: Callable[..., str]) -> None:
    hostile, tame = (
        page_of(gather([write(rows)]))
        for rows in (hostile_rows(), [row | {"agent": f"a{number // 6}"} for number, row in enumerate(hostile_rows())])
    )

    for page in (hostile, tame):
        assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "iframe", "object", "form", "input"})
        assert not [name for _, given in page.tags for name in given if name.startswith("on")]


def test_the_page_asks_nothing_of_any_other_place(write: Callable[..., str]) -> None:
    text = as_page(gather([write(hostile_rows())]))
    page = Page()
    page.feed(text)

    links = [
        value or "" for _, given in page.tags for name, value in given.items() if name in ("src", "href", "action")
    ]
    assert links
    assert all(link.startswith("#") or link == "data:," for link in links)
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_what_turns_the_direction_of_writing_is_not_shown(write: Callable[..., str]) -> None:
    report = gather([write(hostile_rows())])

    for text in (as_page(report), as_markdown(report)):
        assert not set("\u202e\x00\x1b") & set(text)


def test_a_spreadsheet_takes_no_name_for_a_formula(write: Callable[..., str]) -> None:
    lines = csv.DictReader(io.StringIO(as_csv(gather([write(hostile_rows())]))))

    values = [line["value"] for line in lines if line["column"] in ("agent", "model", "tag", "plugin", "resource")]
    assert "'=HYPERLINK(1)" in values
    assert not [value for value in values if value.startswith(("=", "+", "@", "-"))]


@pytest.mark.parametrize("first", [*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_of_csv_begins_a_formula_or_steers_a_terminal(first: str, write: Callable[..., str]) -> None:
    text = as_csv(gather([write([settled(agent=f"{first}cmd|' /C calc'!A0", model="a\x1b]0;x\x07\x9b31m")])]))

    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(first)]
    assert not set(text) & set(map(chr, (*range(9), *range(11, 13), *range(14, 32), *range(127, 160))))


def test_no_name_breaks_out_of_a_cell_of_markdown(write: Callable[..., str]) -> None:
    rows = rows_of_markdown(as_markdown(gather([write(hostile_rows())])), "By agent")

    assert {len(row) for row in rows} == {7}
    assert len(rows) == 1 + len(HOSTILE)
    assert not [row for row in rows if re.search(r"(?<!\\)[<\[]", row[0])]


def test_json_tells_times_in_the_zone_and_nothing_as_null(write: Callable[..., str]) -> None:
    rows = [settled(), event("hit", tier="miss", at=MONDAY + 3_600)]

    told = json.loads(as_json(gather([write(rows)], zone="Europe/Berlin")))

    assert (told["version"], told["zone"], told["events"], told["left_out"]) == (1, "Europe/Berlin", 2, 0)
    assert told["tables"]["spend"][0]["first"] == "2026-11-23T01:00:00+01:00"
    assert told["tables"]["hours_of_week"][1]["p50_seconds"] is None


@pytest.mark.parametrize("rows", [[], ["broken"], [event("task_began")]])
def test_a_report_of_nothing_says_so_in_every_format(rows: list[Row | str], write: Callable[..., str]) -> None:
    report = gather([write(rows)])

    assert "No model call was booked." in as_page(report)
    assert ("There is no event to report on." in as_page(report)) is (report.events == 0)
    assert "No model call was booked." in as_markdown(report)
    assert json.loads(as_json(report))["tables"]["spend"] == []
    assert as_csv(report).startswith("table,row,column,value\nfiles,1,file,events.jsonl\n")


def test_a_report_of_one_event(write: Callable[..., str]) -> None:
    page = page_of(gather([write([settled(5)])]))

    assert page.sum_of("spend_by_agent", "usd") == Decimal("0.000000005")
    assert [tag for tag, _ in page.tags if tag == "svg"]


def test_calls_without_a_price_are_drawn_by_their_number(write: Callable[..., str]) -> None:
    page = page_of(gather([write([settled(None, agent=None), settled(None, agent="b" * 90)])]))

    assert page.sum_of("spend_by_agent", "unpriced calls") == 2
    assert [tag for tag, _ in page.tags if tag == "svg"]


@pytest.mark.parametrize(
    ("value", "unit", "text", "program"),
    [
        (None, "usd", "\N{EN DASH}", None),
        (1_500_000_000, "usd", "$1.50", "1.5"),
        (-7, "usd", "-$0.000000007", "-0.000000007"),
        (0.5, "share", "50.0%", 0.5),
        (0.0004, "share", "0.04%", 0.0004),
        (2.0, "share", "200.0%", 2.0),
        (0.0123, "seconds", "0.0123 s", 0.0123),
        (0.0000936, "seconds", "0.094 ms", 0.0000936),
        (1234.5, "seconds", "1,234 s", 1234.5),
        (12345, "count", "12,345", 12345),
        (2.5, "count", "2.5", 2.5),
        ("a\x00b", "text", "a�b", "a\x00b"),
    ],
)
def test_a_figure_for_people_and_for_programs(value: object, unit: str, text: str, program: object) -> None:
    assert for_people(value, unit, "UTC") == text  # type: ignore[arg-type]
    assert exact(value, unit, "UTC") == program  # type: ignore[arg-type]


def test_each_bar_of_a_share_is_as_long_as_it_is(write: Callable[..., str]) -> None:
    tiers = ["miss"] * 3 + ["exact"]
    page = page_of(gather([write([event("hit", tier=tier, at=MONDAY + at) for at, tier in enumerate(tiers)])]))

    widths = [
        float(given["width"] or 0)
        for tag, given in page.tags
        if tag == "rect" and "tooltip-trigger" in (given["class"] or "")
    ]
    long, short = sorted(widths, reverse=True)[:2]
    assert long == pytest.approx(3 * short, rel=0.01)
    text = as_page(gather([write([event("hit", tier="miss")])]))
    assert re.findall(r'class="major">(\d+\.\d%)', text)[-1] == "100.0%"


def test_every_series_of_a_chart_is_named_beside_its_colour(write: Callable[..., str]) -> None:
    for number in (1, 2, 3, 5, 9):
        text = as_page(gather([write([settled(5 + one, agent=f"a{one}") for one in range(number)])]))

        legend = re.findall(r'<span class="swatch (color-\d)"></span><bdi>(a\d|others)</bdi>', text)
        assert [colour for colour, _ in legend] == [f"color-{place}" for place in range(min(number, 6))]


def test_a_chart_over_time_has_a_place_for_the_periods_without_calls(write: Callable[..., str]) -> None:
    report = gather([write([settled(1), settled(1, at=MONDAY + 10 * 3_600)])])
    [table] = [one for section in report.sections for one in section.tables if one.name == "spend_over_time_by_agent"]

    assert len(table.rows) == 2
    assert [period[11:] for period in table.axis][:2] == ["00:00", "00:15"]
    assert len(table.axis) == 41
