//! Whether what a command found is printed for people or for programs.

use std::io::{IsTerminal, Write};

use horde_model_reference::json::{Json, Style};

/// Options of commands whose answers are read by people at a terminal, and else by programs.
#[derive(clap::Args)]
pub(crate) struct OutputArgs {
    /// Print JSON, as is done anyway where standard output is no terminal
    #[arg(long, conflicts_with = "table")]
    json: bool,
    /// Print for people, even where standard output is no terminal
    #[arg(long)]
    table: bool,
}

impl OutputArgs {
    pub(crate) fn is_json(&self) -> bool {
        self.json || (!self.table && !std::io::stdout().is_terminal())
    }

    /// Prints one or the other.
    pub(crate) fn print(&self, json: &Json, text: impl FnOnce() -> String) -> std::io::Result<()> {
        let text = if self.is_json() { json.to_text(Style::INDENT_2) + "\n" } else { text() };
        std::io::stdout().write_all(text.as_bytes())
    }
}
