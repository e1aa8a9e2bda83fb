//! `queue show` and `queue diff`: one change with all that is known of it, and what it would do.

use horde_model_reference::Json;
use horde_model_reference::json::Style;
use horde_model_reference::queue::FieldDiff;

use super::QUEUE;
use super::differences::{of_answer, told};
use super::entries::{coloured, elements, number, text, time};
use crate::Outcome;
use crate::api::{Call, ServerArgs};
use crate::output::OutputArgs;
use crate::terminal::{Align, Paint, columns, shown};

/// Show a change with everything that is known of it
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// The number of the change
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Show what changes would make of what is stored
#[derive(clap::Args)]
pub(super) struct DiffArgs {
    /// The numbers of the changes
    #[arg(
        value_name = "ID",
        required = true,
        num_args = 1..=100,
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    ids: Vec<i64>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn show(args: &ShowArgs) -> anyhow::Result<Outcome> {
    let call = Call::get(format!("{QUEUE}/changes/{}", args.id));
    let entry = args.server.open()?.ask(&call)?;
    args.output.print(&entry, || as_text(&entry, Paint::stdout()))?;
    Ok(Outcome::Fine)
}

pub(super) fn diff(args: &DiffArgs) -> anyhow::Result<Outcome> {
    let numbers = args.ids.iter().map(|id| ("change_ids", id.to_string()));
    let call = Call::get(format!("{QUEUE}/diffs")).query(numbers);
    let answer = args.server.open()?.ask(&call)?;
    let paint = Paint::stdout();
    let diffs = elements(&answer, "diffs");
    args.output.print(&answer, || {
        diffs.iter().map(|diff| diff_text(diff, paint)).collect::<Vec<_>>().join("\n")
    })?;
    let missing = elements(&answer, "errors");
    for error in missing {
        eprintln!(
            "error: change {}: {}",
            number(error, "change_id"),
            shown(text(error, "error"), 200)
        );
    }
    Ok(if missing.is_empty() { Outcome::Fine } else { Outcome::Not })
}

fn diff_text(diff: &Json, paint: Paint) -> String {
    let title = format!(
        "change {}: {} {}/{}",
        number(diff, "change_id"),
        shown(text(diff, "operation"), 20),
        shown(text(diff, "category"), 40),
        shown(text(diff, "model_name"), 200),
    );
    let mut title = paint.bold(&title);
    if diff.get("is_critical").and_then(Json::as_bool) == Some(true) {
        title = format!("{title}  {}", paint.red("critical: clients rely on what changes"));
    }
    let mut fields: Vec<FieldDiff> =
        elements(diff, "field_diffs").iter().filter_map(of_answer).collect();
    // An update is given its time when it is applied.
    let is_update = text(diff, "operation") == "update";
    fields.retain(|field| !is_update || field.path != "metadata.updated_at");
    let told = match fields.is_empty() {
        true => "  (no difference)\n".to_owned(),
        false => told(&fields, paint),
    };
    format!("{title}\n{told}")
}

/// Who did something, and when.
fn act(entry: &Json, verb: &str) -> Option<Vec<String>> {
    let at = entry.get(&format!("{verb}_at")).filter(|at| !at.is_null());
    at?;
    let who = text(entry, &format!("{verb}_username"));
    let who = if who == "-" { text(entry, &format!("{verb}_by")) } else { who };
    let when = time(entry, &format!("{verb}_at"));
    Some(vec![verb.to_owned(), format!("{when} by {}", shown(who, 60))])
}

fn as_text(entry: &Json, paint: Paint) -> String {
    let id = number(entry, "change_id");
    let what = format!(
        "change {id}: {} {}/{}",
        shown(text(entry, "operation"), 20),
        shown(text(entry, "category"), 40),
        shown(text(entry, "model_name"), 200),
    );
    let mut rows: Vec<Vec<String>> = ["requested", "approved", "rejected", "applied"]
        .iter()
        .filter_map(|v| act(entry, v))
        .collect();
    let mut member = |label: &str, name: &str| {
        let Some(value) = entry.get(name).filter(|value| !value.is_null()) else { return };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.push(vec![label.to_owned(), shown(&value, 500)]);
    };
    for (label, name) in [
        ("reason", "reject_reason"),
        ("batch", "batch_id"),
        ("title", "batch_title"),
        ("job", "applied_job_id"),
        ("notes", "notes"),
        ("resource", "resource_id"),
        ("goes with", "related_models"),
    ] {
        member(label, name);
    }
    let status = text(entry, "status");
    let mut out =
        format!("{}  {}\n", paint.bold(&what), coloured(&shown(status, 20), status, paint));
    for line in columns(&rows, &[Align::Left; 2]) {
        out += &format!("  {line}\n");
    }
    if let Some(payload) = entry.get("payload").filter(|payload| !payload.is_null()) {
        for line in payload.to_text(Style::INDENT_2).lines() {
            out += &format!("  {}\n", shown(line, usize::MAX));
        }
    }
    out
}
