//! Differences of records, for people: what came, what went, and what became of each member.

use horde_model_reference::diff::{Changed, Diff, Field};
use horde_model_reference::json::{Json, Object};

use crate::terminal::{Align, Paint, columns, shown};

/// So many names are told beside their number.
const FEW: usize = 4;
/// So much of a name, in characters.
const NAME: usize = 100;

/// The difference between two contents, or of one record in both.
pub(crate) fn between(before: &Object, after: &Object, model: Option<&str>) -> Diff {
    let Some(model) = model else { return Diff::between(before, after) };
    let only = |records: &Object| -> Object {
        records.get(model).map(|record| (model.to_owned(), record.clone())).into_iter().collect()
    };
    Diff::between(&only(before), &only(after))
}

/// `1 added, 2 changed`.
pub(crate) fn sum(diff: &Diff) -> String {
    joined(diff, |names, word| format!("{} {word}", names.len()))
}

/// `1 added (a), 2 changed (b, c)`; where there are many, only their numbers.
pub(crate) fn sum_with_names(diff: &Diff) -> String {
    if diff.added.len() + diff.removed.len() + diff.changed.len() > FEW {
        return sum(diff);
    }
    joined(diff, |names, word| {
        let told: Vec<String> = names.iter().map(|name| shown(name, NAME)).collect();
        format!("{} {word} ({})", names.len(), told.join(", "))
    })
}

fn joined(diff: &Diff, part: impl Fn(&[&str], &str) -> String) -> String {
    let groups = [
        (diff.added.iter().map(String::as_str).collect::<Vec<&str>>(), "added"),
        (diff.removed.iter().map(String::as_str).collect(), "removed"),
        (diff.changed.iter().map(|changed| changed.name.as_str()).collect(), "changed"),
    ];
    let groups = groups.iter().filter(|(names, _)| !names.is_empty());
    let mut parts: Vec<String> = groups.map(|(names, word)| part(names, word)).collect();
    parts.extend(diff.reordered.then(|| "another order".to_owned()));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// A line for each record that came or went, and for each member that is not the same.
pub(crate) fn differences(diff: &Diff, paint: Paint) -> String {
    let line = |mark: &str, name: &str| format!("  {mark} {}\n", shown(name, NAME));
    let mut text = String::new();
    text.extend(diff.added.iter().map(|name| paint.green(&line("+", name))));
    text.extend(diff.removed.iter().map(|name| paint.red(&line("-", name))));
    for Changed { name, fields } in &diff.changed {
        text += &paint.yellow(&line("~", name));
        text += &members(fields);
    }
    text
}

/// A line for each member that is not the same.
pub(crate) fn members(fields: &[Field]) -> String {
    let row = |field: &Field| {
        let (before, after) = (side(field.before.as_ref()), side(field.after.as_ref()));
        vec![shown(&field.dotted(), NAME), format!("{before} → {after}")]
    };
    let rows: Vec<Vec<String>> = fields.iter().map(row).collect();
    let lines = columns(&rows, &[Align::Left; 2]);
    lines.into_iter().map(|line| format!("      {line}\n")).collect()
}

/// A value in short.
pub(crate) fn side(value: Option<&Json>) -> String {
    match value {
        Some(value) => shown(&value.to_string(), 60),
        None => "(nothing)".to_owned(),
    }
}
