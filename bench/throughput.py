"""Throughput: every server under the same load, in turns, round after round."""

import json
import re
import tempfile
from pathlib import Path

import client
import dataset
import load
import memory
import servers

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


class Scenario:
    """A request, asked of every server alike. `status` is what this server and nginx answer."""

    def __init__(self, key, path, headers=(), status=200, held=False):
        self.key = key
        self.path = path
        self.headers = dict(headers)
        self.status = status
        # Whether the client names the tag of an answer it got before.
        self.held = held

    def asks(self, server):
        """What logging costs does not depend on validators and codings."""
        return self.key in ("full", "one_model") or not server.name.endswith("logging")

    def prepare(self, server):
        """Headers for this server, and the answer that each of its answers must look like."""
        headers = dict(self.headers)
        if self.held:
            tag = client.fetch(server.port, self.path, headers).headers.get("etag")
            headers["If-None-Match"] = tag or '"never"'
        return headers, client.fetch(server.port, self.path, headers)


def scenarios(model):
    category = servers.CATEGORY
    every = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    return [
        Scenario("full", category),
        Scenario("full_gzip", category, {"Accept-Encoding": "gzip"}),
        Scenario("full_any", category, every),
        Scenario("not_modified", category, status=304, held=True),
        Scenario("one_model", f"{category}/model/{model}"),
    ]


def measure(rounds, seconds, with_reference=True):
    """All rounds of all scenarios: by scenario and server, a list with an entry for each round."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        # nginx gives up root, and its workers must still reach the files.
        Path(folder).chmod(0o755)
        return measure_in(Path(folder), rounds, seconds, with_reference)


def measure_in(folder, rounds, seconds, with_reference):
    home = folder / "ours"
    words = dataset.real(home)
    here = servers.ours(home)
    running = [here]
    try:
        here.start()
        memory.wait_until_idle(here.process.pid, "refiner")
        model = typical_model(here)
        files = same_bytes(here, model, folder)
        running += started(others(folder, files, with_reference))
        turns = scenarios(model)
        results = {turn.key: {"sizes": {}, "rounds": {}} for turn in turns}
        for turn in turns:
            warm_up(turn, running, results[turn.key])
        for number in range(rounds):
            for turn in turns:
                # Whoever comes first in one round comes last in another.
                order = running[number % len(running) :] + running[: number % len(running)]
                for server in order:
                    if not turn.asks(server):
                        continue
                    headers, expected = turn.prepare(server)
                    figures = load.run(server, turn.path, seconds, headers, expected)
                    results[turn.key]["rounds"].setdefault(server.name, []).append(figures)
            print(f"throughput: round {number + 1} of {rounds}", flush=True)
        return {"data": words, "model": model, "scenarios": results}
    finally:
        for server in running:
            server.stop()


def others(folder, files, with_reference):
    """nginx with one queue of connections and with one for each worker,
    both servers with their access logs on, the reference."""
    logging = folder / "ours-logging"
    dataset.real(logging)
    for name in ("nginx", "nginx-reuseport", "nginx-logging"):
        (folder / name).mkdir()
    found = [
        servers.nginx(folder / "nginx", files),
        servers.nginx(folder / "nginx-reuseport", files, name="nginx, reuseport", reuse_port=True),
        servers.ours(logging, name="ours, logging", access_log=True),
        servers.nginx(folder / "nginx-logging", files, name="nginx, logging", access_log=True),
    ]
    for workers in (1, 2) if with_reference else ():
        home = folder / f"reference-{workers}"
        dataset.real(home)
        found.append(servers.reference(home, workers))
    return found


def started(these):
    for server in these:
        server.start()
    return these


def warm_up(turn, running, result):
    """A second of load on each server, and a look at the status of its answer."""
    for server in running:
        if not turn.asks(server):
            continue
        headers, expected = turn.prepare(server)
        is_reference = server.name.startswith("reference")
        # The reference has no validators: it answers with everything.
        if expected.status != (200 if is_reference else turn.status):
            raise SystemExit(f"{server.name}: {turn.key}: status {expected.status}")
        coding = expected.headers.get("content-encoding", "identity")
        result["sizes"][server.name] = {
            "status": expected.status,
            "coding": coding,
            "body_bytes": len(expected.body),
            "wire_bytes": expected.wire_bytes,
        }
        load.run(server, turn.path, 1, headers, expected)


def typical_model(server):
    """The model of middle size among those whose names need no escaping."""
    records = json.loads(client.fetch(server.port, servers.CATEGORY).body)
    plain = [name for name in records if PLAIN.fullmatch(name)]
    plain.sort(key=lambda name: len(json.dumps(records[name])))
    return plain[len(plain) // 2]


def same_bytes(server, model, folder):
    """Files with the answers of `server`, for nginx: path to file."""
    one = f"{servers.CATEGORY}/model/{model}"
    files = {servers.CATEGORY: folder / "category.json", one: folder / "model.json"}
    for path, file in files.items():
        file.write_bytes(client.fetch(server.port, path).body)
    compressed = client.fetch(server.port, servers.CATEGORY, {"Accept-Encoding": "gzip"})
    (folder / "category.json.gz").write_bytes(compressed.body)
    return files
