"""What is read out of the recorded figures: medians, ranges, ratios between servers."""

import statistics

OURS = "ours"
# nginx is run both ways, and the better one counts: which it is depends on the size of the answer.
NGINX = ("nginx", "nginx, reuseport")

SCENARIOS = {
    "full": "whole category",
    "full_gzip": "whole category, gzip",
    "full_any": "whole category, any coding",
    "not_modified": "whole category, not modified",
    "one_model": "one model",
}

# Records in the categories that are written to, as in crates/core/benches/write.rs.
WRITE_SIZES = {"1 KB": 2, "200 KB": 400, "2 MB": 4000}


def median(rounds, field):
    return statistics.median(figures[field] for figures in rounds)


def spread(rounds, field):
    values = [figures[field] for figures in rounds]
    return min(values), max(values)


def better_nginx(scenario):
    """The name of the nginx with more requests a second."""
    rounds = scenario["rounds"]
    present = [name for name in NGINX if name in rounds]
    return max(present, key=lambda name: median(rounds[name], "rps"))


def ratios(scenario, field="rps", mine=OURS, theirs=None):
    """Ours to theirs, round by round."""
    rounds = scenario["rounds"]
    theirs = theirs or better_nginx(scenario)
    pairs = zip(rounds[mine], rounds[theirs], strict=True)
    return [own[field] / other[field] for own, other in pairs]


def verdict(value, bound, at_least):
    """Whether a goal is met, and by how much it is missed."""
    if (value >= bound) if at_least else (value <= bound):
        return "met"
    missed = 1 - value / bound if at_least else value / bound - 1
    return f"**missed by {missed:.0%}**"


def library(lines, case, threads=1):
    """The figures of one case of the library's benchmark."""
    found = (line for line in lines if line["case"] == case and line["threads"] == threads)
    return next(found)


def line(lines, case):
    """The line of a case that is measured in one way only."""
    return next(line for line in lines if line["case"] == case)
