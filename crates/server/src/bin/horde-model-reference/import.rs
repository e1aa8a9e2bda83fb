//! `import`: data from elsewhere into the data folder.

use std::io::{IsTerminal, Write};
use std::path::Path;

use horde_model_reference::fetch::{FetchSettings, Fetcher};
use horde_model_reference::import::{
    Incoming, Options, Plan, Step, Unusable, read_file, read_folder, read_url,
};
use horde_model_reference::json::{Json, Style};

use crate::Outcome;
use crate::data::DataArgs;
use crate::difference::{differences, sum};
use crate::terminal::{Paint, shown};

const EXAMPLES: &str = "\
Exit status: 0 all was imported or is there already, 1 something was refused or failed, 2 wrong usage.

Examples:
  horde-model-reference import --dry-run stable_diffusion.json     what would change
  horde-model-reference import ./backup ./other/models.csv
  horde-model-reference import https://models.aihorde.net/api      from another server
  horde-model-reference import \\
    https://raw.githubusercontent.com/Haidra-Org/AI-Horde-image-model-reference/main
  horde-model-reference import --json --dry-run data/ | jq '.steps[].diff.removed'";

/// Import files, folders, or what a server or a public repository has
///
/// What something is, is told by its name and its content. Both the v2 file and the legacy file of
/// a category are written, each in one step; what does not change is not written. Data is never
/// replaced by nothing, nor made much smaller, unless that is allowed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files, folders, addresses of files, of public repositories, or of the API of servers
    #[arg(required = true)]
    sources: Vec<String>,
    /// Tell what would change, field by field, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Let records be replaced by nothing
    #[arg(long)]
    allow_empty: bool,
    /// Let more than five records of a category go that are more than a fifth
    #[arg(long)]
    allow_shrink: bool,
    /// Leave out records that are not valid, instead of refusing their category
    #[arg(long)]
    skip_invalid: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What became of a step.
struct Done<'a> {
    step: &'a Step,
    failure: Option<String>,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let data = args.data.find()?;
    let (incoming, mut unusable) = gather(&args.sources)?;
    let options = Options {
        allow_empty: args.allow_empty,
        allow_shrink: args.allow_shrink,
        skip_invalid: args.skip_invalid,
    };
    let (plan, more) = Plan::new(&data.layout, incoming, options);
    unusable.extend(more);
    let carry_out = |step| Done {
        failure: (!args.dry_run && !Step::is_refused(step))
            .then(|| step.carry_out().err().map(|error| error.to_string()))
            .flatten(),
        step,
    };
    let done: Vec<Done<'_>> = plan.steps.iter().map(carry_out).collect();
    let text = match args.json {
        true => as_json(&done, &unusable, args.dry_run),
        false => done.iter().map(|done| as_text(done, args.dry_run, Paint::stdout())).collect(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    for error in &unusable {
        eprintln!("error: {error}");
    }
    done.iter().for_each(tell_trouble);
    let is_fine = |done: &Done<'_>| done.failure.is_none() && !done.step.is_refused();
    let fine = unusable.is_empty() && done.iter().all(is_fine);
    Ok(if fine { Outcome::Fine } else { Outcome::Not })
}

/// Reads all sources before anything is written.
fn gather(sources: &[String]) -> anyhow::Result<(Vec<Incoming>, Vec<Unusable>)> {
    let mut progress = Progress::new();
    let mut found = Vec::new();
    for source in sources {
        let path = Path::new(source);
        if source.starts_with("http://") || source.starts_with("https://") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let fetcher = Fetcher::new(FetchSettings::default())?;
            let mut tell = |url: &str| progress.tell(url);
            found.extend(runtime.block_on(read_url(&fetcher, source, &mut tell)));
        } else if path.is_dir() {
            progress.tell(source);
            let files = read_folder(path);
            if files.is_empty() {
                let reason = "holds no files of a model reference".to_owned();
                found.push(Err(Unusable { origin: source.clone(), reason }));
            }
            found.extend(files);
        } else {
            found.push(read_file(path));
        }
    }
    progress.clear();
    let (mut incoming, mut unusable) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(one) => incoming.push(one),
            Err(error) => unusable.push(error),
        }
    }
    Ok((incoming, unusable))
}

/// A line that is written over again and again; on terminals only.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    fn tell(&mut self, what: &str) {
        if self.shown {
            eprint!("\r\x1b[Kreading {}", shown(what, 70));
        }
    }

    fn clear(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

fn tell_trouble(done: &Done<'_>) {
    let Step { name, rejected, refusal, .. } = done.step;
    for record in rejected {
        for issue in &record.issues {
            eprintln!("invalid: {name}: {}: {issue}", record.name);
        }
    }
    if let Some(refusal) = refusal {
        eprintln!("error: {name} is refused: {refusal}{}", advice(refusal));
    }
    if let Some(failure) = &done.failure {
        eprintln!("error: {name}: {failure}");
    }
}

fn advice(refusal: &horde_model_reference::import::Refusal) -> &'static str {
    use horde_model_reference::import::Refusal;
    match refusal {
        Refusal::Empty(_) => " (--allow-empty lets it)",
        Refusal::Shrinks { .. } => " (--allow-shrink lets it)",
        Refusal::Invalid(_) => " (--skip-invalid leaves them out)",
        Refusal::InvalidCatalogue(_) | Refusal::Unreadable(_) => "",
    }
}

/// A line for each step; in a dry run, every difference below it.
fn as_text(done: &Done<'_>, dry_run: bool, paint: Paint) -> String {
    let Step { name, diff, .. } = done.step;
    let outcome = match (done.failure.is_some(), done.step.word(), dry_run) {
        (true, ..) => paint.red("failed"),
        (_, "refused", _) => paint.red("refused"),
        (_, "changed", true) => paint.green("would be written"),
        (_, "changed", false) => paint.green("written"),
        (_, other, _) => other.to_owned(),
    };
    let sum = Some(sum(diff)).filter(|_| !diff.is_empty());
    let sum = sum.map(|sum| format!(": {sum}")).unwrap_or_default();
    let mut text = format!("{:22} {outcome}{sum}\n", paint.bold(name));
    if dry_run {
        text += &differences(diff, paint);
    }
    text
}

fn as_json(done: &[Done<'_>], unusable: &[Unusable], dry_run: bool) -> String {
    let step = |done: &Done<'_>| {
        let mut json = done.step.to_json();
        if let (Some(members), Some(failure)) = (json.as_object_mut(), &done.failure) {
            members.insert("outcome".into(), "failed".into());
            members.insert("reason".into(), failure.as_str().into());
        }
        json
    };
    let steps: Vec<Json> = done.iter().map(step).collect();
    let unusable: Vec<Json> = unusable
        .iter()
        .map(|one| {
            let (from, reason) = (one.origin.as_str(), one.reason.as_str());
            Json::from([("from", from.into()), ("reason", reason.into())])
        })
        .collect();
    let document = Json::from([
        ("dry_run", dry_run.into()),
        ("steps", steps.into()),
        ("unusable", unusable.into()),
    ]);
    document.to_text(Style::INDENT_2) + "\n"
}
