//! `get`: the records of a category, or one of them.

use std::io::Write;

use clap::ValueEnum;
use horde_model_reference::Format;
use horde_model_reference::json::{Json, Style};

use crate::Outcome;
use crate::place::{PlaceArgs, category_of, record_of};

const EXAMPLES: &str = "\
Exit status: 0 found, 1 there is no such category or model, 2 the data could not be read.

Examples:
  horde-model-reference get image_generation
  horde-model-reference get image_generation Deliberate
  horde-model-reference get --format v1 text_generation --url https://models.aihorde.net
  horde-model-reference get --json clip | jq 'keys'";

/// Print the records of a category, or one of them
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The category, such as image_generation
    category: String,
    /// The model; without it, all of the category
    model: Option<String>,
    /// The API whose form the records have
    #[arg(long, default_value = "v2")]
    format: Version,
    /// Print on one line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Version {
    V1,
    V2,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let format = match args.format {
        Version::V1 => Format::Legacy,
        Version::V2 => Format::V2,
    };
    let category = match category_of(&args.category) {
        Ok(category) => category,
        Err(reason) => return Ok(no(&reason)),
    };
    let Some(found) = args.place.open()?.category(category, format)? else {
        return Ok(no(&format!("there is nothing of {category} here")));
    };
    let value = match &args.model {
        None => Json::Object(found.records),
        Some(name) => match record_of(&found.records, name) {
            Ok(record) => record.clone(),
            Err(reason) => return Ok(no(&format!("{reason} ({category})"))),
        },
    };
    let style = if args.json { Style::COMPACT } else { Style::INDENT_2 };
    std::io::stdout().write_all((value.to_text(style) + "\n").as_bytes())?;
    Ok(Outcome::Fine)
}

fn no(reason: &str) -> Outcome {
    eprintln!("error: {reason}");
    Outcome::Not
}
