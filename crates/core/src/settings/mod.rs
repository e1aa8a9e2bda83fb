//! Settings: read once at the edge, checked together, and passed down as plain structs.
//!
//! Values come from, strongest first:
//!
//! 1. flags of the command line;
//! 2. the environment of the process;
//! 3. `.env.prod` in the working directory, if `HAIDRA_USE_DEFAULT_ENV_FILES` asks for it;
//! 4. `.env` in the working directory;
//! 5. the TOML file named by `HORDE_MODEL_REFERENCE_CONFIG`;
//! 6. the defaults.
//!
//! Names may be written in any case. A group may be given whole as a JSON object in the variable of
//! its name, such as `HORDE_MODEL_REFERENCE_REDIS={"use_redis": true}`; a variable of one member
//! wins over it. In the TOML file every key is a variable's name in lower case without
//! `HORDE_MODEL_REFERENCE_`, and a table is what stands before `__`:
//!
//! ```toml
//! aiworker_cache_home = "/srv/models"
//! replicate_mode = "PRIMARY"
//!
//! [redis]
//! use_redis = true
//! url = "redis://localhost:6379/0"
//! ```
//!
//! A wrong value stops the start, and all wrong values are told together; a name nobody knows is a
//! warning. Adding a setting is adding it to its group: reading, listing and checking follow.

mod group;
mod value;

mod address;
mod list;
mod secret;

mod analysis;
mod audit;
mod catalogues;
mod coherence;
mod files;
mod horde_api;
mod hydration;
mod queue;
mod r2;
mod redis;
mod redis_check;
mod redis_node;
pub mod redis_target;
mod redis_url;
mod replication;
mod seeding;
mod storage;

mod combinations;
mod layer;
mod origin;
mod problem;
mod reader;
mod sources;

use std::num::NonZeroU64;

pub use address::BaseUrl;
pub use address::mask;
pub use analysis::Analysis;
pub use audit::Audit;
pub use catalogues::{Catalogues, Licensing};
pub use coherence::Coherence;
pub use files::{Flag, SettingFiles};
pub use group::{Group, PREFIX, Variable};
pub use horde_api::HordeApi;
pub use hydration::Hydration;
pub use list::Words;
pub use origin::Origin;
pub use problem::{Problem, SettingsError};
pub use queue::Queue;
pub use r2::R2;
pub use reader::{Described, Loaded, Reader};
pub use redis::{L2Read, Redis, RedisMode};
pub use redis_node::{Host, NodeList};
pub use redis_url::RedisUrl;
pub use replication::{ReplicateMode, Replication};
pub use secret::Secret;
pub use seeding::{GithubRepository, Seeding};
pub use sources::Sources;
pub use storage::Storage;
pub use value::{Choice, Value, positive};

/// Five mebibytes: where the reference begins a new segment.
const SEGMENT_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add(5_242_880 - 1);

/// All settings of the core.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Settings {
    pub storage: Storage,
    pub coherence: Coherence,
    pub replication: Replication,
    pub seeding: Seeding,
    pub redis: Redis,
    pub audit: Audit,
    pub queue: Queue,
    pub licensing: Licensing,
    pub catalogues: Catalogues,
    pub horde_api: HordeApi,
    pub analysis: Analysis,
    pub hydration: Hydration,
    pub r2: R2,
}

impl Settings {
    /// Reads and checks the settings.
    pub fn load(sources: &Sources) -> Result<Loaded<Self>, SettingsError> {
        let mut reader = Reader::new(sources);
        let settings = Self::read(sources, &mut reader);
        reader.finish(settings)
    }

    /// Reads the settings for somebody who has more to read and will finish the reading.
    pub fn read(sources: &Sources, reader: &mut Reader) -> Self {
        let replication = Replication { mode: sources.default_mode, ..Replication::default() };
        let mut settings = Self {
            storage: Storage::default().read_over(reader),
            coherence: Coherence::default().read_over(reader),
            replication: replication.read_over(reader),
            seeding: Seeding::default().read_over(reader),
            redis: Redis::default().read_over(reader),
            audit: Audit::default().read_over(reader),
            queue: Queue::default().read_over(reader),
            licensing: Licensing::default().read_over(reader),
            catalogues: Catalogues::default().read_over(reader),
            horde_api: HordeApi::default().read_over(reader),
            analysis: Analysis::default().read_over(reader),
            hydration: Hydration::default().read_over(reader),
            r2: R2::default().read_over(reader),
        };
        combinations::resolve(&mut settings, reader);
        settings
    }
}

#[cfg(test)]
mod tests;
