//! Two workers over one folder and one Redis, and what has to work between them however it is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use horde_model_reference::generation::Digest;
use horde_model_reference::{Document, settings};
use testkit::RedisServer;

use crate::stage::{CLIP, Folder, Worker, by_message_only, until};

const PREFIX: &str = "horde:model_ref";

pub(crate) struct Pair {
    folder: Folder,
    pub(crate) writer: Worker,
    pub(crate) reader: Worker,
    reads: Option<Reads>,
}

impl Pair {
    /// Workers who do not look at the files for minutes, unless they are told to.
    pub(crate) fn over(settings: &settings::Redis) -> Self {
        let folder = Folder::new();
        let [writer, reader] = [(); 2].map(|()| folder.open_with(settings, by_message_only()));
        let reads = Some(Reads::of(&reader));
        Self { folder, writer, reader, reads }
    }

    pub(crate) fn live(settings: &settings::Redis) -> Self {
        let pair = Self::over(settings);
        pair.await_live();
        pair
    }

    /// For writes without a pause: readers who wait for the next content each time may be told that the
    /// one they get is not the newest.
    pub(crate) fn stop_reading(&mut self) {
        self.reads = None;
    }

    pub(crate) fn await_live(&self) {
        self.both().iter().for_each(|worker| worker.await_live());
    }

    pub(crate) fn both(&self) -> [&Worker; 2] {
        [&self.writer, &self.reader]
    }

    /// What either writes, the other is told of by message.
    pub(crate) fn exchange(&self, name: &str) {
        for [from, to] in [[&self.writer, &self.reader], [&self.reader, &self.writer]] {
            let name = format!("{name}-{}", from.redis().worker());
            let heard = to.counters().changes_heard;
            from.put(&name);
            until("the other worker was told", || to.counters().changes_heard > heard);
            until("the other worker shows it", || to.shows(&name));
        }
    }

    /// What either writes, the other finds without having been told.
    pub(crate) fn find_out(&self, name: &str) {
        for [from, to] in [[&self.writer, &self.reader], [&self.reader, &self.writer]] {
            let name = format!("{name}-{}", from.redis().worker());
            from.put(&name);
            until("the other worker shows it", || to.shows(&name));
        }
        assert!(self.both().iter().all(|worker| worker.counters().changes_heard == 0));
    }

    /// Both workers hold the file, and so do the record and the copy. `ask` asks Redis.
    pub(crate) fn agrees(&self, ask: impl Fn(&[&str]) -> Option<String>) {
        self.agrees_under(PREFIX, ask);
    }

    /// The same with another beginning of all keys.
    pub(crate) fn agrees_under(&self, prefix: &str, ask: impl Fn(&[&str]) -> Option<String>) {
        self.is_recorded(prefix, &ask);
        let copy = format!("{prefix}:category:clip");
        until("the copy is the file", || ask(&["GET", &copy]) == Some(self.file()));
    }

    /// The same without the copy, for users who may not store any.
    pub(crate) fn is_recorded(&self, prefix: &str, ask: impl Fn(&[&str]) -> Option<String>) {
        let record = format!("{prefix}:coh:gen");
        until("both workers and the record agree with the file", || {
            let digest = Digest::of(self.file().as_bytes());
            let recorded = ask(&["HGET", &record, "v2/clip"]);
            self.both().iter().all(|worker| {
                let view = worker.primary.category_blocking(CLIP).view;
                recorded == Some(format!("{}:{digest}", view.generation()))
            })
        });
    }

    /// The copy is dropped, and everybody told to look.
    pub(crate) fn mark_stale(&self) {
        let document = Document::V2(CLIP);
        // A busy machine may take longer than a command has.
        until("the server did it", || {
            self.writer.block_on(self.writer.redis().mark_stale(vec![document]))
        });
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("clip.json")).unwrap()
    }
}

/// Asks one server.
pub(crate) fn asking(server: &RedisServer) -> impl Fn(&[&str]) -> Option<String> {
    |command| server.command(command).ok()?.text()
}

/// Somebody who reads all the time, whatever happens to Redis: each read must be fresh.
struct Reads {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reads {
    fn of(worker: &Worker) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (primary, is_over) = (worker.primary.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                assert!(primary.category_blocking(CLIP).fresh);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "a read was not fresh");
        }
    }
}
