//! Writes through the library beside the bare sequence of the same bytes on the same file system, in
//! turns in one process: write, flush, exchange, flush the folder. And loading beside reading,
//! hashing and parsing bare. Prints one line of JSON for each figure, in microseconds.
//!
//! `TMPDIR` says where; a file system in memory has nothing to flush.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use horde_model_reference::audit::Trail;
use horde_model_reference::backend::Backend;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::generation::Digest;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Json, Options, Primary};
use rustix::fs::{CWD, RenameFlags, renameat_with};

const CATEGORY: Category = Category::Miscellaneous;
const ROUNDS: usize = 60;
const WRITERS: usize = 64;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("threads start");
    for (name, models) in [("1 KB", 2), ("200 KB", 400), ("2 MB", 4000)] {
        runtime.block_on(compare_writes(name, models));
    }
    runtime.block_on(compare_writers());
    compare_loads();
}

struct Place {
    folder: tempfile::TempDir,
    primary: Primary,
    bytes: Vec<u8>,
}

impl Place {
    fn with(models: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = Layout::below(folder.path());
        let mut records = Object::new();
        for number in 0..models {
            records.insert(format!("model {number}"), Json::Object(record(number, 0)));
        }
        let bytes = horde_model_reference::json::object_to_text(
            &records,
            horde_model_reference::json::Style::INDENT_2,
        );
        let path = layout.path(Document::V2(CATEGORY));
        std::fs::write(&path, &bytes).expect("the file is written");
        let options = Options::default();
        let trail = Trail::new(folder.path().join("audit"), 5 << 20);
        let files = Arc::new(Files::new(layout));
        let primary = Primary::open(files, options, Some(trail)).expect("threads start");
        Self { folder, primary, bytes: bytes.into_bytes() }
    }

    async fn write(&self, turn: usize, options: WriteOptions) -> Duration {
        let begun = Instant::now();
        let written = self.primary.update(CATEGORY, "model 0", record(0, turn), options).await;
        written.expect("the write succeeds");
        begun.elapsed()
    }
}

/// A record of some 450 bytes, another one each turn.
fn record(number: usize, turn: usize) -> Object {
    let text = format!(
        r#"{{"name":"model {number}","description":"{}","version":"{turn}","config":{{"download":[{{"file_name":"m{number}.bin","file_url":"https://example.org/m{number}.bin","sha256sum":"{:064}"}}]}}}}"#,
        "d".repeat(160),
        number
    );
    Json::parse(text.as_bytes()).ok().and_then(|value| value.as_object().cloned()).expect("JSON")
}

async fn compare_writes(name: &str, models: usize) {
    let place = Place::with(models);
    let bare = tempfile::tempdir().expect("a folder");
    let target = bare.path().join("target");
    std::fs::write(&target, &place.bytes).expect("the file is written");
    let quiet = || WriteOptions::default().local();
    for turn in 0..5 {
        place.write(turn, quiet()).await;
    }
    let mut times: [Vec<Duration>; 4] = Default::default();
    for turn in 0..ROUNDS {
        times[0].push(bare_write(bare.path(), &place.bytes));
        times[1].push(place.write(10 * turn + 7, quiet()).await);
        times[2].push(place.write(10 * turn + 8, WriteOptions::by("1").local()).await);
        let everywhere = WriteOptions::default();
        if turn % 10 == 0 {
            times[3].push(place.write(10 * turn + 9, everywhere).await);
        }
    }
    for (case, times) in ["bare", "local", "local, audited", "everywhere"].iter().zip(times) {
        print(&format!("write {name}: {case}"), times);
    }
    drop(place.folder);
}

fn bare_write(folder: &Path, bytes: &[u8]) -> Duration {
    let (staged, target) = (folder.join("staged"), folder.join("target"));
    let begun = Instant::now();
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&staged).expect("opens");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("is written");
    renameat_with(CWD, &staged, CWD, &target, RenameFlags::EXCHANGE).expect("is exchanged");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("is flushed");
    begun.elapsed()
}

async fn compare_writers() {
    let place = Place::with(2);
    for (writers, name) in [(1, "one writer"), (WRITERS, "64 writers")] {
        for (options, seen) in
            [(WriteOptions::by("1"), "everywhere"), (WriteOptions::by("1").local(), "local")]
        {
            let begun = Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            for writer in 0..writers {
                let (primary, options) = (place.primary.clone(), options.clone());
                tasks.spawn(async move {
                    let mut count = 0;
                    while begun.elapsed() < Duration::from_secs(3) {
                        let name = format!("w{writer}");
                        let written =
                            primary.update(CATEGORY, &name, record(1, count), options.clone());
                        written.await.expect("the write succeeds");
                        count += 1;
                    }
                    count
                });
            }
            let count: usize = tasks.join_all().await.into_iter().sum();
            let rate = count as f64 / begun.elapsed().as_secs_f64();
            println!("{{\"case\":\"{name}, {seen}\",\"per_second\":{rate:.1}}}");
        }
    }
}

fn compare_loads() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = Layout::below(folder.path());
    let document = Document::V2(CATEGORY);
    let contents: Vec<String> = (0..2)
        .map(|turn| {
            let mut records = Object::new();
            for number in 0..4000 {
                records.insert(format!("model {number}"), Json::Object(record(number, turn)));
            }
            Json::Object(records).to_text(horde_model_reference::json::Style::INDENT_2)
        })
        .collect();
    let path = layout.path(document);
    let files = Files::new(layout);
    let mut times: [Vec<Duration>; 2] = Default::default();
    for turn in 0..ROUNDS {
        std::fs::write(&path, &contents[turn % 2]).expect("is written");
        let begun = Instant::now();
        let bytes = std::fs::read(&path).expect("is read");
        black_box(Digest::of(&bytes));
        black_box(Json::parse(&bytes).expect("is JSON"));
        times[0].push(begun.elapsed());
        let begun = Instant::now();
        black_box(files.load(document).expect("is loaded"));
        times[1].push(begun.elapsed());
    }
    for (case, times) in ["bare", "loaded"].iter().zip(times) {
        print(&format!("load 2 MB: {case}"), times);
    }
}

fn print(case: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let us = |place: usize| times[place.min(times.len() - 1)].as_secs_f64() * 1e6;
    let (median, least, most) = (us(times.len() / 2), us(0), us(times.len() - 1));
    println!(
        "{{\"case\":\"{case}\",\"us\":{median:.1},\"least_us\":{least:.1},\"most_us\":{most:.1}}}"
    );
}
