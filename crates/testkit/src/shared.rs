//! Where the contract and the real data lie, for tests that need them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder with `spec`, `contract` and `data`: `HMR_SHARED`, else `shared` beside the workspace.
///
/// A test that gets `None` returns at once; why is printed once for each test executable.
pub fn shared() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(look).clone()
}

fn look() -> Option<PathBuf> {
    let folder = std::env::var_os("HMR_SHARED").map_or_else(beside_the_workspace, PathBuf::from);
    if folder.join("contract").is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: {} holds no contract; set HMR_SHARED to the folder that does",
        folder.display()
    );
    None
}

fn beside_the_workspace() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Without the links of a worktree the path is also readable in messages.
    let workspace = workspace.canonicalize().unwrap_or(workspace);
    workspace.join("../shared")
}
