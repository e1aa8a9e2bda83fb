"""What staying coherent costs a server that nobody asks anything: its looks at the files."""

import tempfile
import time
from pathlib import Path

import dataset
import memory
import servers

THREAD = "looker"


def looks(folder, seconds):
    """Processor time of the looking thread of an idle PRIMARY over the real data."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        dataset.real(home)
        server = servers.ours(home)
        server.environment["HORDE_MODEL_REFERENCE_REPLICATE_MODE"] = "PRIMARY"
        with server:
            memory.wait_until_idle(server.process.pid, "refiner")
            begun, before = time.monotonic(), ran_ns(server.process.pid)
            time.sleep(seconds)
            elapsed, after = time.monotonic() - begun, ran_ns(server.process.pid)
    return {"seconds": elapsed, "cpu_ns": after - before}


def ran_ns(pid):
    """Nanoseconds that the looking thread has had a processor."""
    found = [
        int((task / "schedstat").read_text().split()[0])
        for task in Path(f"/proc/{pid}/task").iterdir()
        if (task / "comm").read_text().strip() == THREAD
    ]
    if len(found) != 1:
        raise SystemExit(f"the server has {len(found)} threads called {THREAD} instead of one")
    return found[0]
