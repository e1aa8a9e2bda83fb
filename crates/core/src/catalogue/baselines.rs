//! The image baselines: the families of image models that may be named as a `baseline`.

use indexmap::IndexMap;

use super::members::{Members, boolean, filled_text, integer_from, list, map, number, text};
use super::problem::Reading;
use super::{CatalogueMetadata, Problem, RecordMetadata};
use crate::json::Json;

/// One family of image models.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The name under which models refer to it.
    pub name: String,
    /// The name for people.
    pub display_name: Option<String>,
    /// Side of the square images it was trained on, in pixels.
    pub native_resolution: Option<i64>,
    /// Other spellings that stored records may use.
    pub alternative_names: Vec<String>,
    /// What its models can be combined with.
    pub capabilities: Capabilities,
    /// How the horde treats requests for its models.
    pub horde_policy: HordePolicy,
    /// History of this record.
    pub metadata: RecordMetadata,
}

/// What the models of a baseline can be combined with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub struct Capabilities {
    pub controlnet: bool,
    pub controlnet_types_unavailable: Vec<String>,
    pub transparent: bool,
    pub qr_code: bool,
    pub remix: bool,
    pub flow_matching: bool,
}

/// How the horde prices and batches requests for the models of a baseline.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub struct HordePolicy {
    pub kudos: f64,
    pub kudos_qr_code: Option<f64>,
    pub kudos_hires: Option<f64>,
    pub batching: i64,
    pub ttl: i64,
    pub resolution_floor: i64,
}

/// The catalogue of image baselines.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    /// History of the catalogue.
    pub metadata: CatalogueMetadata,
    /// The baselines by name, in the order of the file.
    pub baselines: IndexMap<String, Baseline>,
}

impl Baselines {
    /// Reads the catalogue as its file and its export have it.
    pub fn parse(document: &Json) -> Result<Self, Vec<Problem>> {
        Reading::document(|reading| Self::read(document, reading))
    }

    fn read(document: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(document, reading)?;
        let metadata =
            members.or("metadata", CatalogueMetadata::default(), CatalogueMetadata::read);
        let baselines = members.or("baselines", IndexMap::new(), map(read_under_its_name));
        members.close();
        Some(Self { metadata: metadata?, baselines: baselines? })
    }

    /// The catalogue that ships with the program.
    ///
    /// # Panics
    /// Never: a test reads the file, which is part of the program.
    pub fn packaged() -> Self {
        let text = include_str!("packaged/baselines.json");
        let document = Json::parse(text.as_bytes()).expect("the packaged baselines are JSON");
        Self::parse(&document).expect("the packaged baselines are valid")
    }

    /// The catalogue as its file has it.
    pub fn to_file(&self) -> Json {
        let baselines = self.baselines.iter();
        let baselines = baselines.map(|(name, baseline)| (name.clone(), baseline.to_json()));
        Json::from([
            ("metadata", self.metadata.to_json()),
            ("baselines", Json::Object(baselines.collect())),
        ])
    }

    /// Answer to `…/baselines/export`: the catalogue in the order of its file.
    pub fn export(&self) -> Json {
        self.to_file()
    }

    /// Answer to `…/baselines/`: every baseline, by name.
    pub fn list(&self) -> Json {
        let mut baselines: Vec<&Baseline> = self.baselines.values().collect();
        baselines.sort_by(|a, b| a.name.cmp(&b.name));
        let items: Vec<Json> = baselines.into_iter().map(Baseline::to_json).collect();
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
        format!("W/\"image-baselines-{}\"", self.metadata.revision)
    }
}

fn read_under_its_name(name: &str, value: &Json, reading: &mut Reading) -> Option<Baseline> {
    let baseline = Baseline::read(value, reading)?;
    if baseline.name != name {
        return reading.refuse("value_error", "the key and the `name` differ");
    }
    Some(baseline)
}

impl Baseline {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let name = members.required("name", filled_text);
        let display_name = members.optional("display_name", text);
        let native_resolution = members.optional("native_resolution", integer_from(1));
        let alternative_names = members.or("alternative_names", Vec::new(), list(text));
        let capabilities = members.or("capabilities", Capabilities::default(), Capabilities::read);
        let horde_policy = members.or("horde_policy", HordePolicy::default(), HordePolicy::read);
        let metadata = members.or("metadata", RecordMetadata::default(), RecordMetadata::read);
        members.close();
        Some(Self {
            name: name?,
            display_name: display_name?,
            native_resolution: native_resolution?,
            alternative_names: alternative_names?,
            capabilities: capabilities?,
            horde_policy: horde_policy?,
            metadata: metadata?,
        })
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("name", self.name.as_str().into()),
            ("display_name", self.display_name.as_deref().into()),
            ("native_resolution", self.native_resolution.into()),
            ("alternative_names", self.alternative_names.clone().into()),
            ("capabilities", self.capabilities.to_json()),
            ("horde_policy", self.horde_policy.to_json()),
            ("metadata", self.metadata.to_json()),
        ])
    }
}

impl Capabilities {
    fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let controlnet = members.or("controlnet", false, boolean);
        let unavailable = members.or("controlnet_types_unavailable", Vec::new(), list(text));
        let transparent = members.or("transparent", false, boolean);
        let qr_code = members.or("qr_code", false, boolean);
        let remix = members.or("remix", false, boolean);
        let flow_matching = members.or("flow_matching", false, boolean);
        members.close();
        Some(Self {
            controlnet: controlnet?,
            controlnet_types_unavailable: unavailable?,
            transparent: transparent?,
            qr_code: qr_code?,
            remix: remix?,
            flow_matching: flow_matching?,
        })
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("controlnet", self.controlnet.into()),
            ("controlnet_types_unavailable", self.controlnet_types_unavailable.clone().into()),
            ("transparent", self.transparent.into()),
            ("qr_code", self.qr_code.into()),
            ("remix", self.remix.into()),
            ("flow_matching", self.flow_matching.into()),
        ])
    }
}

impl Default for HordePolicy {
    fn default() -> Self {
        Self {
            kudos: 1.0,
            kudos_qr_code: None,
            kudos_hires: None,
            batching: 1,
            ttl: 1,
            resolution_floor: 0,
        }
    }
}

impl HordePolicy {
    fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let kudos = members.or("kudos", 1.0, number);
        let kudos_qr_code = members.optional("kudos_qr_code", number);
        let kudos_hires = members.optional("kudos_hires", number);
        let batching = members.or("batching", 1, integer_from(1));
        let ttl = members.or("ttl", 1, integer_from(1));
        let resolution_floor = members.or("resolution_floor", 0, integer_from(0));
        members.close();
        Some(Self {
            kudos: kudos?,
            kudos_qr_code: kudos_qr_code?,
            kudos_hires: kudos_hires?,
            batching: batching?,
            ttl: ttl?,
            resolution_floor: resolution_floor?,
        })
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("kudos", self.kudos.into()),
            ("kudos_qr_code", self.kudos_qr_code.into()),
            ("kudos_hires", self.kudos_hires.into()),
            ("batching", self.batching.into()),
            ("ttl", self.ttl.into()),
            ("resolution_floor", self.resolution_floor.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Baselines, Vec<Problem>> {
        Baselines::parse(&Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_packaged_catalogue_is_written_as_it_is_read() {
        let baselines = Baselines::packaged();
        assert_eq!(baselines.baselines.len(), 13);
        assert_eq!(baselines.etag(), "W/\"image-baselines-1\"");
        assert!(baselines.get("stable_diffusion_xl").is_some());
        assert!(baselines.get("SDXL").is_none());
        let text = baselines.to_file().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("packaged/baselines.json"));
    }

    #[test]
    fn absent_members_are_written_out() {
        let read = parse(r#"{"baselines":{"a":{"name":"a","horde_policy":{"kudos":2}}}}"#).unwrap();
        let written = read.to_file().to_string();
        assert!(
            written.contains(r#""horde_policy":{"kudos":2.0,"kudos_qr_code":null"#),
            "{written}"
        );
        assert!(written.starts_with(r#"{"metadata":{"schema_version":1,"revision":1,"#));
    }

    #[test]
    fn problems_are_told_with_their_place() {
        let problems = parse(
            r#"{"more":1,"baselines":{"a":{"name":"b"},"c":{"name":"c","horde_policy":{"ttl":0}}}}"#,
        );
        let told: Vec<String> = problems.unwrap_err().iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                "/baselines/a: the key and the `name` differ",
                "/baselines/c/horde_policy/ttl: the integer must not be below 1",
                "/more: no such member exists",
            ]
        );
    }
}
