//! The executable: a command a file.

mod api;
mod audit;
mod check;
mod completions;
mod convert;
mod data;
mod diff;
mod difference;
mod env;
mod get;
mod history;
mod import;
mod list;
mod logging;
mod memory;
mod origin;
mod output;
mod place;
mod propose;
mod queue;
mod replay;
mod restore;
mod serve;
mod status;
mod terminal;
mod version;
mod when;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The AI-Horde model reference: which AI models exist, where their files are, and what they are.
#[derive(Parser)]
#[command(name = "horde-model-reference", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
    Convert(convert::Args),
    Get(get::Args),
    List(list::Args),
    Import(import::Args),
    Audit(audit::Args),
    History(history::Args),
    Diff(diff::Args),
    Restore(restore::Args),
    Status(status::Args),
    Queue(queue::Args),
    Propose(propose::Args),
    Env(env::Args),
    Completions(completions::Args),
}

/// How a command ended that could do what it was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Fine,
    /// Something was found, not found, or refused; what, was told.
    Not,
    /// Nobody can tell, because somebody could not be asked; who, was told.
    Unclear,
}

impl Command {
    fn execute(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Serve(args) => serve::execute(args).map(|()| Outcome::Fine),
            Self::Check(args) => check::execute(args),
            Self::Convert(args) => convert::execute(args),
            Self::Get(args) => get::execute(args),
            Self::List(args) => list::execute(args),
            Self::Import(args) => import::execute(args),
            Self::Audit(args) => audit::execute(args),
            Self::History(args) => history::execute(args),
            Self::Diff(args) => diff::execute(args),
            Self::Restore(args) => restore::execute(args),
            Self::Status(args) => status::execute(args),
            Self::Queue(args) => queue::execute(args),
            Self::Propose(args) => propose::execute(args),
            Self::Env(args) => env::execute(args).map(|()| Outcome::Fine),
            Self::Completions(args) => completions::execute(args).map(|()| Outcome::Fine),
        }
    }

    /// The status of a failure. Commands that give answers keep 1 for the answer no.
    fn failure(&self) -> ExitCode {
        match self {
            Self::Serve(_) | Self::Env(_) | Self::Completions(_) => ExitCode::FAILURE,
            _ => ExitCode::from(2),
        }
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let failure = command.failure();
    match command.execute() {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Not) => ExitCode::FAILURE,
        Ok(Outcome::Unclear) => ExitCode::from(2),
        // Whoever read our output has had enough, as `head` does; that is no failure.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            failure
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
