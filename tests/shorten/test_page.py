from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.html import shorten_html
from leanloop.plugins.shorten.page import page_lines
from leanloop.plugins.shorten.shown import Room
from leanloop.plugins.shorten.xml_text import xml_lines

count = counter_for("gpt-4o").text

PAGE = """<!doctype html>
<html><head><title>Rates &amp; fees</title><style>p > a { color: red }</style>
<script>if (a < b) { document.write("<p>never</p>") }</script></head>
<body><nav><a href="/">Home</a></nav>
<h1 class="[&>svg]:size-4">Rates</h1>
<p>The <b>base</b> rate
is <a href='/rate?a=1&amp;b=2'>2.5&nbsp;%</a>, see <img alt="a chart" src=x.png> caf&eacute;.<br>Next line
<ul><li>one<li>two</ul>
<pre>first
  second</pre>
<table><tr><th>City<th>Fee</tr><tr><td>Oslo</td><td>3</td></tr></table>
<a href="#top">up</a> <a href="javascript:void(0)">click</a><!-- a comment <p>hidden</p> -->
<footer>Imprint</footer></body></html>"""


def test_a_page_is_its_text_with_headings_lists_tables_and_links() -> None:
    assert page_lines(PAGE) == [
        "# Rates & fees",
        "# Rates",
        "The base rate is 2.5 % (/rate?a=1&b=2), see [image: a chart] café.",
        "Next line",
        "- one",
        "- two",
        "first",
        "second",
        "City | Fee",
        "Oslo | 3",
        "up click",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<nav><p>all there is", ["all there is"]),
        ("<p>a<script>never closed", ["a"]),
        ("<p>a<!-- never closed", ["a"]),
        ('<a href="never closed>x', ['<a href="never closed>x']),
        ("a < b > c", ["a < b > c"]),
        ("</p></a></nav></h1>text", ["text"]),
        ("<p title='a > b' data-x=\"<p>\">x", ["x"]),
        ("<", ["<"]),
        ("", []),
        ("<p></p>", []),
    ],
)
def test_a_page_that_is_wrong_is_still_read(text: str, lines: list[str]) -> None:
    assert page_lines(text) == lines


@pytest.mark.parametrize("size", [1_000, 400_000])
@pytest.mark.parametrize(
    "unit", ["<div>x", "<b><i>x", "<!--", "<p a='", '<p "', "<", "<p ", "<a href=x>", "</p>", "<nav>"]
)
def test_hostile_pages_end(unit: str, size: int) -> None:
    page_lines(unit * (size // len(unit)))


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "</p>", "<nav>", "<a href=", '"', "'", "<", ">", "x", "&amp;", "<!--", "-->", "<pre>\n"]
        )
    )
)
def test_no_page_raises(parts: list[str]) -> None:
    shown = shorten_html("".join(parts), Room(20, count))
    assert shown is None or count(shown.text) <= 20


def test_a_long_page_shows_its_beginning_what_answers_and_headings_below() -> None:
    body = "".join(f"<h2>Part {number}</h2><p>Text {number} of the page</p>" for number in range(500))
    shown = shorten_html(
        f"<html><body><h1>All</h1>{body}<p>parcel fees are 17 EUR</p></body></html>", Room(300, count, ("parcel",))
    )
    assert shown is not None
    assert shown.text.startswith("# All\n## Part 0\nText 0 of the page")
    assert "parcel fees are 17 EUR" in shown.text
    assert shown.what.endswith("of 1,002 lines of the page's text")
    assert count(shown.text) <= 300


def test_xml_is_its_names_and_texts() -> None:
    text = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><rss xmlns:m="http://m"><channel><title>News</title>
    <item><title>A &amp; B</title><enclosure url="http://x/1" length="5"/>
    <description><![CDATA[<p>Hello <b>you</b></p>]]>
    </description>&a;</item></channel></rss>"""
    assert xml_lines(text)[-5:] == [
        "title: News",
        "title: A & B",
        'enclosure url="http://x/1" length="5"',
        "description: Hello you",
        "item: &a;",
    ]


@pytest.mark.parametrize("unit", ["<![CDATA[", "<!--", "<a>", "<", "</a>", "<a b='", "&amp;", "<?"])
def test_hostile_xml_ends(unit: str) -> None:
    xml_lines("<?xml version='1.0'?>" + unit * 50_000)


def test_a_feed_is_read_as_xml() -> None:
    items = "".join(f"<item><title>Item {number}</title><link>http://x/{number}</link></item>" for number in range(500))
    shown = shorten_html(f"<?xml version='1.0'?><rss><channel>{items}</channel></rss>", Room(200, count, ("item 444",)))
    assert shown is not None
    assert "title: Item 444\nlink: http://x/444" in shown.text
    assert "the XML's text" in shown.what
