//! What those who run or embed a PRIMARY ask of its cache as a whole: how fresh it is, that it be made
//! so, how it is doing, and what it can do. All of it works with and without Redis.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::backend::redis::{ServerStatistics, Subscription, Warmed};
use crate::settings::ReplicateMode;
use crate::{Category, CategoryView, Document, Format, Json, Primary, Read};

/// How the three parts of the service are doing. Only the files are needed for right answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether looks at the files succeed, so that reads are known to be current.
    pub files: bool,
    /// Whether changes of others are told of at once; `None` where nobody asked for that.
    pub live: Option<bool>,
    /// Whether Redis answers; `None` where it is not used.
    pub redis: Option<bool>,
}

/// What can be asked of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Capabilities {
    /// Whether v2 records can be written.
    pub writes: bool,
    /// Whether legacy records can be written.
    pub legacy_writes: bool,
    /// Whether there are counters and times of each category.
    pub metadata: bool,
    /// Whether there is a shared cache to warm.
    pub cache_warming: bool,
    /// Whether [`Primary::health`] says anything.
    pub health_checks: bool,
    /// Whether there are counters.
    pub statistics: bool,
}

impl Capabilities {
    /// Whether anything can be written.
    pub const fn any_writes(&self) -> bool {
        self.writes || self.legacy_writes
    }
}

impl Primary {
    /// Every category, all at once, current within the lease.
    pub async fn categories(&self) -> Vec<Read<CategoryView>> {
        join_all(Category::ALL.map(|category| self.category(category))).await
    }

    /// Every category as the files hold it now.
    pub async fn categories_strong(&self) -> Vec<Read<CategoryView>> {
        join_all(Category::ALL.map(|category| self.category_strong(category))).await
    }

    /// Whether the next read of the category would first look at the files, because the lease has run
    /// out or somebody has marked it stale.
    pub fn needs_refresh(&self, category: Category) -> bool {
        self.category_now(category).is_none()
    }

    /// Doubts what is held of the category, here and everywhere: it is read anew before it is served
    /// again here, its copies in Redis go, and every process is told to look. Then the callbacks are
    /// called, whether or not anything had changed. Whether everybody could be told.
    pub async fn mark_stale(&self, category: Category) -> bool {
        let documents = [Document::V2(category), Document::Legacy(category)];
        self.outdate(&documents);
        let told = match self.redis() {
            Some(redis) => redis.mark_stale(documents.into()).await,
            None => true,
        };
        self.tell_of(category);
        told
    }

    /// Reads what is not known to be current, and stores copies of everything in Redis, if there is
    /// one, all at once. What fails does not stop the rest.
    pub async fn warm(&self) -> Warmed {
        self.is_current().await;
        match self.redis() {
            Some(redis) => redis.warm().await,
            None => Warmed::default(),
        }
    }

    /// How the three parts are doing, asked now.
    pub async fn health(&self) -> Health {
        let files = self.is_current().await;
        let Some(redis) = self.redis() else { return Health { files, live: None, redis: None } };
        let status = redis.status();
        let live = (status.subscription != Subscription::Off).then_some(status.is_live);
        Health { files, live, redis: Some(redis.ping().await) }
    }

    /// Whether Redis answers now; not, where it is not used.
    pub async fn is_redis_connected(&self) -> bool {
        match self.redis() {
            Some(redis) => redis.ping().await,
            None => false,
        }
    }

    /// What the Redis server tells of itself. Not connected, where there is none.
    pub async fn redis_statistics(&self) -> ServerStatistics {
        match self.redis() {
            Some(redis) => redis.server_statistics().await,
            None => ServerStatistics::default(),
        }
    }

    /// What can be asked of this backend.
    pub fn capabilities(&self) -> Capabilities {
        let writes_legacy = self.canonical() == Format::Legacy;
        Capabilities {
            // Categories without a legacy form are always written as v2.
            writes: true,
            legacy_writes: writes_legacy,
            metadata: true,
            cache_warming: self.redis().is_some(),
            health_checks: true,
            statistics: true,
        }
    }

    /// Whose documents these are.
    pub const fn replicate_mode(&self) -> ReplicateMode {
        ReplicateMode::Primary
    }

    /// The file of a document, whether or not there is one.
    pub fn path(&self, document: Document) -> PathBuf {
        self.files_layout().path(document)
    }

    /// The legacy form of a category as the v1 API serves it, as text; read anew from the files if
    /// `refresh` says so. `None` where there is none.
    pub async fn legacy_text(&self, category: Category, refresh: bool) -> Option<Bytes> {
        let read = match refresh {
            true => self.category_strong(category).await,
            false => self.category(category).await,
        };
        read.view.v1.as_ref().map(|body| body.identity.bytes.clone())
    }

    /// [`Primary::legacy_text`], parsed.
    pub async fn legacy_json(&self, category: Category, refresh: bool) -> Option<Json> {
        let text = self.legacy_text(category, refresh).await?;
        Json::parse(&text).ok()
    }

    /// Ends the connections to Redis, if there are any. Reads and writes go on over the files. Also done
    /// when the last clone is dropped.
    pub fn close(&self) {
        if let Some(redis) = self.redis() {
            redis.close();
        }
    }
}
