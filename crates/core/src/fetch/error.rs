//! Why a document could not be fetched. Addresses are shown without the passwords in them.

use std::error::Error as _;
use std::time::Duration;

/// Why a document could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connections can be made at all.
    #[error("cannot prepare HTTP connections: {reason}")]
    Unusable {
        /// The library's words.
        reason: String,
    },
    /// The address cannot be read.
    #[error("{url} is no address: {reason}")]
    NoAddress {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server answered with a status that is neither success nor absence.
    #[error("{url} answered {status}")]
    Refused {
        /// Where.
        url: String,
        /// The status.
        status: u16,
    },
    /// There was no whole answer in time.
    #[error("cannot fetch {url}: {reason}")]
    Failed {
        /// Where.
        url: String,
        /// The last failure.
        reason: String,
    },
}

/// One attempt that came to nothing.
pub(super) struct Trouble {
    pub(super) reason: String,
    status: Option<u16>,
    /// Whether the next attempt may fare better.
    pub(super) may_pass: bool,
    /// How long the server wants to be left alone.
    pub(super) pause: Option<Duration>,
}

impl Trouble {
    pub(super) fn status(status: u16, pause: Option<Duration>) -> Self {
        let may_pass = status == 429 || (500..600).contains(&status);
        Self { reason: format!("status {status}"), status: Some(status), may_pass, pause }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::final_one(format!("it is larger than {limit} bytes"))
    }

    pub(super) fn out_of_time(budget: Duration) -> Self {
        Self::final_one(format!("no whole answer within {budget:?}"))
    }

    fn final_one(reason: String) -> Self {
        Self { reason, status: None, may_pass: false, pause: None }
    }

    pub(super) fn at(self, url: &str) -> FetchError {
        let url = crate::settings::mask(url);
        match self.status {
            Some(status) => FetchError::Refused { url, status },
            None => FetchError::Failed { url, reason: self.reason },
        }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let may_pass = !error.is_builder() && !error.is_redirect();
        // The address may hold a password, and the error says little; its causes say more.
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Self { reason, status: None, may_pass, pause: None }
    }
}
