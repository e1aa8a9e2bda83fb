"""A worker of the reference on a shared folder and a shared Redis server, which does what it is told.

Argument: the data folder. Everything else it takes from its environment, as its service does. It prints
`> ready`; then it reads commands from its input, one a line, and answers each with one line that begins
with `> `. Commands whose name begins with `held` first answer `> held`, half way through, and go on with
the next line they read.
"""

import asyncio
import json
import sys
import threading

from horde_model_reference import MODEL_REFERENCE_CATEGORY, horde_model_reference_settings
from horde_model_reference.backends.filesystem_backend import FileSystemBackend
from horde_model_reference.backends.redis_backend import RedisBackend

CLIP = MODEL_REFERENCE_CATEGORY.clip


def say(text):
    print(f"> {text}", flush=True)


def hold():
    say("held")
    sys.stdin.readline()


def record(name):
    classification = {"domain": "text", "purpose": "feature_extractor"}
    return {"name": name, "record_type": "clip", "model_classification": classification}


class Files(FileSystemBackend):
    """Its files; one read of them may take long."""

    is_slow = False

    def fetch_category(self, category, *, force_refresh=False):
        data = super().fetch_category(category, force_refresh=force_refresh)
        if self.is_slow:
            self.is_slow = False
            hold()
        return data


class SlowRecord(dict):
    """A record that is written after a while: it is copied after the file was read."""

    def __deepcopy__(self, memo):
        hold()
        return dict(self)


class Worker:
    def __init__(self, folder):
        settings = horde_model_reference_settings
        assert settings.redis.use_redis
        self.files = Files(base_path=folder, skip_startup_metadata_population=True)
        self.backend = RedisBackend(
            file_backend=self.files,
            redis_settings=settings.redis,
            cache_ttl_seconds=settings.cache_ttl_seconds,
        )
        self.messages = 0
        self.backend.register_invalidation_callback(self.note)
        self.loop = asyncio.Runner()

    def note(self, category):
        """Called for every message, by the thread that listens, and for every write of its own."""
        is_message = threading.current_thread() is not threading.main_thread()
        self.messages += is_message and category == CLIP

    def heard(self):
        return self.messages

    def read(self):
        """The way of its service's routes that are not asynchronous."""
        return list(self.backend.fetch_category(CLIP))

    def read_async(self):
        return list(self.loop.run(self.backend.fetch_category_async(CLIP)))

    def held_read(self):
        self.files.is_slow = True
        return list(self.backend.fetch_category(CLIP, force_refresh=True))

    def metadata(self):
        """Of both kinds, which puts both into Redis."""
        self.backend.get_legacy_metadata(CLIP)
        return self.backend.get_metadata(CLIP).last_operation_model

    def update(self, name):
        self.backend.update_model(CLIP, name, record(name))

    def delete(self, name):
        self.backend.delete_model(CLIP, name)

    def held_update(self, name):
        self.backend.update_model(CLIP, name, SlowRecord(record(name)))

    def update_many(self, count):
        for number in range(int(count)):
            self.update(f"py-{number}")


def main():
    worker = Worker(sys.argv[1])
    say("ready")
    for line in sys.stdin:
        command, *arguments = line.split()
        say(json.dumps(getattr(worker, command)(*arguments)))


main()
