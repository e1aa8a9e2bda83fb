"""Writes through the reference's file backend, run by `writing.py` under the reference's Python.

    reference_writes.py time FOLDER WORDS MODELS ROUNDS    one write at a time; lines of JSON
    reference_writes.py race FOLDER WHO WRITES             says `ready`, writes once its input is closed

Records and cases are those of crates/core/benches/write.rs and race.rs. What a flush costs drifts, so
the bare sequence of the same bytes is timed here as well, in turns with the reference.
"""

import json
import os
import sys
import time

from horde_model_reference import MODEL_REFERENCE_CATEGORY
from horde_model_reference.backends.filesystem_backend import FileSystemBackend

CATEGORY = MODEL_REFERENCE_CATEGORY.clip
# The first few turns do not count.
WARMING = 5


def main():
    mode, folder, *rest = sys.argv[1:]
    backend = FileSystemBackend(base_path=folder, skip_startup_metadata_population=True)
    if mode == "time":
        time_writes(backend, rest[0], int(rest[1]), int(rest[2]))
    else:
        race(backend, rest[0], int(rest[1]))


def time_writes(backend, words, models, rounds):
    records = {f"model {number}": record(number, 0) for number in range(models)}
    path = backend.get_category_file_path(CATEGORY)
    path.write_text(json.dumps(records, indent=2))
    content = path.read_bytes()
    bare, reference = [], []
    for turn in range(rounds + WARMING):
        bare.append(bare_write(path.parent, content))
        changed = record(0, turn)
        begun = time.perf_counter()
        backend.update_model(CATEGORY, "model 0", changed)
        reference.append(time.perf_counter() - begun)
    tell(f"write {words}: bare, beside the reference", bare)
    tell(f"write {words}: reference", reference)


def bare_write(folder, content):
    """Writes, flushes, renames, flushes the folder; the seconds it took."""
    staged, target = folder / "staged", folder / "target"
    begun = time.perf_counter()
    with open(staged, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, target)
    opened = os.open(folder, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)
    return time.perf_counter() - begun


def tell(case, seconds):
    times = sorted(each * 1e6 for each in seconds[WARMING:])
    figures = {"us": times[len(times) // 2], "least_us": times[0], "most_us": times[-1]}
    print(json.dumps({"case": case, **figures}))


def record(number, turn):
    download = {
        "file_name": f"m{number}.bin",
        "file_url": f"https://example.org/m{number}.bin",
        "sha256sum": f"{number:064}",
    }
    return {
        "name": f"model {number}",
        "description": "d" * 160,
        "version": str(turn),
        "config": {"download": [download]},
    }


def race(backend, who, writes):
    """Tells which names were written and how many writes failed: only what was reported as done can
    be lost."""
    print("ready", flush=True)
    sys.stdin.readline()
    done, failed = [], 0
    for number in range(writes):
        name = f"{who} {number}"
        try:
            backend.update_model(CATEGORY, name, {"name": name})
            done.append(name)
        except (OSError, ValueError):
            failed += 1
    print(json.dumps({"done": done, "failed": failed}))


if __name__ == "__main__":
    main()
