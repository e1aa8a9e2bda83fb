//! A v2 record becomes the legacy record that says the same, as far as the legacy format can.

use crate::Category;
use crate::json::{Json, Object};
use crate::record::{Common, Config, Image, Kind, Metadata, Options, Record, baseline};
use crate::shape::field::Members;
use crate::shape::{Field, Integer, Issue, Print};

use super as legacy;

/// The legacy record of a v2 record of any category but `text_generation`, whose legacy form is a
/// row: see [`Row::from_v2`](super::Row::from_v2).
pub fn to_legacy(category: Category, record: &Json) -> Result<Object, Vec<Issue>> {
    let (record, _) = Record::parse(category, record, Options::default())?;
    Ok(match &record.kind {
        Kind::Image(image) => from_image(&record.common, image),
        kind => from_other(category, &record.common, kind),
    })
}

/// Adds members to a record, leaving out those that say nothing.
struct Writer(Object);

impl Writer {
    fn put<T: Field>(&mut self, name: &str, value: &T) {
        let value = value.write(Print::PLAIN);
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn put_text(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.into());
    }

    fn put_last(&mut self, common: &Common) {
        self.put("licensing", &common.licensing);
        if common.metadata != Metadata::default() {
            self.put("metadata", &common.metadata);
        }
    }
}

fn from_image(common: &Common, image: &Image) -> Object {
    let mut out = Writer(Object::new());
    out.put("name", &common.name);
    out.put_text("baseline", baseline::to_legacy(&image.baseline));
    out.put_text("type", "ckpt");
    out.put("config", &config(&common.config));
    out.put("description", &common.description);
    out.put("version", &common.version);
    // The names and the order of these are the same on both sides.
    const SAME: [&str; 9] = [
        "inpainting",
        "optimization",
        "tags",
        "showcases",
        "min_bridge_version",
        "trigger",
        "homepage",
        "nsfw",
        "style",
    ];
    let mut members = Object::new();
    image.write_members(&mut members, Print::PLAIN);
    for name in SAME {
        out.0.extend(members.shift_remove(name).map(|value| (name.to_owned(), value)));
    }
    out.put("requirements", &image.requirements);
    out.put::<Option<Integer>>("size_on_disk_bytes", &common.size_on_disk_bytes);
    out.put_last(common);
    out.0
}

fn from_other(category: Category, common: &Common, kind: &Kind) -> Object {
    let model_type = match kind {
        Kind::Controlnet(controlnet) => controlnet.controlnet_style.as_deref(),
        _ => legacy::types(category).first().copied(),
    };
    let mut out = Writer(Object::new());
    out.put("name", &common.name);
    out.put("type", &model_type.map(str::to_owned));
    out.put("description", &common.description);
    out.put("version", &common.version);
    out.put("config", &config(&common.config));
    if let Kind::Clip(clip) = kind {
        out.put("pretrained_name", &clip.pretrained_name);
    }
    out.put_last(common);
    out.0
}

/// Takes files and the places they are fetched from apart.
fn config(config: &Config) -> legacy::Config {
    let files = config.download.iter().map(|file| legacy::File {
        path: file.file_name.clone(),
        md5sum: None,
        sha256sum: Some(file.sha256sum.clone()),
        file_type: file.file_purpose.clone(),
        content_hash: file.content_hash.clone(),
        unknown: Object::new(),
    });
    let download = config.download.iter().map(|file| legacy::Fetch {
        file_name: Some(file.file_name.clone()),
        file_path: String::new(),
        file_url: Some(file.file_url.clone()),
        unknown: Object::new(),
    });
    let hashes = config.embedded_component_hashes.clone();
    legacy::Config {
        files: files.collect(),
        download: download.collect(),
        embedded_component_hashes: hashes.filter(|hashes| !hashes.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::{SlowRule, convert_record};

    #[test]
    fn there_and_back_says_the_same() {
        for (category, legacy) in [
            (
                Category::Controlnet,
                r#"{"name":"c","type":"control_hed","config":{"files":[{"path":"c.pt","sha256sum":"1"}],"download":[{"file_name":"c.pt","file_path":"","file_url":"https://x"}]}}"#,
            ),
            (
                Category::Clip,
                r#"{"name":"c","type":"clip","config":{"files":[],"download":[]},"pretrained_name":"p"}"#,
            ),
            (
                Category::ImageGeneration,
                r#"{"name":"i","baseline":"stable diffusion 2","type":"ckpt","config":{"files":[],"download":[]},"inpainting":false,"tags":["t"],"showcases":[],"trigger":[],"nsfw":true}"#,
            ),
        ] {
            let value = Json::parse(legacy.as_bytes()).unwrap();
            let v2 = convert_record(category, &value, SlowRule::UrlHost).unwrap();
            let again = to_legacy(category, &v2.into()).unwrap();
            assert_eq!(Json::Object(again).to_string(), legacy);
        }
    }
}
