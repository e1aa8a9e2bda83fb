//! `history`: which versions of a category there are, and what each changed.

use std::io::Write;

use horde_model_reference::Json;
use horde_model_reference::diff::Diff;
use horde_model_reference::history::{History, Version};
use horde_model_reference::json::{Object, Style};

use crate::data::DataArgs;
use crate::difference::{between, members, sum_with_names};
use crate::place::{category_of, record_of};
use crate::terminal::{Align, Paint, columns, shown, size};
use crate::version::{mark, name, to_json};
use crate::{Outcome, when};

const EXAMPLES: &str = "\
Exit status: 0 told, 1 there is no such category or model, 2 the data could not be read.

Examples:
  horde-model-reference history image_generation
  horde-model-reference history image_generation Deliberate     where it changed, and how
  horde-model-reference history --json clip | jq '.versions[].users'";

/// Tell which versions of a category there are, and what each changed
///
/// The last 20 contents are kept. A generation names a content and is the time at
/// which it was made, in milliseconds since 1970. Who made it is known of what is in the audit trail.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The category, such as image_generation
    category: String,
    /// Only the versions in which this model changed
    model: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// A version, and what it changed of the one before.
struct Step<'a> {
    version: &'a Version,
    change: Change,
}

enum Change {
    /// There is nothing to compare it with.
    Oldest,
    /// It, or the one before, cannot be read.
    Unknown(String),
    Known(Diff),
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let category = match category_of(&args.category) {
        Ok(category) => category,
        Err(reason) => return Ok(no(&reason)),
    };
    let data = args.data.find()?;
    let history = data.history(category)?;
    if history.versions().is_empty() {
        let folder = data.layout.root.display();
        return Ok(no(&format!("there is nothing of {} in {folder}", history.document())));
    }
    let contents: Vec<Result<Object, String>> = history
        .versions()
        .iter()
        .map(|version| version.records().map_err(|error| error.to_string()))
        .collect();
    let model = args.model.as_deref();
    if let Some(model) = model
        && let Err(reason) = known_somewhere(&contents, model)
    {
        return Ok(no(&format!("{reason} ({category})")));
    }
    let mut steps = steps(&history, &contents, model);
    steps.reverse();
    let text = match (args.json, model) {
        (true, _) => as_json(&history, &steps, model),
        (false, Some(model)) => of_model(&steps, model, Paint::stdout()),
        (false, None) => of_category(&steps, Paint::stdout()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Fine)
}

fn no(reason: &str) -> Outcome {
    eprintln!("error: {reason}");
    Outcome::Not
}

/// Whether any version has the model; if not, what the name was probably meant to be.
fn known_somewhere(contents: &[Result<Object, String>], model: &str) -> Result<(), String> {
    let readable = contents.iter().flatten();
    if readable.clone().any(|records| records.contains_key(model)) {
        return Ok(());
    }
    let newest = readable.last().cloned().unwrap_or_default();
    record_of(&newest, model).map(|_| ())
}

/// The versions from the oldest on; of a model, those in which it is not what it was before.
fn steps<'a>(
    history: &'a History,
    contents: &[Result<Object, String>],
    model: Option<&str>,
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for (index, version) in history.versions().iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &contents[before]);
        let change = match (before, &contents[index]) {
            (_, Err(reason)) => Change::Unknown(reason.clone()),
            (None, Ok(records)) if model.is_some_and(|model| !records.contains_key(model)) => {
                continue;
            }
            (None, Ok(_)) => Change::Oldest,
            (Some(Err(_)), Ok(_)) => Change::Unknown("the one before cannot be read".into()),
            (Some(Ok(before)), Ok(after)) => Change::Known(between(before, after, model)),
        };
        let is_empty = matches!(&change, Change::Known(diff) if diff.is_empty());
        if model.is_none() || !is_empty {
            steps.push(Step { version, change });
        }
    }
    steps
}

fn of_category(steps: &[Step<'_>], paint: Paint) -> String {
    let header = ["GENERATION", "FROM", "", "SIZE", "MARK", "USERS", "CHANGES"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for Step { version, change } in steps {
        rows.push(vec![
            name(version),
            when::shown_ms(version.since_ms),
            if version.is_present { "now".to_owned() } else { String::new() },
            size(version.bytes.len() as u64),
            mark(version),
            users(version.users()),
            match change {
                Change::Oldest => "the oldest that is kept".to_owned(),
                Change::Unknown(reason) => shown(reason, 120),
                Change::Known(diff) => sum_with_names(diff),
            },
        ]);
    }
    let mut align = [Align::Left; 7];
    (align[0], align[3]) = (Align::Right, Align::Right);
    let mut lines = columns(&rows, &align);
    lines[0] = paint.bold(&lines[0]);
    lines.join("\n") + "\n"
}

fn users(users: Vec<&str>) -> String {
    let users: Vec<String> = users.into_iter().map(|user| shown(user, 24)).collect();
    if users.is_empty() { "-".to_owned() } else { users.join(",") }
}

fn of_model(steps: &[Step<'_>], model: &str, paint: Paint) -> String {
    let mut text = String::new();
    for Step { version, change } in steps {
        let (word, fields) = match change {
            Change::Oldest => ("in the oldest that is kept".to_owned(), String::new()),
            Change::Unknown(reason) => (shown(reason, 120), String::new()),
            Change::Known(diff) => {
                let fields = diff.changed.first().map(|changed| members(&changed.fields));
                (paint_word(diff, paint), fields.unwrap_or_default())
            }
        };
        let by = match who(version, model) {
            who if who.is_empty() => String::new(),
            who => format!(" by {}", users(who)),
        };
        let from = when::shown_ms(version.since_ms);
        text += &format!("{}  {from}  {word}{by}\n{fields}", paint.bold(&name(version)));
    }
    text
}

/// What happened to the one record that is compared.
fn word(diff: &Diff) -> &'static str {
    match (diff.added.is_empty(), diff.removed.is_empty()) {
        (false, _) => "added",
        (_, false) => "removed",
        _ => "changed",
    }
}

fn paint_word(diff: &Diff, paint: Paint) -> String {
    match word(diff) {
        "added" => paint.green("added"),
        "removed" => paint.red("removed"),
        other => paint.yellow(other),
    }
}

/// Who changed the model in this version, as far as that is known.
fn who<'a>(version: &'a Version, model: &str) -> Vec<&'a str> {
    let events = version.events.iter().filter(|event| event.model_name == model);
    let mut who: Vec<&str> = events.map(|event| event.logical_user_id.as_str()).collect();
    who.dedup();
    who
}

fn as_json(history: &History, steps: &[Step<'_>], model: Option<&str>) -> String {
    let version = |step: &Step<'_>| -> Json {
        let mut members = to_json(step.version);
        if let Some(model) = model {
            let who: Vec<Json> = who(step.version, model).into_iter().map(Json::from).collect();
            members.retain(|(name, _)| *name != "users");
            members.push(("users", who.into()));
        }
        members.push(match &step.change {
            Change::Oldest => ("change", Json::Null),
            Change::Unknown(reason) => ("unknown", reason.as_str().into()),
            Change::Known(diff) => ("change", diff.to_json()),
        });
        members.into_iter().collect()
    };
    let versions: Vec<Json> = steps.iter().map(version).collect();
    let document = history.document().to_string();
    let model = model.map(|model| ("model", model.into()));
    let members = [("document", document.into())].into_iter().chain(model);
    let json: Json = members.chain([("versions", versions.into())]).collect();
    json.to_text(Style::INDENT_2) + "\n"
}
