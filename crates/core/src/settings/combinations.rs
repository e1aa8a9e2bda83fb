//! What settings mean for each other. Nowhere else are two of them looked at together, so the rest of
//! the code may believe each one by itself.

use super::{
    Coherence, Queue, Reader, Redis, RedisMode, ReplicateMode, Replication, Seeding, Settings,
    Value,
};

/// Changes what other settings leave no choice about, and says so; refuses what contradicts itself.
pub(super) fn resolve(settings: &mut Settings, reader: &mut Reader) {
    resolve_offline(&mut settings.replication, reader);
    resolve_replica(settings, reader);
    mention_idle_settings(settings, reader);
    check_looks(&settings.coherence, reader);
    check_redis(&settings.redis, reader);
}

/// Without a network there is neither a PRIMARY to copy nor anybody to take changes from.
fn resolve_offline(replication: &mut Replication, reader: &mut Reader) {
    if !replication.offline {
        return;
    }
    let because = format!("{} is set", Replication::HORDE_MODEL_REFERENCE_OFFLINE);
    if replication.is_primary() {
        replication.mode = ReplicateMode::Replica;
        let name = Replication::HORDE_MODEL_REFERENCE_REPLICATE_MODE;
        reader.settle(name, &replication.mode.show(), &because);
        reader.note(format!("This process is a read-only REPLICA, because {because}."));
    }
    let name = Replication::HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK;
    switch_off(&mut replication.github_fallback, name, &because, reader);
    if replication.primary_api_url.take().is_some() {
        reader.settle(Replication::HORDE_MODEL_REFERENCE_PRIMARY_API_URL, "null", &because);
    }
}

/// Only the owner of the data shares copies of it, or fills it.
fn resolve_replica(settings: &mut Settings, reader: &mut Reader) {
    if settings.replication.is_primary() {
        return;
    }
    let because = if settings.replication.offline {
        format!("{} is set", Replication::HORDE_MODEL_REFERENCE_OFFLINE)
    } else {
        format!("{} is REPLICA", Replication::HORDE_MODEL_REFERENCE_REPLICATE_MODE)
    };
    let name = Redis::HORDE_MODEL_REFERENCE_REDIS__USE_REDIS;
    switch_off(&mut settings.redis.use_redis, name, &because, reader);
    let name = Seeding::HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED;
    switch_off(&mut settings.seeding.enabled, name, &because, reader);
}

fn switch_off(switch: &mut bool, name: &str, because: &str, reader: &mut Reader) {
    if std::mem::take(switch) {
        reader.settle(name, "false", because);
    }
}

fn mention_idle_settings(settings: &Settings, reader: &mut Reader) {
    if !settings.replication.is_primary() {
        return;
    }
    let name = Replication::HORDE_MODEL_REFERENCE_PRIMARY_API_URL;
    if reader.is_given(name) {
        reader.note(format!("{name} has no effect on a PRIMARY."));
    }
    if settings.queue.enabled && settings.queue.refuses_everybody() {
        reader.note(format!(
            "Nobody may propose changes, because {} and {} are empty.",
            Queue::HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS,
            Queue::HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS
        ));
    }
}

/// Shorter than this, in milliseconds, a lease has run out before a look under load has renewed it.
const SHORTEST_LEASE_MS: u32 = 30;

/// A lease that a single late look lets run out makes readers wait, so two looks must fit into it.
fn check_looks(coherence: &Coherence, reader: &mut Reader) {
    let lease = Coherence::HORDE_MODEL_REFERENCE_COHERENCE__LEASE_MS;
    let lease_ms = coherence.lease_ms.get();
    if lease_ms < SHORTEST_LEASE_MS {
        reader.refuse(lease, format!("at least {SHORTEST_LEASE_MS}"));
    } else if coherence.look_every_ms() > lease_ms / 2 {
        reader.refuse(
            Coherence::HORDE_MODEL_REFERENCE_COHERENCE__LOOK_EVERY_MS,
            format!("at most {}, half of {lease}", lease_ms / 2),
        );
    }
}

/// Where Redis is matters only to those who use it: others may carry settings of a whole fleet.
fn check_redis(redis: &Redis, reader: &mut Reader) {
    if !redis.use_redis {
        return;
    }
    for refusal in redis.check() {
        reader.refuse_shown(refusal.variable, refusal.value, refusal.accepted);
    }
    if redis.mode == RedisMode::Sentinel {
        return;
    }
    for name in [
        Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_SERVICE,
        Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_USERNAME,
        Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_PASSWORD,
    ] {
        if reader.is_given(name) {
            let mode = Redis::HORDE_MODEL_REFERENCE_REDIS__MODE;
            reader.note(format!("{name} has no effect, because {mode} is not sentinel."));
        }
    }
}
