"""Memory once everything was asked for in every form."""

import json
from urllib.parse import quote

import client
import memory

API = "/api/model_references"
CODINGS = ("identity", "gzip", "br", "zstd")
EXPORTS = (
    "v2/image_generation/baselines/export",
    "v2/text_generation/guidance/export",
    "v2/licensing/export",
    "v1/metadata/metadata",
    "v2/metadata/metadata",
)


def measure(server, thread=None):
    """Starts the server and asks for everything. With `thread`, waits until that one rests, and asks
    again: its better forms are part of what is kept."""
    with server:
        at_start = server.memory()
        answered = ask_for_everything(server)
        waited = memory.wait_until_idle(server.process.pid, thread) if thread else 0
        ask_for_everything(server)
        return {
            "at_start": at_start,
            "after_everything": server.memory(),
            "answers": answered,
            "refining_seconds": waited,
        }


def ask_for_everything(server):
    """Every category in both formats and every export, in all codings; how many were answered."""
    answered = 0
    for path in paths(server):
        for coding in CODINGS:
            answer = client.fetch(server.port, f"{API}/{path}", {"Accept-Encoding": coding})
            answered += answer.status == 200
    return answered


def paths(server):
    categories = json.loads(client.fetch(server.port, f"{API}/v2/model_categories").body)
    names = [f"{version}/{quote(name)}" for version in ("v1", "v2") for name in categories]
    return names + list(EXPORTS)
