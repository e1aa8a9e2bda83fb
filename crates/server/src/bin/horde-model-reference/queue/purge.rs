//! `queue purge`: entries go, whatever became of them.

use anyhow::bail;
use clap::builder::PossibleValuesParser;
use horde_model_reference::queue::Status;
use horde_model_reference::{Category, Json};

use super::QUEUE;
use super::entries::elements;
use crate::Outcome;
use crate::api::{Api, Call, ServerArgs};
use crate::output::OutputArgs;
use crate::place::category_of;
use crate::terminal::is_wanted;

/// Remove entries from the queue; what they changed stays changed
///
/// Entries go that fit all that is said. Their history stays in the audit trail.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("filter").required(true).multiple(true)
    .args(["status", "category", "model", "user", "everything"]))]
pub(super) struct Args {
    /// Entries with this status; may be repeated
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::name)))]
    status: Vec<String>,
    /// Entries in this category; may be repeated
    #[arg(long, value_parser = category_of)]
    category: Vec<Category>,
    /// Entries with this in the model's name, in whatever case
    #[arg(long, value_name = "PART")]
    model: Option<String>,
    /// Entries proposed by this user, by number; may be repeated
    #[arg(long, value_name = "ID")]
    user: Vec<String>,
    /// All entries
    #[arg(long, conflicts_with_all = ["status", "category", "model", "user"])]
    everything: bool,
    /// Only tell which entries would go
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn execute(args: &Args) -> anyhow::Result<Outcome> {
    let api = args.server.open()?;
    if args.dry_run {
        let answer = purge(&api, args, true)?;
        args.output.print(&answer, || format!("{} would go\n", told(&answer)))?;
        return Ok(Outcome::Fine);
    }
    if !args.yes {
        let answer = purge(&api, args, true)?;
        if elements(&answer, "removed_change_ids").is_empty() {
            args.output.print(&answer, || "there is no such entry\n".to_owned())?;
            return Ok(Outcome::Fine);
        }
        let question = format!("{} would go. Remove them for good?", told(&answer));
        match is_wanted(&question)? {
            Some(true) => {}
            Some(false) => {
                eprintln!("error: nothing was removed");
                return Ok(Outcome::Not);
            }
            None => bail!(
                "nothing was removed: there is no terminal to ask at; look at --dry-run, and say --yes"
            ),
        }
    }
    let answer = purge(&api, args, false)?;
    args.output.print(&answer, || format!("{} removed\n", told(&answer)))?;
    Ok(Outcome::Fine)
}

fn purge(api: &Api, args: &Args, dry_run: bool) -> anyhow::Result<Json> {
    let texts = |texts: &[String]| Json::from(texts.to_vec());
    let categories: Vec<&str> = args.category.iter().map(|category| category.name()).collect();
    let body = Json::from([
        ("statuses", texts(&args.status)),
        ("categories", categories.into()),
        ("model_name", args.model.as_deref().into()),
        ("requested_by", texts(&args.user)),
        ("purge_all", args.everything.into()),
        ("dry_run", dry_run.into()),
    ]);
    api.ask(&Call::post(format!("{QUEUE}/purge"), body))
}

/// How many entries, and which.
fn told(answer: &Json) -> String {
    let ids = elements(answer, "removed_change_ids");
    let listed: Vec<String> = ids.iter().map(Json::to_string).collect();
    let number = match ids.len() {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    };
    if ids.is_empty() { number } else { format!("{number} ({})", listed.join(", ")) }
}
