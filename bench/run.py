#!/usr/bin/env python3
"""Measures everything, records it in bench/results.json, and writes the report from that.

    bench/run.py [--quick] [--only PART ...]

Each part's figures replace those of an earlier run, so that one part can be measured again. With
`--quick` every turn takes a second, and the figures go to target/bench instead.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import dataset
import footprint
import growth
import library
import machine
import redis_cache
import report
import servers
import startup
import throughput
import writing

PARTS = ("throughput", "startup", "footprint", "growth", "library", "writing", "redis")
BUILD = ("cargo", "build", "--release", "--locked", "--package", "horde-model-reference-server")


def main():
    arguments = parse_arguments()
    if not all(map(shutil.which, ("nginx", "wrk", "redis-server", "redis-cli"))):
        raise SystemExit("nginx, wrk and Redis are needed: run scripts/setup-bench")
    subprocess.run(BUILD, cwd=dataset.WORKSPACE, check=True)
    folder = dataset.WORKSPACE / ("target/bench" if arguments.quick else "bench")
    folder.mkdir(parents=True, exist_ok=True)
    recorded = folder / "results.json"
    results = json.loads(recorded.read_text()) if recorded.is_file() else {}
    for part in arguments.only or PARTS:
        print(f"measuring: {part}", flush=True)
        before = machine.describe()
        figures = measure(part, arguments)
        results[part] = {
            "measured_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": before,
            "figures": figures,
        }
        recorded.write_text(json.dumps(results, indent=1) + "\n")
    docs = folder if arguments.quick else dataset.WORKSPACE / "docs"
    docs.mkdir(exist_ok=True)
    report.write(results, docs)
    print(f"written: {recorded}, {docs / 'benchmarks.md'}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second each, to try it out")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only these parts")
    parser.add_argument("--rounds", type=int, help="rounds, each with every server [5; quick: 2]")
    parser.add_argument("--seconds", type=int, help="seconds of a turn [5; quick: 1]")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (1 if arguments.quick else 5)
    return arguments


def measure(part, arguments):
    if part == "throughput":
        return {
            "seconds": arguments.seconds,
            **throughput.measure(arguments.rounds, arguments.seconds),
        }
    if part == "startup":
        return measure_startup(3 if arguments.quick else 10, 1 if arguments.quick else 3)
    if part == "footprint":
        return measure_footprint()
    if part == "growth":
        return growth.measure(arguments.rounds, arguments.seconds, 3 if arguments.quick else 5)
    if part == "writing":
        return writing.measure(10 if arguments.quick else 60, 5 if arguments.quick else 20)
    if part == "redis":
        return redis_cache.measure(arguments.rounds, arguments.seconds, arguments.quick)
    return library.measure()


def measure_startup(ours, reference):
    """Both on folders they were started on before: the reference writes much at its first start."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        here, there = both(folder)
        models = startup.models_in(here)
        startup.models_in(there)
        return {
            "models": models,
            "ours_ms": startup.measure(here, ours, models),
            "reference_ms": startup.measure(there, reference, models),
        }


def measure_footprint():
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        here, there = both(folder)
        return {
            "ours": footprint.measure(here, thread="refiner"),
            "reference": footprint.measure(there),
        }


def both(folder):
    """This server and the reference with one worker, each with a copy of the real data."""
    homes = [Path(folder) / name for name in ("ours", "reference")]
    for home in homes:
        dataset.real(home)
    return servers.ours(homes[0]), servers.reference(homes[1], workers=1)


if __name__ == "__main__":
    main()
