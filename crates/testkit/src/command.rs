//! Our executable as a command that ends by itself.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output, with marks in place of what is not UTF-8.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

/// Runs `executable` in `folder` with no environment but `PATH` and no terminal, until it ends.
pub fn run(executable: &str, folder: &Path, arguments: &[&str]) -> Result<Ran> {
    let output = Command::new(executable)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {executable}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{self:?}"))
    }
}
