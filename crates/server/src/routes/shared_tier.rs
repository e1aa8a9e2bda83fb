//! How the cache is that processes share in Redis, for those who run the service.

use horde_model_reference::Json;
use horde_model_reference::backend::redis::{Counters, Status};

use crate::app::App;

/// How it is; `None` where there is none. The address holds no secrets.
pub(super) fn status(app: &App) -> Option<Status> {
    app.primary.as_ref()?.redis().map(|redis| redis.status())
}

pub(super) fn describe(status: &Status) -> Json {
    let is_up = status.is_connected && status.has_values;
    let compared = status.compared_ago.map(super::operation::milliseconds);
    Json::from([
        ("link", Json::from(if is_up { "up" } else { "down" })),
        ("breaker", if status.is_connected { "closed" } else { "open" }.into()),
        ("subscription", status.subscription.to_string().into()),
        ("live", status.is_live.into()),
        ("compared_ms_ago", compared.into()),
        ("server", status.server.as_str().into()),
        ("worker", status.worker.as_str().into()),
        ("scripts", status.scripts.into()),
        ("other_directory", status.other_directory.as_deref().into()),
        ("mixed", status.is_mixed.into()),
        ("counters", counters(&status.counters)),
    ])
}

fn counters(counters: &Counters) -> Json {
    Json::from([
        ("copy_hits", Json::from(counters.copy_hits)),
        ("copy_misses", counters.copy_misses.into()),
        ("copies_refused", counters.copies_refused.into()),
        ("copies_instead", counters.copies_instead.into()),
        ("announced", counters.announced.into()),
        ("announcements_refused", counters.announcements_refused.into()),
        ("repaired_missing", counters.repaired_missing.into()),
        ("repaired_behind", counters.repaired_behind.into()),
        ("renamed", counters.renamed.into()),
        ("fills", counters.fills.into()),
        ("fills_refused", counters.fills_refused.into()),
        ("dropped", counters.dropped.into()),
        ("stale_removed", counters.stale_removed.into()),
        ("no_room", counters.no_room.into()),
        ("comparisons", counters.comparisons.into()),
        ("changes_heard", counters.changes_heard.into()),
        ("invalidations_heard", counters.invalidations_heard.into()),
        ("nonsense_heard", counters.nonsense_heard.into()),
        ("gaps", counters.gaps.into()),
        ("connects", counters.connects.into()),
        ("commands", counters.commands.into()),
        ("failures", counters.failures.into()),
    ])
}
