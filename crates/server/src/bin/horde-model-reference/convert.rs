//! `convert`: category files from one format to the other.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use horde_model_reference::backend::files::layout::{legacy_file_name, v2_file_name};
use horde_model_reference::category_file::CategoryFile;
use horde_model_reference::import::{Content, Incoming, Unusable, read_file, read_folder};
use horde_model_reference::legacy::Rejected;
use horde_model_reference::{Format, disk};

use crate::Outcome;

const EXAMPLES: &str = "\
Exit status: 0 all was converted, 1 records or files were left out, 2 nothing could be done.

Examples:
  horde-model-reference convert --to v2 legacy/stable_diffusion.json > stable_diffusion.json
  horde-model-reference convert --to v2 legacy/ v2/
  horde-model-reference convert --to legacy text_generation.json models.csv
  horde-model-reference convert --to v2 --strict models.csv text_generation.json";

/// Convert category files from the legacy format to v2, or back
///
/// The v2 files are, byte for byte, those that the reference implementation makes. Records that are
/// not valid are told on standard error and left out.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The format to convert to
    #[arg(long)]
    to: Target,
    /// A category file, or a folder of them
    source: PathBuf,
    /// Where to write; standard output for one file without it
    target: Option<PathBuf>,
    /// Write nothing at all if a record is not valid
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    V2,
    Legacy,
}

/// A file that was made.
struct Made {
    origin: String,
    name: String,
    bytes: Vec<u8>,
    rejected: Vec<Rejected>,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let format = match args.to {
        Target::V2 => Format::V2,
        Target::Legacy => Format::Legacy,
    };
    let is_folder = args.source.is_dir();
    if is_folder && args.target.is_none() {
        bail!("a folder needs a TARGET to write its files to");
    }
    let (files, unusable) = sources(&args.source, is_folder, format)?;
    let mut made = Vec::new();
    for (origin, file) in files {
        match convert(&origin, &file, format) {
            Some(file) => made.push(file),
            None if is_folder => {}
            None => bail!("{} has no legacy form", file.category),
        }
    }
    let left_out = tell(&made, &unusable);
    if args.strict && left_out > 0 {
        eprintln!("error: nothing was written, because of what is not valid");
        return Ok(Outcome::Not);
    }
    write(&made, args.target.as_deref(), is_folder)?;
    Ok(if left_out == 0 { Outcome::Fine } else { Outcome::Not })
}

type Sources = (Vec<(String, CategoryFile)>, Vec<Unusable>);

/// The files to convert. Where a folder has a category in both formats, the other one is taken.
fn sources(source: &Path, is_folder: bool, format: Format) -> anyhow::Result<Sources> {
    if !is_folder {
        let Incoming { origin, content } = read_file(source)?;
        let Content::Category(file) = content else { bail!("{origin} is a catalogue") };
        return Ok((vec![(origin, file)], Vec::new()));
    }
    let (mut files, mut unusable) = (Vec::new(), Vec::new());
    for incoming in read_folder(source) {
        match incoming {
            Ok(Incoming { origin, content: Content::Category(file) }) => files.push((origin, file)),
            Ok(_) => {}
            Err(error) => unusable.push(error),
        }
    }
    files.sort_by_key(|(_, file)| (file.category, file.format() == format));
    files.dedup_by_key(|(_, file)| file.category);
    if files.is_empty() && unusable.is_empty() {
        bail!("{} holds no category files", source.display());
    }
    Ok((files, unusable))
}

fn convert(origin: &str, file: &CategoryFile, format: Format) -> Option<Made> {
    let origin = origin.to_owned();
    match format {
        Format::V2 => {
            let v2 = file.to_v2();
            let (name, bytes) = (v2_file_name(file.category), v2.to_text().into_bytes());
            Some(Made { origin, name, bytes, rejected: v2.rejected })
        }
        Format::Legacy => {
            let legacy = file.to_legacy()?;
            let name = legacy_file_name(file.category);
            Some(Made { origin, name, bytes: legacy.bytes, rejected: legacy.rejected })
        }
    }
}

/// Tells what is left out, and how much that is.
fn tell(made: &[Made], unusable: &[Unusable]) -> usize {
    for error in unusable {
        eprintln!("error: {error}");
    }
    for Made { origin, rejected, .. } in made {
        for Rejected { name, issues } in rejected {
            for issue in issues {
                eprintln!("error: {origin}: {name}: {issue}");
            }
        }
    }
    unusable.len() + made.iter().map(|made| made.rejected.len()).sum::<usize>()
}

fn write(made: &[Made], target: Option<&Path>, is_folder: bool) -> anyhow::Result<()> {
    let Some(target) = target else {
        for Made { bytes, .. } in made {
            std::io::stdout().write_all(bytes)?;
        }
        return Ok(());
    };
    let into_folder = is_folder || target.is_dir();
    if is_folder {
        disk::make_folder(target)?;
    }
    for Made { name, bytes, .. } in made {
        let path = if into_folder { target.join(name) } else { target.to_owned() };
        disk::replace(&path, bytes)?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
