//! The image baselines: the families of image models that may be named as a `baseline`.

mod change_set;

pub use change_set::{
    BaselineChange, BaselineChangeSet, BaselineOperation, BaselinesInUse, apply_change_set,
};

use super::{CatalogueMetadata, Keyed, RecordMetadata, Records, Stored};
use crate::json::Json;
use crate::shape::{AtLeast, Integer, NonEmpty, members};

members! {
    /// One family of image models.
    pub struct Baseline(reject) {
        /// The name under which models refer to it.
        name: NonEmpty => required,
        /// The name for people.
        display_name: Option<String> => absent,
        /// Side of the square images it was trained on, in pixels.
        native_resolution: Option<AtLeast<1>> => absent,
        /// Other spellings that stored records may use.
        alternative_names: Vec<String> => absent,
        /// What its models can be combined with.
        capabilities: Capabilities => absent,
        /// How the horde treats requests for its models.
        horde_policy: HordePolicy => absent,
        /// History of this record.
        metadata: RecordMetadata => absent,
    }
}

members! {
    /// What the models of a baseline can be combined with.
    #[derive(Eq, Default)]
    #[allow(missing_docs, reason = "the names are the words of the contract")]
    pub struct Capabilities(reject) {
        controlnet: bool => absent,
        controlnet_types_unavailable: Vec<String> => absent,
        transparent: bool => absent,
        qr_code: bool => absent,
        remix: bool => absent,
        flow_matching: bool => absent,
    }
}

members! {
    /// How the horde prices and batches requests for the models of a baseline.
    #[allow(missing_docs, reason = "the names are the words of the contract")]
    pub struct HordePolicy(reject) {
        kudos: f64 => or(1.0),
        kudos_qr_code: Option<f64> => absent,
        kudos_hires: Option<f64> => absent,
        batching: AtLeast<1> => or(AtLeast(Integer::Small(1))),
        ttl: AtLeast<1> => or(AtLeast(Integer::Small(1))),
        resolution_floor: AtLeast<0> => or(AtLeast(Integer::Small(0))),
    }
}

impl Default for HordePolicy {
    fn default() -> Self {
        Self {
            kudos: 1.0,
            kudos_qr_code: None,
            kudos_hires: None,
            batching: AtLeast(Integer::Small(1)),
            ttl: AtLeast(Integer::Small(1)),
            resolution_floor: AtLeast(Integer::Small(0)),
        }
    }
}

members! {
    /// The catalogue of image baselines, as its file and its export have it.
    pub struct Baselines(reject) {
        /// History of the catalogue.
        metadata: CatalogueMetadata => absent,
        /// The baselines by name, in the order of the file.
        baselines: Records<Baseline> => absent,
    }
}

impl Keyed for Baseline {
    const KEY: &'static str = "name";

    fn key(&self) -> String {
        self.name.0.clone()
    }
}

impl Baselines {
    /// The catalogue that ships with the program.
    ///
    /// # Panics
    /// Never: a test reads the file, which is part of the program.
    pub fn packaged() -> Self {
        let text = include_str!("packaged/baselines.json");
        let document = Json::parse(text.as_bytes()).expect("the packaged baselines are JSON");
        Self::parse(&document).expect("the packaged baselines are valid")
    }

    /// Answer to `…/baselines/export`: the catalogue in the order of its file.
    pub fn export(&self) -> Json {
        self.to_json()
    }

    /// Answer to `…/baselines/`: every baseline, by name.
    pub fn list(&self) -> Json {
        let mut baselines: Vec<&Baseline> = self.baselines.values().collect();
        baselines.sort_by(|a, b| a.name.cmp(&b.name));
        let items: Vec<Json> = baselines.into_iter().map(Stored::to_json).collect();
        let total = Json::count(items.len());
        Json::from([
            ("items", items.into()),
            ("total", total),
            ("metadata", self.metadata.to_json()),
        ])
    }

    /// The baseline of exactly this name; alternative names are not looked at.
    pub fn get(&self, name: &str) -> Option<&Baseline> {
        self.baselines.get(name)
    }

    /// The weak validator of every answer from this catalogue.
    pub fn etag(&self) -> String {
        format!("W/\"image-baselines-{}\"", self.metadata.revision.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Issue;

    fn parse(text: &str) -> Result<Baselines, Vec<Issue>> {
        Baselines::parse(&Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_packaged_catalogue_is_written_as_it_is_read() {
        let baselines = Baselines::packaged();
        assert_eq!(baselines.baselines.len(), 13);
        assert_eq!(baselines.etag(), "W/\"image-baselines-1\"");
        assert!(baselines.get("stable_diffusion_xl").is_some());
        assert!(baselines.get("SDXL").is_none());
        let text = baselines.to_json().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("packaged/baselines.json"));
    }

    #[test]
    fn absent_members_are_written_out() {
        let read = parse(r#"{"baselines":{"a":{"name":"a","horde_policy":{"kudos":2}}}}"#).unwrap();
        let written = read.to_json().to_string();
        assert!(
            written.contains(r#""horde_policy":{"kudos":2.0,"kudos_qr_code":null"#),
            "{written}"
        );
        assert!(written.starts_with(r#"{"metadata":{"schema_version":1,"revision":1,"#));
    }

    #[test]
    fn issues_are_told_with_their_place() {
        let issues = parse(
            r#"{"more":1,"baselines":{"a":{"name":"b"},"c":{"name":"c","horde_policy":{"ttl":0}}}}"#,
        );
        let told: Vec<String> = issues.unwrap_err().iter().map(Issue::to_string).collect();
        assert_eq!(
            told,
            [
                "baselines: a: Value error, the key \"a\" is not that of its record's name",
                "baselines: c: horde_policy: ttl: Input should be greater than or equal to 1",
                "more: Extra inputs are not permitted",
            ]
        );
    }
}
