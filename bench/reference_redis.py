"""Reads through the reference's Redis backend, run by `redis_cache.py` under the reference's Python.

    reference_redis.py FOLDER PORT PID RECORDS READS FAULTY_READS

PID is the Redis server at PORT: in the end it is paused, then killed. Prints one line of JSON.
"""

import json
import os
import signal
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
    result["listens_after_cut"] = listens_after_cut(backend, int(port))
    os.kill(pid, signal.SIGSTOP)
    result["hung_seconds"] = times(backend, min(faulty_reads, 2))
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    result["down_seconds"] = times(backend, faulty_reads)
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


def listens_after_cut(backend, port):
    """Whether it is told of changes again some seconds after its subscription was cut, once."""
    server = redis.Redis(port=port)
    server.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    time.sleep(NOTICED_WITHIN)
    return bool(server.pubsub_numsub(backend._invalidation_channel())[0][1])


if __name__ == "__main__":
    main()
