"""Writes: ours, the bare sequence of the same bytes, and the reference's file backend.

All of them on the file system of the repository: one in memory has nothing to flush."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import coherence
import dataset
import figures
import library
import servers

SCRIPT = Path(__file__).resolve().parent / "reference_writes.py"
# As in crates/core/benches/race.rs.
WRITERS = ("first", "second")
WRITES = 150


def measure(rounds, idle_seconds):
    """`rounds` writes of each size by the reference; a server left idle for `idle_seconds`."""
    library.build("write", "race", "seen")
    target = dataset.WORKSPACE / "target"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=target) as folder:
        here = {"TMPDIR": folder}
        lines = library.measure("write", here)
        for words, models in figures.WRITE_SIZES.items():
            lines += timed(folder, words, models, rounds)
        return {
            "file_system": file_system(folder),
            "lines": lines,
            "lost": {"ours": library.measure("race", here)[0], "reference": race(folder)},
            "seen": library.measure("seen", here),
            "looks": coherence.looks(folder, idle_seconds),
        }


def timed(folder, words, models, rounds):
    """Writes of the same record into a category of the same size, by the reference; and bare."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        argv = [*reference("time", home), words, str(models), str(rounds)]
        done = subprocess.run(
            argv, env=environment(folder), stdout=subprocess.PIPE, text=True, check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def race(folder):
    """Two processes of the reference writing at the same time; what of it is gone at the end."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        running = [start(folder, home, who) for who in WRITERS]
        for writer in running:
            writer.stdout.readline()
        begun = time.monotonic()
        for writer in running:
            # Closing its input is the sign to begin.
            writer.stdin.close()
        told = [json.loads(writer.stdout.read().splitlines()[-1]) for writer in running]
        seconds = time.monotonic() - begun
        for writer in running:
            writer.wait(60)
        found = json.loads((Path(home) / "clip.json").read_text())
    done = [name for writer in told for name in writer["done"]]
    return {
        "case": "two processes writing: reference",
        "done": len(done),
        "failed": sum(writer["failed"] for writer in told),
        "lost": sum(name not in found for name in done),
        "seconds": seconds,
    }


def start(folder, home, who):
    return subprocess.Popen(
        [*reference("race", home), who, str(WRITES)],
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def reference(mode, home):
    # Without `-P` the modules of this folder would come before those that the reference imports.
    return [str(servers.PYTHON), "-P", str(SCRIPT), mode, str(home)]


def environment(folder):
    """What the reference is run with: in its default format, quiet, with nothing below the home."""
    return {
        **os.environ,
        "TMPDIR": str(folder),
        "AIWORKER_CACHE_HOME": str(folder),
        "HORDE_MODEL_REFERENCE_REPLICATE_MODE": "PRIMARY",
        "HORDE_MODEL_REFERENCE_CANONICAL_FORMAT": "v2",
        # Every failure is raised as well.
        "LOGURU_LEVEL": "CRITICAL",
        "PYTHONWARNINGS": "ignore",
    }


def file_system(folder):
    """The type of the file system that the folder is on."""
    argv = ["df", "--output=fstype", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]
