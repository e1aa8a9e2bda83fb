"""Memory and processor time of a process and its children, and whether a thread still works."""

import os
import time
from pathlib import Path


def of_tree(pid):
    """Kilobytes: resident now and at most, and the share that counts shared pages once."""
    totals = {"processes": 0, "rss_kib": 0, "peak_kib": 0, "pss_kib": 0}
    for member in tree(pid):
        try:
            status = fields(Path(f"/proc/{member}/status"))
            rollup = fields(Path(f"/proc/{member}/smaps_rollup"))
        except OSError:
            continue
        totals["processes"] += 1
        totals["rss_kib"] += status.get("VmRSS", 0)
        totals["peak_kib"] += status.get("VmHWM", 0)
        totals["pss_kib"] += rollup.get("Pss", 0)
    return totals


def cpu_seconds(pid):
    """Processor time of the process and all that it started: in programs, and in the kernel."""
    user = system = 0
    for member in tree(pid):
        try:
            stat = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        user, system = user + int(stat[11]), system + int(stat[12])
    ticks = os.sysconf("SC_CLK_TCK")
    return user / ticks, system / ticks


def tree(pid):
    """The process and all that it started."""
    found = [pid]
    for member in found:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                found.extend(int(child) for child in task.read_text().split())
            except OSError:
                pass
    return found


def fields(path):
    """Lines like `VmRSS:   1234 kB` as numbers."""
    result = {}
    for line in path.read_text().splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[2] == "kB":
            result[parts[0].rstrip(":")] = int(parts[1])
    return result


def wait_until_idle(pid, thread, quiet=1.0, at_most=300):
    """Waits until the thread of that name has not run for `quiet` seconds; the seconds it took."""
    begun = time.monotonic()
    last, since = cpu_ticks(pid, thread), begun
    while time.monotonic() - since < quiet:
        if time.monotonic() - begun > at_most:
            raise SystemExit(f"the thread {thread} did not come to rest within {at_most} s")
        time.sleep(0.05)
        now = cpu_ticks(pid, thread)
        if now != last:
            last, since = now, time.monotonic()
    return time.monotonic() - begun - quiet


def cpu_ticks(pid, thread):
    """Processor time of a thread by its name, whether it is running counting as time."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (task / "comm").read_text().strip() != thread:
                continue
            values = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        is_running = time.monotonic() if values[0] == "R" else 0
        return int(values[11]), int(values[12]), is_running
    return None
