//! `queue apply`: approved changes become what is served.

use horde_model_reference::Json;
use http::Method;

use super::QUEUE;
use super::entries::{elements, number, table, text};
use crate::Outcome;
use crate::api::{Answer, Call, ServerArgs, fresh_name};
use crate::output::OutputArgs;
use crate::terminal::{Paint, count, shown};

/// Apply approved changes one after the other, until one fails
#[derive(clap::Args)]
pub(super) struct Args {
    /// The numbers of the changes, of one batch unless --mixed is said
    #[arg(
        value_name = "ID",
        required_unless_present = "batch",
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    ids: Vec<i64>,
    /// All approved changes of this batch
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with_all = ["ids", "mixed"],
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    batch: Option<i64>,
    /// Names the job, which is kept with the changes
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// The changes may be of several batches
    #[arg(long)]
    mixed: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn execute(args: &Args) -> anyhow::Result<Outcome> {
    let answer = args.server.open()?.send(&call(args).named(fresh_name()))?;
    let is_told = answer.body.get("applied").is_some();
    if !is_told {
        return Err(match answer.accepted() {
            Ok(_) => anyhow::anyhow!("the server does not tell what it applied"),
            Err(refused) => refused,
        });
    }
    args.output.print(&answer.body, || as_text(&answer.body, Paint::stdout()))?;
    Ok(outcome(&answer))
}

fn call(args: &Args) -> Call {
    if let Some(batch) = args.batch {
        let job = args.job.clone().map(|job| ("job_id", job));
        return Call::new(Method::POST, format!("{QUEUE}/apply_batch/{batch}"), None).query(job);
    }
    let ids: Vec<Json> = args.ids.iter().copied().map(Json::Int).collect();
    let body = Json::from([
        ("change_ids", ids.into()),
        ("job_id", args.job.as_deref().into()),
        ("allow_mixed_batch", args.mixed.into()),
    ]);
    Call::post(format!("{QUEUE}/apply"), body)
}

/// Where one fails, those before it are applied all the same.
fn outcome(answer: &Answer) -> Outcome {
    if answer.body.get("failed_change_id").is_none_or(Json::is_null) {
        return Outcome::Fine;
    }
    let failed = number(&answer.body, "failed_change_id");
    let why = answer.body.get("failed_error");
    let why = why.and_then(Json::as_str);
    let why = why.unwrap_or_else(|| text(&answer.body, "failed_error_type"));
    eprintln!("error: change {failed} was not applied: {}", shown(why, 2000));
    let applied = elements(&answer.body, "applied").len();
    eprintln!(
        "hint: {} before it applied, none after it; `queue show {failed}` and `queue diff {failed}` tell more",
        count(applied, "change")
    );
    if answer.status.is_server_error() { Outcome::Unclear } else { Outcome::Not }
}

fn as_text(answer: &Json, paint: Paint) -> String {
    let applied = elements(answer, "applied");
    let mut out = String::new();
    if !applied.is_empty() {
        out += &table(applied, paint);
        out += &paint.green(&format!("{} applied", count(applied.len(), "change")));
        out.push('\n');
    } else if answer.get("failed_change_id").is_none() {
        out += "nothing is left to apply in it\n";
    }
    if answer.get("batch_split_occurred").and_then(Json::as_bool) == Some(true) {
        out += &format!(
            "what is left of batch {} is batch {} now\n",
            number(answer, "batch_split_original_batch_id"),
            number(answer, "batch_split_new_batch_id"),
        );
    }
    out
}
