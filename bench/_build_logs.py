"""Output as compilers and test runners print it, after real runs of cargo, gcc and make, go test, maven and npm."""

from __future__ import annotations

import random

from _cargo_logs import CRATES, NAMES, PARTS, cargo_build, cargo_test


def build_logs(many: int, seed: int) -> list[str]:
    """Builds and test runs in turn, each with an error or several."""
    makers = (cargo_build, cargo_test, cargo_build, make, go_test, maven, npm, cargo_test)
    return [makers[number % len(makers)](random.Random(f"{seed} {number}")) for number in range(many)]


def make(choice: random.Random) -> str:
    out: list[str] = []
    jobs = choice.choice((60, 200, 500))
    bad = set(choice.sample(range(jobs // 2, jobs), choice.choice((1, 2, 3))))
    for job in range(jobs):
        file = f"src/{choice.choice(NAMES)}_{choice.choice(PARTS)}{job}"
        out.append(f"gcc -O2 -g -Wall -Wextra -Iinclude -DHAVE_CONFIG_H -c {file}.c -o build/{file}.o")
        if choice.random() < 0.06:
            out += [
                f"{file}.c: In function '{choice.choice(NAMES)}_init':",
                f"{file}.c:{job + 7}:12: warning: unused variable 'tmp{job}' [-Wunused-variable]",
                f"   {job + 7} |     int tmp{job};",
                "      |         ^~~~",
            ]
        if job in bad:
            name = choice.choice(NAMES)
            out += [
                f"{file}.c: In function '{name}_open':",
                (
                    f"{file}.c:{job + 31}:9: error: implicit declaration of function '{name}_lock{job}' "
                    "[-Werror=implicit-function-declaration]"
                ),
                f"   {job + 31} |     {name}_lock{job}(ctx);",
                "      |     ^~~~~~~~~",
                f"make[1]: *** [Makefile:{job}: build/{file}.o] Error 1",
            ]
    return "\n".join([*out, "make[1]: Leaving directory '/build/engine'", "make: *** [Makefile:18: all] Error 2"])


def go_test(choice: random.Random) -> str:
    out: list[str] = []
    total, failed = choice.choice((60, 200, 500)), choice.choice((1, 2, 3, 6))
    bad = set(choice.sample(range(total), failed))
    for test in range(total):
        name = f"Test{choice.choice(NAMES).title()}{choice.choice(PARTS).title()}{test}"
        out.append(f"=== RUN   {name}")
        if test in bad:
            out.append(
                f"    {choice.choice(NAMES)}_test.go:{test + 20}: got {choice.randint(0, 99)}, want "
                f"{choice.randint(100, 199)}"
            )
        out.append(f"--- {'FAIL' if test in bad else 'PASS'}: {name} (0.0{choice.randint(0, 9)}s)")
    if choice.random() < 0.4:
        out += [
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x4f1a2b]",
            "",
            "goroutine 41 [running]:",
        ]
        for frame in range(12):
            out += [
                f"example.com/shop/{choice.choice(NAMES)}.(*{choice.choice(NAMES).title()}).Run(0xc0000{frame}2000)",
                f"\t/src/shop/{choice.choice(NAMES)}/run.go:{frame * 17 + 9} +0x{frame + 21}a",
            ]
    return "\n".join(
        [*out, "FAIL", "FAIL\texample.com/shop/ledger\t0.412s", "ok  \texample.com/shop/router\t0.101s", "FAIL"]
    )


def maven(choice: random.Random) -> str:
    out = ["[INFO] Scanning for projects...", "[INFO] Building shop 1.4.0"]
    out += [
        f"Downloading from central: https://repo.example.org/{choice.choice(NAMES)}/{choice.choice(PARTS)}-{at}.jar"
        for at in range(choice.choice((20, 120, 400)))
    ]
    for _ in range(choice.choice((1, 2, 4))):
        name = choice.choice(NAMES).title()
        out += [
            f"[INFO] Running com.example.{name}Test",
            (
                f"[ERROR] Tests run: {choice.randint(4, 30)}, Failures: 1, Errors: 0, Skipped: 0, Time "
                f"elapsed: 0.{choice.randint(10, 99)} s <<< FAILURE! - in com.example.{name}Test"
            ),
        ]
        out += [
            f"[ERROR] com.example.{name}Test.keeps{choice.choice(NAMES).title()}  Time elapsed: 0.01 s  <<< FAILURE!",
            f"java.lang.IllegalStateException: {name} {choice.randint(1, 99)} is closed",
        ]
        out += [
            (
                f"\tat com.example.{choice.choice(NAMES)}.{choice.choice(NAMES).title()}"
                f".run({choice.choice(NAMES).title()}.java:{choice.randint(9, 400)})"
            )
            for _ in range(choice.randint(8, 40))
        ]
        out += [f"Caused by: java.io.IOException: stream {choice.randint(100, 999)} reset", "\t... 23 more", ""]
    out += [
        "[INFO] BUILD FAILURE",
        (
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.1.2:test "
            "(default-test) on project shop: There are test failures."
        ),
    ]
    return "\n".join(out)


def npm(choice: random.Random) -> str:
    out = [
        (
            f"npm warn deprecated {choice.choice(CRATES)}@{at}.0.1: this version is no longer supported, "
            f"use {choice.choice(CRATES)}"
        )
        for at in range(choice.choice((10, 60)))
    ]
    out += [
        (
            f"\x1b[32m✓\x1b[39m src/{choice.choice(NAMES)}.test.ts > {choice.choice(NAMES)} > keeps the "
            f"{choice.choice(NAMES)} {at}"
        )
        for at in range(choice.choice((50, 300)))
    ]
    for at in range(choice.choice((1, 2, 3, 5))):
        file = f"src/{choice.choice(NAMES)}/{choice.choice(PARTS)}.ts"
        out += [
            (
                f"\x1b[31m{file}\x1b[39m:{at * 31 + 8}:{at + 12} - error TS2345: Argument of type "
                f"'{choice.choice(NAMES)}{at}' is not assignable to parameter of type 'number'."
            ),
            "",
            f"{at * 31 + 8}   const total = sum({choice.choice(NAMES)});",
            "                    ~~~~~",
            "",
        ]
    out += [
        "TypeError: Cannot read properties of undefined (reading 'map')",
        *(f"    at {choice.choice(NAMES)} (/src/shop/src/{choice.choice(NAMES)}.ts:{at}:11)" for at in range(3, 11)),
    ]
    return "\n".join(
        [
            *out,
            "npm ERR! code ELIFECYCLE",
            "npm ERR! errno 2",
            "npm ERR! shop@1.0.0 build: `tsc -p .`",
            "npm ERR! Exit status 2",
        ]
    )
