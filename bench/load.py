"""Load on a server: one run of wrk, and the proof that all its answers were the right ones."""

import json
import os
import subprocess
from pathlib import Path

import memory

FOLDER = Path(__file__).resolve().parent
CONNECTIONS = 32


def run(server, path, seconds, headers=(), expected=None, paths_file=None):
    """Requests a second and latencies of one run. With `expected`, an answer fetched alone, the run
    fails unless its answers were as long as that one."""
    script = "wrk-many.lua" if paths_file else "wrk.lua"
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    argv += ["-s", str(FOLDER / script)]
    for name, value in dict(headers).items():
        argv += ["-H", f"{name}: {value}"]
    argv.append(f"http://127.0.0.1:{server.port}{path}")
    if paths_file:
        argv += ["--", str(paths_file)]
    environment = {**os.environ, "WRK_DONE": str(FOLDER / "wrk.lua")}
    before = memory.cpu_seconds(server.process.pid)
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    after = memory.cpu_seconds(server.process.pid)
    totals = json.loads(done.stdout.strip().splitlines()[-1])
    check(server, path, totals, expected)
    return {
        "rps": totals["requests"] / (totals["microseconds"] / 1e6),
        "p50_us": totals["p50_us"],
        "p99_us": totals["p99_us"],
        "user_us": (after[0] - before[0]) / totals["requests"] * 1e6,
        "system_us": (after[1] - before[1]) / totals["requests"] * 1e6,
        "bytes_per_answer": totals["bytes"] / totals["requests"],
    }


def check(server, path, totals, expected):
    """wrk tells statuses of 400 and more; a 200 in the place of a 304 shows in the bytes."""
    if totals["bad_status"] or totals["socket_errors"] or not totals["requests"]:
        raise SystemExit(f"{server.name}: {path}: not all went well: {totals}")
    if expected is None:
        return
    mean = totals["bytes"] / totals["requests"]
    if abs(mean / expected.wire_bytes - 1) > 0.03:
        raise SystemExit(
            f"{server.name}: {path}: {mean:.0f} bytes an answer instead of {expected.wire_bytes}"
        )
