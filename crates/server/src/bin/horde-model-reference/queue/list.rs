//! `queue list`: the changes that wait, or all of them.

use clap::builder::PossibleValuesParser;
use horde_model_reference::queue::Status;
use horde_model_reference::{Category, Json};

use super::QUEUE;
use super::entries::{elements, table};
use crate::Outcome;
use crate::api::{Call, ServerArgs};
use crate::output::OutputArgs;
use crate::place::category_of;
use crate::terminal::{Paint, count};

/// What somebody still has to do something about.
const OPEN: [Status; 3] = [Status::Pending, Status::Approved, Status::Applying];

/// List the changes that are not applied or rejected yet
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only changes with this status; may be repeated [default: pending, approved, applying]
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::name)))]
    status: Vec<String>,
    /// Changes with any status
    #[arg(long, conflicts_with = "status")]
    all: bool,
    /// Only changes in this category; may be repeated
    #[arg(long, value_parser = category_of)]
    category: Vec<Category>,
    /// Only changes of this batch
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    batch: Option<i64>,
    /// Only changes with this in the model's name, in whatever case
    #[arg(long, value_name = "PART")]
    model: Option<String>,
    /// Only changes proposed by this user, by number; may be repeated
    #[arg(long, value_name = "ID")]
    user: Vec<String>,
    /// Only changes that you proposed
    #[arg(long, conflicts_with_all = ["user", "model", "batch"])]
    mine: bool,
    /// Pass over so many
    #[arg(long, default_value = "0")]
    offset: u32,
    /// List no more than so many
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn execute(args: &Args) -> anyhow::Result<Outcome> {
    let route = if args.mine { "my_changes" } else { "changes" };
    let call = Call::get(format!("{QUEUE}/{route}")).query(parameters(args));
    let answer = args.server.open()?.ask(&call)?;
    args.output.print(&answer, || as_text(args, &answer))?;
    Ok(Outcome::Fine)
}

fn parameters(args: &Args) -> Vec<(&'static str, String)> {
    let mut given = Vec::new();
    let statuses = match args.status.is_empty() && !args.all {
        true => OPEN.map(|status| status.name().to_owned()).to_vec(),
        false => args.status.clone(),
    };
    given.extend(statuses.into_iter().map(|status| ("statuses", status)));
    let categories = args.category.iter();
    given.extend(categories.map(|category| ("categories", category.name().to_owned())));
    given.extend(args.batch.map(|batch| ("batch_id", batch.to_string())));
    given.extend(args.model.clone().map(|part| ("model_name", part)));
    given.extend(args.user.iter().map(|user| ("requested_by", user.clone())));
    given.push(("offset", args.offset.to_string()));
    given.push(("limit", args.limit.to_string()));
    given
}

fn as_text(args: &Args, answer: &Json) -> String {
    let items = elements(answer, "items");
    let total = answer.get("total").and_then(Json::as_i64).unwrap_or_default();
    let total = usize::try_from(total).unwrap_or(items.len());
    if items.is_empty() {
        return match total {
            0 if args.all || !args.status.is_empty() => "there is no such change\n".to_owned(),
            0 => "no such change is open; --all lists the others as well\n".to_owned(),
            _ => format!("there are only {}\n", count(total, "change")),
        };
    }
    let mut text = table(items, Paint::stdout());
    let before = usize::try_from(args.offset).unwrap_or(0);
    if before + items.len() < total {
        let next = before + items.len();
        text +=
            &format!("{} of {}; go on with --offset {next}\n", items.len(), count(total, "change"));
    }
    text
}
