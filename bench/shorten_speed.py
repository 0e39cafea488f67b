"""How long does it take to shorten a large result, and can a hostile one make it take longer?

- JSON rows, a log and a page of 1, 5 and 20 MB, made here, shortened to 1,000 tokens as on arrival: CPU time per MB,
  the least of some runs, each on a text of its own. Linear means that a MB costs the same at every size.
- Hostile shapes against plain text of the same size: nesting, one long line, a million rows, lone surrogates, what
  makes a backtracking pattern explode, huge numbers, attributes, tags that are never closed.

Run: python bench/shorten_speed.py [--json] [--sizes 1,5,20]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping
from functools import partial

from rich.console import Console
from rich.table import Table

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.shorten import kind_of, shorten
from leanloop.plugins.shorten.shown import Room

MB = 1_000_000
RUNS = {1: 5, 5: 2, 20: 1}
WORDS = ("order_4711", "payment", "timeout", "user 77", "oslo")
_NOUNS = (
    "order", "house", "river", "window", "price", "table", "city", "account", "invoice", "parcel", "letter", "garden",
    "market", "street",
)  # fmt: skip
_CITIES = ("Oslo", "Rome", "Paris", "Lima")

count = counter_for("gpt-4o").text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--sizes", default="1,5,20", help="in MB")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    console = Console()
    shorten(json_rows(100_000, 0), Room(1_000, count, WORDS))  # what is loaded once is loaded now
    shorten(page(100_000, 0), Room(1_000, count, WORDS))
    ordinary: dict[str, Callable[[int, int], str]] = {"json": json_rows, "log": log, "html": page, "plain": plain}
    table = Table(title="Milliseconds of CPU time per MB", title_justify="left")
    table.add_column("")
    per_mb: dict[str, dict[int, float]] = {}
    for size in sizes:
        table.add_column(f"{size} MB", justify="right")
    for name, make in ordinary.items():
        per_mb[name] = {size: best(make, size * MB, RUNS.get(size, 1)) / size for size in sizes}
        table.add_row(name, *(f"{per_mb[name][size]:.1f}" for size in sizes))
    console.print(table)
    ratios: dict[str, float] = {}
    table = Table(title="Hostile shapes against plain text of the same size", title_justify="left")
    for column in ("shape", "MB", "taken for", "ms", "plain text", "ratio"):
        table.add_column(column, justify="left" if column in ("shape", "taken for") else "right")
    plain_ms: dict[int, float] = {}
    for name, (make, size) in hostile().items():
        text = make(size, 0)
        if size not in plain_ms:
            plain_ms[size] = best(plain, size, 3)
        taken = best(make, size, 2)
        ratios[name] = taken / plain_ms[size]
        row = (name, f"{size / MB:.0f}", kind_of(text), f"{taken:.0f}", f"{plain_ms[size]:.0f}", f"{ratios[name]:.1f}")
        table.add_row(*row)
    console.print(table)
    if options.json:
        first = sizes[0]
        line: dict[str, object] = {f"{name}_ms_per_mb": round(per_mb[name][first], 1) for name in ordinary}
        line["per_mb_by_size"] = {
            name: {str(size): round(ms, 1) for size, ms in by.items()} for name, by in per_mb.items()
        }
        line["worst_hostile_ratio"] = round(max(ratios.values()), 2)
        line["hostile"] = {name: round(ratio, 2) for name, ratio in ratios.items()}
        print(json.dumps(line))


def best(make: Callable[[int, int], str], size: int, runs: int) -> float:
    """The least milliseconds of CPU time; each run on another text, so that no memo of counts helps."""
    taken: list[float] = []
    for run in range(runs):
        text = make(size, run)
        begun = time.process_time()
        shown = shorten(text, Room(1_000, count, WORDS))
        taken.append(1_000 * (time.process_time() - begun))
        assert count(shown.text) <= 1_000
    return min(taken)


def grown(size: int, part: Callable[[int], str]) -> str:
    """Parts one after the other until there are `size` characters."""
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(part(len(parts)))
        length += len(parts[-1])
    return "".join(parts)


def words_of(rnd: random.Random, number: int) -> str:
    return " ".join(rnd.choices(_NOUNS, k=number))


def json_rows(size: int, seed: int) -> str:
    rnd = random.Random(seed)

    def row(number: int) -> str:
        value = {
            "id": f"order_{number}",
            "customer": {"name": f"user {rnd.randrange(10**6)}", "city": rnd.choice(_CITIES)},
            "total": round(rnd.random() * 900, 2),
            "items": rnd.sample(_NOUNS, 2),
            "paid": rnd.random() < 0.5,
            "note": None if rnd.random() < 0.9 else words_of(rnd, 12),
        }
        return json.dumps(value) + ", "

    return '{"orders": [' + grown(size, row)[:-2] + "]}"


def log(size: int, seed: int) -> str:
    rnd = random.Random(seed)

    def line(number: int) -> str:
        level = rnd.choices(("INFO", "DEBUG", "WARNING", "ERROR"), (80, 15, 4, 1))[0]
        stamp = f"2026-03-01 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02},{rnd.randrange(1000):03}"
        return f"{stamp} {level} service.{rnd.choice(_NOUNS)}: {words_of(rnd, 6)} id={rnd.randrange(10**6)}\n"

    return grown(size, line)


def page(size: int, seed: int) -> str:
    rnd = random.Random(seed)

    def section(number: int) -> str:
        return (
            f"<h2 class='title'>Section {number}</h2><div class='text'><p>{words_of(rnd, 40)} <a href='/p/{number}'>"
            f"more</a> &amp; {words_of(rnd, 20)}</p><ul><li>{words_of(rnd, 4)}</li><li>{words_of(rnd, 4)}</li></ul>"
            f"<table><tr><td>{number}</td><td>{rnd.random():.3f}</td></tr></table><script>var x = 1;</script></div>\n"
        )

    return f"<!doctype html><html><head><title>T</title></head><body>{grown(size, section)}</body></html>"


def plain(size: int, seed: int) -> str:
    rnd = random.Random(seed)
    return grown(size, lambda _: words_of(rnd, 12).capitalize() + (".\n" if rnd.random() < 0.3 else ". "))


def repeated(unit: str, size: int, seed: int, *, before: str = "", after: str = "") -> str:
    return f"{before}{unit * (size // len(unit))}{after}{' ' * seed}"


def hostile() -> Mapping[str, tuple[Callable[[int, int], str], int]]:
    """By name a maker and a size in characters."""
    rows = ",".join(f'{{"a":{number}}}' for number in range(1_000_000))
    csv = "a,b\n" + "\n".join(f"{number},{number % 7}" for number in range(1_000_000))
    return {
        "[ nested": (partial(repeated, "["), MB),
        '{"a": nested': (partial(repeated, '{"a":'), MB),
        "900 levels around a list": (
            lambda size, seed: "[" * 900 + "[" + "1," * (size // 2) + "1]" + "]" * 900 + " " * seed,
            MB,
        ),
        "empty objects": (partial(repeated, "{},", before="[", after="{}]"), MB),
        "every object has its own name": (
            lambda size, seed: "[" + grown(size, lambda number: f'{{"k{number}":{number}}},') + "{}]" + " " * seed,
            MB,
        ),
        "one object of many members": (
            lambda size, seed: "{" + grown(size, lambda number: f'"k{number}":{number},') + '"z":1}' + " " * seed,
            MB,
        ),
        "10^6 rows of JSON": (lambda _, seed: f"[{rows}]" + " " * seed, len(rows)),
        "10^6 rows of CSV": (lambda _, seed: csv + " " * seed, len(csv)),
        "one line": (partial(repeated, "x"), 10 * MB),
        "one line of words": (partial(repeated, "error payment x "), 10 * MB),
        "one text in JSON": (partial(repeated, "ab ", before='{"a":"', after='"}'), 10 * MB),
        "line breaks": (partial(repeated, "\n"), MB),
        "lone surrogates": (partial(repeated, "\ud800x \udfff"), MB),
        "lone surrogates in JSON": (partial(repeated, '"\ud800",', before="[", after="1]"), MB),
        "escaped lone surrogates": (partial(repeated, '"\\ud800",', before="[", after="1]"), MB),
        "ReDoS a!": (partial(repeated, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n"), MB),
        "ReDoS blanks": (partial(repeated, " \t"), MB),
        "ReDoS blanks and a letter": (partial(repeated, " " * 5_000 + "x\n"), MB),
        "ReDoS slashes": (partial(repeated, "/", before="a"), MB),
        "ReDoS colons": (partial(repeated, "a:1:", before="a"), MB),
        "ReDoS (": (partial(repeated, "int f(a, "), MB),
        "ReDoS <": (partial(repeated, "<", before="<html>"), MB),
        "ReDoS -": (partial(repeated, "-"), MB),
        "ReDoS quotes": (partial(repeated, '"', before="a,b\n"), MB),
        "ReDoS @@": (partial(repeated, "@@ -1 ", before="--- a\n+++ b\n@@ -1 +1 @@\n"), MB),
        "huge numbers": (lambda size, seed: "[" + "9" * size + "]" + " " * seed, MB),
        "many huge numbers": (partial(repeated, "9" * 5_000 + ",", before="[", after="1]"), MB),
        "1e999999": (partial(repeated, "1e999999,", before="[", after="1]"), MB),
        "attributes": (
            lambda size, seed: "<html><p " + grown(size, lambda number: f"a{number}=1 ") + ">x</p>" + " " * seed,
            MB,
        ),
        "tags never closed": (partial(repeated, "<div>x", before="<html>"), MB),
        "inline tags never closed": (partial(repeated, "<b><i>x", before="<html>"), MB),
        "tables never closed": (partial(repeated, "<table><tr><td>x", before="<html>"), MB),
        "CDATA never closed": (partial(repeated, "<![CDATA[", before="<?xml version='1.0'?><rss>"), MB),
        "comments never closed": (partial(repeated, "<!--", before="<?xml version='1.0'?><rss>"), MB),
        "escape sequences": (partial(repeated, "\x1b[1"), MB),
        "carriage returns": (partial(repeated, "x\r"), MB),
        "no-break words": (partial(repeated, "\u4e2d"), MB),
        "U+0130": (partial(repeated, "\u0130 "), MB),
    }


if __name__ == "__main__":
    main()
