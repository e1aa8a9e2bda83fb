//! Folders of a given size, processes over them, and clocks.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::redis::{Status, Subscription};
use horde_model_reference::json::{Object, Style, object_to_text};
use horde_model_reference::{Category, Document, Json, Options, Primary, settings};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

pub(crate) const CATEGORY: Category = Category::Miscellaneous;
pub(crate) const DOCUMENT: Document = Document::V2(CATEGORY);
/// Records in a category of each size.
pub(crate) const SIZES: [(&str, usize); 3] = [("1 KB", 2), ("200 KB", 400), ("2 MB", 4000)];
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder whose category has so many records.
pub(crate) fn folder(models: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let records = (0..models).map(|number| (format!("model {number}"), record(number, 0).into()));
    let text = object_to_text(&records.collect::<Object>(), Style::INDENT_2);
    std::fs::write(layout(folder.path()).path(DOCUMENT), text).expect("is written");
    folder
}

pub(crate) fn layout(folder: &Path) -> Layout {
    Layout::below(folder)
}

pub(crate) fn files(folder: &Path) -> Arc<Files> {
    Arc::new(Files::new(layout(folder)))
}

/// A process over the folder; with Redis if `settings` are given. Bodies stay as they are:
/// compressing them is for those who serve over HTTP, and takes longer than all that is timed.
pub(crate) fn open(folder: &Path, settings: Option<&settings::Redis>) -> Primary {
    let options = Options { compress: false, ..Options::default() };
    let opened = match settings {
        Some(settings) => Primary::open_with_redis(files(folder), options, None, settings, None),
        None => Primary::open(files(folder), options, None),
    };
    opened.expect("threads start")
}

/// Settings for the server at a port of this machine.
pub(crate) fn at(port: u16) -> settings::Redis {
    settings::Redis { use_redis: true, port: NonZeroU16::new(port), ..settings::Redis::default() }
}

pub(crate) fn status(primary: &Primary) -> Status {
    primary.redis().expect("it was opened with Redis").status()
}

/// Waits until nothing is missing between the process and Redis.
pub(crate) fn await_live(primary: &Primary) {
    await_that("it is told of changes", || {
        let status = status(primary);
        status.subscription == Subscription::Live && status.has_values
    });
}

/// Waits until something is so; asks again after a millisecond. What it waited for is told when it
/// does not come.
pub(crate) fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn record(number: usize, turn: usize) -> Object {
    let text = format!(
        r#"{{"name":"model {number}","description":"{}","version":"{turn}"}}"#,
        "d".repeat(400)
    );
    Json::parse(text.as_bytes()).ok().and_then(|value| value.as_object().cloned()).expect("JSON")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// Nanoseconds on the machine's monotonic clock, which all processes share.
pub(crate) fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// This program again, in a process that tells numbers and when it saw them.
pub(crate) struct Watcher {
    child: Child,
    seen: Receiver<(u64, u64)>,
}

impl Watcher {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (tell, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut words = line.split(' ').filter_map(|word| word.parse().ok());
                if let (Some(number), Some(at)) = (words.next(), words.next())
                    && tell.send((number, at)).is_err()
                {
                    return;
                }
            }
        });
        Self { child, seen }
    }

    /// When it first saw this number or a later one.
    pub(crate) fn saw(&self, wanted: u64) -> u64 {
        loop {
            let seen = self.seen.recv_timeout(PATIENCE).expect("it is seen");
            if seen.0 >= wanted {
                return seen.1;
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells what was seen, and when. Whether anybody still listens.
pub(crate) fn tell(number: u64) -> bool {
    let mut out = std::io::stdout();
    writeln!(out, "{number} {}", now_ns()).and_then(|()| out.flush()).is_ok()
}

/// The time below which so many of a hundred lie.
pub(crate) fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
