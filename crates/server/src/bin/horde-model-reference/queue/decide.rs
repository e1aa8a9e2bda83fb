//! `queue approve` and `queue reject`: decisions about pending changes, all or none.

use horde_model_reference::Json;

use super::QUEUE;
use super::entries::{elements, number, table};
use crate::Outcome;
use crate::api::{Call, ServerArgs};
use crate::output::OutputArgs;
use crate::terminal::{Paint, count, shown};

/// Approve pending changes, all or none of them, as a batch
#[derive(clap::Args)]
pub(super) struct ApproveArgs {
    /// The numbers of the changes
    #[arg(value_name = "ID", required = true, value_parser = clap::value_parser!(i64).range(1..))]
    ids: Vec<i64>,
    /// What the batch is called
    #[arg(long)]
    title: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Reject pending changes, all or none of them
#[derive(clap::Args)]
pub(super) struct RejectArgs {
    /// The numbers of the changes
    #[arg(value_name = "ID", required = true, value_parser = clap::value_parser!(i64).range(1..))]
    ids: Vec<i64>,
    /// What the decision is called
    #[arg(long)]
    title: String,
    /// Why; whoever proposed the changes can read it
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn approve(args: ApproveArgs) -> anyhow::Result<Outcome> {
    let body = Json::from([("batch_title", args.title.into()), ("approved_ids", ids(args.ids))]);
    decide(body, &args.server, &args.output)
}

pub(super) fn reject(args: RejectArgs) -> anyhow::Result<Outcome> {
    let body = Json::from([
        ("batch_title", args.title.into()),
        ("rejected_ids", ids(args.ids)),
        ("reject_reason", args.reason.into()),
    ]);
    decide(body, &args.server, &args.output)
}

fn ids(ids: Vec<i64>) -> Json {
    ids.into_iter().map(Json::Int).collect::<Vec<Json>>().into()
}

fn decide(body: Json, server: &ServerArgs, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let answer = server.open()?.ask(&Call::post(format!("{QUEUE}/batches"), body))?;
    output.print(&answer, || as_text(&answer, Paint::stdout()))?;
    Ok(Outcome::Fine)
}

fn as_text(answer: &Json, paint: Paint) -> String {
    let (approved, rejected) = (elements(answer, "approved"), elements(answer, "rejected"));
    let mut text = table(approved.iter().chain(rejected), paint);
    if !rejected.is_empty() {
        text += &paint.red(&format!("{} rejected", count(rejected.len(), "change")));
        text.push('\n');
    }
    if !approved.is_empty() {
        let batch = number(answer, "batch_id");
        let title = answer.get("batch_title").and_then(Json::as_str).unwrap_or_default();
        let told = format!(
            "{} approved in batch {batch} ({})",
            count(approved.len(), "change"),
            shown(title, 120)
        );
        text += &format!("{}; `queue apply --batch {batch}` applies it\n", paint.green(&told));
    }
    text
}
