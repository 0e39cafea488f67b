"""Output as cargo prints it, after real builds and test runs, and the names it is about."""

from __future__ import annotations

import random

CRATES: tuple[str, ...] = (
    *("serde", "tokio", "hyper", "regex", "rand", "syn", "quote", "libc"),
    *("bytes", "tracing", "clap", "anyhow", "futures", "mio", "http"),
)
NAMES: tuple[str, ...] = (
    *("order", "ledger", "parser", "router", "cache", "index"),
    *("codec", "frame", "session", "buffer", "cursor", "worker"),
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
    out += ["   Compiling shop v0.3.1 (/src/shop)"]
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
