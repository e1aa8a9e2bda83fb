//! What one server says of itself.

use horde_model_reference::json::Json;

const OTHER_DIRECTORY: &str = "its key prefix in redis belongs to another data directory";

/// A server that answered.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) mode: String,
    pub(super) started_ms: u64,
    /// Its clock when it answered.
    pub(super) now_ms: u64,
    pub(super) lease_ms: u64,
    pub(super) categories: Vec<Held>,
    /// The last contents that took the place of others there, the oldest first.
    pub(super) swaps: Vec<Swap>,
    /// The whole answer.
    pub(super) json: Json,
}

/// A category as the server holds it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) category: String,
    pub(super) generation: u64,
    /// Names the v2 answer.
    pub(super) mark: Option<String>,
    pub(super) records: u64,
    pub(super) lease_age_ms: u64,
    pub(super) problem: Option<String>,
}

/// A content that took the place of another.
#[derive(Debug, Clone)]
pub(super) struct Swap {
    pub(super) document: String,
    pub(super) generation: u64,
    pub(super) at_ms: u64,
    pub(super) delay_ms: Option<u64>,
}

impl Worker {
    /// Reads an answer, or says what it lacks.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let json =
            Json::parse(bytes).map_err(|error| format!("its answer is not JSON: {error}"))?;
        Self::of(json).ok_or_else(|| "its answer is not the status of a server".to_owned())
    }

    fn of(json: Json) -> Option<Self> {
        let categories = json.get("categories")?.as_array()?.iter().map(Held::of);
        let swaps = json.get("propagation")?.get("swaps")?.as_array()?.iter().map(Swap::of);
        Some(Self {
            mode: text(&json, "mode")?,
            started_ms: number(&json, "started_ms")?,
            now_ms: number(&json, "now_ms")?,
            lease_ms: number(&json, "lease_ms")?,
            categories: categories.collect::<Option<_>>()?,
            swaps: swaps.collect::<Option<_>>()?,
            json,
        })
    }

    /// The age of its oldest look.
    pub(super) fn lease_age_ms(&self) -> u64 {
        self.categories.iter().map(|held| held.lease_age_ms).max().unwrap_or(0)
    }

    /// Whether it could not look at its files for longer than a late look explains.
    pub(super) fn is_stale(&self) -> bool {
        self.lease_age_ms() > 2 * self.lease_ms
    }

    /// What is wrong with its files, or with whose documents it would share. That Redis is away is
    /// none: nothing that is served depends on it.
    pub(super) fn problems(&self) -> impl Iterator<Item = &str> {
        let shared = (self.redis("other_directory") != "-").then_some(OTHER_DIRECTORY);
        self.categories.iter().filter_map(|held| held.problem.as_deref()).chain(shared)
    }

    /// A word about its shared cache; a hyphen where it has none.
    pub(super) fn redis(&self, what: &str) -> String {
        let redis = self.json.get("redis");
        redis.and_then(|redis| text(redis, what)).unwrap_or_else(|| "-".to_owned())
    }

    /// The category as it is held there.
    pub(super) fn held(&self, category: &str) -> Option<&Held> {
        self.categories.iter().find(|held| held.category == category)
    }
}

impl Held {
    fn of(json: &Json) -> Option<Self> {
        Some(Self {
            category: text(json, "category")?,
            generation: number(json, "generation")?,
            mark: text(json, "mark"),
            records: number(json, "records")?,
            lease_age_ms: number(json, "lease_age_ms")?,
            problem: text(json, "problem"),
        })
    }
}

impl Swap {
    fn of(json: &Json) -> Option<Self> {
        Some(Self {
            document: text(json, "document")?,
            generation: number(json, "generation")?,
            at_ms: number(json, "at_ms")?,
            delay_ms: number(json, "delay_ms"),
        })
    }
}

fn text(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.as_str().map(str::to_owned)
}

fn number(json: &Json, name: &str) -> Option<u64> {
    json.get(name)?.as_i64()?.try_into().ok()
}
