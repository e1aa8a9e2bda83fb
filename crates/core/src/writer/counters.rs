//! Category metadata as writes keep it: what was done last, and how often anything was.

use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};
use crate::view::metadata::complete;

use super::note::Touched;

/// The members that count, in the order of [`Done::counts`].
const COUNTERS: [(Operation, &str); 3] = [
    (Operation::Create, "total_creates"),
    (Operation::Update, "total_updates"),
    (Operation::Delete, "total_deletes"),
];

/// What a commit did, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Records created, updated, deleted.
    pub(super) counts: [i64; 3],
    /// The last of it.
    pub(super) last: Option<(Operation, String)>,
}

impl Done {
    /// What was done to these records.
    pub(super) fn to(touched: &[Touched]) -> Self {
        let mut done = Self::default();
        for touched in touched {
            if let Some(operation) = touched.operation() {
                done.count(operation, &touched.name);
            }
        }
        done
    }

    fn count(&mut self, operation: Operation, name: &str) {
        let counted = COUNTERS.iter().position(|(counted, _)| *counted == operation);
        self.counts[counted.unwrap_or(0)] += 1;
        self.last = Some((operation, name.to_owned()));
    }

    pub(super) fn to_json(&self) -> Json {
        let (operation, name) = self.last.clone().unzip();
        Json::from([
            ("counts", Json::Array(self.counts.iter().map(|count| Json::Int(*count)).collect())),
            ("operation", operation.map_or(Json::Null, |operation| operation.name().into())),
            ("model", name.map_or(Json::Null, Json::String)),
        ])
    }

    pub(super) fn read(value: &Json) -> Option<Self> {
        let counts: Vec<i64> =
            value.get("counts")?.as_array()?.iter().filter_map(Json::as_i64).collect();
        let operation = value.get("operation").and_then(Json::as_str).and_then(Operation::of_name);
        let name = value.get("model").and_then(Json::as_str).map(str::to_owned);
        Some(Self { counts: counts.try_into().ok()?, last: operation.zip(name) })
    }
}

/// The metadata after a commit at `now` (seconds since 1970). `stored` is what it was;
/// `total_models` how many records there are now.
pub(super) fn advanced(
    category: Category,
    stored: Option<&Object>,
    done: &Done,
    total_models: usize,
    now: i64,
) -> Object {
    let mut metadata = complete(category, stored, total_models, now);
    let mut set = |name: &str, value: Json| metadata.insert(name.to_owned(), value);
    set("last_updated", now.into());
    set("last_successful_operation", now.into());
    if let Some((operation, name)) = &done.last {
        set("last_operation_type", operation.name().into());
        set("last_operation_model", name.as_str().into());
    }
    for ((_, member), more) in COUNTERS.iter().zip(done.counts) {
        let before = stored.and_then(|stored| stored.get(*member)?.as_i64()).unwrap_or(0);
        metadata.insert((*member).to_owned(), before.saturating_add(more).into());
    }
    metadata
}

/// How many operations metadata tells of.
pub(super) fn operations(metadata: &Object) -> i64 {
    let count = |(_, member): (Operation, &str)| metadata.get(member)?.as_i64();
    COUNTERS.into_iter().filter_map(count).fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(counts: [i64; 3], operation: Operation, name: &str) -> Done {
        Done { counts, last: Some((operation, name.to_owned())) }
    }

    #[test]
    fn operations_are_counted_and_the_last_is_named() {
        let created = done([1, 0, 0], Operation::Create, "a");
        let first = advanced(Category::Clip, None, &created, 1, 5);
        let later = done([0, 1, 1], Operation::Delete, "b");
        let second = advanced(Category::Clip, Some(&first), &later, 7, 9);
        assert_eq!(operations(&second), 3);
        let member = |name: &str| second.get(name).cloned().unwrap();
        assert_eq!(member("initialization_time"), Json::Int(5));
        assert_eq!(member("last_updated"), Json::Int(9));
        assert_eq!(member("last_operation_type"), "delete".into());
        assert_eq!(member("last_operation_model"), "b".into());
        assert_eq!(member("total_models"), Json::Int(7));
        assert_eq!(second.keys().count(), 13);
    }

    #[test]
    fn counters_that_somebody_made_huge_stop_nothing() {
        let mut huge =
            advanced(Category::Clip, None, &done([1, 0, 0], Operation::Create, "a"), 1, 5);
        for (_, member) in COUNTERS {
            huge.insert(member.to_owned(), i64::MAX.into());
        }
        let more = done([1, 1, 1], Operation::Update, "a");
        let more = advanced(Category::Clip, Some(&huge), &more, 1, 6);
        assert_eq!(operations(&more), i64::MAX);
    }
}
