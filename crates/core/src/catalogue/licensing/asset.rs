//! A piece of software beside the models whose licence matters to workers.

use super::Assignment;
use super::store::{Store, Stored};
use crate::catalogue::members::{Members, filled_text, list, text};
use crate::catalogue::problem::Reading;
use crate::catalogue::words::{word, words};
use crate::catalogue::{Problem, RecordMetadata};
use crate::json::Json;

words! {
    /// What an asset is.
    pub enum AssetKind {
        SoftwareComponent = "software_component",
        CustomNode = "custom_node",
        Other = "other",
    }
}

/// One licensed asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// What it is.
    pub asset_kind: AssetKind,
    /// Its name among its kind.
    pub asset_identifier: String,
    /// The name for people.
    pub display_name: String,
    /// Where it comes from.
    pub source_url: Option<String>,
    /// Which state of it is meant.
    pub version: Option<String>,
    /// Where it lies in a worker.
    pub locations: Vec<String>,
    /// What belongs to it.
    pub related_assets: Vec<String>,
    /// What is known of its licence.
    pub licensing: Assignment,
    /// Anything else.
    pub notes: Option<String>,
    /// History of this record.
    pub metadata: RecordMetadata,
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

fn key(kind: AssetKind, identifier: &str) -> String {
    format!("{}:{identifier}", kind.name())
}

impl Stored for Asset {
    fn key(&self) -> String {
        key(self.asset_kind, &self.asset_identifier)
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("asset_kind", self.asset_kind.into()),
            ("asset_identifier", self.asset_identifier.as_str().into()),
            ("display_name", self.display_name.as_str().into()),
            ("source_url", self.source_url.as_deref().into()),
            ("version", self.version.as_deref().into()),
            ("locations", self.locations.clone().into()),
            ("related_assets", self.related_assets.clone().into()),
            ("licensing", self.licensing.to_json()),
            ("notes", self.notes.as_deref().into()),
            ("metadata", self.metadata.to_json()),
        ])
    }

    fn parse(value: &Json) -> Result<Self, Vec<Problem>> {
        Reading::document(|reading| Self::read(value, reading))
    }
}

impl Asset {
    fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let asset_kind = members.required("asset_kind", word);
        let asset_identifier = members.required("asset_identifier", filled_text);
        let display_name = members.required("display_name", filled_text);
        let source_url = members.optional("source_url", text);
        let version = members.optional("version", text);
        let locations = members.or("locations", Vec::new(), list(text));
        let related_assets = members.or("related_assets", Vec::new(), list(text));
        let licensing = members.required("licensing", Assignment::read);
        let notes = members.optional("notes", text);
        let metadata = members.or("metadata", RecordMetadata::default(), RecordMetadata::read);
        members.close();
        Some(Self {
            asset_kind: asset_kind?,
            asset_identifier: asset_identifier?,
            display_name: display_name?,
            source_url: source_url?,
            version: version?,
            locations: locations?,
            related_assets: related_assets?,
            licensing: licensing?,
            notes: notes?,
            metadata: metadata?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_assets_are_written_as_they_are_read() {
        let assets = Assets::packaged();
        assert_eq!(assets.records.len(), 6);
        assert!(assets.get(AssetKind::CustomNode, "comfyqr").is_some());
        assert!(assets.get(AssetKind::Other, "comfyqr").is_none());
        let text = assets.to_file().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("../packaged/assets.json"));
    }

    #[test]
    fn problems_inside_a_file_are_told_from_its_top() {
        let asset = r#"{"asset_kind":"other","asset_identifier":"a","display_name":"A","licensing":
            {"license_expression":"MIT","commercial_use":"allowed","redistribution":"allowed"}}"#;
        let file = format!(r#"{{"revision":2,"records":{{"other:a":{asset}}}}}"#);
        let problems = Assets::parse(&Json::parse(file.as_bytes()).unwrap()).unwrap_err();
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("/records/other:a/licensing: `license_ids`"), "{told:?}");
    }
}
