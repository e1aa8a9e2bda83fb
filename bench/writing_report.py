"""The section of the report about writes, and its goals."""

import figures
from tables import table

LEASE_MS = 100
# Where flushing costs nothing, and so tells nothing.
IN_MEMORY = ("tmpfs", "ramfs")
HEAD = ["what", "goal", "measured", "beside it", "ratio", ""]


def section(part):
    """One table with all of it, in the order of `rows`."""
    models = ", ".join(f"{words}: {count} records" for words, count in figures.WRITE_SIZES.items())
    warning = ""
    if part["file_system"] in IN_MEMORY:
        warning = "**It is in memory: nothing was flushed, and ratios of writes mean little.**\n"
    text = f"""## Writing

All of it on {part['file_system']}, the file system of the repository. Medians, least and most in brackets;
ratios of medians.
{warning}
One record of a category is replaced ({models}). *Bare* writes the
same bytes to a file, flushes it, exchanges it with the one in place and flushes the folder, in turns with
ours in one process. *Local* returns once the change is durable and served here; *audited* appends it to the
trail as well; *everywhere* returns once every process on the machine serves it, which takes up to a lease
of {LEASE_MS} ms. The reference is its file backend without an audit trail, in a process of its own, in turns
with a bare sequence that renames in place of exchanging; it does not flush the folder.

Seen: from the start of a write to the first read that returns it, in the slowest of eight other processes,
without Redis. Looks: processor time of the thread that looks at the files, in a server that nobody asks
anything, over {part['looks']['seconds']:.0f} s. Lost: two processes write 150 records each at once; what was reported
as done and is not there at the end. What a read costs with its lease is among the goals and in *Library*.

"""
    return text + table(HEAD, rows(part))


def goals(part):
    """Those rows that have one, as the table of all goals has them."""
    return [
        [what, goal, ratio or measured, verdict]
        for what, goal, measured, _, ratio, verdict in rows(part)
        if goal
    ]


def rows(part):
    found = []
    for size in figures.WRITE_SIZES:
        found += writes(part["lines"], size)
    for kind in ("local", "everywhere"):
        found.append(writers(part["lines"], kind))
    found.append(load(part["lines"]))
    found += [seen(line) for line in part["seen"]]
    return [*found, looks(part["looks"]), *lost(part["lost"])]


def writes(lines, size):
    """Only the local write has a goal: the others wait for more than the disk."""
    beside = figures.line(lines, f"write {size}: bare")
    found = []
    for kind in ("local", "local, audited", "everywhere"):
        mine = figures.line(lines, f"write {size}: {kind}")
        ratio = mine["us"] / beside["us"]
        has_goal = kind == "local"
        verdict = figures.verdict(ratio, 1.5, at_least=False) if has_goal else ""
        goal = "≤ 1.5" if has_goal else ""
        row = [f"write {size}, {kind}, to bare", goal, span(mine), span(beside), f"{ratio:.2f}", verdict]
        found.append(row)
    return found + against_reference(lines, size)


def against_reference(lines, size):
    mine = figures.line(lines, f"write {size}: local")
    theirs = figures.line(lines, f"write {size}: reference")
    bare = figures.line(lines, f"write {size}: bare, beside the reference")
    to_bare, to_theirs = theirs["us"] / bare["us"], mine["us"] / theirs["us"]
    return [
        [f"write {size}, the reference, to bare", "", span(theirs), span(bare), f"{to_bare:.2f}", ""],
        [f"write {size}, local, to the reference", "", span(mine), span(theirs), f"{to_theirs:.2f}", ""],
    ]


def writers(lines, kind):
    one = figures.line(lines, f"one writer, {kind}")["per_second"]
    many = figures.line(lines, f"64 writers, {kind}")["per_second"]
    verdict = figures.verdict(many / one, 10, at_least=True)
    words = f"64 writers to one category, {kind}, audited, to one writer"
    return [words, "≥ 10", f"{many:.0f}/s", f"{one:.0f}/s", f"{many / one:.1f}", verdict]


def load(lines):
    mine = figures.line(lines, "load 2 MB: loaded")
    bare = figures.line(lines, "load 2 MB: bare")
    ratio = mine["us"] / bare["us"]
    verdict = figures.verdict(ratio, 2, at_least=False)
    words = "load 2 MB, to reading, hashing and parsing bare"
    return [words, "≤ 2", span(mine), span(bare), f"{ratio:.2f}", verdict]


def seen(line):
    """The worst one counts."""
    leases = line["most_ms"] / LEASE_MS
    measured = f"most {line['most_ms']:.0f} ms (p50 {line['p50_ms']:.0f}, p99 {line['p99_ms']:.0f})"
    verdict = figures.verdict(leases, 1.4, at_least=False)
    words = f"{line['case']}, at worst, in leases"
    return [words, "≤ 1.4", measured, f"{LEASE_MS} ms", f"{leases:.2f}", verdict]


def looks(found):
    percent = found["cpu_ns"] / (found["seconds"] * 1e9) * 100
    verdict = figures.verdict(percent, 0.2, at_least=False)
    return ["looks of an idle server, of a core", "≤ 0.2 %", f"{percent:.3f} %", "", "", verdict]


def lost(found):
    """What failed was told to whoever wrote, and is not lost."""
    result = []
    for name, words in (("ours", "ours"), ("reference", "the reference")):
        race = found[name]
        measured = f"{race['lost']} of {race['done']}"
        if race["failed"]:
            measured += f", {race['failed']} more failed"
        goal, verdict = "", ""
        if name == "ours":
            goal, verdict = "0", "**missed**" if race["lost"] or race["failed"] else "met"
        row = [f"two processes writing, lost: {words}", goal, measured, f"{race['seconds']:.1f} s", "", verdict]
        result.append(row)
    return result


def span(line):
    least, most = line["least_us"] / 1000, line["most_us"] / 1000
    return f"{line['us'] / 1000:.2f} ms ({least:.2f}–{most:.2f})"
