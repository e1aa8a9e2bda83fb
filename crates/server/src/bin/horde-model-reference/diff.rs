//! `diff`: what is different between two versions, folders or servers.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bytes::Bytes;
use horde_model_reference::backend::files::layout::legacy_file_name;
use horde_model_reference::category_file::{CategoryFile, Form, category_by_name};
use horde_model_reference::diff::Diff;
use horde_model_reference::import::{Content, Incoming, Unusable, read_folder};
use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::legacy::table_to_v1;
use horde_model_reference::text::backend_prefix;
use horde_model_reference::{Category, Document, Format};

use crate::Outcome;
use crate::data::{Data, DataArgs};
use crate::difference::{between, differences, sum};
use crate::place::{Place, category_of, record_of};
use crate::terminal::Paint;
use crate::version::{Missing, Which};

const EXAMPLES: &str = "\
A and B are each one of
  now           what the data folder holds
  @GENERATION   a version of the category that is kept; `history` lists them
  @TIME         what was in force then: @2026-11-25, '@2026-11-25 12:00', @2h
  a folder      a data folder, or one with files of a model reference
  an address    http:// or https:// of a server

Exit status: 0 there is no difference, 1 there is one, 2 something could not be read.

Examples:
  horde-model-reference diff @2h now image_generation
  horde-model-reference diff @1764039000123 @1764039600456 clip/ViT-L/14
  horde-model-reference diff now https://models.aihorde.net
  horde-model-reference diff --json ./backup now | jq '.categories[].removed'";

/// Show which records two versions, folders or servers do not have in common
///
/// Records are compared in the format they are kept in here, member by member.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What it was
    #[arg(value_name = "A")]
    before: String,
    /// What it became
    #[arg(value_name = "B")]
    after: String,
    /// Only this category, or this model of it
    #[arg(value_name = "CATEGORY[/MODEL]")]
    what: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Something that holds records.
enum Side {
    Now(Place),
    Version(Which),
    Files { folder: PathBuf, read: Vec<Result<Incoming, Unusable>> },
    Server(Place),
}

/// What is compared.
struct Compared {
    category: Category,
    diff: Diff,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let data = args.data.find()?;
    let (category, model) = args.what.as_deref().map(split).transpose()?.unzip();
    let model = model.flatten();
    let sides = [Side::of(&args.before, &data)?, Side::of(&args.after, &data)?];
    let mut compared = Vec::new();
    match category {
        Some(category) => {
            let [before, after] = read_both(&sides, &data, category)?;
            if before.is_none() && after.is_none() {
                bail!("there is nothing of {category} on either side");
            }
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            if let Some(model) = model.filter(|model| !before.contains_key(*model)) {
                record_of(&after, model).map_err(anyhow::Error::msg)?;
            }
            compared.push(Compared { category, diff: between(&before, &after, model) });
        }
        None => {
            for category in Category::ALL {
                match read_both(&sides, &data, category) {
                    Ok([None, None]) => {}
                    Ok([before, after]) => {
                        let diff =
                            Diff::between(&before.unwrap_or_default(), &after.unwrap_or_default());
                        compared.push(Compared { category, diff });
                    }
                    // The past of one category may go back further than that of another.
                    Err(error) if error.is::<Missing>() => {
                        eprintln!("note: {category} is left out: {error:#}");
                    }
                    Err(error) => return Err(error),
                }
            }
            if compared.is_empty() {
                bail!("there is no category on both sides");
            }
        }
    }
    compared.retain(|compared| !compared.diff.is_empty());
    let text = if args.json { as_json(&compared) } else { as_text(&compared, Paint::stdout()) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if compared.is_empty() { Outcome::Fine } else { Outcome::Not })
}

/// A category, and perhaps a model in it, whose name may have slashes.
pub(crate) fn split(what: &str) -> anyhow::Result<(Category, Option<&str>)> {
    let (category, model) = what.split_once('/').map_or((what, None), |(c, m)| (c, Some(m)));
    Ok((category_of(category).map_err(anyhow::Error::msg)?, model))
}

fn read_both(
    sides: &[Side; 2],
    data: &Data,
    category: Category,
) -> anyhow::Result<[Option<Object>; 2]> {
    let format = match Document::source_of(category, data.canonical) {
        Document::Legacy(_) => Format::Legacy,
        _ => Format::V2,
    };
    let with_server = sides.iter().any(|side| matches!(side, Side::Server(_)));
    let read = |side: &Side| -> anyhow::Result<Option<Object>> {
        let records = side.records(data, category, format)?;
        Ok(records.map(|records| comparable(category, format, records, with_server)))
    };
    Ok([read(&sides[0])?, read(&sides[1])?])
}

/// The records without what servers add, and each once.
fn comparable(category: Category, format: Format, records: Object, with_server: bool) -> Object {
    if format == Format::Legacy {
        let is_own =
            |name: &str| category != Category::TextGeneration || backend_prefix(name).is_none();
        return records.into_iter().filter(|(name, _)| is_own(name)).collect();
    }
    if !with_server {
        return records;
    }
    let file = CategoryFile { category, form: Form::V2(records), bytes: Bytes::new() };
    match file.without_additions().form {
        Form::V2(records) => records,
        _ => Object::new(),
    }
}

impl Side {
    fn of(text: &str, data: &Data) -> anyhow::Result<Self> {
        if text == "now" {
            return Ok(Self::Now(Place::folder(data.layout.clone(), data.canonical)));
        }
        if let Some(version) = text.strip_prefix('@') {
            return Ok(Self::Version(Which::read(version).map_err(anyhow::Error::msg)?));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Server(Place::server(text)?));
        }
        let folder = PathBuf::from(text);
        let unknown = "neither a folder, nor `now`, `@GENERATION`, `@TIME` or an address";
        std::fs::read_dir(&folder).with_context(|| format!("{text} is {unknown}"))?;
        let read = read_folder(&folder);
        if read.is_empty() {
            bail!("{text} holds no files of a model reference");
        }
        Ok(Self::Files { folder, read })
    }

    fn records(
        &self,
        data: &Data,
        category: Category,
        format: Format,
    ) -> anyhow::Result<Option<Object>> {
        match self {
            Self::Now(place) | Self::Server(place) => {
                Ok(place.category(category, format)?.map(|found| found.records))
            }
            Self::Version(which) => {
                let history = data.history(category)?;
                if history.versions().is_empty() {
                    return Ok(None);
                }
                let version = which.find(&history)?;
                Ok(Some(version.records()?))
            }
            Self::Files { folder, read } => in_files(folder, read, category, format),
        }
    }
}

/// A category among files that were read: from the one that is in this format, if there is one.
fn in_files(
    folder: &Path,
    read: &[Result<Incoming, Unusable>],
    category: Category,
    format: Format,
) -> anyhow::Result<Option<Object>> {
    let mut files = Vec::new();
    for found in read {
        match found {
            Ok(Incoming { content: Content::Category(file), .. }) => files.push(file),
            Err(error) if category_by_name(Path::new(&error.origin)) == Some(category) => {
                return Err(error.clone().into());
            }
            _ => {}
        }
    }
    files.retain(|file| file.category == category);
    let given = files.iter().find(|file| file.format() == format).or(files.first());
    given
        .map(|file| converted(file, format).with_context(|| folder.display().to_string()))
        .transpose()
}

fn converted(file: &CategoryFile, format: Format) -> anyhow::Result<Object> {
    if format == Format::V2 {
        return Ok(match &file.form {
            Form::V2(records) => records.clone(),
            _ => file.to_v2().records,
        });
    }
    match &file.form {
        Form::Legacy(records) | Form::TextEntries(records) => Ok(records.clone()),
        Form::TextTable(table) => Ok(table_to_v1(table)),
        Form::V2(_) => {
            let legacy = file.to_legacy().context("there is no legacy form of it")?;
            let name = Path::new("legacy").join(legacy_file_name(file.category));
            converted(&CategoryFile::read(&name, legacy.bytes)?, format)
        }
    }
}

fn as_text(compared: &[Compared], paint: Paint) -> String {
    let mut text = String::new();
    for Compared { category, diff } in compared {
        text += &format!("{}: {}\n", paint.bold(category.name()), sum(diff));
        text += &differences(diff, paint);
    }
    text
}

fn as_json(compared: &[Compared]) -> String {
    let categories = compared.iter().map(|compared| {
        let mut members = Json::from([("name", compared.category.name().into())]);
        if let (Some(members), Json::Object(diff)) =
            (members.as_object_mut(), compared.diff.to_json())
        {
            members.extend(diff);
        }
        members
    });
    let categories: Vec<Json> = categories.collect();
    Json::from([("categories", categories.into())]).to_text(Style::INDENT_2) + "\n"
}
