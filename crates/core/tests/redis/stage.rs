//! A data folder, a Redis server, and processes of ours over both; here each is a `Primary` of its own.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::redis::{Counters, Redis, Subscription};
use horde_model_reference::change::{Committed, Visibility, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Json, Options, Primary, settings};
use testkit::{RedisServer, eventually};
use tokio::runtime::Runtime;

pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const CLIP: Category = Category::Clip;
pub(crate) const RECORD: &str = "horde:model_ref:coh:gen";
pub(crate) const COPY: &str = "horde:model_ref:category:clip";

/// A folder with one category in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("clip.json", &records(&["first"]));
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn open(&self, settings: &settings::Redis) -> Worker {
        self.open_with(settings, Options::default())
    }

    pub(crate) fn open_with(&self, settings: &settings::Redis, options: Options) -> Worker {
        self.open_as(settings, options, None)
    }

    /// With the argument that says how long copies live.
    pub(crate) fn open_living(&self, settings: &settings::Redis, seconds: Option<u32>) -> Worker {
        self.open_as(settings, Options::default(), seconds)
    }

    fn open_as(&self, settings: &settings::Redis, options: Options, ttl: Option<u32>) -> Worker {
        let files = Arc::new(Files::new(Layout::below(self.0.path())));
        let options = Options { compress: false, ..options };
        let primary = Primary::open_with_redis(files, options, None, settings, ttl).unwrap();
        Worker { primary, runtime: runtime() }
    }

    pub(crate) fn open_alone(&self) -> Worker {
        let files = Arc::new(Files::new(Layout::below(self.0.path())));
        let options = Options { compress: false, ..Options::default() };
        Worker { primary: Primary::open(files, options, None).unwrap(), runtime: runtime() }
    }
}

/// One process's view of the folder.
pub(crate) struct Worker {
    pub(crate) primary: Primary,
    runtime: Runtime,
}

impl Worker {
    pub(crate) fn redis(&self) -> &Arc<Redis> {
        self.primary.redis().unwrap()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.redis().status().counters
    }

    pub(crate) fn put(&self, name: &str) -> Committed {
        let options = WriteOptions { visibility: Visibility::Local, ..WriteOptions::default() };
        let written = self.primary.update(CLIP, name, record(name), options);
        self.runtime.block_on(written).unwrap()
    }

    /// The names that a plain read shows, without waiting for anything but its lease.
    pub(crate) fn names(&self) -> Vec<String> {
        let read = self.primary.category_blocking(CLIP);
        assert!(read.fresh);
        read.view.records().unwrap().keys().cloned().collect()
    }

    pub(crate) fn shows(&self, name: &str) -> bool {
        self.names().iter().any(|shown| shown == name)
    }

    pub(crate) fn await_live(&self) {
        soon(|| {
            let status = self.redis().status();
            let is_live = status.subscription == Subscription::Live && status.has_values;
            is_live.then_some(()).ok_or_else(|| format!("{status:?}"))
        });
    }

    /// Waits until nothing is read any more: what is found out at the start has been.
    pub(crate) fn await_silence(&self) {
        self.await_live();
        until("nothing is read any more", || {
            let loads = self.primary.statistics().loads;
            let compared = self.counters().comparisons;
            until("it is compared again", || self.counters().comparisons > compared + 1);
            self.primary.statistics().loads == loads
        });
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// Asks until the answer is good; after long in vain the last bad one is what the test fails with.
pub(crate) fn soon<T, E: std::fmt::Debug>(question: impl FnMut() -> Result<T, E>) -> T {
    eventually(SOON, question).unwrap()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(|| if is_so() { Ok(()) } else { Err(what.to_owned()) });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Settings for the server at a port of this machine.
pub(crate) fn at(port: u16) -> settings::Redis {
    settings::Redis { use_redis: true, port: NonZeroU16::new(port), ..settings::Redis::default() }
}

/// As far as news are concerned, a minute is for ever: what arrives sooner came by message.
pub(crate) fn by_message_only() -> Options {
    let mut options = Options::default();
    options.leases.lease = Duration::from_secs(600);
    options.leases.look_every = Duration::from_secs(200);
    options
}

pub(crate) fn with_comparisons_every(ms: u32, settings: settings::Redis) -> settings::Redis {
    settings::Redis { compare_every_ms: NonZeroU32::new(ms).unwrap(), ..settings }
}

pub(crate) fn record(name: &str) -> Object {
    Json::parse(text_of(name).as_bytes()).unwrap().as_object().cloned().unwrap()
}

fn text_of(name: &str) -> String {
    format!(
        r#"{{"name": "{name}", "record_type": "clip", "model_classification": {{"domain": "text", "purpose": "feature_extractor"}}}}"#
    )
}

pub(crate) fn records(names: &[&str]) -> String {
    let records: Vec<_> =
        names.iter().map(|name| format!("\"{name}\": {}", text_of(name))).collect();
    format!("{{{}}}", records.join(", "))
}

/// What the record says of the category, as its two halves.
pub(crate) fn recorded(server: &RedisServer) -> Option<(u64, String)> {
    let reply = server.command(&["HGET", RECORD, "v2/clip"]).ok()?;
    let text = reply.text()?;
    let (generation, digest) = text.split_once(':')?;
    Some((generation.parse().ok()?, digest.to_owned()))
}

pub(crate) fn copy(server: &RedisServer) -> Option<String> {
    server.command(&["GET", COPY]).ok()?.text()
}
