//! What is known of the licence of a model or an asset, in the one shape that is shown of both.

use std::fmt::Write;

use super::Asset;
use crate::Category;
use crate::catalogue::{RecordMetadata, Stored};
use crate::json::Json;
use crate::record::Licensing;
use crate::shape::{Field, Issue, Print, Reader, Unknown};

/// The note where nobody has said anything about a model's licence yet.
const NOT_RECORDED: &str = "Nobody has recorded the licence of this model yet.";

/// Where licences are read, followed by the identifier.
const DEFINITION_URL: &str = "/model_references/v2/licensing/licenses/";

/// The kind that stands for models.
pub(super) const MODEL: &str = "model";

/// What there is to say when a record says nothing.
pub fn not_recorded() -> Licensing {
    Licensing::unknown(Some(NOT_RECORDED.to_owned()))
}

/// The member `licensing` of a record, as read over HTTP, that has none of its own.
pub fn unknown_assignment() -> Json {
    not_recorded().write(Print::PLAIN)
}

/// A model or an asset.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub struct AssetView {
    pub asset_kind: &'static str,
    pub asset_identifier: String,
    pub display_name: String,
    pub category: Option<Category>,
    pub source_url: Option<String>,
    pub version: Option<String>,
    pub locations: Vec<String>,
    pub related_assets: Vec<String>,
    pub licensing: Licensing,
    pub notes: Option<String>,
    pub metadata: Option<RecordMetadata>,
}

impl AssetView {
    /// The view of an asset.
    pub fn of_asset(asset: &Asset) -> Self {
        Self {
            asset_kind: asset.asset_kind.name(),
            asset_identifier: asset.asset_identifier.0.clone(),
            display_name: asset.display_name.0.clone(),
            category: None,
            source_url: asset.source_url.clone(),
            version: asset.version.clone(),
            locations: asset.locations.clone(),
            related_assets: asset.related_assets.clone(),
            licensing: asset.licensing.clone().into(),
            notes: asset.notes.clone(),
            metadata: Some(asset.metadata.clone()),
        }
    }

    /// The view of a model. A record without licensing shows as unknown; one whose licensing is
    /// invalid has no view.
    pub fn of_model(category: Category, name: &str, record: &Json) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader::of(category, Unknown::Reject);
        let licensing = licensing_of(record, &mut reader);
        let (licensing, _) = reader.conclude(licensing)?;
        Ok(Self {
            asset_kind: MODEL,
            asset_identifier: model_identifier(category, name),
            display_name: name.to_owned(),
            category: Some(category),
            source_url: first_download_url(record).map(str::to_owned),
            version: None,
            locations: Vec::new(),
            related_assets: Vec::new(),
            licensing,
            notes: None,
            metadata: None,
        })
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("asset_kind", self.asset_kind.into()),
            ("asset_identifier", self.asset_identifier.as_str().into()),
            ("display_name", self.display_name.as_str().into()),
            ("category", self.category.map(Category::name).into()),
            ("source_url", self.source_url.as_deref().into()),
            ("version", self.version.as_deref().into()),
            ("locations", self.locations.clone().into()),
            ("related_assets", self.related_assets.clone().into()),
            ("licensing", self.licensing.to_json()),
            ("definition_urls", self.definition_urls()),
            ("notes", self.notes.as_deref().into()),
            ("metadata", self.metadata.as_ref().map(Stored::to_json).into()),
        ])
    }

    fn definition_urls(&self) -> Json {
        let ids = self.licensing.all_license_ids().into_iter();
        Json::Object(ids.map(|id| (id.to_owned(), definition_url(id).into())).collect())
    }
}

/// The name of a model among the models of all categories.
pub(super) fn model_identifier(category: Category, name: &str) -> String {
    format!("{category}:{name}")
}

fn definition_url(license_id: &str) -> String {
    let mut url = DEFINITION_URL.to_owned();
    for byte in license_id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

fn downloads(record: &Json) -> &[Json] {
    let downloads = record.get("config").and_then(|config| config.get("download"));
    downloads.and_then(Json::as_array).unwrap_or_default()
}

fn first_download_url(record: &Json) -> Option<&str> {
    downloads(record).first()?.get("file_url")?.as_str()
}

fn licensing_of(record: &Json, reader: &mut Reader) -> Option<Licensing> {
    let stored = record.get("licensing").filter(|stored| !stored.is_null());
    let Some(stored) = stored else { return Some(not_recorded()) };
    let licensing = reader.within("licensing", |reader| Licensing::read(stored, reader))?;
    let is_file = |name: &str| {
        let names = downloads(record).iter().filter_map(|download| download.get("file_name"));
        names.into_iter().any(|file_name| file_name.as_str() == Some(name))
    };
    licensing.check_files(is_file, record, reader);
    Some(licensing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(record: &str) -> Result<AssetView, Vec<Issue>> {
        let record = Json::parse(record.as_bytes()).unwrap();
        AssetView::of_model(Category::Clip, "a/b", &record)
    }

    const LICENSED: &str = r#"{"config":{"download":[{"file_name":"x.pt","file_url":"https://e.org/x"}]},
        "licensing":{"license_expression":"WTFPL","license_ids":["WTFPL"],"commercial_use":"allowed",
        "redistribution":"allowed","files":{"x.pt":{"license_expression":"OpenRAIL++-M",
        "license_ids":["OpenRAIL++-M"],"commercial_use":"allowed","redistribution":"allowed"}}}}"#;

    #[test]
    fn definitions_of_files_are_pointed_at_too() {
        let view = view(LICENSED).unwrap().to_json();
        assert_eq!(view.get("asset_identifier"), Some(&"clip:a/b".into()));
        assert_eq!(view.get("source_url"), Some(&"https://e.org/x".into()));
        assert_eq!(
            view.get("definition_urls").unwrap().to_string(),
            r#"{"OpenRAIL++-M":"/model_references/v2/licensing/licenses/OpenRAIL%2B%2B-M","WTFPL":"/model_references/v2/licensing/licenses/WTFPL"}"#
        );
    }

    #[test]
    fn without_licensing_a_model_is_unknown() {
        for record in ["{}", r#"{"licensing":null}"#] {
            assert_eq!(view(record).unwrap().licensing, not_recorded());
        }
    }

    #[test]
    fn invalid_licensing_has_no_view() {
        let absent = LICENSED.replacen("x.pt", "y.pt", 1);
        let told: Vec<String> = view(&absent).unwrap_err().iter().map(Issue::to_string).collect();
        assert_eq!(told, ["Value error, licensing of files that are no downloads: x.pt"]);
        assert!(view(r#"{"licensing":{}}"#).is_err());
    }
}
