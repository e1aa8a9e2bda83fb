"""What the figures were measured on and with."""

import os
import platform
import subprocess
from pathlib import Path

import servers
from dataset import WORKSPACE

# Before anything is built or measured, which is load as well.
LOAD_BEFORE = os.getloadavg()[0]


def describe():
    """Processor, kernel and versions."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kib() / 1024 / 1024, 1),
        "kernel": platform.release(),
        "commit": first_line("git", "-C", str(WORKSPACE), "rev-parse", "--short", "HEAD"),
        "rustc": first_line("rustc", "--version"),
        "nginx": first_line("nginx", "-v").removeprefix("nginx version: "),
        "wrk": first_line("wrk", "-v").partition(" Copyright")[0],
        "reference": package("horde_model_reference"),
        "uvicorn": package("uvicorn"),
        "python": first_line(str(servers.PYTHON), "--version"),
        "load_before": LOAD_BEFORE,
    }


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_kib():
    return int(Path("/proc/meminfo").read_text().split()[1])


def package(name):
    code = f"import importlib.metadata as m; print(m.version('{name}'))"
    return first_line(str(servers.PYTHON), "-c", code)


def first_line(*argv):
    """Of what a command prints; some tell their version on the error stream, or fail while doing so."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]
