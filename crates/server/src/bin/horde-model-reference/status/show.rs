//! A report for people, and for programs.

use horde_model_reference::Category;
use horde_model_reference::json::{Json, Object};

use super::agreement::{NINES_MS, Nines, Report, Verdict};
use super::ask::Asked;
use super::worker::Worker;
use crate::terminal::{Align, Paint, columns, count, shown};
use crate::when;

/// Longest reason in a table.
const LONGEST_REASON: usize = 120;

pub(super) fn text(report: &Report) -> String {
    let paint = Paint::stdout();
    let mut parts = vec![workers(report, paint)];
    if report.workers().next().is_some() {
        parts.push(categories(report, paint));
        parts.push(nines(report.nines));
    }
    parts.push(conclusion(report, paint));
    parts.join("\n")
}

fn workers(report: &Report, paint: Paint) -> String {
    let header = [
        "#",
        "URL",
        "UP SINCE",
        "MODE",
        "REDIS",
        "BREAKER",
        "SUBSCRIPTION",
        "LEASE AGE",
        "PROBLEMS",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(report.asked.iter().enumerate().map(|(place, asked)| row(place, asked)));
    let left = Align::Left;
    let align = [Align::Right, left, left, left, left, left, left, Align::Right, left];
    let mut lines = columns(&rows, &align);
    for (line, asked) in lines[1..].iter_mut().zip(&report.asked) {
        let is_well = |worker: &Worker| !worker.is_stale() && worker.problems().next().is_none();
        match &asked.answer {
            Err(_) => *line = paint.red(line),
            Ok(worker) if !is_well(worker) => *line = paint.yellow(line),
            Ok(_) => {}
        }
    }
    lines[0] = paint.bold(&lines[0]);
    lines.join("\n") + "\n"
}

fn row(place: usize, asked: &Asked) -> Vec<String> {
    let (number, url) = ((place + 1).to_string(), shown(&asked.url, usize::MAX));
    let rest = match &asked.answer {
        Err(reason) => {
            let none = || "-".to_owned();
            let reason = format!("unreachable: {}", shown(reason, LONGEST_REASON));
            [none(), none(), none(), none(), none(), none(), reason]
        }
        Ok(worker) => {
            let mut problems: Vec<&str> = worker.problems().collect();
            problems.dedup();
            let problems = match problems[..] {
                [] => "none".to_owned(),
                [one] => shown(one, LONGEST_REASON),
                [first, ..] => {
                    format!("{}: {}", problems.len(), shown(first, LONGEST_REASON))
                }
            };
            let age = format!("{} ms", worker.lease_age_ms());
            let age = if worker.is_stale() { format!("{age} stale") } else { age };
            [
                when::shown_seconds(i64::try_from(worker.started_ms / 1000).unwrap_or(0)),
                shown(&worker.mode, 20),
                shown(&worker.redis("link"), 20),
                shown(&worker.redis("breaker"), 20),
                shown(&worker.redis("subscription"), 20),
                age,
                problems,
            ]
        }
    };
    [number, url].into_iter().chain(rest).collect()
}

/// A column of generations for each server; a star stands at what is not what most of them have.
fn categories(report: &Report, paint: Paint) -> String {
    let places = report.asked.iter().enumerate().filter(|(_, asked)| asked.answer.is_ok());
    let numbers = places.map(|(place, _)| format!("#{}", place + 1));
    let mut rows: Vec<Vec<String>> =
        vec![["CATEGORY".to_owned(), "RECORDS".to_owned()].into_iter().chain(numbers).collect()];
    for category in Category::ALL.map(Category::name) {
        let usual = report.usual(category);
        let mut held = report.workers().filter_map(|worker| worker.held(category));
        let records = held.find(|held| held.mark.as_deref() == usual);
        let records = records.map_or_else(|| "-".to_owned(), |held| held.records.to_string());
        let generation = |worker: &Worker| match worker.held(category) {
            None => "-".to_owned(),
            Some(held) if held.mark.as_deref() == usual => format!("{} ", held.generation),
            Some(held) => format!("{}*", held.generation),
        };
        let generations = report.workers().map(generation);
        rows.push([category.to_owned(), records].into_iter().chain(generations).collect());
    }
    let servers = rows[0].len() - 1;
    let align: Vec<Align> =
        std::iter::once(Align::Left).chain(std::iter::repeat_n(Align::Right, servers)).collect();
    let mut lines = columns(&rows, &align);
    for (line, category) in lines[1..].iter_mut().zip(Category::ALL.map(Category::name)) {
        if report.differing.contains(&category) {
            *line = paint.yellow(line);
        }
    }
    lines[0] = paint.bold(&lines[0]);
    lines.join("\n") + "\n"
}

fn nines(nines: Nines) -> String {
    let who = count(nines.workers, "PRIMARY server");
    if nines.changes == 0 {
        return format!("No change to be compared between {who} yet.\n");
    }
    let share = |(within, ms): (&usize, u64)| {
        let percent = *within as f64 * 100.0 / nines.changes as f64;
        let limit = if ms < 1000 { format!("{ms} ms") } else { format!("{} s", ms / 1000) };
        format!("{percent:.1} % within {limit}")
    };
    let shares: Vec<String> = nines.within.iter().zip(NINES_MS).map(share).collect();
    let young = match nines.undecided {
        0 => String::new(),
        young => format!("; {young} on the way"),
    };
    let changes = count(nines.changes, "change");
    format!("{changes}, served by {who}: {}{young}.\n", shares.join(", "))
}

fn conclusion(report: &Report, paint: Paint) -> String {
    let all = count(report.asked.len(), "server");
    let away = report.asked.iter().filter(|asked| asked.answer.is_err()).count();
    let line = match report.verdict() {
        Verdict::Unreachable => paint.red(&format!("{away} of {all} could not be asked.")),
        Verdict::Differ if !report.differing.is_empty() => {
            paint.yellow(&format!("Not the same everywhere: {}.", report.differing.join(", ")))
        }
        Verdict::Differ => paint.yellow("The same everywhere, but not all is well."),
        Verdict::Agree if report.asked.len() == 1 => paint.green("All is well."),
        Verdict::Agree => paint.green(&format!("{all} agree.")),
    };
    line + "\n"
}

pub(super) fn json(report: &Report) -> Json {
    let verdict = match report.verdict() {
        Verdict::Agree => "agree",
        Verdict::Differ => "differ",
        Verdict::Unreachable => "unreachable",
    };
    let worker = |asked: &Asked| {
        let answer = asked.answer.as_ref();
        Json::from([
            ("url", asked.url.as_str().into()),
            ("stale", answer.ok().map(Worker::is_stale).into()),
            ("error", answer.err().map(String::as_str).into()),
            ("status", answer.ok().map_or(Json::Null, |worker| worker.json.clone())),
        ])
    };
    let Nines { workers, changes, within, undecided } = report.nines;
    let within: Object = NINES_MS
        .into_iter()
        .zip(within)
        .map(|(ms, count)| (ms.to_string(), Json::count(count)))
        .collect();
    Json::from([
        ("verdict", verdict.into()),
        ("differing", report.differing.clone().into()),
        (
            "propagation",
            Json::from([
                ("workers", Json::count(workers)),
                ("changes", Json::count(changes)),
                ("within_ms", within.into()),
                ("undecided", Json::count(undecided)),
            ]),
        ),
        ("workers", Json::Array(report.asked.iter().map(worker).collect())),
    ])
}
