"""Shell output: real runs of bash, and server and deployment logs as they are tailed by an agent."""

from __future__ import annotations

import random
import subprocess
import tempfile

from _install_logs import PATHS, SERVICES, deploy, install

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
        f"cat /etc/secret_{choice.randint(1, 99)} /nonexistent/{choice.choice(PATHS)}",
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
