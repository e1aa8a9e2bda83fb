//! Counts of requests and connections, cheap enough for the path that answers in microseconds.
//!
//! Each serving thread counts on cache lines of its own, and a plain read costs one addition there.
//! Times are not taken: two looks at the clock are a noticeable part of such an answer, and what a
//! client waits for (the queue of its socket) they would not show.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use axum::response::Response;
use http::{Method, StatusCode};

use crate::respond::STALE;
use crate::router::{Paths, Route};

/// More serving threads than this share counters.
const SHARDS: usize = 16;
/// Classes of statuses. What is below 200 never is a whole answer.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// What a path of no route is counted under.
const UNMATCHED: &str = "unmatched";
/// The groups whose answers are data, and so fresh or stale.
const DATA: [&str; 5] = ["v1", "v2", "image baselines", "text guidance", "licensing"];
/// The group of plain reads.
const HOT: &str = "v2";

/// Requests and connections since the start.
pub struct Traffic {
    paths: Paths,
    /// The groups of the documentation, then [`UNMATCHED`].
    groups: Vec<&'static str>,
    shards: Vec<Shard>,
    open: AtomicUsize,
    accepted: AtomicU64,
}

/// What the threads that share it count; alone on its cache lines.
#[repr(align(128))]
struct Shard {
    /// Plain reads that were answered with content, and those that were not modified.
    plain: [AtomicU64; 2],
    fresh: AtomicU64,
    stale: AtomicU64,
    in_flight: AtomicI64,
    /// Answers by group and class, a row a group.
    answers: Box<[AtomicU64]>,
}

/// Requests of one group with one class of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// A group of the documentation.
    pub group: &'static str,
    /// Such as `2xx`.
    pub class: &'static str,
    /// How many.
    pub count: u64,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// By group and class; those that never were are left out, but for successes.
    pub answers: Vec<Answers>,
    /// Reads of data answered as current.
    pub fresh: u64,
    /// Reads of data answered with the mark *stale*.
    pub stale: u64,
    /// Requests being answered.
    pub in_flight: u64,
    /// Connections being served.
    pub open: u64,
    /// Connections served so far.
    pub accepted: u64,
}

impl Traffic {
    /// Nothing counted yet, for these routes.
    pub fn new(table: &[Route]) -> Self {
        let mut groups: Vec<&'static str> = Vec::new();
        for route in table {
            if !groups.contains(&route.tag) {
                groups.push(route.tag);
            }
        }
        groups.push(UNMATCHED);
        let shard = |_| Shard::new(groups.len());
        let shards = (0..SHARDS).map(shard).collect();
        Self {
            paths: Paths::of(table),
            groups,
            shards,
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
        }
    }

    /// A plain read was answered, without having been under way.
    pub(crate) fn plain_read(&self, status: StatusCode) {
        let is_unmodified = usize::from(status == StatusCode::NOT_MODIFIED);
        self.shard().plain[is_unmodified].fetch_add(1, Ordering::Relaxed);
    }

    /// A request is under way until what is returned is dropped.
    pub(crate) fn begin(&self, method: &Method, path: &str) -> UnderWay<'_> {
        let group = self.paths.tag(path).unwrap_or(UNMATCHED);
        let group = self.groups.iter().position(|known| *known == group).unwrap_or(0);
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        let shard = self.shard();
        shard.in_flight.fetch_add(1, Ordering::Relaxed);
        UnderWay { shard, group, is_data_read: is_read && self.is_data(group), class: None }
    }

    /// A connection is being served until [`Traffic::closed`].
    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has ended.
    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Counts {
        let sum = |of: &dyn Fn(&Shard) -> u64| self.shards.iter().map(of).sum::<u64>();
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut answers = Vec::new();
        for (row, group) in self.groups.iter().copied().enumerate() {
            for (column, class) in CLASSES.into_iter().enumerate() {
                let routed = sum(&|shard| load(&shard.answers[row * CLASSES.len() + column]));
                let plain = match (group == HOT, column) {
                    (true, 0 | 1) => sum(&|shard| load(&shard.plain[column])),
                    _ => 0,
                };
                let count = routed + plain;
                if count > 0 || column == 0 {
                    answers.push(Answers { group, class, count });
                }
            }
        }
        let in_flight: i64 =
            self.shards.iter().map(|shard| shard.in_flight.load(Ordering::Relaxed)).sum();
        Counts {
            answers,
            fresh: sum(&|shard| load(&shard.fresh) + shard.plain.iter().map(load).sum::<u64>()),
            stale: sum(&|shard| load(&shard.stale)),
            in_flight: in_flight.try_into().unwrap_or(0),
            open: self.open.load(Ordering::Relaxed) as u64,
            accepted: load(&self.accepted),
        }
    }

    fn is_data(&self, group: usize) -> bool {
        DATA.contains(&self.groups[group])
    }

    /// The counters of this thread.
    fn shard(&self) -> &Shard {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        &self.shards[PLACE.with(|place| *place)]
    }
}

impl Shard {
    fn new(groups: usize) -> Self {
        Self {
            plain: Default::default(),
            fresh: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            in_flight: AtomicI64::new(0),
            answers: (0..groups * CLASSES.len()).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// A request that is being answered. One whose client has gone away ends without an answer.
pub(crate) struct UnderWay<'a> {
    shard: &'a Shard,
    group: usize,
    is_data_read: bool,
    class: Option<usize>,
}

impl UnderWay<'_> {
    /// This is the answer.
    pub(crate) fn end(mut self, response: &Response) {
        let status = response.status();
        self.class = Some(class_of(status));
        if self.is_data_read && (status.is_success() || status.is_redirection()) {
            let is_stale = response.headers().contains_key(STALE);
            let reads = if is_stale { &self.shard.stale } else { &self.shard.fresh };
            reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shard.in_flight.fetch_sub(1, Ordering::Relaxed);
        // Whoever catches the panic answers with an error of the server's.
        let panicked = std::thread::panicking().then(|| CLASSES.len() - 1);
        if let Some(class) = self.class.or(panicked) {
            self.shard.answers[self.group * CLASSES.len() + class].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The place of a status in [`CLASSES`].
fn class_of(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(2, 5) - 2
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::router::table;

    fn answer(status: u16) -> Response {
        Response::builder().status(status).body(Body::empty()).unwrap()
    }

    fn counted(traffic: &Traffic) -> Vec<(&'static str, &'static str, u64)> {
        let answers = traffic.read().answers.into_iter().filter(|answers| answers.count > 0);
        answers.map(|Answers { group, class, count }| (group, class, count)).collect()
    }

    #[test]
    fn requests_are_counted_by_group_and_class() {
        let traffic = Traffic::new(&table());
        traffic.plain_read(StatusCode::OK);
        traffic.plain_read(StatusCode::NOT_MODIFIED);
        let path = "/api/model_references/v2/clip";
        traffic.begin(&Method::GET, path).end(&answer(200));
        traffic.begin(&Method::GET, path).end(&answer(404));
        traffic.begin(&Method::GET, "/nowhere").end(&answer(404));
        let mut stale = answer(200);
        stale.headers_mut().insert(STALE, http::HeaderValue::from_static("true"));
        traffic.begin(&Method::GET, "/model_references/v1/clip").end(&stale);
        let expected = [
            ("v1", "2xx", 1),
            ("v2", "2xx", 2),
            ("v2", "3xx", 1),
            ("v2", "4xx", 1),
            (UNMATCHED, "4xx", 1),
        ];
        assert_eq!(counted(&traffic), expected);
        let counts = traffic.read();
        assert_eq!((counts.fresh, counts.stale, counts.in_flight), (3, 1, 0));
    }

    #[test]
    fn a_request_is_in_flight_until_it_ends_however_it_ends() {
        let traffic = Traffic::new(&table());
        let under_way = traffic.begin(&Method::GET, "/livez");
        assert_eq!(traffic.read().in_flight, 1);
        drop(under_way);
        assert_eq!(counted(&traffic), []);
        let panicking = std::panic::AssertUnwindSafe(|| {
            let _under_way = traffic.begin(&Method::GET, "/livez");
            panic!("on purpose");
        });
        std::panic::catch_unwind(panicking).unwrap_err();
        assert_eq!(counted(&traffic), [("service", "5xx", 1)]);
        assert_eq!(traffic.read().in_flight, 0);
    }
}
