//! `list`: which categories there are, or the models of one.

use std::io::Write;

use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::record::{Options, Record};
use horde_model_reference::{Category, Format};
use jiff::Timestamp;

use crate::Outcome;
use crate::place::{Found, Place, PlaceArgs, category_of};
use crate::terminal::{Align, Paint, columns, shown, size};

const EXAMPLES: &str = "\
Exit status: 0 listed, 1 there is no such category, 2 the data could not be read.

Examples:
  horde-model-reference list
  horde-model-reference list image_generation
  horde-model-reference list --url http://127.0.0.1:19800
  horde-model-reference list --json image_generation | jq -r '.models[].name'";

/// List the categories with their files, or the models of a category
///
/// The mark names the content of a file: equal contents have equal marks.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// List the models of this category
    category: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// A line: for people its cells, for programs its members.
struct Row {
    cells: Vec<String>,
    json: Json,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let category = match args.category.as_deref().map(category_of).transpose() {
        Ok(category) => category,
        Err(reason) => {
            eprintln!("error: {reason}");
            return Ok(Outcome::Not);
        }
    };
    let place = args.place.open()?;
    let text = match category {
        None => {
            let header = ["CATEGORY", "MODELS", "SIZE", "MODIFIED", "MARK", "FILE"];
            let align =
                [Align::Left, Align::Right, Align::Right, Align::Left, Align::Left, Align::Left];
            print("categories", &categories(&place)?, &header, &align, args.json)
        }
        Some(category) => {
            let Some(found) = place.category(category, Format::V2)? else {
                eprintln!("error: there is nothing of {category} here");
                return Ok(Outcome::Not);
            };
            let header = ["MODEL", "BASELINE", "SIZE"];
            let align = [Align::Left, Align::Left, Align::Right];
            print("models", &models(category, &found.records), &header, &align, args.json)
        }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Fine)
}

fn print(what: &str, rows: &[Row], header: &[&str], align: &[Align], json: bool) -> String {
    if json {
        let rows: Vec<Json> = rows.iter().map(|row| row.json.clone()).collect();
        return Json::from([(what, rows.into())]).to_text(Style::INDENT_2) + "\n";
    }
    let mut cells = vec![header.iter().map(|name| (*name).to_owned()).collect()];
    cells.extend(rows.iter().map(|row| row.cells.clone()));
    let mut lines = columns(&cells, align);
    lines[0] = Paint::stdout().bold(&lines[0]);
    lines.join("\n") + "\n"
}

fn categories(place: &Place) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for category in Category::ALL {
        if let Some(found) = place.category(category, Format::V2)? {
            rows.push(category_row(category, &found));
        }
    }
    Ok(rows)
}

fn category_row(category: Category, found: &Found) -> Row {
    let modified = found.modified.and_then(|time| Timestamp::try_from(time).ok());
    let modified = modified.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let models = found.records.len();
    Row {
        cells: vec![
            category.name().to_owned(),
            models.to_string(),
            size(found.size),
            modified.clone().unwrap_or_else(|| "-".into()),
            found.mark.clone(),
            found.source.clone(),
        ],
        json: Json::from([
            ("name", category.name().into()),
            ("models", Json::count(models)),
            ("size", found.size.into()),
            ("modified", modified.into()),
            ("mark", found.mark.as_str().into()),
            ("file", found.source.as_str().into()),
        ]),
    }
}

fn models(category: Category, records: &Object) -> Vec<Row> {
    records.iter().map(|(name, record)| model_row(category, name, record)).collect()
}

fn model_row(category: Category, name: &str, record: &Json) -> Row {
    let baseline = record.get("baseline").and_then(Json::as_str).unwrap_or_default();
    let parsed = Record::parse(category, record, Options::default()).ok();
    let bytes = parsed.and_then(|(record, _)| record.common.total_size_bytes());
    let shown_size = bytes.and_then(|bytes| u64::try_from(bytes).ok()).map(size);
    Row {
        cells: vec![
            shown(name, usize::MAX),
            shown(baseline, usize::MAX),
            shown_size.unwrap_or_else(|| "-".into()),
        ],
        json: Json::from([
            ("name", name.into()),
            ("baseline", Json::from(Some(baseline).filter(|text| !text.is_empty()))),
            ("size", bytes.into()),
        ]),
    }
}
