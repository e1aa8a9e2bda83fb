//! Every name used in Redis.
//!
//! Names without `coh` are those of the reference, whose workers may share the server; all others are
//! out of their way, and they neither read nor list them.

use crate::Document;
use crate::generation::Digest;

/// Names under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// Names that begin with `prefix`. A script touches keys of one hash slot only, so on a cluster all
    /// of them share one.
    pub(super) fn new(prefix: &str, is_cluster: bool) -> Self {
        let has_tag = prefix
            .find('{')
            .is_some_and(|open| prefix[open + 1..].find('}').is_some_and(|length| length > 0));
        let prefix = match is_cluster && !has_tag {
            true => format!("{{{prefix}}}"),
            false => prefix.to_owned(),
        };
        Self { prefix }
    }

    /// What all names begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hash of the newest announced generation of every document.
    pub(super) fn record(&self) -> String {
        format!("{}:coh:gen", self.prefix)
    }

    /// The copy of a document.
    pub(super) fn copy(&self, document: Document) -> String {
        let prefix = &self.prefix;
        match document {
            Document::V2(category) => format!("{prefix}:category:{category}"),
            Document::V2Metadata(category) => format!("{prefix}:meta:v2:{category}"),
            Document::LegacyMetadata(category) => format!("{prefix}:meta:legacy:{category}"),
            other => format!("{prefix}:coh:copy:{other}"),
        }
    }

    /// All that is dropped when the document changes: its copy, and what workers of the reference keep
    /// of the category's metadata, which they never drop themselves.
    pub(super) fn dropped_with(&self, document: Document) -> Vec<String> {
        let mut keys = vec![self.copy(document)];
        if let Some(category) = document.spoken_of() {
            let metadata = [Document::LegacyMetadata(category), Document::V2Metadata(category)];
            keys.extend(metadata.map(|document| self.copy(document)));
        }
        keys
    }

    /// What was made of the content with this digest.
    pub(super) fn made(&self, kind: &str, digest: Digest) -> String {
        format!("{}:coh:made:{kind}:{digest}", self.prefix)
    }

    /// Whether somebody is making that.
    pub(super) fn claim(&self, kind: &str, digest: Digest) -> String {
        format!("{}:claim", self.made(kind, digest))
    }

    /// The channel on which workers of the reference name changed categories.
    pub(super) fn invalidations(&self) -> String {
        format!("{}:invalidate", self.prefix)
    }

    /// The channel on which workers of ours tell of changed documents.
    pub(super) fn changes(&self) -> String {
        format!("{}:coh:changes", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    #[test]
    fn names_are_those_of_the_reference() {
        let keys = Keys::new("horde:model_ref", false);
        let clip = Category::Clip;
        assert_eq!(keys.copy(Document::V2(clip)), "horde:model_ref:category:clip");
        assert_eq!(
            keys.dropped_with(Document::Legacy(clip)),
            [
                "horde:model_ref:coh:copy:legacy/clip",
                "horde:model_ref:meta:legacy:clip",
                "horde:model_ref:meta:v2:clip",
            ]
        );
        assert_eq!(keys.invalidations(), "horde:model_ref:invalidate");
        assert_eq!(keys.record(), "horde:model_ref:coh:gen");
    }

    #[test]
    fn on_a_cluster_all_names_share_a_slot() {
        assert_eq!(Keys::new("p", true).record(), "{p}:coh:gen");
        assert_eq!(Keys::new("a{b}c", true).record(), "a{b}c:coh:gen");
        assert_eq!(Keys::new("a{}c", true).record(), "{a{}c}:coh:gen");
        assert_eq!(Keys::new("p", false).record(), "p:coh:gen");
    }
}
