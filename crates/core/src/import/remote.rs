//! What can be imported over HTTP: a file, a public repository of legacy files, another server.

use std::path::Path;

use crate::Category;
use crate::backend::files::layout::{legacy_file_name, v2_file_name};
use crate::fetch::{Fetched, Fetcher};

use super::{Content, Incoming, Unusable, read};

/// What is read from an address, or why it is not.
type Found = Vec<Result<Incoming, Unusable>>;

/// Reads what is at `url`: the file if it names one; the answers of a server if it ends in `/api`;
/// else the files below it as public repositories have them; and if there are none, the answers of
/// a server again. `tell` hears of every address before it is asked.
pub async fn read_url(fetcher: &Fetcher, url: &str, tell: &mut dyn FnMut(&str)) -> Found {
    let base = url.trim_end_matches('/');
    let mut reading = Reading { fetcher, tell, found: Vec::new() };
    if [".json", ".csv"].iter().any(|ending| base.ends_with(ending)) {
        if !reading.get(base, Path::new(base), Server::No).await {
            reading.found.push(nothing(url));
        }
        return reading.found;
    }
    if base.ends_with("/api") {
        reading.server(base).await;
    } else {
        reading.repository(base).await;
        if reading.found.is_empty() {
            reading.server(&format!("{base}/api")).await;
        }
    }
    if reading.found.is_empty() {
        reading.found.push(nothing(url));
    }
    reading.found
}

/// Whether an answer comes from a server, which adds to what it stores.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Yes,
    No,
}

struct Reading<'a> {
    fetcher: &'a Fetcher,
    tell: &'a mut dyn FnMut(&str),
    found: Found,
}

impl Reading<'_> {
    async fn repository(&mut self, base: &str) {
        for category in Category::ALL {
            let legacy = category.has_legacy_form().then(|| legacy_file_name(category));
            let v2 = Some(v2_file_name(category)).filter(|name| Some(name) != legacy.as_ref());
            for name in legacy.into_iter().chain(v2) {
                let got = self.get(&format!("{base}/{name}"), Path::new(&name), Server::No).await;
                // A server that cannot be reached for one file will not be for fourteen others.
                if got {
                    break;
                }
            }
            if self.is_unreachable() {
                return;
            }
        }
    }

    /// v2 says most; the v1 answer of a category in JSON is its legacy file to the letter.
    async fn server(&mut self, base: &str) {
        for category in Category::ALL {
            let answer = |version: &str| format!("{base}/model_references/{version}/{category}");
            let v2 = Path::new("v2").join(v2_file_name(category));
            let has_v2 = self.get(&answer("v2"), &v2, Server::Yes).await;
            let is_wanted = category != Category::TextGeneration || !has_v2;
            if category.has_legacy_form() && is_wanted && !self.is_unreachable() {
                let v1 = Path::new("legacy").join(v2_file_name(category));
                self.get(&answer("v1"), &v1, Server::Yes).await;
            }
            if self.is_unreachable() {
                return;
            }
        }
    }

    /// Whether the very first request failed.
    fn is_unreachable(&self) -> bool {
        matches!(&self.found[..], [Err(_)])
    }

    /// Fetches one file, which is read as if it were called `name`. Tells whether there is something,
    /// be it wrong.
    async fn get(&mut self, url: &str, name: &Path, server: Server) -> bool {
        (self.tell)(url);
        let origin = crate::settings::mask(url);
        let found = match self.fetcher.get(url, None).await {
            Ok(Fetched::Found { bytes, .. }) => read(name, origin, bytes.to_vec()),
            Ok(Fetched::Missing | Fetched::Unchanged) => return false,
            Err(error) => Err(Unusable { origin, reason: error.to_string() }),
        };
        self.found.push(match server {
            Server::Yes => found.map(without_additions),
            Server::No => found,
        });
        true
    }
}

fn without_additions(incoming: Incoming) -> Incoming {
    let Incoming { origin, content } = incoming;
    let content = match content {
        Content::Category(file) => Content::Category(file.without_additions()),
        other => other,
    };
    Incoming { origin, content }
}

fn nothing(url: &str) -> Result<Incoming, Unusable> {
    let reason = "there is no model reference at this address".to_owned();
    Err(Unusable { origin: crate::settings::mask(url), reason })
}
