//! A data folder with one category that is worth compressing, and processes of ours that do.

use std::io::Write;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::backend::Backend;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::redis::Subscription;
use horde_model_reference::body::{Body, Coding};
use horde_model_reference::made::{Statistics, Store};
use horde_model_reference::{Category, Options, Primary, settings};
use testkit::{RedisServer, eventually};

/// Longer than a form is left to others, and more.
const SOON: Duration = Duration::from_secs(60);

/// The tag, the tag of what it replaced, and the bytes of a form.
pub(crate) type Form = (Vec<u8>, Option<Vec<u8>>, Vec<u8>);

/// A folder with one category in it.
pub(crate) struct Folder(tempfile::TempDir);

/// One process's view of the folder.
pub(crate) struct Worker(Primary);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let names = ["first".to_owned()].into_iter().chain((0..300).map(|n| format!("model {n}")));
        let records: Vec<_> = names.map(|name| record(&name)).collect();
        let text = format!("{{{}}}", records.join(", "));
        std::fs::write(folder.0.path().join("clip.json"), text).unwrap();
        folder
    }

    fn files(&self) -> Arc<Files> {
        Arc::new(Files::new(Layout::below(self.0.path())))
    }

    pub(crate) fn open(&self, settings: &settings::Redis) -> Worker {
        let options = Options::default();
        Worker(Primary::open_with_redis(self.files(), options, None, settings, None).unwrap())
    }

    pub(crate) fn open_alone(&self) -> Worker {
        Worker(Primary::open(self.files(), Options::default(), None).unwrap())
    }

    /// The v2 answer without coding.
    pub(crate) fn plain(&self, settings: &settings::Redis) -> String {
        let bodies = self.open(settings).bodies();
        String::from_utf8(bodies[0].identity.bytes.to_vec()).unwrap()
    }
}

impl Worker {
    pub(crate) fn statistics(&self) -> Statistics {
        self.0.made_statistics()
    }

    /// What it shares with others.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.0.redis().unwrap().made().unwrap()
    }

    fn bodies(&self) -> Vec<Arc<Body>> {
        let read = self.0.category_blocking(Category::Clip);
        read.view.bodies().filter(|body| body.is_compressed()).cloned().collect()
    }

    /// How many forms there are to be made.
    pub(crate) fn wanted(&self) -> u64 {
        self.bodies().len() as u64 * 3
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        let forms_of = |body: &Arc<Body>| {
            let forms = body.compressed();
            [&forms.gzip, &forms.brotli, &forms.zstd].map(|form| {
                let form = form.as_ref().unwrap();
                let earlier = form.earlier_tag.as_ref().map(|tag| tag.to_vec());
                (form.tag.to_vec(), earlier, form.bytes.to_vec())
            })
        };
        self.bodies().iter().flat_map(forms_of).collect()
    }

    /// Waits until every form is as good as it gets, and shared as far as it will be.
    pub(crate) fn await_refined(&self) {
        assert!(self.wanted() > 0);
        until("all forms are there", || {
            let Statistics { hits, misses, stored, not_stored, .. } = self.statistics();
            let is_given = self.0.redis().is_none() || stored + not_stored == misses;
            hits + misses == self.wanted() && is_given
        });
    }

    pub(crate) fn await_live(&self) {
        until("it is connected", || {
            let status = self.0.redis().unwrap().status();
            status.subscription == Subscription::Live && status.has_values
        });
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(SOON, || if is_so() { Ok(()) } else { Err(what.to_owned()) }).unwrap();
}

/// Settings for the server at a port of this machine.
pub(crate) fn at(port: u16) -> settings::Redis {
    settings::Redis { use_redis: true, port: NonZeroU16::new(port), ..settings::Redis::default() }
}

/// All results that are stored, by key.
pub(crate) fn results(server: &RedisServer) -> Vec<(String, Vec<u8>)> {
    let keys = server.command(&["KEYS", "horde:model_ref:coh:made:*"]).unwrap();
    let mut keys: Vec<_> = keys.items().iter().map(|key| key.text().unwrap()).collect();
    keys.retain(|key| !key.ends_with(":claim"));
    keys.sort();
    keys.into_iter().map(|key| (key.clone(), bytes_at(server, &key))).collect()
}

fn bytes_at(server: &RedisServer, key: &str) -> Vec<u8> {
    match server.command(&["GET", key]).unwrap() {
        testkit::Reply::Bulk(bytes) => bytes,
        other => panic!("{key}: {other:?}"),
    }
}

/// The coding of a result, by its key.
pub(crate) fn coding_of(key: &str) -> Coding {
    let kind = key.rsplit(':').nth(1).unwrap();
    match kind.split_once('-').unwrap().0 {
        "gzip" => Coding::Gzip,
        "br" => Coding::Brotli,
        "zstd" => Coding::Zstd,
        other => panic!("{other}"),
    }
}

/// Codes bytes fast.
pub(crate) fn coded(coding: Coding, plain: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Identity => plain.to_vec(),
        Coding::Gzip => {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Brotli => {
            let parameters = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &*plain, &mut out, &parameters).unwrap();
            out
        }
        Coding::Zstd => zstd::bulk::compress(plain, 1).unwrap(),
    }
}

fn record(name: &str) -> String {
    format!(
        r#""{name}": {{"name": "{name}", "record_type": "clip", "model_classification": {{"domain": "text", "purpose": "feature_extractor"}}}}"#
    )
}
