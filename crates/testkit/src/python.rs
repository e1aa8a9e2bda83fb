//! A Python with the released client of the reference.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Result, ensure};

/// `HMR_PYTHON`, else that of `.venv` in the workspace, which is made if it is missing. Which release
/// it has depends on the Python at hand; `scripts/setup-python` says which.
pub fn python() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("HMR_PYTHON") {
        return Ok(python.into());
    }
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let workspace = workspace.canonicalize().unwrap_or(workspace);
    let setup = Command::new(workspace.join("scripts/setup-python")).output()?;
    let log = String::from_utf8_lossy(&setup.stderr);
    ensure!(setup.status.success(), "no virtual environment with the client: {log}");
    Ok(workspace.join(".venv/bin/python"))
}
