"""The section of the report about the cache in Redis, and its goals."""

import statistics

import figures
from tables import table

SIZES = ("1 KB", "200 KB", "2 MB")
# From the commit until the slowest of eight processes serves it, in milliseconds.
SEEN_P99_MS = {"1 KB": 5, "200 KB": 8, "2 MB": 25}
STATES = ("without Redis", "healthy", "hung", "refused", "black-holed")
FAULTS = ("hung", "refused", "black-holed")
REPAIR_MS = {"record": 1500, "copy": 2000, "subscription": 1000}
HEAD = ["what", "goal", "measured", "beside it", "ratio", ""]
# What the scripts themselves call counts as commands, too.
IN_SCRIPTS = ("hget", "hgetall", "exists", "hset")


def section(part):
    idle = part["idle"]
    return f"""## Redis

Real servers on the same machine, a Redis server for each thing that is measured.

Seen: from the commit, when a write to the files returned to who wrote, to the first plain read that
returns it in the slowest of eight other processes, each of which reads every half millisecond; with and
without Redis in one run. *Bare* is a publication of the category's bare name to eight bare subscribers,
through the same client library, which carries nothing and loads nothing; it counts from its beginning.

Loaded: the first load of a document that takes the copy in Redis (the proof of what the file holds, the
record and the copy in one go, digest, parsing), beside a plain `GET` of the same bytes with the same
client, in turns. Of a large document parsing takes longer than getting it: the row with hashing and
parsing tells what the way through Redis adds. Ratios are of medians.

Repair: from the moment at which the server answers again (after a failover: at which a quorum of
Sentinels names another primary and it agrees) until its record says what the files say, the copy is
there, and all processes are told of changes. What was written meanwhile counts, too.

Idle: {idle['workers']} servers that nobody asks anything, with the real data, over {idle['seconds']:.0f} s; for each of them.

""" + table(HEAD, rows(part)) + f"""
Reads: a category of 400 records read in one process, and one model of the real data asked for over HTTP,
while Redis is well, was stopped where it stands, was killed, or is behind a relay that swallows
everything; in turns in one run. Medians, least and most in brackets. Over HTTP an answer that is not the
right one ends the measuring.

""" + reads(part) + reference(part)


def goals(part):
    """Those rows that have one, as the table of all goals has them."""
    return [
        [what, goal, ratio or measured, verdict]
        for what, goal, measured, _, ratio, verdict in rows(part)
        if goal
    ]


def rows(part):
    found = []
    for size in SIZES:
        found += seen(part["seen"], size)
    for size in SIZES:
        found += loaded(part["cold"], size)
    return [*found, *under_faults(part), *repaired(part["repair"]), *idle(part["idle"])]


def seen(lines, size):
    bare = figures.line(lines, f"seen {size}: bare publication")
    without = figures.line(lines, f"seen {size}: without Redis")
    mine = figures.line(lines, f"seen {size}: with Redis")
    goal = SEEN_P99_MS[size]
    verdict = figures.verdict(mine["p99_ms"], goal, at_least=False)
    words = f"seen by 8 processes through Redis, {size}"
    return [
        [f"{words}, p99", f"≤ {goal} ms", f"{mine['p99_ms']:.1f} ms", "", "", verdict],
        [f"{words}, to a bare publication", "", *beside(mine, bare), ""],
        [f"{words}, to without Redis", "", *beside(mine, without), ""],
    ]


def beside(mine, other):
    """Both, and the ratio of their medians."""
    both = [f"p50 {line['p50_ms']:.1f}, p99 {line['p99_ms']:.1f} ms" for line in (mine, other)]
    return [*both, f"{mine['p50_ms'] / other['p50_ms']:.2f}"]


def loaded(lines, size):
    mine = figures.line(lines, f"load {size}: from its copy")
    found = []
    for case, words, goal in (
        ("GET", "a plain `GET`", "≤ 1.5"),
        ("GET, hash, parse", "`GET`, hashing and parsing bare", ""),
        ("from its file", "its file", ""),
    ):
        other = figures.line(lines, f"load {size}: {case}")
        ratio = mine["p50_us"] / other["p50_us"]
        verdict = figures.verdict(ratio, 1.5, at_least=False) if goal else ""
        times = [f"{line['p50_us'] / 1000:.2f} ms" for line in (mine, other)]
        if mine["missed"]:
            times[0] += f", {mine['missed']} of {mine['loads']} not in time"
        found.append([f"load {size} from Redis, to {words}", goal, *times, f"{ratio:.2f}", verdict])
    return found


def under_faults(part):
    """Whether a fault of Redis shows in the number of reads."""
    healthy = embedded(part, "healthy")["per_second"]
    http = part["http"]
    found = []
    for state in FAULTS:
        ratio = embedded(part, state)["per_second"] / healthy
        found.append(compared(f"reads in a process, Redis {state}, to healthy", ratio))
    for state in FAULTS:
        pairs = zip(http[state], http["healthy"], strict=True)
        ratio = statistics.median(mine["rps"] / other["rps"] for mine, other in pairs)
        found.append(compared(f"requests/s, Redis {state}, to healthy", ratio))
    errors = sum(embedded(part, state)["errors"] for state in STATES)
    verdict = "**missed**" if errors else "met"
    return [*found, ["reads that failed, whatever Redis does", "0", errors, "", "", verdict]]


def compared(words, ratio):
    verdict = figures.verdict(ratio, 0.95, at_least=True)
    return [words, "≥ 0.95", "", "", f"{ratio:.2f}", verdict]


def repaired(lines):
    found = []
    for fault in ("restart", "FLUSHALL", "failover"):
        for part, goal in REPAIR_MS.items():
            if (fault, part) == ("FLUSHALL", "subscription"):
                # It is not lost.
                continue
            line = figures.line(lines, f"repair after {fault}: {part}")
            verdict = figures.verdict(line["most_ms"], goal, at_least=False)
            measured = f"{line['most_ms']:.0f} ms (p50 {line['p50_ms']:.0f}, {line['times']} times)"
            words = f"repair after {fault}: {part}, at most"
            found.append([words, f"≤ {goal / 1000:g} s", measured, "", "", verdict])
    return found


def idle(found):
    commands = found["commands"]
    sent = sum(rate for name, rate in commands.items() if name not in IN_SCRIPTS)
    names = ", ".join(name for name in sorted(commands) if name not in IN_SCRIPTS)
    inside = sum(rate for name, rate in commands.items() if name in IN_SCRIPTS)
    verdict = figures.verdict(sent, 2.5, at_least=False)
    traffic = f"{found['bytes_in']:.0f} B/s sent, {found['bytes_out']:.0f} B/s received"
    used, empty = found["used_bytes"] / 2**20, found["empty_bytes"] / 2**20
    copies = f"{found['keys']} copies, {found['copies_bytes'] / 2**20:.1f} MiB"
    return [
        [f"idle: commands a second ({names})", "≤ 2.5", f"{sent:.2f}", traffic, "", verdict],
        ["idle: commands a second within scripts", "", f"{inside:.1f}", "", "", ""],
        ["idle: connections", "", f"{found['connections']:.1f}", "", "", ""],
        ["memory of Redis, everything stored", "", f"{used:.1f} MiB ({empty:.1f} empty)", copies, "", ""],
    ]


def reads(part):
    found = []
    for state in STATES:
        line, rounds = embedded(part, state), part["http"][state]
        low, high = figures.spread(rounds, "rps")
        found.append([
            state, f"{line['per_second'] / 1e6:.1f} ({line['least'] / 1e6:.1f}–{line['most'] / 1e6:.1f})",
            f"{line['p50_ns']:.0f}", f"{line['p99_ns']:.0f}", line["errors"],
            f"{figures.median(rounds, 'rps'):.0f} ({low:.0f}–{high:.0f})",
            f"{figures.median(rounds, 'p50_us'):.0f}", f"{figures.median(rounds, 'p99_us'):.0f}",
        ])  # fmt: skip
    return table(
        ["Redis", "million reads/s", "p50 ns", "p99 ns", "errors", "requests/s", "p50 µs", "p99 µs"], found
    )


def reference(part):
    theirs = part["reference"]
    hits = 1 - theirs["from_files"] / theirs["reads"]
    copies = [line for line in part["cold"] if line["case"].endswith("from its copy")]
    loads = sum(line["loads"] for line in copies)
    mine = 1 - sum(line["missed"] for line in copies) / loads
    live = figures.line(part["repair"], "repair after restart: subscription")
    listens = "yes" if theirs["listens_after_restart"] else "no, not after 5 s"
    found = [
        ["first loads answered from Redis", f"{mine:.0%}", f"{hits:.0%} of all reads"],
        ["a read, Redis healthy", nanoseconds(part, "healthy"), seconds(theirs["healthy_seconds"])],
        ["a read, Redis hung", nanoseconds(part, "hung"), seconds(theirs["hung_seconds"])],
        ["a read, Redis down", nanoseconds(part, "refused"), seconds(theirs["down_seconds"])],
        ["told of changes again after a restart of Redis", f"yes, at most {live['most_ms']:.0f} ms later", listens],
    ]  # fmt: skip
    return """
Beside the reference's Redis backend, which reads a category of 400 records in a process of its own. Its
reads ask Redis each time; ours answer from memory, and only the first load of a document asks.

""" + table(["what", "ours", "the reference"], found)


def embedded(part, state):
    return figures.line(part["reads"], f"reads: {state}")


def nanoseconds(part, state):
    return f"{embedded(part, state)['p50_ns']:.0f} ns"


def seconds(times):
    value = statistics.median(times)
    shown = f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.1f} s"
    least, most = min(times), max(times)
    return shown if value < 0.1 else f"{shown} ({least:.1f}–{most:.1f})"
