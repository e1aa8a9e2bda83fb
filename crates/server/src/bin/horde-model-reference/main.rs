//! The executable: a command a file.

mod completions;
mod env;
mod logging;
mod origin;
mod serve;

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
    Env(env::Args),
    Completions(completions::Args),
}

impl Command {
    fn execute(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(args) => serve::execute(args),
            Self::Env(args) => env::execute(args),
            Self::Completions(args) => completions::execute(args),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.execute() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough, as `head` does; that is no failure.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
