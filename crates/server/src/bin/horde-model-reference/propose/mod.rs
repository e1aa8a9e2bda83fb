//! `propose`: records of files are proposed to a server, where approvers decide about them.

mod plan;
mod records;

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use horde_model_reference::change::Operation;
use horde_model_reference::json::{Json, Object};
use horde_model_reference::{Category, Format};

use crate::Outcome;
use crate::api::{Api, Refusal, ServerArgs, concluded, fresh_name};
use crate::output::OutputArgs;
use crate::place::category_of;
use crate::queue::differences;
use crate::terminal::{Paint, count, shown};
use plan::{Plan, Present};

const EXAMPLES: &str = "\
A file holds one record, which has a name, or an object of records by their names; - is standard input.
Whether a model is created or updated, the server knows. Where a record does not name `licensing` or
`metadata`, they stay as they are. To say the same again does nothing twice.

The server is --server or HORDE_MODEL_REFERENCE_SERVER_URL. Your AI-Horde key is in
HORDE_MODEL_REFERENCE_API_KEY or in the file of --key-file; it is never shown.

Exit status: 0 proposed, or it is so already; 1 something was refused; 2 wrong usage, a file could not
be read, or the server could not be asked.

Examples:
  horde-model-reference propose --category image_generation tidewater.json --dry-run
  horde-model-reference propose --category clip new.json changed.json --delete 'ViT-L/14'
  jq '.Deliberate' all.json | horde-model-reference propose --category image_generation -";

/// Propose records to a server, to be decided with `queue`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files with records
    #[arg(value_name = "FILE", required_unless_present = "delete")]
    files: Vec<PathBuf>,
    /// The category of all of them
    #[arg(long, value_parser = category_of)]
    category: Category,
    /// Propose that this model goes; may be repeated
    #[arg(long, value_name = "NAME")]
    delete: Vec<String>,
    /// The format of the records, which is the one the server keeps
    #[arg(long, default_value = "v2")]
    format: Version,
    /// Only show what would be proposed
    #[arg(long)]
    dry_run: bool,
    /// Propose anew what was proposed before, and rejected perhaps
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Version {
    V1,
    V2,
}

/// What became of a proposal.
enum Fate {
    /// It was not sent, as was wished.
    NotSent,
    IsSo,
    /// The entry of the queue.
    Queued(Json),
    /// The server keeps no queue, and made the change.
    Made,
    Refused(Refusal),
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    concluded(run(&args))
}

fn run(args: &Args) -> anyhow::Result<Outcome> {
    // Nothing is sent before everything was read.
    let wanted = wanted(args)?;
    let api = args.server.open()?;
    let format = match args.format {
        Version::V1 => Format::Legacy,
        Version::V2 => Format::V2,
    };
    let mut present = Present::of(&api, args.category, format);
    let plans: Vec<Plan> = wanted
        .into_iter()
        .map(|(name, record)| present.plan(name, record))
        .collect::<anyhow::Result<_>>()?;
    let mut told = Told { args, paint: Paint::stdout(), proposals: Vec::new() };
    let mut outcome = Outcome::Fine;
    for plan in &plans {
        let fate = propose(&api, plan, args)?;
        told.tell(plan, &fate)?;
        if let Fate::Refused(refusal) = fate {
            outcome = refusal.outcome();
            if refusal.is_general() {
                break;
            }
        }
    }
    told.conclude(plans.len())?;
    Ok(outcome)
}

/// The models and what they are to become; `None` where they are to go.
fn wanted(args: &Args) -> anyhow::Result<Vec<(String, Option<Object>)>> {
    let mut wanted = Vec::new();
    for file in &args.files {
        let records = records::of_file(file)?;
        wanted.extend(records.into_iter().map(|(name, record)| (name, Some(record))));
    }
    wanted.extend(args.delete.iter().map(|name| (name.clone(), None)));
    let mut seen = HashSet::new();
    if let Some((name, _)) = wanted.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        bail!("{name:?} is there twice; nothing was proposed");
    }
    Ok(wanted)
}

fn propose(api: &Api, plan: &Plan, args: &Args) -> anyhow::Result<Fate> {
    if plan.is_so_already() {
        return Ok(Fate::IsSo);
    }
    if args.dry_run {
        return Ok(Fate::NotSent);
    }
    let salt = if args.again { fresh_name() } else { String::new() };
    let answer = api.send(&plan.call(&plan.request_name(&salt)))?;
    match answer.accepted() {
        Ok(entry) if entry.get("change_id").is_some() => Ok(Fate::Queued(entry)),
        Ok(_) => Ok(Fate::Made),
        Err(error) => {
            let mut refusal = error.downcast::<Refusal>()?;
            if plan.operation == Operation::Delete && refusal.status == http::StatusCode::NOT_FOUND
            {
                refusal.advise("`list CATEGORY --url URL` shows which models there are");
            }
            Ok(Fate::Refused(refusal))
        }
    }
}

/// Tells of proposals as they are made, or of all of them in the end.
struct Told<'a> {
    args: &'a Args,
    paint: Paint,
    proposals: Vec<Json>,
}

impl Told<'_> {
    fn tell(&mut self, plan: &Plan, fate: &Fate) -> std::io::Result<()> {
        if let Fate::Refused(refusal) = fate {
            eprintln!("error: {}: {refusal}", shown(&plan.title(), 200));
        }
        if self.args.output.is_json() {
            self.proposals.push(as_json(plan, fate));
            return Ok(());
        }
        let title = self.paint.bold(&shown(&plan.title(), 200));
        let differences = differences::told(&plan.differences(), self.paint);
        let text = format!("{title}: {}\n{differences}", words(fate, self.paint));
        std::io::stdout().write_all(text.as_bytes())
    }

    fn conclude(&self, planned: usize) -> std::io::Result<()> {
        if self.args.output.is_json() {
            let proposals = Json::Array(self.proposals.clone());
            let answer =
                Json::from([("dry_run", self.args.dry_run.into()), ("proposals", proposals)]);
            return self.args.output.print(&answer, String::new);
        }
        if self.args.dry_run {
            let text = format!("{} looked at; nothing was sent\n", count(planned, "model"));
            std::io::stdout().write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

fn words(fate: &Fate, paint: Paint) -> String {
    match fate {
        Fate::NotSent => "would be proposed".to_owned(),
        Fate::IsSo => "it is so already".to_owned(),
        Fate::Made => paint.green("made at once: this server keeps no queue"),
        Fate::Refused(refusal) => paint.red(&format!("refused with {}", refusal.status.as_u16())),
        Fate::Queued(entry) => {
            let id = entry.get("change_id").and_then(Json::as_i64).unwrap_or_default();
            match entry.get("status").and_then(Json::as_str) {
                Some("pending") => paint.green(&format!("change {id}, pending")),
                status => paint.yellow(&format!(
                    "was proposed before as change {id}, and is {}; --again proposes it anew",
                    shown(status.unwrap_or("something else"), 20)
                )),
            }
        }
    }
}

fn as_json(plan: &Plan, fate: &Fate) -> Json {
    let mut told = plan.as_json();
    let (word, change, error) = match fate {
        Fate::NotSent => ("not_sent", Json::Null, Json::Null),
        Fate::IsSo => ("unchanged", Json::Null, Json::Null),
        Fate::Made => ("made", Json::Null, Json::Null),
        Fate::Queued(entry) => ("queued", entry.clone(), Json::Null),
        Fate::Refused(refusal) => {
            let error = Json::from([
                ("status", Json::Int(refusal.status.as_u16().into())),
                ("detail", refusal.words().into()),
            ]);
            ("refused", Json::Null, error)
        }
    };
    if let Some(members) = told.as_object_mut() {
        members.insert("result".to_owned(), word.into());
        members.insert("change".to_owned(), change);
        members.insert("error".to_owned(), error);
    }
    told
}
