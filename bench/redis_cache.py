"""The cache in Redis: what the core crate's benchmark measures, servers over HTTP while Redis is well
or not, what idle servers ask of it, and the reference's backend."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

import client
import dataset
import library
import load
import memory
import servers
import throughput
import writing
from redis_server import RedisServer, Relay, environment, wait_until

SCRIPT = Path(__file__).resolve().parent / "reference_redis.py"
# How often, in earnest and when it is only tried out.
TIMES = {"seen": (100, 10), "cold": (100, 10), "reads": (25, 4), "repair": (12, 3)}
WORKERS = 4
RECORDS = 400
# Until everybody has noticed that something is wrong.
SETTLE = 3


def measure(rounds, seconds, quick):
    library.build("redis")
    parts = {part: library.measure("redis", arguments=(part, str(times[quick])))
             for part, times in TIMES.items()}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return {
            **parts,
            "http": over_http(Path(folder), rounds, seconds),
            "idle": idle(Path(folder), 3 if quick else 10),
            "reference": reference(folder, *((20, 1) if quick else (200, 5))),
        }


def over_http(folder, rounds, seconds):
    """Requests for one model, to servers whose Redis is in one state each, in turns."""
    redis = {state: RedisServer() for state in ("healthy", "hung", "refused", "black-holed")}
    running = []
    try:
        for state in ("without Redis", *redis):
            running.append(started(folder, state, redis.get(state)))
        for server in running:
            memory.wait_until_idle(server.process.pid, "refiner")
        redis["hung"].pause()
        redis["refused"].kill()
        running[-1].relay.swallows.set()
        time.sleep(SETTLE)
        path = f"{servers.CATEGORY}/model/{throughput.typical_model(running[0])}"
        expected = {server.name: client.fetch(server.port, path) for server in running}
        results = {server.name: [] for server in running}
        for number in range(rounds):
            at = number % len(running)
            for server in running[at:] + running[:at]:
                figures = load.run(server, path, seconds, expected=expected[server.name])
                results[server.name].append(figures)
        return results
    finally:
        for server in running:
            server.stop()
        for server in redis.values():
            server.kill()


def started(folder, state, redis):
    """A server over the real data that is told of changes, if it has a Redis."""
    home = folder / state.replace(" ", "-")
    dataset.real(home)
    server = servers.ours(home, name=state)
    if redis is not None:
        port = redis.start().port
        if state == "black-holed":
            server.relay = Relay(port)
            port = server.relay.port
        server.environment.update(environment(port))
    server.start()
    if redis is not None:
        wait_until(lambda: redis.listeners() == 1, "the server listens to Redis")
    return server


def idle(folder, seconds):
    """What servers that nobody asks anything send to Redis, and what it keeps for them."""
    home = folder / "idle"
    dataset.real(home)
    with RedisServer() as redis:
        empty = int(redis.info("memory")["used_memory"])
        workers = [servers.ours(home, name=f"worker {number}") for number in range(WORKERS)]
        try:
            for worker in workers:
                worker.environment.update(environment(redis.port))
                worker.start()
            for worker in workers:
                memory.wait_until_idle(worker.process.pid, "refiner")
            wait_until(lambda: redis.listeners() == WORKERS, "all listen")
            wait_until(lambda: at_rest(redis), "all copies are stored")
            begun, before = time.monotonic(), counts(redis)
            time.sleep(seconds)
            elapsed, after = time.monotonic() - begun, counts(redis)
            # One of them is the one that asks.
            connections = len(redis.ask("CLIENT", "LIST").splitlines()) - 1
            used = int(redis.info("memory")["used_memory"])
            copies = stored(redis)
        finally:
            for worker in workers:
                worker.stop()
    each = elapsed * WORKERS
    return {
        "workers": WORKERS,
        "seconds": elapsed,
        "commands": {name: (count - before["commands"].get(name, 0)) / each
                     for name, count in after["commands"].items()
                     if count > before["commands"].get(name, 0)},
        "bytes_in": (after["in"] - before["in"]) / each,
        "bytes_out": (after["out"] - before["out"]) / each,
        "connections": connections / WORKERS,
        "empty_bytes": empty,
        "used_bytes": used,
        "keys": len(copies),
        "copies_bytes": sum(copies.values()),
    }  # fmt: skip


def at_rest(redis):
    """Whether nothing was stored for as long as it takes to find that something is missing."""
    before = len(stored(redis))
    time.sleep(SETTLE)
    return before == len(stored(redis))


def stored(redis):
    """The keys with copies, and how long they are."""
    keys = redis.ask("--scan", "--pattern", "horde:model_ref:*").splitlines()
    return {key: int(redis.ask("STRLEN", key)) for key in keys if not key.endswith(":coh:gen")}


def counts(redis):
    """Commands since the start by their names, but for what is asked here, and bytes."""
    commands = {}
    for name, told in redis.info("commandstats").items():
        name = name.removeprefix("cmdstat_")
        if name.partition("|")[0] not in ("info", "pubsub", "client", "scan", "strlen", "command"):
            commands[name] = int(told.partition("calls=")[2].partition(",")[0])
    stats = redis.info("stats")
    return {
        "commands": commands,
        "in": int(stats["total_net_input_bytes"]),
        "out": int(stats["total_net_output_bytes"]),
    }


def reference(folder, reads, faulty_reads):
    """Its backend, reading one category; the script stops and ends the server itself."""
    home = Path(folder) / "reference"
    home.mkdir()
    with RedisServer() as redis:
        argv = [str(servers.PYTHON), "-P", str(SCRIPT), str(home), str(redis.port)]
        argv += [str(redis.process.pid), str(RECORDS), str(reads), str(faulty_reads)]
        done = subprocess.run(
            argv, env=writing.environment(home), stdout=subprocess.PIPE, text=True, check=True
        )
    return json.loads(done.stdout.splitlines()[-1])
