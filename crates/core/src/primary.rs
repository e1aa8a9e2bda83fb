//! The authority: a model reference that may be written.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::audit::Trail;
use crate::backend::Backend;
use crate::backend::files::{self, Directory, Files};
#[cfg(feature = "redis")]
use crate::backend::redis::Redis;
use crate::change::{Change, Committed, Visibility, WholeChange, WriteError, WriteOptions};
use crate::disk::faults::{self, Rule};
use crate::json::Object;
use crate::queue::Queue;
use crate::record::Record;
use crate::shape::Print;
use crate::writer::{self, FollowUps, Writer, finish_for_others};
use crate::{Category, Document, Error, Format, ModelReference, Options};

/// How long a caller waits for its change: longer than a commit waits for the lock of others.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// A model reference over files that may be written, by this process and by others.
///
/// Reading is what [`ModelReference`] offers. A change is acknowledged when it is durable, audited
/// and, unless it is asked for otherwise, seen by every process that reads the same files. Cheap to
/// clone.
#[derive(Clone)]
pub struct Primary {
    reference: ModelReference,
    writer: Arc<Writer>,
    canonical: Format,
    applying: Applying,
    /// After how long everybody's lease of what was before a commit has run out.
    everywhere: Duration,
    #[cfg(feature = "redis")]
    redis: Option<Arc<Redis>>,
}

/// What keeps those who apply proposed changes apart, in this process and among all.
#[derive(Clone)]
struct Applying {
    turn: Arc<tokio::sync::Mutex<()>>,
    lock: PathBuf,
}

impl Primary {
    /// Opens the files for reading and writing. The lease in force for the directory replaces the one
    /// in `options`. Changes by known users are told in `trail`, if there is one.
    pub fn open(
        files: Arc<Files>,
        options: Options,
        trail: Option<Trail>,
    ) -> std::io::Result<Self> {
        let (options, _) = with_lease_in_force(&files, options);
        let backend = Arc::clone(&files) as _;
        Self::over(backend, files, options, trail)
    }

    /// [`Primary::open`] with a cache in Redis that all processes share. Copies live for `ttl_seconds`
    /// there if that is given, else as the settings say; 0 is for ever. The server need not be there
    /// yet, and nothing depends on it.
    ///
    /// # Errors
    ///
    /// Also when the settings contradict each other, and for files that are copies of another server's:
    /// only a PRIMARY shares its documents.
    #[cfg(feature = "redis")]
    pub fn open_with_redis(
        files: Arc<Files>,
        options: Options,
        trail: Option<Trail>,
        settings: &crate::settings::Redis,
        ttl_seconds: Option<u32>,
    ) -> std::io::Result<Self> {
        if options.copied {
            let refusal = "only a PRIMARY shares documents through redis; these are copies";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, refusal));
        }
        let (options, directory) = with_lease_in_force(&files, options);
        let Some(directory) = directory else {
            tracing::error!(
                "the data folder has no identity and cannot be given one: redis is not used"
            );
            return Self::over(Arc::clone(&files) as _, files, options, trail);
        };
        let redis = Redis::start(Arc::clone(&files), settings, directory, ttl_seconds)?;
        let opened = Self::over(Arc::clone(&redis) as _, files, options, trail)?;
        Ok(Self { redis: Some(redis), ..opened })
    }

    fn over(
        backend: Arc<dyn Backend>,
        files: Arc<Files>,
        options: Options,
        trail: Option<Trail>,
    ) -> std::io::Result<Self> {
        let reference = ModelReference::open(backend, options)?;
        let catalogues = reference.clone();
        let knows_baseline = Arc::new(move |name: &str| catalogues.knows_baseline(name));
        let lock = files.place(Document::PendingChanges).apply_lock();
        let follow_ups = FollowUps { trail: trail.map(Arc::new), canonical: options.canonical };
        let writer = Writer::new(files, follow_ups, knows_baseline);
        Ok(Self {
            reference,
            writer: Arc::new(writer),
            canonical: options.canonical,
            applying: Applying { turn: Arc::default(), lock },
            everywhere: options.leases.lease.mul_f64(1.02) + Duration::from_millis(5),
            #[cfg(feature = "redis")]
            redis: None,
        })
    }

    /// Where the files are.
    #[cfg(feature = "redis")]
    pub(crate) fn files_layout(&self) -> &files::layout::Layout {
        self.writer.layout()
    }

    /// The cache in Redis, if there is one.
    #[cfg(feature = "redis")]
    pub fn redis(&self) -> Option<&Arc<Redis>> {
        self.redis.as_ref()
    }

    /// Completes the files before they are opened, and finishes what writers that died had begun; see
    /// [`Files::prepare`]. Returns what could not be done.
    pub fn prepare(files: &Files, canonical: Format, trail: Option<Trail>) -> Vec<Error> {
        finish_for_others(files, &Arc::new(FollowUps { trail: trail.map(Arc::new), canonical }));
        files.prepare(canonical)
    }

    /// The format that is the source of truth.
    pub fn canonical(&self) -> Format {
        self.canonical
    }

    /// Counters of the file tier since the start.
    pub fn file_statistics(&self) -> files::Statistics {
        self.writer.file_statistics()
    }

    /// What became of changes, and how long commits took, since the start.
    pub fn write_statistics(&self) -> writer::Statistics {
        self.writer.statistics()
    }

    /// The reference, for reading only.
    pub fn reference(&self) -> &ModelReference {
        &self.reference
    }

    /// Creates or replaces a v2 record.
    pub async fn update(
        &self,
        category: Category,
        name: &str,
        record: Object,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let document = self.document(category, Format::V2)?;
        let name = name.to_owned();
        self.change(document, Change::Put { name, record }, options).await
    }

    /// Creates or replaces a v2 record under its own name. Only members that were set are written.
    pub async fn update_record(
        &self,
        record: &Record,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let members = record.to_json(Print::SPARSE);
        self.update(record.category, &record.common.name, members, options).await
    }

    /// Deletes a v2 record.
    pub async fn delete(
        &self,
        category: Category,
        name: &str,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let document = self.document(category, Format::V2)?;
        self.change(document, Change::Delete { name: name.to_owned() }, options).await
    }

    /// Creates or replaces a legacy record; its v2 form follows before this returns.
    pub async fn update_legacy(
        &self,
        category: Category,
        name: &str,
        record: Object,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let document = self.document(category, Format::Legacy)?;
        let name = name.to_owned();
        self.change(document, Change::Put { name, record }, options).await
    }

    /// Deletes a legacy record; its v2 form follows before this returns.
    pub async fn delete_legacy(
        &self,
        category: Category,
        name: &str,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let document = self.document(category, Format::Legacy)?;
        self.change(document, Change::Delete { name: name.to_owned() }, options).await
    }

    /// Changes a JSON document as a whole: `change` gets the present content (null where there is
    /// none) and says the next. It is called again if somebody else writes meanwhile.
    pub async fn change_document(
        &self,
        document: Document,
        change: WholeChange,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.check_is_written(document)?;
        self.change(document, Change::Whole(change), options).await
    }

    /// Replaces a document's bytes, as restoring an earlier content does.
    pub async fn replace_document(
        &self,
        document: Document,
        bytes: Bytes,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.check_is_written(document)?;
        self.change(document, Change::Bytes(bytes), options).await
    }

    /// What follows from another document would be made anew from it.
    fn check_is_written(&self, document: Document) -> Result<(), WriteError> {
        let reason = "it follows from another document, which is to be changed instead";
        match document.category() {
            Some(category) if !document.is_written(self.canonical) => {
                Err(WriteError::WrongFormat { category, reason })
            }
            _ => Ok(()),
        }
    }

    /// The queue of proposed changes.
    pub fn queue(&self) -> Queue {
        Queue::of(self, Arc::clone(&self.applying.turn), self.applying.lock.clone())
    }

    /// Whether a change of the document was made by the request of this id. If not, none will be.
    pub(crate) async fn was_answered(
        &self,
        document: Document,
        request_id: String,
    ) -> Result<bool, WriteError> {
        let options = WriteOptions { request_id: Some(request_id), ..WriteOptions::default() };
        match self.change(document, Change::Nothing, options.local()).await {
            Ok(_) => Ok(true),
            Err(WriteError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until whatever was committed before is seen everywhere: for many local changes, one wait.
    pub async fn barrier(&self) {
        self.reference.look_now();
        tokio::time::sleep(self.everywhere).await;
    }

    /// The document that changes of a category in one format go to.
    pub fn document(&self, category: Category, format: Format) -> Result<Document, WriteError> {
        let refuse = |reason| Err(WriteError::WrongFormat { category, reason });
        match format {
            Format::V2 if category.has_legacy_form() && self.canonical == Format::Legacy => {
                refuse("the legacy format is canonical here")
            }
            Format::V2 => Ok(Document::V2(category)),
            Format::Legacy if !category.has_legacy_form() => refuse("it has no legacy form"),
            Format::Legacy if self.canonical == Format::V2 => {
                refuse("the v2 format is canonical here")
            }
            Format::Legacy => Ok(Document::Legacy(category)),
        }
    }

    pub(crate) async fn change(
        &self,
        document: Document,
        change: Change,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let visibility = options.visibility;
        let answer = match self.writer.submit(document, change, options) {
            Ok(answer) => answered(answer).await,
            Err(refused) => Err(refused),
        };
        self.writer.count(&answer);
        let committed = answer?;
        self.wait_until_seen(&committed, visibility).await;
        Ok(committed)
    }

    async fn wait_until_seen(&self, committed: &Committed, visibility: Visibility) {
        self.reference.outdate(&touched_by(committed.document));
        if visibility == Visibility::Local || faults::is_left_out(Rule::CommitWait) {
            return;
        }
        // Whoever repeats a request may have been cut off before the first one was seen.
        let at = committed.at.map_or_else(Instant::now, Instant::from_std);
        tokio::time::sleep_until(at + self.everywhere).await;
    }
}

impl Deref for Primary {
    type Target = ModelReference;

    fn deref(&self) -> &ModelReference {
        &self.reference
    }
}

/// The options with the lease in force for the directory, and what else is true of it.
fn with_lease_in_force(files: &Files, mut options: Options) -> (Options, Option<Directory>) {
    let Some(directory) = files.directory(options.leases.lease) else { return (options, None) };
    if directory.lease != options.leases.lease {
        let (in_force, asked) = (directory.lease, options.leases.lease);
        tracing::warn!(
            ?in_force,
            ?asked,
            "the lease of the data directory stays in force; stop all that use it and remove `.coherence/directory` to change it"
        );
    }
    options.leases = options.leases.of(directory.lease);
    (options, Some(directory))
}

async fn answered(
    answer: oneshot::Receiver<Result<Committed, WriteError>>,
) -> Result<Committed, WriteError> {
    match tokio::time::timeout(ANSWER_TIME, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(WriteError::Ended),
        Err(_) => Err(WriteError::NoAnswer { seconds: ANSWER_TIME.as_secs() }),
    }
}

/// The documents that a change of one of them may change.
fn touched_by(document: Document) -> Vec<Document> {
    match document {
        Document::V2(category) => vec![document, Document::V2Metadata(category)],
        Document::Legacy(category) => vec![
            document,
            Document::V2(category),
            Document::V2Metadata(category),
            Document::LegacyMetadata(category),
        ],
        other => vec![other],
    }
}
