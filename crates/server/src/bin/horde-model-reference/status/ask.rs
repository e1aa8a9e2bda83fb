//! Asking all servers at once, each for no longer than a few seconds.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use horde_model_reference::fetch::{FetchError, FetchSettings, Fetched, Fetcher};
use horde_model_reference::settings::mask;

use super::worker::Worker;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A status is far smaller.
const LARGEST: usize = 4 << 20;

/// A server and what it answered, or why it did not.
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) answer: Result<Worker, String>,
}

/// Asks the servers at these addresses, in their order.
pub(super) async fn all(urls: &[String]) -> anyhow::Result<Vec<Asked>> {
    let settings = FetchSettings {
        timeout: PATIENCE,
        attempts: NonZeroU32::MIN,
        max_bytes: LARGEST,
        ..FetchSettings::default()
    };
    let fetcher = Fetcher::new(settings)?;
    let ask = async |url: &String| {
        let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
        let answer = one(&fetcher, &url).await;
        Asked { url: mask(&url), answer }
    };
    Ok(join_all(urls.iter().map(ask)).await)
}

async fn one(fetcher: &Fetcher, url: &str) -> Result<Worker, String> {
    let base = url.trim_end_matches('/');
    let base = if base.ends_with("/api") { base.to_owned() } else { format!("{base}/api") };
    match fetcher.get(&format!("{base}/status"), None).await {
        Ok(Fetched::Found { bytes, .. }) => Worker::read(&bytes),
        Ok(Fetched::Missing | Fetched::Unchanged) => Err("it has no /status".to_owned()),
        // The address stands beside the reason anyway.
        Err(FetchError::Failed { reason, .. } | FetchError::Unusable { reason }) => Err(reason),
        Err(FetchError::NoAddress { reason, .. }) => Err(format!("this is no address: {reason}")),
        Err(FetchError::Refused { status, .. }) => Err(format!("it answered {status}")),
    }
}
