//! `env`: every variable there is, with its value here and where that came from.

use std::io::Write;
use std::path::PathBuf;

use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::settings::{Described, Loaded, Origin, SettingFiles, Sources};
use horde_model_reference_server::settings::ServerSettings;

/// List the settings, their values and where these come from
///
/// Values come from the environment, from .env in the working directory and from a TOML file, the
/// former winning over the latter. Passwords and keys are masked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Read this TOML file too
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print a .env file of all defaults, commented out
    #[arg(long, conflicts_with_all = ["json", "config"])]
    example: bool,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<()> {
    let text = if args.example {
        example(&ServerSettings::load(Sources::default())?.variables)
    } else {
        let loaded = ServerSettings::load(sources(args.config))?;
        if args.json { as_json(&loaded) } else { as_listing(&loaded) }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn sources(config: Option<PathBuf>) -> Sources {
    let mut sources = Sources::from_process_env();
    if let Some(file) = config {
        let name = SettingFiles::HORDE_MODEL_REFERENCE_CONFIG.to_owned();
        sources.overrides.push((name, file.to_string_lossy().into_owned()));
    }
    sources
}

/// For people: a heading for each concern, the values in a column of their own; then what is to be
/// said about them.
fn as_listing(loaded: &Loaded<ServerSettings>) -> String {
    let mut text = String::new();
    let concerns = loaded.variables.chunk_by(|a, b| a.concern == b.concern);
    for rows in concerns {
        let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
        text += &format!("{}\n", rows[0].concern);
        for row in rows {
            let Described { name, value, .. } = row;
            let line = format!("  {name:width$}  {value}{}", remark(row));
            text += &format!("{}\n      {} ({})\n", line.trim_end(), row.meaning, row.kind);
        }
        text.push('\n');
    }
    for note in &loaded.notes {
        text += &format!("note: {note}\n");
    }
    for warning in &loaded.warnings {
        text += &format!("warning: {warning}\n");
    }
    text
}

/// Defaults go without saying.
fn remark(row: &Described) -> String {
    match &row.origin {
        Origin::Default => String::new(),
        origin @ Origin::Settled { .. } => format!("  [{origin}]"),
        origin => format!("  [from: {origin}; default: {}]", row.default),
    }
}

fn as_json(loaded: &Loaded<ServerSettings>) -> String {
    let texts = |texts: &[String]| Json::Array(texts.iter().cloned().map(Json::String).collect());
    let document = Json::Object(Object::from_iter([
        ("variables".to_owned(), Json::Array(loaded.variables.iter().map(row_as_json).collect())),
        ("notes".to_owned(), texts(&loaded.notes)),
        ("warnings".to_owned(), texts(&loaded.warnings)),
    ]));
    document.to_text(Style::INDENT_2) + "\n"
}

fn row_as_json(row: &Described) -> Json {
    let text = |text: &str| Json::String(text.to_owned());
    Json::Object(Object::from_iter([
        ("name".to_owned(), text(row.name)),
        ("stronger_name".to_owned(), row.stronger_name.map_or(Json::Null, text)),
        ("concern".to_owned(), text(row.concern)),
        ("meaning".to_owned(), text(row.meaning)),
        ("type".to_owned(), text(&row.kind)),
        ("default".to_owned(), text(&row.default)),
        ("value".to_owned(), text(&row.value)),
        ("secret".to_owned(), Json::Bool(row.secret)),
        ("source".to_owned(), text(&row.origin.to_string())),
    ]))
}

/// A `.env` file that changes nothing until lines of it are uncommented.
fn example(variables: &[Described]) -> String {
    let mut text = String::from(
        "# Settings of horde-model-reference with their defaults. The environment wins over this \
         file.\n# Values with blanks, # or $ need single quotes.\n",
    );
    for rows in variables.chunk_by(|a, b| a.concern == b.concern) {
        text += &format!("\n# --- {} ---\n", rows[0].concern);
        for Described { name, meaning, kind, default, .. } in rows {
            text += &format!("\n# {meaning} ({kind})\n#{name}={default}\n");
        }
    }
    text
}
