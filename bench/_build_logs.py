"""Output as compilers and test runners print it, after real runs of cargo, gcc and make, go test, maven and npm."""

from __future__ import annotations

import random

CRATES = (
    "serde",
    "tokio",
    "hyper",
    "regex",
    "rand",
    "syn",
    "quote",
    "libc",
    "bytes",
    "tracing",
    "clap",
    "anyhow",
    "futures",
    "mio",
    "http",
)
NAMES = (
    "order",
    "ledger",
    "parser",
    "router",
    "cache",
    "index",
    "codec",
    "frame",
    "session",
    "buffer",
    "cursor",
    "worker",
)
TYPES = ("u32", "String", "&str", "Vec<u8>", "Option<usize>", "i64", "Result<(), Error>", "Arc<Session>", "bool")
PARTS = ("core", "util", "net", "proto", "macros", "impl", "sys", "derive", "codec", "io")
RUST = (
    ("E0308", "mismatched types", "expected `{t}`, found `{u}`"),
    ("E0425", "cannot find value `{n}_{i}` in this scope", "not found in this scope"),
    ("E0599", "no method named `{n}_len` found for struct `{N}` in the current scope", "method not found in `{N}`"),
    ("E0382", "borrow of moved value: `{n}`", "value borrowed here after move"),
    ("E0277", "the trait bound `{N}: Clone` is not satisfied", "the trait `Clone` is not implemented for `{N}`"),
    ("E0061", "this function takes {j} arguments but {i} arguments were supplied", "unexpected argument of type `{t}`"),
)


def build_logs(many: int, seed: int) -> list[str]:
    """Builds and test runs in turn, each with an error or several."""
    makers = (cargo_build, cargo_test, cargo_build, make, go_test, maven, npm, cargo_test)
    return [makers[number % len(makers)](random.Random(f"{seed} {number}")) for number in range(many)]


def _words(choice: random.Random) -> dict[str, str]:
    name = choice.choice(NAMES)
    t, u = choice.sample(TYPES, 2)
    return {
        "n": name,
        "N": name.title(),
        "t": t,
        "u": u,
        "i": str(choice.randint(1, 400)),
        "j": str(choice.randint(1, 9)),
    }


def _span(choice: random.Random, label: str) -> list[str]:
    name, line, column = choice.choice(NAMES), choice.randint(10, 1400), choice.randint(5, 40)
    pad = " " * len(str(line))
    code = f"    let {name} = {choice.choice(NAMES)}.{choice.choice(NAMES)}({choice.randint(0, 99)}, &{name})?;"
    return [
        f"{pad}--> src/{name}/{choice.choice(PARTS)}.rs:{line}:{column}",
        f"{pad} |",
        f"{line} | {code}",
        f"{pad} | {' ' * 17}{'^' * choice.randint(4, 18)} {label}",
        f"{pad} |",
    ]


def _compiling(choice: random.Random, most: int) -> list[str]:
    out = ["    Updating crates.io index"]
    crates = [
        (
            f"{choice.choice(CRATES)}-{choice.choice(PARTS)} "
            f"v{choice.randint(0, 4)}.{choice.randint(0, 30)}.{choice.randint(0, 20)}"
        )
        for _ in range(most)
    ]
    return [
        *out,
        *(f"  Downloaded {crate}" for crate in crates[: most // 2]),
        *(f"   Compiling {crate}" for crate in crates),
    ]


def _warnings(choice: random.Random, many: int) -> list[str]:
    out: list[str] = []
    for _ in range(many):
        words = _words(choice)
        out += [
            f"warning: unused variable: `{words['n']}_{words['i']}`",
            *_span(choice, f"help: if this is intentional, prefix it with an underscore: `_{words['n']}`"),
        ]
        out += ["  = note: `#[warn(unused_variables)]` on by default", ""]
    return out


def cargo_build(choice: random.Random) -> str:
    out = _compiling(choice, choice.choice((20, 60, 120, 250)))
    out += ["   Compiling shop v0.3.1 (/work/shop)"]
    warnings, errors = choice.choice((2, 10, 25, 60)), choice.choice((1, 1, 2, 3, 4, 6, 9))
    for error in range(errors):
        out += _warnings(choice, warnings // errors)
        code, text, label = choice.choice(RUST)
        words = _words(choice)
        out += [f"error[{code}]: {text.format(**words)}", *_span(choice, label.format(**words))]
        out += [f"help: consider changing this to `{words['t']}`", ""] if error % 2 else [""]
    out += [
        "Some errors have detailed explanations: E0308, E0425.",
        "For more information about an error, try `rustc --explain E0308`.",
    ]
    out += [
        f"warning: `shop` (lib) generated {warnings} warnings",
        f"error: could not compile `shop` (lib) due to {errors} previous errors; {warnings} warnings emitted",
    ]
    return "\n".join(out)


def cargo_test(choice: random.Random) -> str:
    out = [*_compiling(choice, choice.choice((5, 40))), *_warnings(choice, choice.choice((0, 4, 20)))]
    total, failed = choice.choice((80, 250, 600)), choice.choice((1, 1, 2, 3, 5, 8))
    out += [
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in 41.03s",
        "     Running unittests src/lib.rs",
        "",
        f"running {total} tests",
    ]
    names = [
        f"{choice.choice(NAMES)}::tests::{choice.choice(NAMES)}_{choice.choice(PARTS)}_{number}"
        for number in range(total)
    ]
    bad = sorted(choice.sample(range(total), failed))
    out += [f"test {name} ... {'FAILED' if at in bad else 'ok'}" for at, name in enumerate(names)]
    out += ["", "failures:", ""]
    for at in bad:
        out += [
            f"---- {names[at]} stdout ----",
            (
                f"thread '{names[at]}' panicked at "
                f"src/{choice.choice(NAMES)}.rs:{choice.randint(9, 900)}:{choice.randint(5, 30)}:"
            ),
        ]
        if choice.random() < 0.6:
            out += [
                "assertion `left == right` failed",
                f"  left: {choice.randint(0, 999)}",
                f" right: {choice.randint(0, 999)}",
            ]
        else:
            out += [
                (
                    "called `Result::unwrap()` on an `Err` value: Os "
                    f'{{ code: {choice.randint(2, 30)}, kind: NotFound, message: "No such file or directory" }}'
                )
            ]
        out += ["note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace", ""]
    out += ["", "failures:", *(f"    {names[at]}" for at in bad), ""]
    out += [
        (
            f"test result: FAILED. {total - failed} passed; {failed} failed; 0 ignored; 0 measured; 0 "
            "filtered out; finished in 3.21s"
        ),
        "",
        "error: test failed, to rerun pass `--lib`",
    ]
    return "\n".join(out)


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
    return "\n".join([*out, "make[1]: Leaving directory '/work/engine'", "make: *** [Makefile:18: all] Error 2"])


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
                f"\t/work/shop/{choice.choice(NAMES)}/run.go:{frame * 17 + 9} +0x{frame + 21}a",
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
        *(f"    at {choice.choice(NAMES)} (/work/shop/src/{choice.choice(NAMES)}.ts:{at}:11)" for at in range(3, 11)),
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
