//! Fields of a proposed change, for people: what comes, what goes, and what becomes of the rest.
//!
//! Whoever decides has to see all of a value, so nothing is cut off: what does not fit into a line gets
//! one for each side, and lists of equal length are told item by item.

use horde_model_reference::Json;
use horde_model_reference::diff::fields;
use horde_model_reference::queue::{FieldChange, FieldDiff};

use crate::terminal::{Paint, shown};

/// Longer values get lines of their own, in characters.
const LONG: usize = 60;

/// A field as a server tells it.
pub(super) fn of_answer(diff: &Json) -> Option<FieldDiff> {
    let value = |name: &str| diff.get(name).cloned().unwrap_or(Json::Null);
    let kind = match diff.get("change_type")?.as_str()? {
        "added" => FieldChange::Added,
        "removed" => FieldChange::Removed,
        _ => FieldChange::Modified,
    };
    let path = diff.get("field_path")?.as_str()?.to_owned();
    Some(FieldDiff { path, old: value("old_value"), new: value("new_value"), kind })
}

/// All fields, a line or some for each.
pub(crate) fn told(diffs: &[FieldDiff], paint: Paint) -> String {
    let diffs: Vec<FieldDiff> = diffs.iter().flat_map(in_parts).collect();
    let widths = diffs.iter().map(|diff| shown(&diff.path, usize::MAX).chars().count());
    let width = widths.filter(|width| *width <= LONG).max().unwrap_or_default();
    diffs.iter().map(|diff| line(diff, width, paint)).collect()
}

/// The items of a list in which two lists differ, where that says more than the lists.
fn in_parts(diff: &FieldDiff) -> Vec<FieldDiff> {
    if !matches!((&diff.old, &diff.new), (Json::Array(_), Json::Array(_))) {
        return vec![diff.clone()];
    }
    let part = |field: horde_model_reference::diff::Field| {
        let inner = field.dotted();
        let path =
            if inner.is_empty() { diff.path.clone() } else { format!("{}.{inner}", diff.path) };
        let kind = match (&field.before, &field.after) {
            (None, _) => FieldChange::Added,
            (_, None) => FieldChange::Removed,
            _ => FieldChange::Modified,
        };
        let (old, new) = (field.before.unwrap_or(Json::Null), field.after.unwrap_or(Json::Null));
        FieldDiff { path, old, new, kind }
    };
    fields(&diff.old, &diff.new).into_iter().map(part).collect()
}

fn line(diff: &FieldDiff, width: usize, paint: Paint) -> String {
    let path = shown(&diff.path, usize::MAX);
    let text = |value: &Json| shown(&value.to_string(), usize::MAX);
    let (old, new) = (text(&diff.old), text(&diff.new));
    let is_long = |text: &str| text.chars().count() > LONG;
    match diff.kind {
        FieldChange::Added => paint.green(&format!("  + {path:width$}  {new}")) + "\n",
        FieldChange::Removed => paint.red(&format!("  - {path:width$}  {old}")) + "\n",
        FieldChange::Modified if is_long(&old) || is_long(&new) => {
            let lines = [
                paint.yellow(&format!("  ~ {path}")),
                paint.red(&format!("      - {old}")),
                paint.green(&format!("      + {new}")),
            ];
            lines.join("\n") + "\n"
        }
        FieldChange::Modified => {
            let (mark, old, new) =
                (paint.yellow(&format!("  ~ {path:width$}")), paint.red(&old), paint.green(&new));
            format!("{mark}  {old} → {new}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_field_is_told_whole() {
        let long = "x".repeat(80);
        let fields = [
            r#"{"field_path": "a", "old_value": 1, "new_value": 2, "change_type": "modified"}"#.into(),
            r#"{"field_path": "bcd", "new_value": "n", "change_type": "added"}"#.into(),
            r#"{"field_path": "e", "old_value": [], "change_type": "removed"}"#.into(),
            format!(
                r#"{{"field_path": "f", "old_value": "{long}", "new_value": "y", "change_type": "modified"}}"#
            ),
            r#"{"field_path": "g", "old_value": [{"u": 1, "v": 1}], "new_value": [{"u": 1, "v": 2}],
                "change_type": "modified"}"#
                .into(),
        ];
        let fields: Vec<FieldDiff> =
            fields.iter().filter_map(|text: &String| of_answer(&answer(text))).collect();
        let told = told(&fields, Paint::none());
        let expected = format!(
            "  ~ a      1 → 2\n  + bcd    \"n\"\n  - e      []\n  ~ f\n      - \"{long}\"\n      + \
             \"y\"\n  ~ g.0.v  1 → 2\n"
        );
        assert_eq!(told, expected);
    }
}
