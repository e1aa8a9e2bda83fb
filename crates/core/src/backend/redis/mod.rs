//! The shared tier: a cache in Redis over the files, which can only help.
//!
//! The files decide; Redis hastens. It carries news of changes (`listener.rs`), and copies of documents
//! that are accepted only when their digest is what the files' own control files say (`copies.rs`). What
//! it says is compared with the files once a second and set right (`keeper.rs`). It may be slow, empty,
//! wrong, rewound or gone: no read waits for it, and no write is taken back because of it.
//!
//! One thread with a small runtime of its own owns all connections, so that neither a busy server nor a
//! hanging disk delays them, and they end with it.

mod arrivals;
mod breaker;
mod check;
mod clients;
mod connect;
mod copies;
mod ear;
mod habits;
mod keeper;
mod keys;
mod link;
mod listener;
mod made;
mod message;
mod record;
mod requests;
mod scripting;
mod scripts;
#[cfg(test)]
mod scripts_test;
mod sentinels;
mod standing;
mod status;
mod transaction;

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::files::{Directory, Files};
use super::{Backend, Disagreement, Hint, LastGood, Loaded, News, Origin, Stamp, Witness};
use crate::error::Result;
use crate::generation::Generation;
use crate::{Document, Snapshot, settings};
use arrivals::Arrivals;
use connect::Server;
use copies::Copies;
use habits::Habits;
use keeper::Kept;
use keys::Keys;
use link::Link;
use listener::Heard;
pub use listener::Subscription;
use made::Results;
use requests::Request;
pub use requests::Warmed;
use scripting::Scripting;
use scripts::Speaker;
use standing::Standing;
pub use status::{Counters, ServerStatistics, Status};

/// How long a start waits for the first connection, so that it can take copies instead of reading files.
const START_WAIT: Duration = Duration::from_millis(50);
/// How long the thread may take to let go of what hangs in a system call.
const END_WITHIN: Duration = Duration::from_millis(250);
/// Requests that may wait; more are refused.
const WAITING: usize = 64;
/// Different complaints that are told; a server cannot fill the log.
const COMPLAINTS: usize = 32;

/// A cache in Redis over the files of one data directory.
pub struct Redis {
    files: Arc<Files>,
    shared: Arc<Shared>,
    /// Its end ends the thread.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and those who ask it share.
struct Shared {
    server: Server,
    speaker: Speaker,
    habits: Habits,
    /// Small commands: none of them ever waits behind a large value.
    commands: Link,
    values: Link,
    arrivals: Arrivals,
    standings: Vec<Mutex<Standing>>,
    /// Who is told that something may have changed.
    hint: OnceLock<Hint>,
    /// There is something to announce.
    news: Notify,
    /// There may be copies to store.
    fills: Notify,
    compare_now: Notify,
    /// Another server is the primary now.
    moved: Notify,
    comparisons: watch::Sender<u64>,
    requests: mpsc::Sender<Request>,
    scripting: Scripting,
    /// Identity of another directory that the prefix belongs to.
    other_directory: Mutex<Option<String>>,
    /// What has been complained of already.
    complaints: Mutex<HashSet<String>>,
    heard: Heard,
    kept: Kept,
    copies: Copies,
}

impl Redis {
    /// A cache over `files` at the server that `settings` name. Copies live for `ttl_seconds` if that
    /// is given, else as set; 0 is for ever. The files must have been opened for writing, and have one
    /// cache at most, whether it was closed or not.
    ///
    /// The server need not be there: it is used as soon as it comes.
    ///
    /// # Errors
    ///
    /// Settings that contradict each other, certificates that cannot be read, files that had a cache
    /// before, or no thread.
    pub fn start(
        files: Arc<Files>,
        settings: &settings::Redis,
        directory: Directory,
        ttl_seconds: Option<u32>,
    ) -> io::Result<Arc<Self>> {
        // Whoever embeds this may have chosen a provider of TLS already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let target = settings
            .target()
            .map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem.to_string()))?;
        let habits = Habits::of(settings, ttl_seconds);
        let server = Server::new(target, habits.connect_budget)?;
        let keys = Keys::new(&settings.key_prefix, server.is_cluster());
        let (requests, asked) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared {
            speaker: Speaker {
                keys,
                directory: directory.identity,
                worker: format!("{:016x}", fastrand::u64(..)),
                publishes: settings.use_pubsub,
                is_sharded: settings.sharded_pubsub,
            },
            server,
            habits,
            commands: Link::new("commands"),
            values: Link::new("values"),
            arrivals: Arrivals::default(),
            standings: (0..Document::COUNT).map(|_| Mutex::default()).collect(),
            hint: OnceLock::new(),
            news: Notify::new(),
            fills: Notify::new(),
            compare_now: Notify::new(),
            moved: Notify::new(),
            comparisons: watch::Sender::new(0),
            requests,
            scripting: Scripting::default(),
            other_directory: Mutex::new(None),
            complaints: Mutex::default(),
            heard: Heard::default(),
            kept: Kept::default(),
            copies: Copies::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let started = shared.values.states();
        let for_thread = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let held = Arc::clone(&shared);
        if !files.tell_of_names(Box::new(move |snapshot| held.hold(snapshot))) {
            let refusal =
                "these files have a cache in redis, or had one; open them anew for another";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, refusal));
        }
        let thread = std::thread::Builder::new().name("redis".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = for_thread.run(asked) => {}
                }
            });
            runtime.shutdown_timeout(END_WITHIN);
        })?;
        wait_for_a_first_attempt(&started);
        let (stop, thread) = (Mutex::new(Some(stop)), Mutex::new(Some(thread)));
        Ok(Arc::new(Self { files, shared, stop, thread }))
    }

    /// Ends the subscription, the connections and the thread. What is read afterwards comes from the
    /// files. Also done when the last user is gone.
    pub fn close(&self) {
        drop(lock(&self.stop).take());
        let of_others =
            |thread: &JoinHandle<()>| thread.thread().id() != std::thread::current().id();
        if let Some(thread) = lock(&self.thread).take().filter(of_others) {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
        self.shared.is_over();
    }
}

/// A server that refuses is known to at once; one that hangs is not waited for.
fn wait_for_a_first_attempt(states: &watch::Receiver<link::State>) {
    let begun = Instant::now();
    while *states.borrow() == link::State::Starting && begun.elapsed() < START_WAIT {
        std::thread::sleep(Duration::from_micros(200));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.close();
    }
}

impl Backend for Redis {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        self.files.look(document)
    }

    fn look_at_all(&self, found: &mut dyn FnMut(Document, Result<Option<Stamp>>)) {
        self.files.look_at_all(found);
    }

    fn lease(&self) -> Option<Duration> {
        self.files.lease()
    }

    fn origin(&self, document: Document, generation: Generation) -> Origin {
        self.files.origin(document, generation)
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        let name_above = self.shared.standing(document).take_name_above();
        if let Some(above) = name_above
            && let Err(error) = self.files.name_above(document, above.generation, above.digest)
        {
            tracing::warn!(%document, %error, "a file older than its record could not be named anew yet");
        }
        match self.copied(document) {
            Some(loaded) => Ok(loaded),
            None => self.files.load(document),
        }
    }

    fn last_good(&self, document: Document) -> Option<LastGood> {
        let known = self.files.last_good(document);
        self.copied_instead(document, known.as_ref()).or(known)
    }

    fn witness(&self, document: Document) -> Result<Option<Witness>> {
        self.files.witness(document)
    }

    fn disagreements(&self, snapshot: &Arc<Snapshot>) -> Vec<Disagreement> {
        self.check(snapshot)
    }

    fn made(&self) -> Option<Arc<dyn crate::made::Store>> {
        let shared = Arc::clone(&self.shared);
        // Who stores nothing large there stores no results either.
        shared.habits.fills.then(|| Arc::new(Results::new(shared)) as _)
    }

    fn listen(&self, hint: Hint) {
        let _ = self.shared.hint.set(hint);
    }
}

impl Shared {
    /// Everything that goes on, for as long as it does.
    async fn run(&self, asked: mpsc::Receiver<Request>) {
        tokio::join!(
            self.commands.keep(&self.server, self.habits.backoff, &self.arrivals),
            self.values.keep(&self.server, self.habits.backoff, &self.arrivals),
            self.listen(),
            self.compare_always(),
            self.announce(),
            self.fill(),
            self.watch_primary(),
            self.serve(asked),
        );
    }

    /// Notes a content that has a name; it is announced if that is news.
    fn hold(&self, snapshot: &Arc<Snapshot>) {
        let is_news = {
            let mut standing = self.standing(snapshot.document);
            standing.hold(snapshot) && standing.to_announce().is_some()
        };
        if is_news {
            self.news.notify_one();
        }
    }

    fn standing(&self, document: Document) -> MutexGuard<'_, Standing> {
        lock(&self.standings[document.index()])
    }

    fn hint(&self, document: Document) {
        if let Some(hint) = self.hint.get() {
            hint(News::Of(document));
        }
    }

    fn hint_at_everything(&self) {
        if let Some(hint) = self.hint.get() {
            hint(News::Unknown);
        }
    }

    /// Whether Redis and these files belong together, as far as is known.
    fn may_share(&self) -> bool {
        lock(&self.other_directory).is_none()
    }

    fn find_other_directory(&self, directory: &str) {
        let mut other = lock(&self.other_directory);
        if other.as_deref() != Some(directory) {
            tracing::error!(server = %self.server, prefix = self.speaker.keys.prefix(), ours = self.speaker.directory, theirs = directory, "the key prefix belongs to another data directory; redis is not used. Choose another prefix for one of them, or delete the hash at `<prefix>:coh:gen` if the other directory is no more");
            *other = Some(directory.to_owned());
        }
    }

    fn find_own_directory(&self) {
        if lock(&self.other_directory).take().is_some() {
            tracing::info!(server = %self.server, "the key prefix belongs to this data directory now");
        }
    }

    fn can_script(&self) -> bool {
        self.scripting.is_allowed()
    }

    /// Whether scripts were in use until now.
    fn give_up_scripts(&self) -> bool {
        let were_used = self.scripting.refuse(Instant::now());
        if were_used {
            self.complain("the server refuses scripts; transactions are used instead");
        }
        were_used
    }

    /// The server ran a script.
    fn take_up_scripts(&self) {
        if self.scripting.allow() {
            tracing::info!(server = %self.server, "the server runs scripts again");
        }
    }

    /// Tells what the server does not like, once.
    fn complain(&self, complaint: &str) {
        let mut told = lock(&self.complaints);
        if told.len() < COMPLAINTS && told.insert(complaint.to_owned()) {
            tracing::warn!(server = %self.server, complaint, "redis refuses; reads and writes do not need it");
        }
    }

    /// The thread has ended.
    fn is_over(&self) {
        self.commands.end();
        self.values.end();
        self.heard.state.send_replace(Subscription::Off);
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("server", &self.shared.server.to_string())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
