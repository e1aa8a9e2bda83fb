"""Growth: the same server with one, ten and a hundred times the data."""

import http.client
import json
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import client
import dataset
import load
import memory
import servers

FACTORS = (1, 10, 100)
# The file that is edited to see how long a new content takes to be served.
FILE = "stable_diffusion.json"


class Size:
    """One size of the data and the server on it."""

    def __init__(self, folder, factor):
        self.factor = factor
        self.home = Path(folder) / f"times-{factor}"
        self.home.mkdir()
        self.counts = dataset.generated(self.home, factor)
        self.server = servers.ours(self.home, name=f"ours, {factor} times")
        self.paths = Path(folder) / f"paths-{factor}"
        self.result = {"factor": factor, "records": sum(self.counts.values()), "load": []}

    def write_paths(self):
        """A thousand single models, spread over the category, for the load generator."""
        names = list(json.loads(client.fetch(self.server.port, servers.CATEGORY).body))
        chosen = names[:: max(1, len(names) // 1000)]
        lines = [f"{servers.CATEGORY}/model/{quote(name, safe='')}" for name in chosen]
        self.paths.write_text("\n".join(lines))


def measure(rounds, seconds, starts):
    """Starts, memory, latency of single models and time to adopt an edited file, by size."""
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as folder:
        sizes = [Size(folder, factor) for factor in FACTORS]
        for size in sizes:
            measure_start(size, starts)
        try:
            for size in sizes:
                size.server.start()
                size.write_paths()
            for size in sizes:
                settle(size)
            for _ in range(rounds):
                for size in sizes:
                    size.result["load"].append(
                        load.run(size.server, servers.CATEGORY, seconds, paths_file=size.paths)
                    )
            for size in sizes:
                size.result["adoption_ms"] = [adoption(size, turn) for turn in range(rounds)]
        finally:
            for size in sizes:
                size.server.stop()
        return [size.result for size in sizes]


def measure_start(size, starts):
    times = []
    for _ in range(starts):
        seconds, answer = size.server.start()
        size.result["category_bytes"] = len(answer.body)
        size.server.stop()
        times.append(seconds * 1000)
    size.result["start_ms"] = times


def settle(size):
    """Waits for the background compression; memory before any load."""
    waited = memory.wait_until_idle(size.server.process.pid, "refiner", at_most=900)
    size.result["refining_seconds"] = waited
    size.result["memory"] = size.server.memory()


def adoption(size, turn):
    """Milliseconds from the rename of an edited file to the first answer made from it."""
    path = size.home / "horde_model_reference" / FILE
    records = json.loads(path.read_text())
    name, record = next(iter(records.items()))
    records[name] = {**record, "description": f"edited, turn {turn}"}
    connection = http.client.HTTPConnection("127.0.0.1", size.server.port, timeout=60)
    before = tag(connection)
    staged = path.with_suffix(".next")
    staged.write_text(json.dumps(records, indent=4))
    begun = time.monotonic()
    staged.rename(path)
    while tag(connection) == before:
        if time.monotonic() - begun > 60:
            raise SystemExit("an edited file was not served within a minute")
        time.sleep(0.001)
    elapsed = time.monotonic() - begun
    connection.close()
    return elapsed * 1000


def tag(connection):
    connection.request("HEAD", servers.CATEGORY)
    response = connection.getresponse()
    response.read()
    return response.getheader("ETag")
