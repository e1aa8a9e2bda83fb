//! The same for threads without a runtime: the asynchronous calls, awaited on the calling thread.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Runtime;

use crate::audit::Trail;
use crate::backend::files::Files;
use crate::catalogue::licensing::{Asset, Definition, Edit};
use crate::change::{Committed, WholeChange, WriteError, WriteOptions};
use crate::generation::Generation;
use crate::json::Object;
use crate::record::Record;
use crate::{Category, CategoryView, Document, ModelReference, NotKnownHere, Options, Read};

/// A model reference that may be written, for threads without a runtime. It may be shared between
/// threads. Not for use inside an asynchronous runtime: there, blocking calls panic.
pub struct Primary {
    inner: crate::Primary,
    runtime: Runtime,
}

impl Primary {
    /// Opens the files for reading and writing; see [`crate::Primary::open`].
    pub fn open(
        files: Arc<Files>,
        options: Options,
        trail: Option<Trail>,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { inner: crate::Primary::open(files, options, trail)?, runtime })
    }

    /// Creates or replaces a v2 record; see [`crate::Primary::update`].
    pub fn update(
        &self,
        category: Category,
        name: &str,
        record: Object,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.update(category, name, record, options))
    }

    /// Creates or replaces a v2 record under its own name; see [`crate::Primary::update_record`].
    pub fn update_record(
        &self,
        record: &Record,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.update_record(record, options))
    }

    /// Deletes a v2 record; see [`crate::Primary::delete`].
    pub fn delete(
        &self,
        category: Category,
        name: &str,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.delete(category, name, options))
    }

    /// Creates or replaces a legacy record; see [`crate::Primary::update_legacy`].
    pub fn update_legacy(
        &self,
        category: Category,
        name: &str,
        record: Object,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.update_legacy(category, name, record, options))
    }

    /// Deletes a legacy record; see [`crate::Primary::delete_legacy`].
    pub fn delete_legacy(
        &self,
        category: Category,
        name: &str,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.delete_legacy(category, name, options))
    }

    /// Changes a JSON document as a whole; see [`crate::Primary::change_document`].
    pub fn change_document(
        &self,
        document: Document,
        change: WholeChange,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.change_document(document, change, options))
    }

    /// Replaces a document's bytes; see [`crate::Primary::replace_document`].
    pub fn replace_document(
        &self,
        document: Document,
        bytes: Bytes,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        self.runtime.block_on(self.inner.replace_document(document, bytes, options))
    }

    /// Changes a licence definition; see [`crate::Primary::edit_license`].
    pub fn edit_license(
        &self,
        edit: Edit<Definition>,
        options: WriteOptions,
    ) -> Result<Option<Definition>, WriteError> {
        self.runtime.block_on(self.inner.edit_license(edit, options))
    }

    /// Changes a licensed asset; see [`crate::Primary::edit_asset`].
    pub fn edit_asset(
        &self,
        edit: Edit<Asset>,
        options: WriteOptions,
    ) -> Result<Option<Asset>, WriteError> {
        self.runtime.block_on(self.inner.edit_asset(edit, options))
    }

    /// Waits until whatever was committed before is seen everywhere.
    pub fn barrier(&self) {
        self.runtime.block_on(self.inner.barrier());
    }

    /// A category as the files hold it now; see [`ModelReference::category_strong`].
    pub fn category_strong(&self, category: Category) -> Read<CategoryView> {
        self.runtime.block_on(self.inner.category_strong(category))
    }

    /// A category at a generation or later; see [`ModelReference::category_at_least`].
    pub fn category_at_least(
        &self,
        category: Category,
        generation: Generation,
    ) -> Result<Read<CategoryView>, NotKnownHere> {
        self.runtime.block_on(self.inner.category_at_least(category, generation))
    }
}

/// The cache as a whole; see the calls of the same names of [`crate::Primary`].
#[cfg(feature = "redis")]
impl Primary {
    /// [`crate::Primary::open_with_redis`].
    pub fn open_with_redis(
        files: Arc<Files>,
        options: Options,
        trail: Option<Trail>,
        settings: &crate::settings::Redis,
        ttl_seconds: Option<u32>,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let inner = crate::Primary::open_with_redis(files, options, trail, settings, ttl_seconds)?;
        Ok(Self { inner, runtime })
    }

    /// [`crate::Primary::redis`].
    pub fn redis(&self) -> Option<&Arc<crate::backend::redis::Redis>> {
        self.inner.redis()
    }

    /// [`crate::Primary::categories`].
    pub fn categories(&self) -> Vec<Read<CategoryView>> {
        self.runtime.block_on(self.inner.categories())
    }

    /// [`crate::Primary::categories_strong`].
    pub fn categories_strong(&self) -> Vec<Read<CategoryView>> {
        self.runtime.block_on(self.inner.categories_strong())
    }

    /// [`crate::Primary::needs_refresh`].
    pub fn needs_refresh(&self, category: Category) -> bool {
        self.inner.needs_refresh(category)
    }

    /// [`crate::Primary::mark_stale`].
    pub fn mark_stale(&self, category: Category) -> bool {
        self.runtime.block_on(self.inner.mark_stale(category))
    }

    /// [`crate::Primary::warm`].
    pub fn warm(&self) -> crate::backend::redis::Warmed {
        self.runtime.block_on(self.inner.warm())
    }

    /// [`crate::Primary::health`].
    pub fn health(&self) -> crate::Health {
        self.runtime.block_on(self.inner.health())
    }

    /// [`crate::Primary::is_redis_connected`].
    pub fn is_redis_connected(&self) -> bool {
        self.runtime.block_on(self.inner.is_redis_connected())
    }

    /// [`crate::Primary::redis_statistics`].
    pub fn redis_statistics(&self) -> crate::backend::redis::ServerStatistics {
        self.runtime.block_on(self.inner.redis_statistics())
    }

    /// [`crate::Primary::capabilities`].
    pub fn capabilities(&self) -> crate::Capabilities {
        self.inner.capabilities()
    }

    /// [`crate::Primary::replicate_mode`].
    pub const fn replicate_mode(&self) -> crate::settings::ReplicateMode {
        self.inner.replicate_mode()
    }

    /// [`crate::Primary::path`].
    pub fn path(&self, document: Document) -> std::path::PathBuf {
        self.inner.path(document)
    }

    /// [`crate::Primary::legacy_text`].
    pub fn legacy_text(&self, category: Category, refresh: bool) -> Option<Bytes> {
        self.runtime.block_on(self.inner.legacy_text(category, refresh))
    }

    /// [`crate::Primary::legacy_json`].
    pub fn legacy_json(&self, category: Category, refresh: bool) -> Option<crate::Json> {
        self.runtime.block_on(self.inner.legacy_json(category, refresh))
    }

    /// [`crate::Primary::close`].
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Deref for Primary {
    type Target = ModelReference;

    fn deref(&self) -> &ModelReference {
        self.inner.reference()
    }
}
