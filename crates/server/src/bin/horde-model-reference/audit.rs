//! `audit`: who changed what, and when; and `audit replay`, in `replay.rs`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use horde_model_reference::Format;
use horde_model_reference::audit::{Delta, Event, Filter, Payload, Tail};
use horde_model_reference::json::Json;
use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::data::DataArgs;
use crate::difference::side;
use crate::place::category_of;
use crate::terminal::{Align, Paint, columns, shown};
use crate::{Outcome, replay, when};

const EXAMPLES: &str = "\
Exit status: 0 listed, 1 there is no such category, 2 wrong usage, or the trail could not be read.

Examples:
  horde-model-reference audit --since 2h
  horde-model-reference audit --category clip --model 'tiny clip'
  horde-model-reference audit --user 101 --since 2026-11-01 --until 2026-11-25
  horde-model-reference audit --follow --json | jq -r .model_name
  horde-model-reference audit replay clip --until '2026-11-25 12:00'";

/// How often a trail that is followed is looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// The category under which the queue of proposed changes has its events.
const QUEUE: &str = "pending_queue";

/// Tell who changed what, and when
///
/// Times are RFC 3339 (2026-11-25T12:00:00Z), a day, a day with a time (2026-11-25 12:00), seconds
/// since 1970, or a span ago (2h, 3d). What names no zone is UTC.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(clap::Subcommand)]
enum Command {
    Replay(replay::Args),
}

#[derive(clap::Args)]
struct Listing {
    /// Only events of this category, or of pending_queue
    #[arg(long)]
    category: Option<String>,
    /// Only events of the model of exactly this name
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only what this user did
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only events since then
    #[arg(long, value_name = "TIME", value_parser = when::begin)]
    since: Option<Timestamp>,
    /// Only events until then; a day alone is meant to its end
    #[arg(long, value_name = "TIME", value_parser = when::end, conflicts_with = "follow")]
    until: Option<Timestamp>,
    /// Only changes made in this format
    #[arg(long)]
    domain: Option<Domain>,
    /// Go on as events come, until interrupted
    #[arg(long)]
    follow: bool,
    /// Print the lines of the trail as they are
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// A format as the trail calls it.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Domain {
    V2,
    Legacy,
}

impl From<Domain> for Format {
    fn from(domain: Domain) -> Self {
        match domain {
            Domain::V2 => Self::V2,
            Domain::Legacy => Self::Legacy,
        }
    }
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    match args.command {
        Some(Command::Replay(args)) => replay::execute(args),
        None => list(args.listing),
    }
}

fn list(listing: Listing) -> anyhow::Result<Outcome> {
    let category = match listing.category.as_deref().map(category_or_queue).transpose() {
        Ok(category) => category,
        Err(reason) => {
            eprintln!("error: {reason}");
            return Ok(Outcome::Not);
        }
    };
    let root = listing.data.find()?.trail();
    if !root.is_dir() {
        eprintln!("note: there is no audit trail at {}", root.display());
    }
    let filter = Filter {
        domain: listing.domain.map(Format::from),
        category,
        model_name: listing.model,
        logical_user_id: listing.user,
        since: listing.since.map(Timestamp::as_second),
        until: listing.until.map(Timestamp::as_second),
    };
    let mut tail = Tail::new(root, filter);
    let mut printer = Printer::new(listing.json);
    if !listing.follow {
        printer.print(&tail.read_lines()?)?;
        return Ok(Outcome::Fine);
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    loop {
        printer.print(&tail.read_lines()?)?;
        if !wait_for_more() || stop.load(Ordering::Acquire) {
            return Ok(Outcome::Fine);
        }
    }
}

fn category_or_queue(name: &str) -> Result<String, String> {
    if name == QUEUE {
        return Ok(name.to_owned());
    }
    category_of(name).map(|category| category.name().to_owned())
}

/// Waits until it is time for the next look. Whether somebody still reads what is printed: a pipe
/// that was closed would otherwise be noticed only at the next event.
fn wait_for_more() -> bool {
    let stdout = std::io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut watched, Some(&LOOK_EVERY)) {
        Ok(_) => !watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
        // A signal, most likely: whoever calls knows which.
        Err(_) => true,
    }
}

/// Prints events as they come, in columns that only ever become wider.
struct Printer {
    json: bool,
    paint: Paint,
    /// A row of blanks, as wide as what was printed so far.
    widest: Option<Vec<String>>,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self { json, paint: Paint::stdout(), widest: None }
    }

    fn print(&mut self, events: &[(Event, String)]) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        for line in self.lines(events) {
            writeln!(stdout, "{line}")?;
        }
        stdout.flush()
    }

    fn lines(&mut self, events: &[(Event, String)]) -> Vec<String> {
        if self.json {
            return events.iter().map(|(_, line)| line.clone()).collect();
        }
        let is_first = self.widest.is_none();
        let header = ["TIME", "ID", "USER", "WHAT", "CATEGORY", "MODEL", "CHANGE"];
        let above = self.widest.take().unwrap_or_else(|| header.map(str::to_owned).to_vec());
        let mut rows = vec![above];
        rows.extend(events.iter().map(|(event, _)| row(event)));
        let mut align = [Align::Left; 7];
        align[1] = Align::Right;
        let mut lines = columns(&rows, &align);
        let widest = |column: usize| {
            let width = rows.iter().map(|row| row[column].chars().count()).max();
            // The last column may be as long as it likes: nothing stands behind it.
            " ".repeat(width.filter(|_| column + 1 < align.len()).unwrap_or(0))
        };
        self.widest = Some((0..align.len()).map(widest).collect());
        let above = lines.remove(0);
        if is_first {
            lines.insert(0, self.paint.bold(&above));
        }
        lines
    }
}

fn row(event: &Event) -> Vec<String> {
    let category = match event.domain {
        Format::V2 => event.category.clone(),
        Format::Legacy => format!("{} (legacy)", event.category),
    };
    let (operation, change) = match &event.payload {
        Some(Payload::After(after)) if event.category == QUEUE => queued(after),
        payload => (event.operation.name().to_owned(), payload.as_ref().map(told)),
    };
    vec![
        when::shown_seconds(event.timestamp),
        event.id.to_string(),
        shown(&event.logical_user_id, 24),
        operation,
        shown(&category, 40),
        shown(&event.model_name, 60),
        change.unwrap_or_default(),
    ]
}

/// What became of a proposed change, and all that is told of it.
fn queued(after: &Json) -> (String, Option<String>) {
    let members = after.as_object().into_iter().flatten();
    let told = members.filter(|(name, _)| !["action", "change_id"].contains(&name.as_str()));
    let told: Vec<String> =
        told.map(|(name, value)| format!("{}={}", shown(name, 40), side(Some(value)))).collect();
    let action = after.get("action").and_then(Json::as_str).unwrap_or("update");
    (shown(action, 24), Some(told.join(" ")))
}

/// What changed, in short.
fn told(payload: &Payload) -> String {
    let description = |record: &Json| {
        let text = record.get("description").and_then(Json::as_str);
        text.map(|text| shown(text, 60)).unwrap_or_default()
    };
    let deltas = match payload {
        Payload::After(record) | Payload::Before(record) => return description(record),
        Payload::Delta(deltas) => deltas,
    };
    // Every update sets the times in `metadata`.
    let is_telling = |delta: &&Delta| delta.member != "metadata" || deltas.len() == 1;
    let telling: Vec<&Delta> = deltas.iter().filter(is_telling).collect();
    if let [Delta { member, old, new }] = telling[..] {
        return format!("{}: {} → {}", shown(member, 40), side(Some(old)), side(Some(new)));
    }
    let names: Vec<String> = telling.iter().map(|delta| shown(&delta.member, 40)).collect();
    names.join(", ")
}
