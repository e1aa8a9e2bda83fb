//! How the cache is that processes share in Redis. Servers without one have none of these series.

use std::fmt::Result;

use horde_model_reference::backend::redis::{Counters, Status};

use super::page::Page;
use crate::app::App;

pub(super) fn shared_tier(page: &mut Page<'_>, app: &App) -> Result {
    let Some(redis) = app.primary.as_ref().and_then(|primary| primary.redis()) else {
        return Ok(());
    };
    let status = redis.status();
    state(page, &status)?;
    done(page, &status.counters)?;
    heard(page, &status.counters)
}

fn state(page: &mut Page<'_>, status: &Status) -> Result {
    let links = [("commands", status.is_connected), ("values", status.has_values)];
    let links = links.map(|(link, is_up)| ([("link", link)], flag(is_up)));
    page.gauges(("redis_link_up", "1 while there is a connection, by what it is for"), links)?;
    let gauges = [
        (("redis_live", "1 while news arrive and comparisons are made"), status.is_live),
        (
            ("redis_other_directory", "1 while the key prefix belongs to another data directory"),
            status.other_directory.is_some(),
        ),
        (("redis_scripts", "1 while scripts are run, 0 with transactions instead"), status.scripts),
        (("redis_mixed", "1 once a worker of the reference was heard"), status.is_mixed),
    ];
    gauges.into_iter().try_for_each(|(metric, is_so)| page.gauge(metric, flag(is_so)))
}

fn done(page: &mut Page<'_>, counters: &Counters) -> Result {
    let copies = [
        ("hit", counters.copy_hits),
        ("miss", counters.copy_misses),
        ("refused", counters.copies_refused),
        ("instead", counters.copies_instead),
    ];
    let copies = copies.map(|(result, count)| ([("result", result)], count));
    page.counters(("redis_copies", "Copies asked for, by what became of them"), copies)?;
    let announcements =
        [("raised", counters.announced), ("refused", counters.announcements_refused)];
    let announcements = announcements.map(|(result, count)| ([("result", result)], count));
    page.counters(("redis_announcements", "Changes announced, or too late for it"), announcements)?;
    let repairs = [
        ("missing", counters.repaired_missing),
        ("behind", counters.repaired_behind),
        ("ahead", counters.renamed),
    ];
    let repairs = repairs.map(|(reason, count)| ([("reason", reason)], count));
    page.counters(("redis_repairs", "Records that were not what the files hold"), repairs)?;
    let fills = [("stored", counters.fills), ("refused", counters.fills_refused)];
    let fills = fills.map(|(result, count)| ([("result", result)], count));
    page.counters(("redis_fills", "Copies stored, or too late for it"), fills)?;
    page.counter(
        ("redis_drops", "Documents whose copies were dropped for lack of room for the record"),
        counters.dropped,
    )?;
    page.counter(
        ("redis_stale_copies_removed", "Copies of others that meant something else than the file"),
        counters.stale_removed,
    )?;
    page.counter(("redis_no_room", "Calls refused for lack of room"), counters.no_room)?;
    page.counter(("redis_comparisons", "Comparisons of everything"), counters.comparisons)
}

fn heard(page: &mut Page<'_>, counters: &Counters) -> Result {
    let messages = [
        ("change", counters.changes_heard),
        ("invalidation", counters.invalidations_heard),
        ("nonsense", counters.nonsense_heard),
    ];
    let messages = messages.map(|(kind, count)| ([("kind", kind)], count));
    page.counters(("redis_messages", "Messages of others"), messages)?;
    page.counter(("redis_gaps", "Subscriptions that ended"), counters.gaps)?;
    page.counter(("redis_connects", "Connections made for commands"), counters.connects)?;
    page.counter(("redis_commands", "Commands sent"), counters.commands)?;
    page.counter(
        ("redis_failures", "Commands and connections that failed, but for refusals"),
        counters.failures,
    )
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}
