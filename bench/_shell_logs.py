"""Shell output: real runs of bash, and server and deployment logs as they are tailed by an agent."""

from __future__ import annotations

import random
import subprocess
import tempfile

SERVICES = ("api", "worker", "gateway", "billing", "mailer", "scheduler", "indexer", "auth")
PATHS = ("users", "orders", "carts", "search", "health", "invoices", "sessions", "reports")
TROUBLE = (
    "connection to 10.0.{i}.{j}:5432 refused (attempt {n})",
    "deadlock detected while updating {p} {n}",
    "request {n} timed out after 30{j} ms: upstream {s}",
    "cannot decode payload of {p}/{n}: invalid start byte 0x{i:02x}",
    "disk quota exceeded writing /var/lib/{s}/{p}.{n}",
    "token of user {n} has expired",
)


def shell_logs(many: int, seed: int) -> list[str]:
    """Bash runs, server logs, installs and deployments in turn."""
    makers = (bash, server, install, server, deploy, bash, kernel)
    return [makers[number % len(makers)](random.Random(f"{seed} {number}")) for number in range(many)]


def bash(choice: random.Random) -> str:
    """A real run of a script that goes wrong in places, as `bash script 2>&1` prints it."""
    steps: list[str] = [
        "set -u",
        (
            f'mkdir -p data && for i in $(seq 1 {choice.choice((40, 150, 600))}); do echo "row $i of '
            f'{choice.choice(PATHS)}" > data/f$i.txt; echo "wrote data/f$i.txt ($i bytes)"; done'
        ),
    ]
    wrong = [
        f"cp missing_{choice.randint(1, 99)}.cfg data/",
        f"{choice.choice(SERVICES)}ctl restart --all",
        f"cat /root/secret_{choice.randint(1, 99)} /nonexistent/{choice.choice(PATHS)}",
        f"cd /opt/{choice.choice(SERVICES)}/current && ls",
        f"python3 -c 'import json; json.loads(\"{{{choice.choice(PATHS)}\")'",
        f"python3 -c 'def f(n): return 1 // n\nf({choice.randint(0, 0)})'",
        f"grep -n {choice.choice(PATHS)} no_such_file_{choice.randint(1, 99)}.log",
        "tar xzf backup.tar.gz",
        f"bash -c 'exit {choice.randint(2, 120)}' || echo \"step failed with exit code $?\"",
        "ls -la data | tail -n +40",
        "mv data/none.txt data/other.txt",
        f"sed -i s/a/b/ /etc/{choice.choice(SERVICES)}.conf.missing",
    ]
    for step in choice.sample(wrong, choice.randint(2, 7)):
        steps += [
            f"echo '+ step {len(steps)}'",
            step,
            "for f in data/f1*.txt; do wc -c $f; done",
            "ls -l data | head -50",
        ]
    steps.append(f"echo 'done, {choice.randint(1, 4)} of 9 steps failed'; exit {choice.choice((0, 1, 2))}")
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(  # noqa: S603 - the script above
            ["/bin/bash", "-c", "\n".join(steps)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
    return run.stdout + (f"\n[exit code: {run.returncode}]" if run.returncode else "")


def _stamp(choice: random.Random, at: int) -> str:
    return (
        f"2024-03-0{1 + at // 90000} "
        f"{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d},{choice.randint(0, 999):03d}"
    )


def _trouble(choice: random.Random) -> str:
    return choice.choice(TROUBLE).format(
        i=choice.randint(0, 255),
        j=choice.randint(0, 9),
        n=choice.randint(1, 99999),
        p=choice.choice(PATHS),
        s=choice.choice(SERVICES),
    )


def server(choice: random.Random) -> str:
    out: list[str] = []
    size = choice.choice((100, 150, 250, 250, 400, 900, 2500))
    bad = set(choice.sample(range(size), choice.choice((1, 2, 3, 4, 6, 9))))
    crash = choice.randrange(size) if choice.random() < 0.4 else -1
    storm = choice.randrange(size) if choice.random() < 0.3 else -1
    for at in range(size):
        service, stamp = choice.choice(SERVICES), _stamp(choice, at * 7)
        if at in bad:
            out.append(f"{stamp} ERROR [{service}] {_trouble(choice)}")
        elif at == crash:
            out += [f"{stamp} CRITICAL [{service}] unhandled exception", "Traceback (most recent call last):"]
            for _ in range(choice.randint(3, 9)):
                out += [
                    (
                        f'  File "/srv/{service}/{choice.choice(PATHS)}.py", line '
                        f"{choice.randint(9, 700)}, in {choice.choice(PATHS)}_handler"
                    ),
                    f"    return self.{choice.choice(PATHS)}(request, timeout={choice.randint(1, 30)})",
                ]
            out.append(
                f"{choice.choice(('KeyError', 'ValueError', 'psycopg2.OperationalError', 'RuntimeError'))}: "
                f"{_trouble(choice)}"
            )
        elif at == storm:
            out += [
                f"{_stamp(choice, at * 7 + n)} ERROR [{service}] connection to 10.0.0.7:5432 refused (attempt {n})"
                for n in range(choice.randint(30, 80))
            ]
        elif choice.random() < 0.1:
            out.append(
                f"{stamp} WARNING [{service}] slow query on {choice.choice(PATHS)}: {choice.randint(1000, 9000)} ms"
            )
        else:
            out.append(
                f"{stamp} INFO [{service}] GET /{choice.choice(PATHS)}/{choice.randint(1, 99999)} 200 "
                f"in {choice.randint(2, 400)} ms"
            )
    return "\n".join(out)


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


DEVICES = ("usb", "pci", "eth0", "sda", "cpu")
NEWS = ("registered new device", "link is up", "new interface driver", "mode set")
KERNEL_TROUBLE = (
    "EXT4-fs error (device sda1): ext4_lookup:1706: inode #%d",
    "blk_update_request: I/O error, dev sdb, sector %d",
    "Out of memory: Killed process %d (indexer)",
    "segfault at 18 ip %d error 4 in libc.so",
)


def kernel(choice: random.Random) -> str:
    out: list[str] = []
    seconds = 0.0
    for at in range(choice.choice((150, 500, 1500))):
        seconds += choice.random()
        out.append(
            f"[{seconds:12.6f}] {choice.choice(DEVICES)} "
            f"{at % 8}-{choice.randint(0, 9)}: "
            f"{choice.choice(NEWS)} "
            f"{choice.randint(0, 0xFFFF):#06x}"
        )
        if choice.random() < 4 / 500:
            out.append(f"[{seconds:12.6f}] {choice.choice(KERNEL_TROUBLE) % choice.randint(100, 99999)}")
    return "\n".join([*out, "worker exited: Segmentation fault (core dumped)"])
