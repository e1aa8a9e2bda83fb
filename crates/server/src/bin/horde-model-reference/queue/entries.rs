//! Entries of the queue as lines for people.

use horde_model_reference::Json;

use crate::terminal::{Align, Paint, columns, shown};
use crate::when;

/// A text of an entry, or a hyphen.
pub(super) fn text<'a>(entry: &'a Json, member: &str) -> &'a str {
    entry.get(member).and_then(Json::as_str).unwrap_or("-")
}

/// A number of an entry, or a hyphen.
pub(super) fn number(entry: &Json, member: &str) -> String {
    let number = entry.get(member).and_then(Json::as_i64);
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// A time of an entry, or a hyphen.
pub(super) fn time(entry: &Json, member: &str) -> String {
    let seconds = entry.get(member).and_then(Json::as_i64);
    seconds.map_or_else(|| "-".to_owned(), when::shown_seconds)
}

/// The elements of a list in an answer.
pub(super) fn elements<'a>(answer: &'a Json, member: &str) -> &'a [Json] {
    answer.get(member).and_then(Json::as_array).unwrap_or_default()
}

/// One line an entry, below a header.
pub(super) fn table<'a>(entries: impl IntoIterator<Item = &'a Json>, paint: Paint) -> String {
    let header = ["CHANGE", "STATUS", "WHAT", "CATEGORY", "MODEL", "BY", "SINCE", "BATCH"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let entries: Vec<&Json> = entries.into_iter().collect();
    rows.extend(entries.iter().map(|entry| row(entry)));
    let mut align = [Align::Left; 8];
    align[0] = Align::Right;
    let mut lines = columns(&rows, &align);
    lines[0] = paint.bold(&lines[0]);
    for (line, entry) in lines[1..].iter_mut().zip(entries) {
        *line = coloured(line, text(entry, "status"), paint);
    }
    lines.join("\n") + "\n"
}

fn row(entry: &Json) -> Vec<String> {
    let kind = text(entry, "resource_kind");
    let is_model = kind == "model_reference" || kind == "-";
    let category = shown(text(entry, "category"), 40);
    let batch = match entry.get("batch_title").and_then(Json::as_str) {
        Some(title) => format!("{} {}", number(entry, "batch_id"), shown(title, 40)),
        None => number(entry, "batch_id"),
    };
    vec![
        number(entry, "change_id"),
        shown(text(entry, "status"), 20),
        shown(text(entry, "operation"), 20),
        if is_model { category } else { format!("{category} ({})", shown(kind, 40)) },
        shown(text(entry, "model_name"), 80),
        shown(text(entry, "requested_username"), 40),
        time(entry, "requested_at"),
        batch,
    ]
}

/// A line in the colour of what became of a change.
pub(super) fn coloured(line: &str, status: &str, paint: Paint) -> String {
    match status {
        "pending" | "applying" => paint.yellow(line),
        "applied" | "approved" => paint.green(line),
        "rejected" => paint.red(line),
        _ => line.to_owned(),
    }
}
