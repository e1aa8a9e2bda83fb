//! A piece of software beside the models whose licence matters to workers.

use super::Store;
use crate::catalogue::{Keyed, RecordMetadata, Stored};
use crate::json::Json;
use crate::record::Assignment;
use crate::shape::{NonEmpty, members, words};

words! {
    /// What an asset is.
    pub enum AssetKind {
        SoftwareComponent = "software_component",
        CustomNode = "custom_node",
        Other = "other",
    }
}

members! {
    /// One licensed asset.
    pub struct Asset(reject) {
        /// What it is.
        asset_kind: AssetKind => required,
        /// Its name among its kind.
        asset_identifier: NonEmpty => required,
        /// The name for people.
        display_name: NonEmpty => required,
        /// Where it comes from.
        source_url: Option<String> => absent,
        /// Which state of it is meant.
        version: Option<String> => absent,
        /// Where it lies in a worker.
        locations: Vec<String> => absent,
        /// What belongs to it.
        related_assets: Vec<String> => absent,
        /// What is known of its licence.
        licensing: Assignment => required,
        /// Anything else.
        notes: Option<String> => absent,
        /// History of this record.
        metadata: RecordMetadata => absent,
    }
}

/// The file of assets.
pub type Assets = Store<Asset>;

impl Assets {
    /// The assets that ship with the program.
    ///
    /// # Panics
    /// Never: a test reads the file, which is part of the program.
    pub fn packaged() -> Self {
        let text = include_str!("../packaged/assets.json");
        let document = Json::parse(text.as_bytes()).expect("the packaged assets are JSON");
        Self::parse(&document).expect("the packaged assets are valid")
    }

    /// Answer to `…/assets/{kind}/{identifier}`.
    pub fn get(&self, kind: AssetKind, identifier: &str) -> Option<&Asset> {
        self.records.get(&key(kind, identifier))
    }
}

pub(super) fn key(kind: AssetKind, identifier: &str) -> String {
    format!("{}:{identifier}", kind.name())
}

impl Keyed for Asset {
    const KEY: &'static str = "asset_kind and asset_identifier";

    fn key(&self) -> String {
        key(self.asset_kind, &self.asset_identifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Issue;

    #[test]
    fn the_packaged_assets_are_written_as_they_are_read() {
        let assets = Assets::packaged();
        assert_eq!(assets.records.len(), 6);
        assert!(assets.get(AssetKind::CustomNode, "comfyqr").is_some());
        assert!(assets.get(AssetKind::Other, "comfyqr").is_none());
        let text = assets.to_json().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("../packaged/assets.json"));
    }

    #[test]
    fn issues_inside_a_file_are_told_from_its_top() {
        let asset = r#"{"asset_kind":"other","asset_identifier":"a","display_name":"A","licensing":
            {"license_expression":"MIT","commercial_use":"allowed","redistribution":"allowed"}}"#;
        let file = format!(r#"{{"revision":2,"records":{{"other:a":{asset}}}}}"#);
        let issues = Assets::parse(&Json::parse(file.as_bytes()).unwrap()).unwrap_err();
        let told: Vec<String> = issues.iter().map(Issue::to_string).collect();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("records: other:a: licensing: Value error, license_ids"),
            "{told:?}"
        );
    }
}
