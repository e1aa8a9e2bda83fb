"""Reads through the reference's Redis backend, run by `redis_cache.py` under the reference's Python.

    reference_redis.py FOLDER PORT PID RECORDS READS FAULTY_READS

PID is the Redis server at PORT: it is paused, killed, and another one started in its place. Prints one
line of JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time

import redis
from horde_model_reference import MODEL_REFERENCE_CATEGORY, RedisSettings
from horde_model_reference.backends.filesystem_backend import FileSystemBackend
from horde_model_reference.backends.redis_backend import RedisBackend

CATEGORY = MODEL_REFERENCE_CATEGORY.clip
NOTICED_WITHIN = 5


def main():
    folder, port, pid, records, reads, faulty_reads = sys.argv[1:]
    pid, records, reads, faulty_reads = map(int, (pid, records, reads, faulty_reads))
    files = FileSystemBackend(base_path=folder, skip_startup_metadata_population=True)
    content = {f"model {number}": {"name": f"model {number}", "description": "d" * 400}
               for number in range(records)}  # fmt: skip
    files.get_category_file_path(CATEGORY).write_text(json.dumps(content))
    settings = RedisSettings(use_redis=True, url=f"redis://127.0.0.1:{port}/0")
    backend = RedisBackend(file_backend=files, redis_settings=settings)
    asked = count_calls(files)
    result = {"reads": reads, "healthy_seconds": times(backend, reads)}
    result["from_files"] = asked["times"]
    os.kill(pid, signal.SIGSTOP)
    result["hung_seconds"] = times(backend, min(faulty_reads, 2))
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    result["down_seconds"] = times(backend, faulty_reads)
    result["listens_after_restart"] = listens_after_restart(backend, port)
    print(json.dumps(result), flush=True)
    # Its threads would be waited for.
    os._exit(0)


def count_calls(files):
    """Counts how often a read ends at the files."""
    asked = {"times": 0}
    fetch = files.fetch_category

    def counted(*arguments, **named):
        asked["times"] += 1
        return fetch(*arguments, **named)

    files.fetch_category = counted
    return asked


def times(backend, reads):
    found = []
    for _ in range(reads):
        begun = time.perf_counter()
        if backend.fetch_category(CATEGORY) is None:
            raise SystemExit("the reference found nothing")
        found.append(time.perf_counter() - begun)
    return found


def listens_after_restart(backend, port):
    """Whether it is told of changes again some seconds after there is a server again."""
    argv = ["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", ""]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        time.sleep(NOTICED_WITHIN)
        channel = backend._invalidation_channel()
        return bool(redis.Redis(port=int(port)).pubsub_numsub(channel)[0][1])
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
