//! `queue`: proposed changes of a server, decided and applied.

mod apply;
mod change;
mod decide;
pub(crate) mod differences;
mod entries;
mod list;
mod purge;

use crate::Outcome;
use crate::api::concluded;

/// Where the queue is, at the door that servers of both formats have.
const QUEUE: &str = "/model_references/v2/pending_queue";

const EXAMPLES: &str = "\
The server is --server or HORDE_MODEL_REFERENCE_SERVER_URL. Your AI-Horde key is in
HORDE_MODEL_REFERENCE_API_KEY or in the file of --key-file; it is never shown.

Exit status: 0 done, 1 the server or you said no, 2 wrong usage, or the server could not be asked.

Examples:
  horde-model-reference queue list
  horde-model-reference queue diff 3 4
  horde-model-reference queue approve 3 4 --title 'November'
  horde-model-reference queue reject 5 --title 'November' --reason 'The file is gone.'
  horde-model-reference queue apply --batch 2
  horde-model-reference queue purge --status rejected --dry-run
  horde-model-reference queue list --all --json | jq '.items[].model_name'";

/// See, decide and apply the changes that are proposed at a server
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
    Show(change::ShowArgs),
    Diff(change::DiffArgs),
    Approve(decide::ApproveArgs),
    Reject(decide::RejectArgs),
    Apply(apply::Args),
    Purge(purge::Args),
}

pub(crate) fn execute(args: Args) -> anyhow::Result<Outcome> {
    concluded(match args.command {
        Command::List(args) => list::execute(&args),
        Command::Show(args) => change::show(&args),
        Command::Diff(args) => change::diff(&args),
        Command::Approve(args) => decide::approve(args),
        Command::Reject(args) => decide::reject(args),
        Command::Apply(args) => apply::execute(&args),
        Command::Purge(args) => purge::execute(&args),
    })
}
