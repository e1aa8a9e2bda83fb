//! `audit replay`: what the records of a category were, as the audit trail alone tells it.

use std::io::Write;

use horde_model_reference::audit::{Event, Filter, Tail, replay};
use horde_model_reference::json::{Json, Style};
use horde_model_reference::{Document, Format};
use jiff::Timestamp;

use crate::audit::Domain;
use crate::data::DataArgs;
use crate::place::category_of;
use crate::{Outcome, when};

const EXAMPLES: &str = "\
Exit status: 0 replayed, 1 there is no such category, 2 wrong usage, or the trail could not be read.

Examples:
  horde-model-reference audit replay clip --until 2026-11-25
  horde-model-reference audit replay clip --until 4711 | jq keys";

/// Event ids are counted from 1; times in seconds are larger.
const SMALLEST_TIME: i64 = 1_000_000_000;

/// Print the records of a category as the trail alone tells them
///
/// Records that were there before the trail began, or were changed by hand, are not in it; `diff`
/// and `history` look at contents that are kept.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The category, such as image_generation
    category: String,
    /// The format whose events count [default: the one the category is kept in]
    #[arg(long)]
    domain: Option<Domain>,
    /// The last event that counts, by its id or by time; a day alone is meant to its end
    #[arg(long, value_name = "TIME|EVENT_ID", value_parser = until)]
    until: Option<Until>,
    /// Print on one line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Clone, Copy)]
enum Until {
    Event(i64),
    Time(Timestamp),
}

fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(id @ 0..SMALLEST_TIME) => Ok(Until::Event(id)),
        _ => {
            let time = when::end(text).map_err(|reason| format!("{reason}, and no event id"));
            time.map(Until::Time)
        }
    }
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let category = match category_of(&args.category) {
        Ok(category) => category,
        Err(reason) => {
            eprintln!("error: {reason}");
            return Ok(Outcome::Not);
        }
    };
    let data = args.data.find()?;
    let kept_in = match Document::source_of(category, data.canonical) {
        Document::Legacy(_) => Format::Legacy,
        _ => Format::V2,
    };
    let mut filter = Filter {
        domain: Some(args.domain.map_or(kept_in, Format::from)),
        category: Some(category.name().to_owned()),
        ..Filter::default()
    };
    let mut last = i64::MAX;
    match args.until {
        Some(Until::Time(time)) => filter.until = Some(time.as_second()),
        Some(Until::Event(id)) => last = id,
        None => {}
    }
    let events = Tail::new(data.trail(), filter).read_on()?;
    let counted: Vec<&Event> = events.iter().filter(|event| event.id <= last).collect();
    let records = Json::Object(replay(counted.iter().copied()));
    let style = if args.json { Style::COMPACT } else { Style::INDENT_2 };
    std::io::stdout().write_all((records.to_text(style) + "\n").as_bytes())?;
    if counted.is_empty() {
        let until = if args.until.is_some() { " until then" } else { "" };
        eprintln!("note: the trail tells nothing of {category}{until}");
    }
    Ok(Outcome::Fine)
}
