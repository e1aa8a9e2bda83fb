//! How often the in-process tier asks the backend: once for a change, however many are waiting, and
//! never for what is known to be absent.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use horde_model_reference::backend::memory::Memory;
use horde_model_reference::backend::{Backend, LastGood, Loaded, Stamp};
use horde_model_reference::generation::Generation;
use horde_model_reference::l1::{L1, Leases};
use horde_model_reference::{Category, Document, Error, ModelReference, Options, Result, Snapshot};
use testkit::eventually;

const CLIP: Document = Document::V2(Category::Clip);
const SOON: Duration = Duration::from_secs(10);

/// Counts what the tier above asks for; a load takes a while.
#[derive(Default)]
struct Counting {
    below: Memory,
    loads_of_clip: AtomicUsize,
    loads_of_blip: AtomicUsize,
}

impl Backend for Counting {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        self.below.look(document)
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        match document {
            CLIP => self.loads_of_clip.fetch_add(1, Ordering::Relaxed),
            Document::V2(Category::Blip) => self.loads_of_blip.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        if document == CLIP {
            // Long enough for all readers to arrive while it lasts: time itself is the subject.
            std::thread::sleep(Duration::from_millis(30));
        }
        self.below.load(document)
    }
}

fn open(backend: &Arc<Counting>) -> ModelReference {
    // Stamps of memory are never too young to be trusted.
    let leases = Leases {
        young_stamp: Duration::ZERO,
        deep_look: Duration::from_secs(3600),
        ..Leases::default()
    };
    let backend: Arc<dyn Backend> = Arc::<Counting>::clone(backend);
    ModelReference::open(backend, Options { leases, ..Options::default() }).unwrap()
}

fn names(reference: &ModelReference) -> Vec<String> {
    let view = reference.category_blocking(Category::Clip).view;
    view.records().into_iter().flat_map(|records| records.keys().cloned()).collect()
}

#[test]
fn a_change_is_loaded_once_for_all_who_wait() {
    let backend = Arc::new(Counting::default());
    backend.below.put(CLIP, r#"{"a":{}}"#).unwrap();
    let reference = open(&backend);
    assert_eq!(names(&reference), ["a"]);
    for round in 1..=5 {
        let before = backend.loads_of_clip.load(Ordering::Relaxed);
        let name = format!("round {round}");
        backend.below.put(CLIP, &format!(r#"{{"{name}":{{}}}}"#)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    let seen = eventually(SOON, || match names(&reference) {
                        names if names == [name.clone()] => Ok(()),
                        names => Err(names),
                    });
                    seen.unwrap();
                });
            }
        });
        assert_eq!(backend.loads_of_clip.load(Ordering::Relaxed), before + 1, "round {round}");
    }
}

#[test]
fn absence_is_remembered() {
    let backend = Arc::new(Counting::default());
    let reference = open(&backend);
    let looks = reference.statistics().looks;
    let looked = eventually(SOON, || {
        let read = reference.category_blocking(Category::Blip);
        assert!(read.view.records().is_none());
        let now = reference.statistics().looks;
        if now >= looks + 10 { Ok(()) } else { Err(now) }
    });
    looked.unwrap();
    assert_eq!(backend.loads_of_blip.load(Ordering::Relaxed), 1);
}

#[test]
fn what_could_not_be_built_is_not_fresh_and_is_built_again() {
    let backend = Arc::new(Memory::default());
    backend.put(CLIP, r#"{"a":{}}"#).unwrap();
    // Stamps are trusted at once: only the tier itself can know that something is still to be built.
    let leases = Leases { young_stamp: Duration::ZERO, ..Leases::default() };
    let (broken, built) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_broken, count) = (Arc::clone(&broken), Arc::clone(&built));
    let loaded = L1::load(Arc::<Memory>::clone(&backend), leases);
    let tier = loaded.start(Box::new(move |changed, _| {
        assert!(changed.contents.contains(&CLIP));
        count.fetch_add(1, Ordering::Relaxed);
        assert!(!is_broken.load(Ordering::Relaxed), "this panic is part of the test");
    }));
    let tier = tier.unwrap();
    backend.put(CLIP, r#"{"b":{}}"#).unwrap();
    let tried_again = eventually(SOON, || match built.load(Ordering::Relaxed) {
        times if times > 3 => Ok(()),
        times => Err(times),
    });
    assert_eq!(tried_again, Ok(()), "built only so often");
    assert!(!tier.freshen_blocking([CLIP]), "views of the old content are taken for current");
    assert!(tier.freshen_blocking([Document::V2(Category::Blip)]), "others are not concerned");
    broken.store(false, Ordering::Relaxed);
    let fresh = eventually(SOON, || if tier.freshen_blocking([CLIP]) { Ok(()) } else { Err(()) });
    assert_eq!(fresh, Ok(()));
}

/// Says of one document what a test wants it to say.
struct Told {
    below: Memory,
    answer: Mutex<Option<Result<Loaded>>>,
    last_good: Mutex<Option<LastGood>>,
}

impl Backend for Told {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        self.below.look(document)
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        let told = self.answer.lock().unwrap().clone().filter(|_| document == CLIP);
        told.unwrap_or_else(|| self.below.load(document))
    }

    fn last_good(&self, document: Document) -> Option<LastGood> {
        self.last_good.lock().unwrap().clone().filter(|_| document == CLIP)
    }
}

/// A tier that holds `{"a":{}}`, over a backend that is told what to say from then on.
fn told() -> (Arc<Told>, L1) {
    let below = Memory::default();
    below.put(CLIP, r#"{"a":{}}"#).unwrap();
    let backend = Arc::new(Told { below, answer: Mutex::new(None), last_good: Mutex::new(None) });
    let loaded = L1::load(Arc::<Told>::clone(&backend), Leases::default());
    (backend, loaded.start(Box::new(|_, _| {})).unwrap())
}

#[test]
fn a_content_that_lost_its_name_is_not_served_under_it() {
    let (backend, tier) = told();
    let mut loaded = backend.below.load(CLIP).unwrap();
    assert!(tier.snapshot(CLIP).generation.is_some());
    let Snapshot { document, digest, ref bytes, ref content, .. } = *loaded.snapshot;
    let (bytes, content) = (bytes.clone(), Arc::clone(content));
    let generation = Generation::default();
    loaded.snapshot = Arc::new(Snapshot { document, generation, digest, bytes, content });
    *backend.answer.lock().unwrap() = Some(Ok(Loaded { is_final: false, ..loaded }));
    let lost = eventually(SOON, || match tier.snapshot(CLIP).generation {
        generation if generation.is_some() => Err(generation),
        _ => Ok(()),
    });
    assert_eq!(lost, Ok(()));
}

#[test]
fn what_makes_no_sense_is_answered_by_the_last_good_content_and_marked_if_one_was_missed() {
    let (backend, tier) = told();
    let other = Memory::default();
    other.put(CLIP, "{}").unwrap();
    other.put(CLIP, r#"{"written here":{}}"#).unwrap();
    let snapshot = other.load(CLIP).unwrap().snapshot;
    let error = Error::Corrupt { path: "clip.json".into(), reason: "half of it".into() };
    for is_newest in [true, false] {
        let last = LastGood { snapshot: Arc::clone(&snapshot), is_newest };
        *backend.last_good.lock().unwrap() = Some(last);
        *backend.answer.lock().unwrap() = Some(Err(error.clone()));
        let served = eventually(SOON, || {
            let is_it = tier.snapshot(CLIP).digest == snapshot.digest;
            if is_it && tier.freshen_blocking([CLIP]) == is_newest { Ok(()) } else { Err(is_it) }
        });
        assert_eq!(served, Ok(()), "newest: {is_newest}");
    }
}

#[test]
fn what_was_written_here_is_not_taken_for_seen_while_its_file_is_away() {
    let (backend, tier) = told();
    assert!(tier.freshen_blocking([CLIP]));
    let before = backend.below.load(CLIP).unwrap();
    let absent = Memory::default().load(CLIP).unwrap();
    // Somebody has set the file aside: what was held is served on. Or it is only gone for an instant.
    for away in [Loaded { stamp: None, is_final: false, ..before }, absent] {
        *backend.answer.lock().unwrap() = Some(Ok(away));
        tier.outdate(&[CLIP]);
        assert!(!tier.freshen_blocking([CLIP]), "an older content is taken for what was written");
        *backend.answer.lock().unwrap() = None;
        backend.below.put(CLIP, r#"{"written here":{}}"#).unwrap();
        tier.outdate(&[CLIP]);
        assert!(tier.freshen_blocking([CLIP]));
        assert!(tier.snapshot(CLIP).record("written here").is_some());
    }
}
