"""What the benchmarks of the core crate measure: reads, writes, and when others see a write."""

import json
import os
import subprocess

from dataset import WORKSPACE

COMMAND = ("cargo", "bench", "--locked", "--package", "horde-model-reference", "--bench")


def build(*benches):
    """Compiles them before anything is measured, and lets what that wrote reach the disk: later it
    would be flushed together with what is timed."""
    names = [word for bench in benches for word in ("--bench", bench)]
    subprocess.run([*COMMAND[:-1], *names, "--no-run"], cwd=WORKSPACE, check=True)
    os.sync()


def measure(bench="read", environment=(), arguments=()):
    """The lines of JSON that one of them prints."""
    done = subprocess.run(
        [*COMMAND, bench, "--", *arguments],
        cwd=WORKSPACE,
        env={**os.environ, **dict(environment)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
