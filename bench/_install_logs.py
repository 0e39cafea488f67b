"""What pip and docker print when an install or a deployment goes wrong, with its progress bars."""

from __future__ import annotations

import random

SERVICES = ("api", "worker", "gateway", "billing", "mailer", "scheduler", "indexer", "auth")
PATHS = ("users", "orders", "carts", "search", "health", "invoices", "sessions", "reports")


def install(choice: random.Random) -> str:
    out: list[str] = []
    for at in range(choice.choice((30, 90))):
        name = f"{choice.choice(SERVICES)}-{choice.choice(PATHS)}"
        out += [
            f"Collecting {name}=={at}.1",
            f"  Downloading {name}-{at}.1-py3-none-any.whl ({choice.randint(5, 900)} kB)",
        ]
        out.append(
            "".join(
                f"\r     {'━' * (step * 4)}{' ' * (40 - step * 4)} {step * 10}% {choice.randint(1, 9)}.{step} MB/s"
                for step in range(11)
            )
        )
    name = choice.choice(PATHS)
    out += [
        f"Building wheels for collected packages: {name}",
        f"  Building wheel for {name} (pyproject.toml): finished with status 'error'",
        "  error: subprocess-exited-with-error",
        "  ",
        f"  \u00d7 Building wheel for {name} (pyproject.toml) did not run successfully.",
        "  │ exit code: 1",
        f"  ╰─> [{choice.randint(9, 90)} lines of output]",
    ]
    out += [f"      copying src/{choice.choice(PATHS)}_{at}.py -> build/lib" for at in range(choice.choice((10, 60)))]
    out += [
        (
            f"      src/{name}.c:{choice.randint(3, 60)}:10: fatal error: {choice.choice(SERVICES)}.h: No "
            "such file or directory"
        ),
        "      compilation terminated.",
        "      error: command '/usr/bin/gcc' failed with exit code 1",
        "      [end of output]",
        "  ",
        "  note: This error originates from a subprocess, and is likely not a problem with pip.",
        f"  ERROR: Failed building wheel for {name}",
        f"Failed to build {name}",
        f"ERROR: Could not build wheels for {name}, which is required to install pyproject.toml-based projects",
    ]
    return "\n".join(out)


def deploy(choice: random.Random) -> str:
    out: list[str] = []
    for step in range(1, choice.choice((14, 25))):
        out.append(f"#{step} [{step}/24] RUN ./setup-{choice.choice(SERVICES)}.sh")
        out += [
            (
                f"#{step} {at / 10:.1f} {choice.choice(('Get:', 'Unpacking', 'Setting up', 'Selecting'))} "
                f"{choice.choice(SERVICES)}-{choice.choice(PATHS)} ({at}.{step})"
            )
            for at in range(choice.randint(3, 30))
        ]
        if choice.random() < 0.2:
            out.append(
                f"#{step} 3.2 W: Failed to fetch http://deb.example.org/{choice.choice(PATHS)}/{step} "
                " Could not resolve host"
            )
    last = choice.randint(15, 24)
    out += [
        f"#{last} 12.9 ./setup.sh: line {last}: {choice.choice(SERVICES)}-cli: command not found",
        f'#{last} ERROR: process "/bin/sh -c ./setup.sh" did not complete successfully: exit code: 127',
        "------",
        f" > [{last}/24] RUN ./setup.sh:",
        "------",
        'ERROR: failed to solve: process "/bin/sh -c ./setup.sh" did not complete successfully: exit code: 127',
    ]
    return "\n".join(out)
