//! `completions`: what a shell needs to complete the command line.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions for a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell to print them for
    shell: Shell,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<()> {
    let mut command = crate::Cli::command();
    let name = command.get_name().to_owned();
    // Generation panics on a closed pipe, so it goes to memory first.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}
