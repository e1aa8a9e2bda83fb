//! `check`: what is wrong with data on disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use horde_model_reference::check::{Finding, Report, check_data, check_file, check_folder};
use horde_model_reference::json::Style;
use horde_model_reference::shape::Severity;

use crate::Outcome;
use crate::data::DataArgs;
use crate::terminal::{Align, Paint, columns, count, shown};

const EXAMPLES: &str = "\
Exit status: 0 no errors, 1 errors, 2 the data could not be looked at.

Examples:
  horde-model-reference check                        the folder that `serve` would serve
  horde-model-reference check models.csv             one file
  horde-model-reference check --strict data/         notes count, too: for a repository's tests
  horde-model-reference check --json | jq '.findings[] | select(.severity == \"error\")'";

/// Check a data folder or a file: every record, every field
///
/// An error is what is left out, or what clients cannot use: a file that is not JSON, a field of the
/// wrong type, an unknown baseline. A note is what someone should look at: a missing checksum, a
/// name that is repeated, a file that an interrupted write left behind.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A data folder, a folder of category files, or a file [default: the configured data folder]
    path: Option<PathBuf>,
    /// Let notes count as errors
    #[arg(long)]
    strict: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let report = match args.path {
        Some(path) => check(&path)?,
        None => check_data(&args.data.find()?.layout)?,
    };
    let text = match args.json {
        true => report.to_json().to_text(Style::INDENT_2) + "\n",
        false => as_text(&report, Paint::stdout()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let bad = if args.strict { report.findings.len() } else { report.errors() };
    Ok(if bad == 0 { Outcome::Fine } else { Outcome::Not })
}

fn check(path: &Path) -> anyhow::Result<Report> {
    let metadata = std::fs::metadata(path);
    let metadata = metadata.with_context(|| format!("cannot look at {}", path.display()))?;
    if metadata.is_dir() {
        Ok(check_folder(path)?)
    } else if metadata.is_file() {
        Ok(check_file(path)?)
    } else {
        bail!("{} is neither a file nor a folder", path.display())
    }
}

/// A heading for each file, its findings in columns, and the sum.
fn as_text(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    // Findings about one file may have been made at different times.
    findings
        .sort_by_key(|finding| report.findings.iter().position(|other| other.path == finding.path));
    for findings in findings.chunk_by(|a, b| a.path == b.path) {
        text += &format!("{}\n", paint.bold(&findings[0].path.display().to_string()));
        let rows: Vec<Vec<String>> = findings.iter().map(|finding| row(finding)).collect();
        let lines = columns(&rows, &[Align::Left; 4]);
        for (finding, line) in findings.iter().zip(lines) {
            // Colours would count as width, so they come last.
            let word = finding.word();
            let coloured = match finding.severity {
                Severity::Error => paint.red(word),
                Severity::Warning => paint.yellow(word),
            };
            text += &format!("  {}\n", line.replacen(word, &coloured, 1));
        }
        text.push('\n');
    }
    let Report { files, records, .. } = report;
    let (errors, notes) = (report.errors(), report.notes());
    text += &format!(
        "{} with {}: {}, {}\n",
        count(*files, "file"),
        count(*records, "record"),
        count(errors, "error"),
        count(notes, "note"),
    );
    text
}

fn row(finding: &Finding) -> Vec<String> {
    const WIDEST: usize = 44;
    let line = finding.line.map(|line| format!("line {line}"));
    let record = finding.record.as_deref().map(|record| shown(record, WIDEST));
    let place: Vec<String> = line.into_iter().chain(record).collect();
    vec![
        finding.word().to_owned(),
        place.join(" "),
        shown(&finding.field, WIDEST),
        shown(&finding.message, usize::MAX),
    ]
}
