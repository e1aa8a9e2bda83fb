//! The model reference as its users hold it: current views of everything, kept current.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use crate::backend::Backend;
use crate::body::Body;
use crate::catalogue::baselines::BaselinesInUse;
use crate::change::Operation;
use crate::generation::Generation;
use crate::l1::{Changed, L1, Leases, Problem, Propagation, Snapshots, Statistics, Swap};
use crate::measure::Reading;
use crate::queue::{ResourceKind, Status};
use crate::refiner::Refiner;
use crate::subscription::{Changes, News};
use crate::view::{
    CatalogueView, Catalogues, CategoryView, Derivation, MetadataView, Note, PendingView,
};
use crate::watcher::{Checks, Watch, Watcher};
use crate::{Category, Document, Format, Json, made};

/// How a reference is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The format that is the source of truth; the other is derived from it.
    pub canonical: Format,
    /// Whether the documents are copies of what a PRIMARY serves. Then both formats are served as
    /// they are, whichever is canonical there.
    pub copied: bool,
    /// Bounds on staleness.
    pub leases: Leases,
    /// Whether bodies are compressed, in the background. Without, they stay as they are published:
    /// for those who read records and serve nobody.
    pub compress: bool,
    /// Whether what is served, and what is shared, is checked against the files after each change.
    pub watch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            canonical: Format::V2,
            copied: false,
            leases: Leases::default(),
            compress: true,
            watch: false,
        }
    }
}

impl Options {
    fn derivation(self) -> Derivation {
        if self.copied { Derivation::OfTheMissing } else { Derivation::From(self.canonical) }
    }
}

/// Current views over one backend. Cheap to clone; the threads behind it end with the last clone.
#[derive(Clone)]
pub struct ModelReference {
    /// Ended before what it checks.
    watcher: Option<Arc<Watcher>>,
    l1: Arc<L1>,
    views: Arc<Views>,
}

/// A view and when it was made.
#[derive(Debug)]
pub struct Published<V> {
    view: V,
    /// Seconds since 1970 at which it was made.
    pub at: u64,
}

impl<V> Deref for Published<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.view
    }
}

/// How a category is at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Which category.
    pub category: Category,
    /// What is served.
    pub generation: Generation,
    /// Names the bytes of the v2 answer: equal marks, equal answers, also of copies elsewhere. None
    /// where there is no such category.
    pub mark: Option<String>,
    /// How many models the v2 form has.
    pub records: usize,
    /// Size of the v2 answer, uncompressed.
    pub bytes: usize,
    /// How long ago its files were last looked at; of several files, the one that is worst off.
    pub lease_age: Duration,
    /// What is wrong with one of its files: the last good content is served.
    pub problem: Option<Problem>,
}

/// What a read returned, and whether it is known to be current.
#[derive(Debug)]
pub struct Read<V> {
    /// The view.
    pub view: Arc<Published<V>>,
    /// `false` when the files could not be looked at in time; the view is the last known one.
    pub fresh: bool,
}

/// No such generation has been seen here, and the files do not have it either: whoever heard of it
/// talks to another data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("generation {wanted} of {category} is not known here; the files are at {held}")]
pub struct NotKnownHere {
    /// Which category.
    pub category: Category,
    /// What was asked for.
    pub wanted: Generation,
    /// What there is.
    pub held: Generation,
}

impl ModelReference {
    /// Reads everything from `backend` once and keeps it current from then on. Fails only when no
    /// thread can be started: documents that cannot be read are [`ModelReference::problems`].
    /// A lease that is in force for the documents outweighs the one in `options`.
    pub fn open(backend: Arc<dyn Backend>, mut options: Options) -> std::io::Result<Self> {
        if let Some(lease) = backend.lease() {
            options.leases = options.leases.of(lease);
        }
        let made = backend.made();
        let loaded = L1::load(Arc::clone(&backend), options.leases);
        let views = Arc::new(Views::build(options, loaded.snapshots(), made)?);
        let rebuilt = Arc::clone(&views);
        let watch = options.watch.then(Arc::<Watch>::default);
        let told = watch.clone();
        let l1 = Arc::new(loaded.start(Box::new(move |changed, snapshots| {
            if let Some(watch) = &told {
                for document in changed.contents.iter().chain(&changed.names) {
                    watch.note(*document, snapshots.get(*document).generation);
                }
            }
            rebuilt.rebuild(changed, snapshots);
        }))?);
        let watcher = watch.map(|watch| Watcher::start(watch, backend, Arc::clone(&l1)));
        Ok(Self { watcher: watcher.transpose()?.map(Arc::new), l1, views })
    }

    /// A category, current within the lease.
    pub async fn category(&self, category: Category) -> Read<CategoryView> {
        let fresh = self.fresh(inputs_of_category(category)).await;
        Read { view: self.views.categories[category.index()].load_full(), fresh }
    }

    /// The legacy records of a category by their keys, as v1 shows them; none where there is no such
    /// category.
    pub async fn legacy_records(&self, category: Category) -> Read<CategoryView> {
        let read = self.category(category).await;
        off_the_runtime(&read.view, |view| {
            view.legacy_records();
        })
        .await;
        read
    }

    /// [`ModelReference::category`] for threads without a runtime.
    pub fn category_blocking(&self, category: Category) -> Read<CategoryView> {
        let inputs = inputs_of_category(category);
        let fresh = self.l1.is_fresh(inputs.clone()) || self.l1.freshen_blocking(inputs);
        Read { view: self.views.categories[category.index()].load_full(), fresh }
    }

    /// The category without waiting; `None` when its lease has run out.
    pub fn category_now(&self, category: Category) -> Option<Arc<Published<CategoryView>>> {
        let fresh = self.l1.is_fresh(inputs_of_category(category));
        fresh.then(|| self.views.categories[category.index()].load_full())
    }

    /// Whether everything in memory is known to be current, after a look if need be.
    pub async fn is_current(&self) -> bool {
        self.fresh(Document::all()).await
    }

    /// Whether a start is over: every body has its compressed forms, where bodies are compressed.
    pub fn is_complete(&self) -> bool {
        self.views.refiner.as_ref().is_none_or(Refiner::has_caught_up)
    }

    /// A category as the files hold it now. The answer is never older than any write that was
    /// acknowledged, or any strong read that ended, before this call.
    pub async fn category_strong(&self, category: Category) -> Read<CategoryView> {
        let inputs: Vec<Document> = inputs_of_category(category).collect();
        let fresh = self.l1.load_now(&inputs).await;
        Read { view: self.views.categories[category.index()].load_full(), fresh }
    }

    /// A category at `generation` or later, such as a write has returned.
    pub async fn category_at_least(
        &self,
        category: Category,
        generation: Generation,
    ) -> Result<Read<CategoryView>, NotKnownHere> {
        let read = self.category(category).await;
        if read.view.generation() >= generation {
            return Ok(read);
        }
        let read = self.category_strong(category).await;
        if read.view.generation() >= generation {
            return Ok(read);
        }
        Err(NotKnownHere { category, wanted: generation, held: read.view.generation() })
    }

    /// Changes of categories from now on: each is told after what it led to can be read here.
    pub fn changes(&self) -> Changes {
        self.views.news.changes()
    }

    /// Whether a baseline is one of the catalogue's.
    pub fn knows_baseline(&self, name: &str) -> bool {
        self.views.catalogues.load().catalogues.baselines.get(name).is_some()
    }

    /// The documents have been written here; see [`L1::outdate`].
    pub(crate) fn outdate(&self, documents: &[Document]) {
        self.l1.outdate(documents);
    }

    /// Calls those who want to know of changes of the category.
    #[cfg(feature = "redis")]
    pub(crate) fn tell_of(&self, category: Category) {
        self.views.news.tell([category]);
    }

    /// Asks for a look before its time.
    pub(crate) fn look_now(&self) {
        self.l1.look_now();
    }

    /// Metadata of all categories in one format.
    pub async fn metadata(&self, format: Format) -> Read<MetadataView> {
        let fresh = self.fresh(Document::all()).await;
        Read { view: self.views.metadata(format).load_full(), fresh }
    }

    /// The v1 answer about text models with the group of each.
    pub async fn text_with_groups(&self) -> Read<CategoryView> {
        let read = self.category(Category::TextGeneration).await;
        off_the_runtime(&read.view, |view| {
            view.v1_with_groups();
        })
        .await;
        read
    }

    /// The catalogues: image baselines, text guidance, licence definitions and assets.
    pub async fn catalogues(&self) -> Read<CatalogueView> {
        let fresh = self.fresh(Document::all()).await;
        Read { view: self.views.catalogues.load_full(), fresh }
    }

    /// The catalogues, with the register of all models drawn up.
    pub async fn licensing(&self) -> Read<CatalogueView> {
        let read = self.catalogues().await;
        off_the_runtime(&read.view, |view| {
            view.licensing_export();
        })
        .await;
        read
    }

    /// The records that open proposals of a category would lead to.
    pub async fn pending(&self, category: Category) -> Read<PendingView> {
        let fresh = self.fresh(inputs_of_pending(category)).await;
        Read { view: self.views.pending.load_full(), fresh }
    }

    /// The queue of proposed changes.
    pub async fn pending_queue(&self) -> Read<PendingView> {
        let fresh = self.fresh(std::iter::once(Document::PendingChanges)).await;
        Read { view: self.views.pending.load_full(), fresh }
    }

    /// What image models say as their baseline: those that are stored, and those that are proposed.
    pub async fn baselines_in_use(&self) -> BaselinesInUse {
        let (category, queue) =
            (self.category(Category::ImageGeneration).await.view, self.pending_queue().await.view);
        let stored = category.records().into_iter().flat_map(|records| records.values());
        let proposed = queue.entries().iter().filter(|entry| {
            entry.kind == ResourceKind::Model
                && entry.category == Category::ImageGeneration
                && entry.operation != Operation::Delete
                && matches!(entry.status, Status::Pending | Status::Approved | Status::Applying)
        });
        let proposed = proposed.filter_map(|entry| entry.payload.as_ref());
        BaselinesInUse::by(stored.filter_map(Json::as_object).chain(proposed))
    }

    /// Documents that cannot be read at present.
    pub fn problems(&self) -> Vec<Problem> {
        self.l1.problems()
    }

    /// Catalogues whose documents do not have the right shape, and what is wrong.
    pub fn refused_catalogues(&self) -> Vec<(Document, String)> {
        self.views.catalogues.load().catalogues.refused.clone()
    }

    /// Records that are not served, or not in every format, by category.
    pub fn notes(&self) -> Vec<(Category, Note)> {
        let views = self.views.categories.iter().map(ArcSwap::load_full);
        views
            .flat_map(|view| view.notes.clone().into_iter().map(move |note| (view.category, note)))
            .collect()
    }

    /// Queued changes that make no sense or cannot be shown.
    pub fn notes_on_changes(&self) -> Vec<Note> {
        self.views.pending.load().notes.clone()
    }

    /// Counters of the in-process tier.
    pub fn statistics(&self) -> Statistics {
        self.l1.statistics()
    }

    /// What became of better compressed forms; all zero where none are made.
    pub fn made_statistics(&self) -> made::Statistics {
        self.views.refiner.as_ref().map(Refiner::statistics).unwrap_or_default()
    }

    /// How every category is, without waiting for anything.
    pub fn conditions(&self) -> Vec<Condition> {
        let problems = self.l1.problems();
        let condition = |category| {
            let inputs = inputs_of_category(category);
            let view = self.views.category(category);
            let of_input = |problem: &&Problem| inputs.clone().any(|it| it == problem.document);
            Condition {
                category,
                generation: view.generation(),
                records: view.len(),
                mark: view.v2.as_ref().map(|records| mark(&records.body)),
                bytes: view.v2.as_ref().map_or(0, |records| records.body.identity.bytes.len()),
                lease_age: self.l1.lease_age(inputs.clone()),
                problem: problems.iter().find(of_input).cloned(),
            }
        };
        Category::ALL.into_iter().map(condition).collect()
    }

    /// How long it takes to read a document again.
    pub fn load_times(&self) -> Reading {
        self.l1.load_times()
    }

    /// The last contents that took the place of others here, the oldest first.
    pub fn last_swaps(&self) -> Vec<Swap> {
        self.l1.last_swaps()
    }

    /// How long contents took to get here.
    pub fn propagation(&self) -> Propagation {
        self.l1.propagation()
    }

    /// What checks of what is served came to; `None` where nothing is checked.
    pub fn checks(&self) -> Option<Checks> {
        self.watcher.as_ref().map(|watcher| watcher.checks())
    }

    /// The bounds on staleness in force.
    pub fn leases(&self) -> Leases {
        self.l1.leases()
    }

    async fn fresh<I>(&self, inputs: I) -> bool
    where
        I: IntoIterator<Item = Document> + Clone,
    {
        self.l1.is_fresh(inputs.clone()) || self.l1.freshen(inputs).await
    }
}

/// The entity tag of a body, without its quotes.
fn mark(body: &Body) -> String {
    String::from_utf8_lossy(&body.identity.tag).trim_matches('"').to_owned()
}

/// The documents a category's view is made of.
fn inputs_of_category(category: Category) -> impl Iterator<Item = Document> + Clone {
    let guidance = (category == Category::TextGeneration).then_some(Document::Guidance);
    [Document::V2(category), Document::Legacy(category)].into_iter().chain(guidance)
}

/// The documents that the answer about a category's open proposals is made of.
fn inputs_of_pending(category: Category) -> impl Iterator<Item = Document> + Clone {
    let guidance = (category == Category::TextGeneration).then_some(Document::Guidance);
    std::iter::once(Document::PendingChanges).chain(guidance)
}

/// The views, each swapped as a whole.
struct Views {
    options: Options,
    /// Seconds since 1970 at which the reference was opened.
    opened: u64,
    categories: Vec<ArcSwap<Published<CategoryView>>>,
    v2_metadata: ArcSwap<Published<MetadataView>>,
    legacy_metadata: ArcSwap<Published<MetadataView>>,
    catalogues: ArcSwap<Published<CatalogueView>>,
    pending: ArcSwap<Published<PendingView>>,
    refiner: Option<Refiner>,
    news: News,
}

impl Views {
    fn build(
        options: Options,
        snapshots: Snapshots<'_>,
        made: Option<Arc<dyn made::Store>>,
    ) -> std::io::Result<Self> {
        let opened = now();
        let catalogues = Catalogues::read(snapshots, &Catalogues::packaged());
        let build = |&category: &Category| {
            let guidance = &catalogues.guidance;
            publish(CategoryView::build(category, options.derivation(), snapshots, guidance))
        };
        let categories = on_two_threads(&Category::ALL, build);
        let v2_metadata = metadata(Format::V2, snapshots, &categories, opened, None);
        let legacy_metadata = metadata(Format::Legacy, snapshots, &categories, opened, None);
        let pending = PendingView::build(options.canonical, snapshots, &catalogues.guidance);
        let catalogues = CatalogueView::new(catalogues, categories.clone());
        let refiner = if options.compress {
            let bodies = categories.iter().flat_map(|view| view.bodies());
            Some(Refiner::start(bodies.map(Arc::downgrade).collect(), made)?)
        } else {
            None
        };
        Ok(Self {
            options,
            opened,
            categories: categories.into_iter().map(ArcSwap::new).collect(),
            v2_metadata: ArcSwap::new(publish(v2_metadata)),
            legacy_metadata: ArcSwap::new(publish(legacy_metadata)),
            catalogues: ArcSwap::new(publish(catalogues)),
            pending: ArcSwap::new(publish(pending)),
            refiner,
            news: News::new(),
        })
    }

    /// Builds anew what depends on the documents that changed.
    fn rebuild(&self, changed: &Changed, snapshots: Snapshots<'_>) {
        for document in &changed.names {
            let Some(category) = document.category() else { continue };
            let view = self.category(category);
            if view.canonical() == *document {
                view.raise_generation(snapshots.get(*document).generation);
            }
        }
        if !changed.contents.is_empty() {
            self.rebuild_contents(&changed.contents, snapshots);
            let is_touched = |category: &Category| {
                inputs_of_category(*category).any(|input| changed.contents.contains(&input))
            };
            self.news.tell(Category::ALL.into_iter().filter(is_touched));
        }
    }

    fn rebuild_contents(&self, changed: &[Document], snapshots: Snapshots<'_>) {
        if changed.iter().any(|document| *document != Document::PendingChanges) {
            self.rebuild_models(changed, snapshots);
        }
        let of_pending =
            |document| matches!(document, Document::PendingChanges | Document::Guidance);
        if changed.iter().copied().any(of_pending) {
            let guidance = &self.catalogues.load().catalogues.guidance;
            let view = PendingView::build(self.options.canonical, snapshots, guidance);
            self.pending.store(publish(view));
        }
    }

    fn rebuild_models(&self, changed: &[Document], snapshots: Snapshots<'_>) {
        let before = self.catalogues.load_full();
        let is_catalogue = |document: &Document| document.is_catalogue();
        let catalogues = match changed.iter().any(is_catalogue) {
            true => Catalogues::read(snapshots, &before.catalogues),
            false => before.catalogues.clone(),
        };
        for category in Category::ALL {
            if inputs_of_category(category).any(|input| changed.contains(&input)) {
                let guidance = &catalogues.guidance;
                let derivation = self.options.derivation();
                let view = publish(CategoryView::build(category, derivation, snapshots, guidance));
                self.categories[category.index()].store(Arc::clone(&view));
                self.compress(view.bodies());
            }
        }
        let current = Category::ALL.map(|category| self.category(category));
        for format in [Format::V2, Format::Legacy] {
            let before = self.metadata(format).load_full();
            let view = metadata(format, snapshots, &current, self.opened, Some(&before));
            self.metadata(format).store(publish(view));
        }
        let is_metadata =
            |document| matches!(document, Document::V2Metadata(_) | Document::LegacyMetadata(_));
        if !changed.iter().copied().all(is_metadata) {
            let view = CatalogueView::new(catalogues, current.to_vec());
            self.catalogues.store(publish(view));
        }
    }

    fn category(&self, category: Category) -> Arc<Published<CategoryView>> {
        self.categories[category.index()].load_full()
    }

    fn metadata(&self, format: Format) -> &ArcSwap<Published<MetadataView>> {
        match format {
            Format::V2 => &self.v2_metadata,
            Format::Legacy => &self.legacy_metadata,
        }
    }

    /// Compresses bodies after they were published: until then they are sent as they are.
    fn compress<'a>(&self, bodies: impl IntoIterator<Item = &'a Arc<Body>>) {
        let Some(refiner) = &self.refiner else { return };
        bodies.into_iter().for_each(|body| refiner.compress(body));
    }
}

/// Makes what a view makes when it is first asked for, where that delays nobody else.
async fn off_the_runtime<V: Send + Sync + 'static>(
    view: &Arc<Published<V>>,
    make: impl FnOnce(&V) + Send + 'static,
) {
    let view = Arc::clone(view);
    // A panic there shows again, and is answered for, when the caller asks the view.
    let _ = tokio::task::spawn_blocking(move || make(&view)).await;
}

/// Models of a category in the format asked for, and the times of what was never written.
fn metadata(
    format: Format,
    snapshots: Snapshots<'_>,
    categories: &[Arc<Published<CategoryView>>],
    opened: u64,
    before: Option<&MetadataView>,
) -> MetadataView {
    let document = |category| match format {
        Format::V2 => Document::V2Metadata(category),
        Format::Legacy => Document::LegacyMetadata(category),
    };
    let stored = Category::ALL.map(|category| snapshots.get(document(category)));
    MetadataView::new(
        |category| stored[category.index()].object(),
        |category| categories[category.index()].len(),
        i64::try_from(opened).unwrap_or(i64::MAX),
        before,
    )
}

/// Maps the slice, the first half on this thread and the second on another.
fn on_two_threads<T: Sync, V: Send>(items: &[T], map: impl Fn(&T) -> V + Sync) -> Vec<V> {
    let (first, second) = items.split_at(items.len() * 9 / 15);
    std::thread::scope(|scope| {
        let second = scope.spawn(|| second.iter().map(&map).collect::<Vec<V>>());
        let mut mapped: Vec<V> = first.iter().map(&map).collect();
        mapped.extend(second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        mapped
    })
}

fn publish<V>(view: V) -> Arc<Published<V>> {
    Arc::new(Published { view, at: now() })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
