//! `restore`: a category, or one model of it, becomes again what it was.

use std::sync::Arc;

use anyhow::bail;
use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::change::{
    Committed, Precondition, Validation, WriteError, WriteOptions,
};
use horde_model_reference::diff::{Diff, Field};
use horde_model_reference::generation::Generation;
use horde_model_reference::history::{History, Version};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Json, Options, Primary};
use jiff::Timestamp;

use crate::data::{Data, DataArgs, leases};
use crate::diff::split;
use crate::difference::{between, differences, sum};
use crate::place::record_of;
use crate::terminal::{Paint, is_wanted};
use crate::version::{Which, name};
use crate::{Outcome, when};

const EXAMPLES: &str = "\
Exit status: 0 restored, or it is so already; 1 refused: by you, or because nothing of the kind is
kept; 2 wrong usage, nobody to ask, or the data could not be read or written.

Examples:
  horde-model-reference restore clip --generation 1764039000123
  horde-model-reference restore image_generation/Deliberate --at 2h
  horde-model-reference restore image_generation --at '2026-11-25 12:00' --user 101 --yes";

/// How often a model is restored anew because others of its category were written meanwhile.
const ATTEMPTS: usize = 10;

/// Make a category, or one model of it, what it was
///
/// Shows the difference first, and asks. What it does is an ordinary change, told in the audit
/// trail; servers may go on running. `history` lists what there is to go back to.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("version").required(true))]
pub(crate) struct Args {
    /// The category, or a model of it
    #[arg(value_name = "CATEGORY[/MODEL]")]
    what: String,
    /// The version to go back to
    #[arg(long, group = "version")]
    generation: Option<u64>,
    /// Go back to what was in force then
    #[arg(long, value_name = "TIME", value_parser = when::begin, group = "version")]
    at: Option<Timestamp>,
    /// Who does it, for the audit trail
    #[arg(long, value_name = "ID", default_value = "cli")]
    user: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Let more than five records go that are more than a fifth
    #[arg(long)]
    may_shrink: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What is to be done.
enum Change<'a> {
    /// The whole document gets the bytes of a version.
    Whole(&'a Version),
    /// A record gets its old content; `None` if there was no such record.
    Record { name: &'a str, before: Option<Json>, record: Option<Object> },
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let (category, model) = split(&args.what)?;
    let data = args.data.find()?;
    if !data.settings.replication.is_primary() {
        bail!("this folder is a replica's: its PRIMARY decides what is in it");
    }
    let history = data.history(category)?;
    let which = match (args.generation, args.at) {
        (Some(generation), _) => Which::Generation(generation),
        (None, Some(time)) => Which::At(when::ms(time)),
        (None, None) => bail!("--generation or --at is needed"),
    };
    let version = match which.find(&history) {
        Ok(version) => version,
        Err(missing) => return Ok(no(&missing.to_string())),
    };
    let records = version.records()?;
    let present = match history.present().map(Version::records) {
        // A single model is written among the others, which nobody can read.
        Some(Err(error)) if model.is_some() => bail!("{error}; restore all of {category} first"),
        // What cannot be read now is all the more to be restored.
        Some(Err(_)) | None => Object::default(),
        Some(Ok(records)) => records,
    };
    let change = match model {
        None => Change::Whole(version),
        Some(name) => {
            if !present.contains_key(name)
                && let Err(reason) = record_of(&records, name)
            {
                return Ok(no(&format!("{reason} ({category}, then and now)")));
            }
            let record = records.get(name).and_then(Json::as_object).cloned();
            let record = record.map(|record| as_written(history.document(), record));
            Change::Record { name, before: present.get(name).cloned(), record }
        }
    };
    let diff = between(&present, &records, model);
    let is_so = match model {
        None => history.present().is_some_and(|present| present.digest == version.digest),
        Some(_) => is_same(&diff),
    };
    if is_so {
        println!("{} is so already; nothing was written", args.what);
        return Ok(Outcome::Fine);
    }
    let paint = Paint::stdout();
    let from = when::shown_ms(version.since_ms);
    let title = format!("{} as of generation {} ({from})", args.what, name(version));
    print!("{}: {}\n{}", paint.bold(&title), sum(&diff), differences(&diff, paint));
    if !args.yes {
        match is_wanted(&format!("restore {}?", args.what))? {
            Some(true) => {}
            Some(false) => return Ok(no("nothing was written")),
            None => bail!(
                "nothing was written: there is no terminal to ask at; look at the difference, and \
                 say --yes"
            ),
        }
    }
    let options = WriteOptions {
        logical_user_id: Some(args.user),
        may_shrink: args.may_shrink,
        validation: Validation::Shape,
        ..WriteOptions::default()
    };
    match write(&data, &history, category, change, options) {
        Ok(Committed { document, generation, .. }) => {
            println!("{document} is at generation {generation} now");
            Ok(Outcome::Fine)
        }
        Err(WriteError::Conflict { .. }) => {
            Ok(no("somebody else changed it meanwhile; nothing was written. Look at it again"))
        }
        Err(error @ WriteError::Shrinks { .. }) => {
            Ok(no(&format!("nothing was written: {error} (--may-shrink lets it)")))
        }
        Err(
            error @ (WriteError::Invalid(_)
            | WriteError::Unconvertible { .. }
            | WriteError::Name { .. }),
        ) => Ok(no(&format!("nothing was written: {error}"))),
        Err(error) => Err(error.into()),
    }
}

fn no(reason: &str) -> Outcome {
    eprintln!("error: {reason}");
    Outcome::Not
}

/// A record as it has to be written to become what it was. The table of text models need not name a
/// style; then one is shown, but it is not among the tags.
fn as_written(document: Document, mut record: Object) -> Object {
    let tags = record.get("tags").and_then(Json::as_array).unwrap_or_default();
    let is_implied = record.get("style").is_some_and(|style| !tags.contains(style));
    if is_implied && document == Document::Legacy(Category::TextGeneration) {
        record.shift_remove("style");
    }
    record
}

/// Whether a record differs in nothing but the time of its last change, which every change sets.
fn is_same(diff: &Diff) -> bool {
    let is_time = |field: &Field| field.dotted() == "metadata.updated_at";
    diff.added.is_empty()
        && diff.removed.is_empty()
        && diff.changed.iter().all(|changed| changed.fields.iter().all(is_time))
}

/// Makes the change, if what was shown still is what there is.
fn write(
    data: &Data,
    history: &History,
    category: Category,
    change: Change<'_>,
    options: WriteOptions,
) -> Result<Committed, WriteError> {
    let busy = |error: std::io::Error| WriteError::Busy(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(busy)?;
    let trail = Trail::from_settings(&data.settings.audit, &data.layout.root);
    let files = Arc::new(Files::new(data.layout.clone()));
    let leases = leases(&data.settings.coherence);
    let settings =
        Options { canonical: data.canonical, leases, compress: false, ..Options::default() };
    let primary = Primary::open(files, settings, trail).map_err(busy)?;
    let present = history.present().map(|present| present.generation).unwrap_or_default();
    let options = only_at(options, present);
    let document = Document::source_of(category, data.canonical);
    match change {
        Change::Whole(version) => {
            runtime.block_on(primary.replace_document(document, version.bytes.clone(), options))
        }
        Change::Record { name, before, record } => {
            runtime.block_on(put(&primary, document, name, before.as_ref(), record, options))
        }
    }
}

/// What nobody has looked at yet has no name to ask for.
fn only_at(options: WriteOptions, present: Generation) -> WriteOptions {
    if present.is_some() { options.only_if(Precondition::Generation(present)) } else { options }
}

/// Restores a record. That others of the category were written meanwhile does not matter.
async fn put(
    primary: &Primary,
    document: Document,
    name: &str,
    before: Option<&Json>,
    record: Option<Object>,
    mut options: WriteOptions,
) -> Result<Committed, WriteError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let options_now = options.clone();
        let done = match (document, record.clone()) {
            (Document::Legacy(category), Some(record)) => {
                primary.update_legacy(category, name, record, options_now).await
            }
            (Document::Legacy(category), None) => {
                primary.delete_legacy(category, name, options_now).await
            }
            (Document::V2(category), Some(record)) => {
                primary.update(category, name, record, options_now).await
            }
            (Document::V2(category), None) => primary.delete(category, name, options_now).await,
            (document, _) => unreachable!("{document} has no records"),
        };
        match done {
            Err(WriteError::Conflict { record, generation, .. })
                if record.as_ref() == before && attempts < ATTEMPTS =>
            {
                options = only_at(options, generation);
            }
            done => return done,
        }
    }
}
