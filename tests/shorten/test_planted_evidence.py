"""What an agent would need of a long result is in the short one: the error, the row unlike all others, what was asked.

Each result is made up, with something planted away from both of its ends.
"""

from __future__ import annotations

import json
import random
from base64 import b64encode, encodebytes
from collections.abc import Callable
from typing import NamedTuple

import pytest

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.shorten import kind_of, shorten
from leanloop.plugins.shorten.shown import Room
from leanloop.plugins.shorten.words import task_words

count = counter_for("gpt-4o").text

NOUNS = ("ledger", "router", "basket", "parcel", "season", "tariff", "vessel", "window", "harbor", "canopy", "saddle")
WHERE = 130  # of the 200 lines or rows, what is planted is in
MADE: dict[str, Callable[[random.Random], Planted]] = {}


class Planted(NamedTuple):
    question: str
    evidence: tuple[str, ...]
    text: str


def made(maker: Callable[[random.Random], Planted]) -> Callable[[random.Random], Planted]:
    MADE[maker.__name__] = maker
    return maker


def some(choice: random.Random, many: int) -> str:
    return " ".join(choice.choice(NOUNS) for _ in range(many))


def planted(lines: list[str], *special: str) -> list[str]:
    return [*lines[:WHERE], *special, *lines[WHERE + 1 :]]


@made
def csv_with_one_other_currency(choice: random.Random) -> Planted:
    rows = [f"{10_000 + n},EUR,{choice.randint(100, 999)},{choice.choice(('web', 'shop'))}" for n in range(200)]
    text = "\n".join(["order,currency,amount,channel", *planted(rows, "10130,XAF,512,web")])
    return Planted("Do all orders look alike?", ("10130,XAF", "currency"), text)


@made
def json_with_one_other_mode(choice: random.Random) -> Planted:
    rows = [{"id": f"o{n}", "mode": "auto", "load": choice.randint(90, 110), "of": some(choice, 3)} for n in range(200)]
    rows[WHERE]["mode"] = "manual"
    return Planted("Anything unusual?", ("manual", "o130"), json.dumps(rows))


@made
def json_with_one_far_number(choice: random.Random) -> Planted:
    rows = [{"id": f"o{n}", "load": choice.randint(90, 110), "of": some(choice, 4)} for n in range(200)]
    rows[WHERE]["load"] = 77_123
    return Planted("Is everything within range?", ("77123",), json.dumps(rows, indent=1))


@made
def processes(choice: random.Random) -> Planted:
    rows = [
        f"root {choice.randint(100, 32_000):>6} 0.{n % 10} {n % 99:>5} S 0:00 /bin/{choice.choice(NOUNS)} -v"
        for n in range(200)
    ]
    text = "\n".join(["USER PID %CPU RSS STAT TIME COMMAND", *planted(rows, "www  22222 99.7    71 R 9:12 /opt/quern")])
    return Planted("What is the machine busy with?", ("99.7", "/opt/quern"), text)


@made
def pods(choice: random.Random) -> Planted:
    rows = [f"{choice.choice(NOUNS)}-{choice.randint(10_000, 99_999)}   1/1   Running   {n}d" for n in range(200)]
    text = "\n".join(["NAME   READY   STATUS   AGE", *planted(rows, "quern-41873   0/1   Pending   3d")])
    return Planted("Are all of them up?", ("quern-41873", "READY"), text)


@made
def table_drawn_with_lines(choice: random.Random) -> Planted:
    rows = [f"│ {n:<4} │ {some(choice, 2):<18} │ ready  │" for n in range(200)]
    text = "\n".join(["│ id   │ name               │ state  │", *planted(rows, f"│ 130  │ {'quern':<18} │ adrift │")])
    return Planted("Are all of them ready?", ("adrift",), text)


@made
def typescript_with_one_other_error(choice: random.Random) -> Planted:
    rows = [
        f"src/{choice.choice(NOUNS)}{n}.ts({n},9): error TS7006: Parameter '{choice.choice(NOUNS)}' has an 'any' type."
        for n in range(200)
    ]
    other = "src/cart.ts(31,7): error TS2339: Property 'quern' does not exist on type 'Cart'."
    return Planted(
        "Why does it not build?", (other, "Found 200"), "\n".join([*planted(rows, other), "Found 200 errors."])
    )


@made
def java_build(choice: random.Random) -> Planted:
    rows = [
        f"src/{choice.choice(NOUNS)}{n}.java:{n}: warning: [deprecation] run() in Old is deprecated" for n in range(200)
    ]
    error = (
        "src/Cart.java:55: error: cannot find symbol",
        "  total.add(x);",
        "       ^",
        "  symbol: method quern(int)",
    )
    text = "\n".join([*planted(rows, *error), "1 error"])
    return Planted("Why does it not build?", (error[0], error[3], "1 error"), text)


@made
def rust_panic(choice: random.Random) -> Planted:
    rows = [f"2031-03-04 05:00:{n % 60:02d} INFO {some(choice, 5)}" for n in range(200)]
    panic = ("thread 'main' panicked at src/cart.rs:88:14:", "called `Option::unwrap()` on a `None` value: quern")
    return Planted("Why did it stop?", panic, "\n".join(planted(rows, *panic)))


@made
def go_tests(choice: random.Random) -> Planted:
    rows = [f"--- PASS: Test{choice.choice(NOUNS).title()}{n} (0.01s)" for n in range(200)]
    failed = ("    cart_test.go:88: total: got 12, want 41873", "--- FAIL: TestQuern (0.01s)")
    return Planted("Do the tests pass?", failed, "\n".join([*planted(rows, *failed), "FAIL", "exit status 1"]))


@made
def jest_tests(choice: random.Random) -> Planted:
    rows = [f"PASS src/{choice.choice(NOUNS)}{n}.test.ts" for n in range(200)]
    failed = ("  ✕ totals", "    expect(received).toBe(expected)", "", '    Expected: "41873"', '    Received: "12"')
    place = "      at Object.<anonymous> (src/cart.test.ts:21:13)"
    text = "\n".join([*planted(rows, *failed, "", place), "Tests: 1 failed, 199 passed"])
    return Planted("Do the tests pass?", (failed[0], failed[3], failed[4], "1 failed"), text)


@made
def junit_without_a_declaration(choice: random.Random) -> Planted:
    rows = [f'<testcase classname="{choice.choice(NOUNS)}" name="test_{n}" time="0.01"/>' for n in range(200)]
    failure = '<failure message="AssertionError: 12">12 != 41873</failure>'
    failed = f'<testcase classname="cart" name="test_quern">{failure}</testcase>'
    text = "\n".join(["<testsuites><testsuite>", *planted(rows, failed), "</testsuite></testsuites>"])
    return Planted("Which tests fail?", ("test_quern", "12 != 41873"), text)


@made
def settings_below_a_name(choice: random.Random) -> Planted:
    maps = [
        ["kind: Map", f"name: {choice.choice(NOUNS)}{n}", "labels:", "data:", f"  LIMIT: {n + 10}"] for n in range(200)
    ]
    maps[WHERE][1], maps[WHERE][4] = "name: quern", "  LIMIT: 987654"
    return Planted("What is LIMIT in quern?", ("987654",), "\n---\n".join(map("\n".join, maps)))


@made
def commits(choice: random.Random) -> Planted:
    each = [
        [f"commit {choice.randrange(16**40):040x}", "Author: Ada", "", f"    {some(choice, 6)}", ""] for _ in range(200)
    ]
    each[WHERE][3] = "    Raise the cap of quern"
    return Planted("Which commit raised the cap of quern?", (each[WHERE][0],), "\n".join(map("\n".join, each)))


@made
def mail_with_an_attachment(choice: random.Random) -> Planted:
    blob = encodebytes(choice.randbytes(12_000)).decode()
    said = "From: Ada\nSubject: plan\n\nHello,\nthe gate opens with 41873.\n\n--b1\nContent-Type: application/pdf"
    text = f"{said}\n\n{blob}--b1--\n"
    return Planted("What opens the gate?", ("opens with 41873", "--b1--"), text)


@made
def json_around_a_picture(choice: random.Random) -> Planted:
    blob = b64encode(choice.randbytes(12_000)).decode()
    return Planted(
        "What is on it?", ("the quern",), json.dumps({"file": "a.png", "bytes": blob, "caption": "the quern"})
    )


@made
def answer_with_its_headers(choice: random.Random) -> Planted:
    head = ["> GET / HTTP/1.1", ">", "< HTTP/1.1 422 Unprocessable", "< x-request-id: 41873", "<"]
    body = "\n".join(f"<p>{some(choice, 14)}</p>" for _ in range(200))
    return Planted(
        "What did the server answer?", ("422 Unprocessable", "x-request-id: 41873"), "\n".join([*head, body])
    )


@pytest.mark.parametrize("tokens", [500, 1_000])
@pytest.mark.parametrize("name", MADE)
def test_what_is_needed_of_a_long_result_is_in_the_short_one(name: str, tokens: int) -> None:
    for seed in range(3):
        question, evidence, text = MADE[name](random.Random(f"{name} {seed}"))
        assert count(text) > 1.5 * tokens
        shown = shorten(text, Room(tokens, count, task_words(question)))
        said = " ".join(shown.text.split())
        assert [one for one in evidence if " ".join(one.split()) not in said] == [], kind_of(text)
        assert count(shown.text) <= tokens
