//! Servers and data for these tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use horde_model_reference::Category;
use testkit::{Answer, DataFolder, Launch, Request, ServerProcess};

/// Patience for what should take a second or two on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// The data that comes with the repository.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

pub fn launch(data: &DataFolder) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
}

/// An authority over `data`.
pub fn primary(data: &DataFolder) -> Result<ServerProcess> {
    launch(data).env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY").start()
}

/// A copy of the service at `base_url` that looks every second and knows no other source.
pub fn replica(data: &DataFolder, base_url: &str) -> Launch {
    launch(data)
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "REPLICA")
        .env("HORDE_MODEL_REFERENCE_PRIMARY_API_URL", format!("{base_url}/api"))
        .env("HORDE_MODEL_REFERENCE_PRIMARY_API_TIMEOUT", "2")
        .env("HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK", "false")
        .env("HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS", "1")
}

/// Paths of everything that is copied.
pub fn copied_paths() -> Vec<String> {
    let exports = [
        "image_generation/baselines/export",
        "text_generation/guidance/export",
        "licensing/export",
    ];
    let of = |version: &'static str| {
        Category::ALL.map(move |category| format!("{version}/{category}")).into_iter()
    };
    of("v2").chain(of("v1")).chain(exports.map(|export| format!("v2/{export}"))).collect()
}

/// Status and body of what is read at `path`.
pub fn read(server: &ServerProcess, path: &str) -> Result<(u16, String)> {
    let answer = server.send(&Request::get(&format!("/api/model_references/{path}")))?;
    Ok((answer.status, answer.text()))
}

/// All that is copied, as `server` serves it.
pub fn read_all(server: &ServerProcess) -> Result<BTreeMap<String, (u16, String)>> {
    copied_paths().into_iter().map(|path| Ok((path.clone(), read(server, &path)?))).collect()
}

/// That `replica` answers everything as it should; the error names the first difference.
pub fn answers_all(
    replica: &ServerProcess,
    wanted: &BTreeMap<String, (u16, String)>,
) -> Result<()> {
    for (path, (status, body)) in wanted {
        let (actual_status, actual) = read(replica, path)?;
        let place = actual.bytes().zip(body.bytes()).take_while(|(a, b)| a == b).count();
        let around = |text: &str| {
            let text = text.as_bytes();
            let end = text.len().min(place + 80);
            String::from_utf8_lossy(&text[place.saturating_sub(40).min(end)..end]).into_owned()
        };
        ensure!(
            (actual_status, &actual) == (*status, body),
            "{path}: {actual_status} {}\nwanted {status} {}",
            around(&actual),
            around(body)
        );
    }
    Ok(())
}

/// What `/readyz` says about following.
pub fn replication(server: &ServerProcess) -> Result<serde_json::Value> {
    let ready = server.send(&Request::get("/readyz"))?.json()?;
    Ok(ready["replication"].clone())
}

/// Content of every data file below the root; not of what prepares the start.
pub fn files(data: &DataFolder) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![data.root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            // What is known of the documents grows while they are looked at.
            if path.ends_with(".coherence") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// An answer with an entity tag, after which the connection is closed.
pub fn tagged(status: u16, tag: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Stub\r\nETag: {tag}\r\nConnection: close\r\n");
    Answer::Raw(format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

/// An answer without one.
pub fn plain(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    let content_type = "application/json".into();
    Answer::Respond { status, content_type, body: body.into(), after: Duration::ZERO }
}
