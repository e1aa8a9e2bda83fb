#!/usr/bin/env python3
"""The report: docs/benchmarks.md and its plot, written from the recorded figures and nothing else."""

import json
import statistics
from pathlib import Path

import figures
import plot
import redis_report
import writing_report
from tables import table

HEAD = """# Benchmarks

Written by `bench/report.py` from `bench/results.json`; the figures there were recorded by `bench/run.py`.
`make bench` measures again and writes both. `bench/run.py --only startup` measures one part again.

![Requests a second against nginx, and growth](benchmarks.svg)
"""


def write(results, folder):
    """Writes `benchmarks.md` and `benchmarks.svg` into `folder` from what has been measured."""
    parts = [HEAD]
    for name, section in SECTIONS.items():
        if name in results:
            parts.append(section(results[name]["figures"]))
    parts.insert(1, goals(results))
    parts.insert(1, disturbance(results))
    parts.append(machine(results))
    folder = Path(folder)
    (folder / "benchmarks.md").write_text("\n".join(parts))
    (folder / "benchmarks.svg").write_text(plot.draw(results))


def disturbance(results):
    """A warning where the machine was not left alone when the measuring began."""
    disturbed = [
        f"{name} (load {facts['load_before']:.1f} on {facts['cores']} cores)"
        for name, facts in ((name, part["machine"]) for name, part in results.items())
        if facts["load_before"] >= facts["cores"] / 2
    ]
    if not disturbed:
        return ""
    return (
        f"**Measured on a machine at work**: {', '.join(disturbed)}, before the first turn. Ratios are rough, "
        "times too long.\n"
    )


def goals(results):
    """Every goal with what was measured, met or missed."""
    rows = []
    if "throughput" in results:
        rows += throughput_goals(results["throughput"]["figures"]["scenarios"])
    if "startup" in results:
        rows.append(startup_goal(results["startup"]["figures"]))
    if "footprint" in results:
        mib = results["footprint"]["figures"]["ours"]["after_everything"]["rss_kib"] / 1024
        verdict = figures.verdict(mib, 40, at_least=False)
        rows.append(["resident memory, everything served", "≤ 40 MiB", f"{mib:.1f} MiB", verdict])
    if "growth" in results:
        rows += growth_goals(results["growth"]["figures"])
    if "library" in results:
        rows += library_goals(results["library"]["figures"])
    if "writing" in results:
        rows += writing_report.goals(results["writing"]["figures"])
    if "redis" in results:
        rows += redis_report.goals(results["redis"]["figures"])
    return "## Goals\n\n" + table(["what", "goal", "measured", ""], rows)


def throughput_goals(scenarios):
    rows = []
    for key, words in figures.SCENARIOS.items():
        if key == "full_any":
            continue
        values = figures.ratios(scenarios[key])
        value = statistics.median(values)
        measured = f"{value:.2f} ({min(values):.2f}–{max(values):.2f})"
        verdict = figures.verdict(value, 1, at_least=True)
        rows.append([f"{words}: requests/s, ours to nginx", "≥ 1.0", measured, verdict])
    value = statistics.median(figures.ratios(scenarios["one_model"], "p99_us"))
    verdict = figures.verdict(value, 2, at_least=False)
    rows.append(["one model: p99, ours to nginx", "≤ 2.0", f"{value:.2f}", verdict])
    return rows


def startup_goal(startup):
    value = statistics.median(startup["ours_ms"]) / statistics.median(startup["reference_ms"])
    verdict = figures.verdict(value, 1 / 20, at_least=False)
    return ["start to first right answer, ours to the reference's", "≤ 1/20", f"1/{1 / value:.0f}", verdict]


def growth_goals(sizes):
    """The last step counts: at the first one what does not grow hides what does."""
    small, middle, large = sizes[0], sizes[-2], sizes[-1]
    flat = figures.median(large["load"], "p50_us") / figures.median(small["load"], "p50_us")
    words = f"{large['factor']} times the data: one model's p50 to that with the data"
    rows = [[words, "flat: ≤ 1.25", f"{flat:.2f}", figures.verdict(flat, 1.25, at_least=False)]]
    more = large["records"] / middle["records"]
    steps = {
        "start": [statistics.median(size["start_ms"]) for size in (middle, large)],
        "adoption of an edited file": [statistics.median(size["adoption_ms"]) for size in (middle, large)],
        "memory": [size["memory"]["rss_kib"] for size in (middle, large)],
    }
    for words, (before, after) in steps.items():
        step = f"{words}, from {middle['factor']} to {large['factor']} times the data"
        value = after / before
        verdict = figures.verdict(value, more, at_least=False)
        rows.append([step, f"linear: ≤ {more:.0f}", f"{value:.1f}", verdict])
    return rows


def library_goals(lines):
    bare = figures.library(lines, "arc_swap_load")
    read = figures.library(lines, "category_now")
    value = read["ns"] / bare["ns"]
    two = figures.library(lines, "category_now", threads=2)
    gain = 2 * read["ns"] / two["ns"]
    return [
        ["read through the library, to a bare `ArcSwap::load`", "≤ 3", f"{value:.2f}",
         figures.verdict(value, 3, at_least=False)],
        ["allocations in 1000 reads through the library", "0", read["allocations"],
         "met" if read["allocations"] == 0 else "**missed**"],
        ["reads with two threads, to those with one", "up with cores", f"{gain:.2f}", ""],
    ]  # fmt: skip


def throughput(part):
    text = f"""## Throughput

Data: {part['data']}, category `image_generation`; one model: `{part['model']}`. One wrk with one thread
and 32 connections kept open, in a process of its own on the same machine; turns of {part['seconds']} s,
every server in every round, the order shifted each time; all servers stay up throughout. Medians of the
rounds, least and most in brackets. Ratios are taken within a round, then their median.

nginx serves files with the very bytes of our answers: `sendfile`, `tcp_nopush`, `open_file_cache`,
`gzip_static`, no access log, keep-alive without end, as many workers as we have threads. It runs twice,
with one queue of connections for all workers and with one for each (`reuseport`); the faster one counts.
"CPU" is processor time of the server's processes for each request, in programs + in the kernel: it tells
the work apart from what the load generator costs on the same cores. To who accepts any coding, nginx sends
its gzip. The reference has neither validators
nor codings, so it answers with everything each time.
"""
    for key, scenario in part["scenarios"].items():
        text += f"\n### {figures.SCENARIOS[key].capitalize()}\n\n" + scenario_table(scenario)
    return text


def scenario_table(scenario):
    best = figures.better_nginx(scenario)
    rows = []
    for name, rounds in scenario["rounds"].items():
        low, high = figures.spread(rounds, "rps")
        cpu = f"{figures.median(rounds, 'user_us'):.1f} + {figures.median(rounds, 'system_us'):.1f}"
        size = scenario["sizes"][name]
        sent = f"{size['status']}, {size['coding']}, {size['wire_bytes']}"
        ratio = statistics.median(figures.ratios(scenario, mine=name, theirs=best))
        rows.append([
            name, f"{figures.median(rounds, 'rps'):.0f} ({low:.0f}–{high:.0f})", f"{ratio:.3g}",
            f"{figures.median(rounds, 'p50_us'):.0f}", f"{figures.median(rounds, 'p99_us'):.0f}",
            cpu, sent,
        ])  # fmt: skip
    return table(
        ["server", "requests/s", f"to {best}", "p50 µs", "p99 µs", "CPU µs", "status, coding, bytes sent"],
        rows,
    )


def startup(part):
    rows = []
    for name, words in (("ours_ms", "ours"), ("reference_ms", "reference, 1 worker")):
        times = part[name]
        span = f"{min(times):.0f}–{max(times):.0f}"
        rows.append([words, len(times), f"{statistics.median(times):.0f}", span])
    return f"""## Start

From the start of the process to the first `200` with all {part['models']} models of `image_generation`,
asked for every millisecond, on folders that the server was started on before.

""" + table(["server", "starts", "median ms", "least–most"], rows)


def footprint(part):
    rows = []
    for name, found in part.items():
        after = found["after_everything"]
        rows.append([
            name, mib(found["at_start"]["rss_kib"]), mib(after["rss_kib"]), mib(after["pss_kib"]),
            mib(after["peak_kib"]), found["answers"],
        ])  # fmt: skip
    return """## Memory

After every category in both formats, and all exports, were fetched in four codings, twice, with the
background compression done in between. MiB; PSS counts shared pages once.

""" + table(["server", "resident at start", "resident", "PSS", "peak", "answers with 200"], rows)


def growth(sizes):
    rows = []
    for size in sizes:
        load = size["load"]
        rows.append([
            size["factor"], size["records"], f"{size['category_bytes'] / 1e6:.2f}",
            f"{figures.median(load, 'p50_us'):.0f}", f"{figures.median(load, 'p99_us'):.0f}",
            f"{figures.median(load, 'rps'):.0f}", f"{statistics.median(size['start_ms']):.0f}",
            f"{statistics.median(size['adoption_ms']):.0f}", mib(size["memory"]["rss_kib"]),
            mib(size["memory"]["peak_kib"]),
        ])  # fmt: skip
    return """## Growth

The same records again and again under names of their own, in every category. Single models: up to a
thousand different ones in turn. Adopted: from the rename of an edited file of `image_generation` to the
first answer with its new tag, which includes waiting for the next look at the files.

""" + table(
        ["times", "records", "MB of the category", "one model p50 µs", "p99 µs", "requests/s",
         "start ms", "adopted ms", "resident MiB", "peak MiB"],
        rows,
    )  # fmt: skip


def library(lines):
    rows = [
        [line["case"], line["threads"], f"{line['ns']:.1f} ({line['least_ns']:.1f}–{line['most_ns']:.1f})",
         f"{line['threads'] * 1000 / line['ns']:.1f}", line["allocations"], line["missed"]]
        for line in lines
    ]  # fmt: skip
    return """## Library

Reads in one process, in turns of a million; the time of one read on one thread. `category_now` checks the
lease and takes the whole view; `record` finds a model in it. Missed: reads that found no lease in force,
because the looking thread did not get a processor in time.

""" + table(["read", "threads", "ns", "million/s in all", "allocations in 1000 reads", "missed"], rows)


def machine(results):
    text = "## Measured on\n\n"
    for name, part in results.items():
        facts = part["machine"]
        text += (
            f"- {name}: {part['measured_at']}, commit {facts['commit']}; {facts['cores']} cores of {facts['cpu']}, "
            f"{facts['memory_gib']} GiB, Linux {facts['kernel']}, load before {facts['load_before']:.1f}; "
            f"{facts['rustc']}, {facts['nginx']}, {facts['wrk']}, reference {facts['reference']} under "
            f"uvicorn {facts['uvicorn']}, {facts['python']}\n"
        )
    return text


def mib(kib):
    return f"{kib / 1024:.1f}"


SECTIONS = {
    "throughput": throughput,
    "startup": startup,
    "footprint": footprint,
    "growth": growth,
    "library": library,
    "writing": writing_report.section,
    "redis": redis_report.section,
}


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    write(json.loads((here / "results.json").read_text()), here.parent / "docs")
