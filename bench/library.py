"""Reads through the library, measured by the benchmark of the core crate."""

import json
import subprocess

from dataset import WORKSPACE

COMMAND = (
    "cargo", "bench", "--locked", "--package", "horde-model-reference", "--bench", "read",
)  # fmt: skip


def measure():
    """The lines of JSON it prints."""
    done = subprocess.run(COMMAND, cwd=WORKSPACE, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
