//! Where data comes from when it is not on the own disk yet: published files for a new PRIMARY, the
//! PRIMARY for a replica.

use std::time::{Duration, Instant};

use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::replica::{Follower, FollowerSettings, is_bare};
use horde_model_reference::seed::{Seeded, seed as seed_absent};
use horde_model_reference::settings::Settings;
use tokio_util::sync::CancellationToken;

/// How soon a signal to stop is noticed.
const NOTICE: Duration = Duration::from_millis(100);

/// Fetches the categories that have no file. What fails is told, and the service starts without it.
pub(crate) fn seed(
    settings: &Settings,
    layout: &Layout,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seeding = seed_absent(&settings.seeding, layout, settings.storage.canonical_format);
    let seeded = runtime.block_on(stop.run_until_cancelled(seeding));
    for Seeded { category, outcome } in seeded.unwrap_or_default() {
        match outcome {
            Ok(records) => {
                tracing::info!(%category, records = records.converted, "seeded");
                for reason in records.left_out {
                    tracing::warn!(%category, %reason, "published record left out");
                }
            }
            Err(error) => {
                tracing::error!(%category, %error, "not seeded; the category stays absent")
            }
        }
    }
    Ok(())
}

/// Starts following the PRIMARY, if there is one to follow. Waits for it only if there is nothing on
/// the disk, and not for long.
pub(crate) fn follow(
    settings: &Settings,
    layout: &Layout,
    stop: &CancellationToken,
) -> Option<Follower> {
    let following = FollowerSettings::of(settings)?;
    let deadline = Instant::now() + following.timeout;
    let bare = is_bare(layout);
    let follower = Follower::start(following, layout.clone())
        .inspect_err(|error| tracing::error!(%error, "cannot follow; only the own disk is served"))
        .ok()?;
    while bare && !stop.is_cancelled() && !follower.first_round(NOTICE) {
        if Instant::now() >= deadline {
            tracing::warn!("there is nothing on the disk and no answer yet; serving all the same");
            break;
        }
    }
    Some(follower)
}
