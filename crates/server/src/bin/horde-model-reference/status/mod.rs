//! `status`: whether several servers serve the same, how current they are, how soon changes arrive.

mod agreement;
mod ask;
mod show;
mod worker;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Outcome;
use agreement::{Report, Verdict};

const EXAMPLES: &str = "\
Servers agree when their v2 answers are the same, whatever their generations are called. Changes
are compared between PRIMARY servers, which must share one folder.

Exit status: 0 all agree and are current, 1 some differ, are stale or have broken files, 2 some could
not be asked. A watch that is interrupted ends with 0.

Examples:
  horde-model-reference status http://127.0.0.1:19800
  horde-model-reference status --watch http://10.0.0.1:19800 http://10.0.0.2:19800
  horde-model-reference status --watch=10 http://10.0.0.1:19800
  horde-model-reference status --json http://127.0.0.1:19800 | jq -r .verdict";

/// How long servers that differ may be in the middle of a change.
const SETTLE: Duration = Duration::from_millis(300);

/// Ask servers how they are, and whether they agree
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Addresses of servers
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Ask again and again, until interrupted
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    watch: Option<u32>,
    /// Print one JSON object; with --watch, one a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.watch {
            None => once(&args).await,
            Some(seconds) => watch(&args, Duration::from_secs(seconds.into())).await,
        }
    })
}

async fn once(args: &Args) -> anyhow::Result<Outcome> {
    let mut report = Report::of(ask::all(&args.urls).await?);
    if !report.differing.is_empty() {
        // A change may just be on its way.
        tokio::time::sleep(SETTLE).await;
        report = Report::of(ask::all(&args.urls).await?);
    }
    let text = match args.json {
        true => show::json(&report).to_text(horde_model_reference::json::Style::INDENT_2) + "\n",
        false => show::text(&report),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(match report.verdict() {
        Verdict::Agree => Outcome::Fine,
        Verdict::Differ => Outcome::Not,
        Verdict::Unreachable => Outcome::Unclear,
    })
}

async fn watch(args: &Args, every: Duration) -> anyhow::Result<Outcome> {
    let mut ends = Ends::begin()?;
    let redraws = std::io::stdout().is_terminal() && !args.json;
    if redraws {
        print(CLEAR)?;
    }
    loop {
        let report = tokio::select! {
            asked = ask::all(&args.urls) => Report::of(asked?),
            () = ends.any() => return Ok(Outcome::Fine),
        };
        let text = match (args.json, redraws) {
            (true, _) => {
                show::json(&report).to_text(horde_model_reference::json::Style::COMPACT) + "\n"
            }
            (false, true) => over_the_last(&show::text(&report)),
            (false, false) => show::text(&report) + "\n",
        };
        print(&text)?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = ends.any() => return Ok(Outcome::Fine),
        }
    }
}

/// Empties the terminal.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// The text written over what stands there: what goes stays until it is replaced, so nothing flickers.
fn over_the_last(text: &str) -> String {
    format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Signals that end a watch.
struct Ends {
    interrupted: Signal,
    terminated: Signal,
}

impl Ends {
    fn begin() -> std::io::Result<Self> {
        Ok(Self {
            interrupted: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}
