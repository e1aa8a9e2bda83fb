//! The published repositories as a first source, and as a last resort.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use horde_model_reference::Category;
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, eventually};

use crate::servers::{SOON, examples, launch, plain, read, replica};

/// A stand-in for the repositories that publishes the examples, but for what `instead` says of a
/// file name. Counts requests.
fn repositories(
    instead: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
) -> Result<(HttpStub, Arc<AtomicUsize>)> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let stub = HttpStub::start(move |request: &Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let name = request.target.rsplit('/').next().unwrap_or_default();
        let file = || match std::fs::read(examples().join("legacy").join(name)) {
            Ok(content) => plain(200, content),
            Err(_) => plain(404, "404: Not Found"),
        };
        instead(name).unwrap_or_else(file)
    })?;
    Ok((stub, count))
}

fn seeding(data: &DataFolder, stub: &HttpStub) -> Launch {
    launch(data)
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
        .env("HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED", "true")
        .env("HORDE_MODEL_REFERENCE_LEGACY_DOWNLOAD_RETRY_BACKOFF_SECONDS", "0")
        .env("GITHUB_PROXY_URL_BASE", stub.base_url())
}

#[test]
fn absent_categories_are_fetched_and_converted_once() -> Result<()> {
    let (stub, asked) = repositories(|_| None)?;
    let data = DataFolder::empty()?;
    let mut server = seeding(&data, &stub).start()?;
    for category in Category::ALL.into_iter().filter(|category| category.has_legacy_form()) {
        let name = match category {
            Category::TextGeneration => "models.csv".to_owned(),
            other => format!("{}.json", other.file_stem()),
        };
        let published = std::fs::read(examples().join("legacy").join(&name))?;
        ensure!(std::fs::read(data.root().join("legacy").join(&name))? == published, "{name}");
        let (status, body) = read(&server, &format!("v2/{category}"))?;
        let has_records = published.len() > 10;
        ensure!(status == 200 && (body.len() > 10) == has_records, "{category}: {status} {body}");
    }
    let first = asked.load(Ordering::SeqCst);
    ensure!(first == 10, "{first} requests");
    data.write("clip.json", b"{}")?;
    std::fs::remove_file(data.root().join("blip.json"))?;
    server.restart()?;
    ensure!(read(&server, "v2/clip")?.1 == "{}");
    ensure!(read(&server, "v2/blip")?.1.len() > 10, "converted from the file that is there");
    ensure!(asked.load(Ordering::SeqCst) == first, "nothing was absent");
    Ok(())
}

#[test]
fn what_a_dead_writer_set_aside_is_recovered_rather_than_fetched() -> Result<()> {
    let (stub, asked) = repositories(|_| None)?;
    let data = DataFolder::empty()?;
    data.write("clip.bak", br#"{"mine": {"name": "mine"}}"#)?;
    data.write("pending_queue/changes.bak", b"[]")?;
    let server = seeding(&data, &stub).start()?;
    ensure!(read(&server, "v2/clip")?.1.contains("mine"));
    ensure!(!data.root().join("legacy/clip.json").exists(), "clip was fetched");
    ensure!(!data.root().join("pending_queue/changes.json").exists(), "the queue is back");
    let asked = asked.load(Ordering::SeqCst);
    ensure!(asked == 9, "{asked} requests");
    Ok(())
}

#[test]
fn data_is_never_replaced_by_nothing() -> Result<()> {
    let (stub, _) = repositories(|name| match name {
        "clip.json" => Some(plain(200, "<html></html>")),
        "blip.json" => Some(plain(500, "")),
        "esrgan.json" => Some(plain(404, "")),
        "gfpgan.json" => Some(plain(200, r#"{"only": "nonsense"}"#)),
        "models.csv" => Some(Answer::Close),
        _ => None,
    })?;
    let data = DataFolder::empty()?;
    let own = br#"{"mine": {"name": "mine"}}"#;
    data.write("codeformer.json", own)?;
    let server = seeding(&data, &stub).start()?;
    for category in ["clip", "blip", "esrgan", "gfpgan", "text_generation"] {
        let (status, body) = read(&server, &format!("v2/{category}"))?;
        ensure!(status == 404, "{category}: {status} {body}");
        let told = format!("category={category}");
        let told =
            server.log().lines().any(|line| line.contains("not seeded") && line.contains(&told));
        ensure!(told, "{category}\n{}", server.log());
    }
    ensure!(read(&server, "v2/codeformer")?.1.contains("mine"));
    ensure!(!data.root().join("legacy/codeformer.json").exists());
    ensure!(read(&server, "v2/image_generation")?.0 == 200);
    Ok(())
}

#[test]
fn with_legacy_canonical_its_files_decide() -> Result<()> {
    let (stub, _) = repositories(|_| None)?;
    let data = DataFolder::empty()?;
    data.write("legacy/clip.json", b"{}")?;
    let server =
        seeding(&data, &stub).env("HORDE_MODEL_REFERENCE_CANONICAL_FORMAT", "legacy").start()?;
    ensure!(std::fs::read(data.root().join("legacy/clip.json"))? == b"{}");
    let (status, body) = read(&server, "v2/image_generation")?;
    ensure!(status == 200 && body.len() > 10, "{status} {body}");
    Ok(())
}

#[test]
fn a_replica_reads_what_is_published_while_there_is_no_primary() -> Result<()> {
    for primary in [Some(testkit::closed_port()?), None] {
        let (stub, asked) = repositories(|_| None)?;
        let data = DataFolder::empty()?;
        let launch = replica(&data, primary.as_deref().unwrap_or_default())
            .env("HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK", "true")
            .env("GITHUB_PROXY_URL_BASE", stub.base_url());
        let launch = match primary {
            Some(_) => launch,
            None => launch.env("HORDE_MODEL_REFERENCE_PRIMARY_API_URL", "null"),
        };
        let server = launch.start()?;
        eventually(SOON, || {
            for path in ["v2/clip", "v1/clip", "v2/text_generation", "v1/text_generation"] {
                let (status, body) = read(&server, path)?;
                ensure!(status == 200 && body.len() > 10, "{path}: {status} {body}");
            }
            Ok(())
        })
        .with_context(|| server.log())?;
        let asked = asked.load(Ordering::SeqCst);
        ensure!(asked == 10, "{asked} requests");
    }
    Ok(())
}
