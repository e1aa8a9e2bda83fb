"""Starts: the time from the start of the process to the first correct answer."""

import json

import client
import servers


def measure(server, rounds, expected_models):
    """Milliseconds of each start."""
    times = []
    for _ in range(rounds):
        seconds, answer = server.start()
        server.stop()
        models = len(json.loads(answer.body))
        if models != expected_models:
            raise SystemExit(f"{server.name} served {models} models instead of {expected_models}")
        times.append(seconds * 1000)
    return times


def models_in(server):
    """How many models a server answers; starts and stops it."""
    with server:
        return len(json.loads(client.fetch(server.port, servers.CATEGORY).body))
