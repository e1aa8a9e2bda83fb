//! A category in the legacy format becomes the same category in v2.
//!
//! Record by record: one that cannot be converted is reported and left out, and does not keep the
//! others from following what was written. Text models come from a table instead, see
//! [`csv`](super::csv).

use indexmap::IndexMap;

use crate::Category;
use crate::json::{Json, Object};
use crate::record::{self, Classification, Download, Kind, NO_CHECKSUM};
use crate::shape::{Issue, Print, Reader, Trimmed, Unknown};

use super as legacy;
use super::Origin;

/// What makes a download count as slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowRule {
    /// The slow host's name stands in the local file name. This is what the reference looks at, and
    /// what published v2 files contain.
    Path,
    /// The address points at the slow host.
    #[default]
    UrlHost,
}

/// A record that could not be converted.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// Its key, or for a row of the table its name as far as that could be read.
    pub name: String,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
}

/// A converted category.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Converted {
    /// The v2 records, in the order and under the keys of the legacy ones.
    pub records: Object,
    /// The records that are not among them.
    pub rejected: Vec<Rejected>,
}

/// Converts the records of a category other than `text_generation`.
pub fn convert(category: Category, records: &Object, slow: SlowRule) -> Converted {
    let mut converted = Converted::default();
    for (key, value) in records {
        match convert_record(category, value, slow) {
            Ok(record) => {
                converted.records.insert(key.clone(), record.into());
            }
            Err(issues) => converted.rejected.push(Rejected { name: key.clone(), issues }),
        }
    }
    converted
}

/// Converts one record of a category other than `text_generation`.
pub fn convert_record(
    category: Category,
    value: &Json,
    slow: SlowRule,
) -> Result<Object, Vec<Issue>> {
    let mut reader = Reader::of(category, Unknown::Drop);
    let record = legacy::Record::read(category, value, Origin::File, &mut reader)
        .and_then(|record| from_record(record, value, slow, &mut reader));
    let (record, _) = reader.conclude(record)?;
    let is_image = category == Category::ImageGeneration;
    Ok(record.to_json(if is_image { Print::SPARSE } else { Print::PLAIN }))
}

fn from_record(
    record: legacy::Record,
    input: &Json,
    slow: SlowRule,
    reader: &mut Reader,
) -> Option<record::Record> {
    let legacy::Record { category, common, kind, .. } = record;
    let config = config(common.config, input, slow, reader)?;
    let controlnet_style =
        common.model_type.filter(|word| !word.is_empty()).or(common.style.clone());
    let mut size_on_disk_bytes = None;
    let kind = match kind {
        legacy::Kind::Image(image) => {
            size_on_disk_bytes.clone_from(&image.size_on_disk_bytes);
            Kind::Image(Box::new(from_image(*image, common.nsfw, common.style)))
        }
        legacy::Kind::Clip(clip) => Kind::Clip(record::Clip {
            pretrained_name: clip.pretrained_name,
            unknown: Object::new(),
        }),
        _ if category == Category::Controlnet => {
            Kind::Controlnet(record::Controlnet { controlnet_style, unknown: Object::new() })
        }
        _ => Kind::Plain,
    };
    let common = record::Common {
        record_type: category.name().to_owned(),
        name: common.name,
        description: common.description,
        version: common.version,
        finetune_series: None,
        metadata: common.metadata.unwrap_or_default(),
        config,
        model_classification: Classification::of(category),
        size_on_disk_bytes,
        licensing: common.licensing,
        unknown: Object::new(),
    };
    let mut record = record::Record { category, common, kind, unknown: Object::new() };
    record.check(input, record::Options::default(), reader);
    Some(record)
}

fn from_image(image: legacy::Image, nsfw: Option<bool>, style: Option<String>) -> record::Image {
    let trimmed = |text: String| Trimmed(text.trim().to_owned());
    record::Image {
        inpainting: Some(image.inpainting),
        baseline: image.baseline,
        optimization: image.optimization,
        tags: image.tags.into_iter().flatten().map(trimmed).collect(),
        showcases: image.showcases.unwrap_or_default(),
        min_bridge_version: image.min_bridge_version,
        trigger: image.trigger.unwrap_or_default(),
        homepage: image.homepage,
        nsfw: nsfw.unwrap_or(false),
        style: style.map(trimmed),
        requirements: image.requirements,
        unknown: Object::new(),
    }
}

/// Joins the files with the places they are fetched from.
fn config(
    config: legacy::Config,
    input: &Json,
    slow: SlowRule,
    reader: &mut Reader,
) -> Option<record::Config> {
    let mut files: IndexMap<String, Download> = IndexMap::new();
    for file in config.files.into_iter().filter(|file| is_model_file(&file.path)) {
        files.insert(file.path.clone(), from_file(file));
    }
    for entry in config.download {
        let name = entry.file_name.unwrap_or_default();
        let Some(file) = files.get_mut(&name) else {
            return reader.within("config", |reader| {
                reader.within("download", |reader| {
                    let reason = format!("{name:?} is fetched but is none of the files");
                    reader.refuse_value(reason, input.get("config").unwrap_or(&Json::Null))
                })
            });
        };
        file.file_url = entry.file_url.unwrap_or_default();
    }
    let mut download: Vec<Download> = files.into_values().collect();
    for file in &mut download {
        file.known_slow_download = Some(is_slow(file, slow));
    }
    Some(record::Config {
        download,
        embedded_component_hashes: config.embedded_component_hashes,
        unknown: Object::new(),
    })
}

/// The configuration files that older models came with are packaged with the workers by now.
fn is_model_file(path: &str) -> bool {
    !path.is_empty() && !path.to_lowercase().contains("yaml")
}

fn from_file(file: legacy::File) -> Download {
    let checksum = file.sha256sum.filter(|checksum| !checksum.is_empty());
    Download {
        file_name: file.path,
        file_url: String::new(),
        sha256sum: checksum.unwrap_or_else(|| NO_CHECKSUM.into()),
        content_hash: file.content_hash,
        file_purpose: file.file_type,
        known_slow_download: None,
        size_bytes: None,
        unknown: Object::new(),
    }
}

/// The only place that knows which host is slow.
fn is_slow(file: &Download, rule: SlowRule) -> bool {
    const SLOW_HOST: &str = "civitai";
    let text = match rule {
        SlowRule::Path => &file.file_name,
        SlowRule::UrlHost => {
            let after_scheme = file.file_url.split_once("//").map_or("", |(_, rest)| rest);
            after_scheme.split(['/', '?', '#']).next().unwrap_or_default()
        }
    };
    text.to_ascii_lowercase().contains(SLOW_HOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Object {
        Json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn a_record_that_cannot_be_converted_is_left_out_alone() {
        let records = read(
            r#"{"a": {"name": "a", "baseline": "stable diffusion 1"},
                "b": {"name": "b", "baseline": "flux_1", "style": "odd"},
                "c": 7,
                "d": {"name": "d", "baseline": "flux_1"}}"#,
        );
        let converted = convert(Category::ImageGeneration, &records, SlowRule::Path);
        assert_eq!(converted.records.keys().collect::<Vec<_>>(), ["a", "d"]);
        assert_eq!(converted.records["a"].get("baseline"), Some(&"stable_diffusion_1".into()));
        let rejected: Vec<&str> =
            converted.rejected.iter().map(|rejected| rejected.name.as_str()).collect();
        assert_eq!(rejected, ["b", "c"]);
    }

    #[test]
    fn slowness_is_a_matter_of_the_host_or_of_the_name() {
        let records = read(
            r#"{"x": {"name": "x", "config": {
                "files": [{"path": "x.pth"}],
                "download": [{"file_name": "x.pth", "file_url": "https://CivitAI.com/x"}]}}}"#,
        );
        for (rule, slow) in [(SlowRule::Path, false), (SlowRule::UrlHost, true)] {
            let converted = convert(Category::Esrgan, &records, rule);
            let text = Json::Object(converted.records).to_string();
            assert!(text.contains(&format!("\"known_slow_download\":{slow}")), "{text}");
        }
    }
}
