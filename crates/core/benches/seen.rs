//! How long after a write eight other processes serve it, by looks alone. Prints lines of JSON.
//!
//! The processes are this program again, each with its own threads over the same folder.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Json, ModelReference, Options, blocking::Primary};
use rustix::time::{ClockId, clock_gettime};

const CATEGORY: Category = Category::Miscellaneous;
const PROCESSES: usize = 8;
const WRITES: usize = 60;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--watch") {
        watch(Path::new(&arguments[place + 1]));
        return;
    }
    for (name, models) in [("1 KB", 2), ("200 KB", 400)] {
        measure(name, models);
    }
}

/// Nanoseconds on the machine's monotonic clock, which all processes share.
fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Prints each generation with the time at which a read first returned it.
fn watch(folder: &Path) {
    let files = Arc::new(Files::new(Layout::below(folder)));
    let reference = ModelReference::open(files, Options::default()).expect("threads start");
    let mut seen = 0;
    let mut out = std::io::stdout();
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        let generation = reference.category_blocking(CATEGORY).view.generation().get();
        if generation != seen {
            seen = generation;
            let told = writeln!(out, "{generation} {}", now_ns()).and_then(|()| out.flush());
            if told.is_err() {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Watcher {
    child: Child,
    seen: Receiver<(u64, u64)>,
}

impl Watcher {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("--watch")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (tell, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut words = line.split(' ').filter_map(|word| word.parse().ok());
                if let (Some(generation), Some(at)) = (words.next(), words.next())
                    && tell.send((generation, at)).is_err()
                {
                    return;
                }
            }
        });
        Self { child, seen }
    }

    /// When it first saw this generation or a later one.
    fn saw(&self, wanted: u64) -> u64 {
        loop {
            let seen = self.seen.recv_timeout(Duration::from_secs(10)).expect("it is seen");
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

fn measure(name: &str, models: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = Layout::below(folder.path());
    let mut records = Object::new();
    for number in 0..models {
        records.insert(format!("model {number}"), record(number, 0).into());
    }
    let text = Json::Object(records).to_text(horde_model_reference::json::Style::INDENT_2);
    std::fs::write(layout.path(Document::V2(CATEGORY)), text).expect("is written");
    let files = Arc::new(Files::new(layout));
    let primary = Primary::open(files, Options::default(), None).expect("threads start");
    let watchers: Vec<Watcher> = (0..PROCESSES).map(|_| Watcher::start(folder.path())).collect();
    let mut times = Vec::with_capacity(WRITES * PROCESSES);
    for turn in 1..=WRITES {
        // A different moment of everybody's lease each time.
        std::thread::sleep(Duration::from_millis(150 + 37 * turn as u64 % 100));
        let begun = now_ns();
        let options = WriteOptions::default().local();
        let written = primary.update(CATEGORY, "model 0", record(0, turn), options);
        let generation = written.expect("the write succeeds").generation.get();
        for watcher in &watchers {
            times.push(watcher.saw(generation).saturating_sub(begun));
        }
    }
    times.sort_unstable();
    let ms = |place: usize| times[place] as f64 / 1e6;
    println!(
        "{{\"case\":\"seen by 8 processes, {name}\",\"p50_ms\":{:.1},\"p99_ms\":{:.1},\"most_ms\":{:.1}}}",
        ms(times.len() / 2),
        ms(times.len() * 99 / 100),
        ms(times.len() - 1)
    );
}

fn record(number: usize, turn: usize) -> Object {
    let text = format!(
        r#"{{"name":"model {number}","description":"{}","version":"{turn}"}}"#,
        "d".repeat(360)
    );
    Json::parse(text.as_bytes()).ok().and_then(|value| value.as_object().cloned()).expect("JSON")
}
