//! Records in the legacy format, as types.

use crate::Category;
use crate::json::{Json, Object};
use crate::record::baseline;
use crate::shape::field::Members;
use crate::shape::{Issue, Print, Reader, Unknown, list_of_words};

use super::common::Common;
use super::kind::{Image, Kind, types};

/// A legacy record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The category it was read for.
    pub category: Category,
    /// What legacy records of every category have.
    pub common: Common,
    /// What legacy records of this category have.
    pub kind: Kind,
    /// Other members of the record.
    pub unknown: Object,
}

/// Where a legacy record comes from, which says how much is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A request: the type must be the category's.
    Submission,
    /// A file that was accepted long ago.
    File,
}

/// The order of the published file of image models, which differs from that of the other categories.
const IMAGE_ORDER: [&str; 20] = [
    "name",
    "baseline",
    "optimization",
    "type",
    "inpainting",
    "description",
    "tags",
    "showcases",
    "min_bridge_version",
    "version",
    "style",
    "trigger",
    "homepage",
    "nsfw",
    "download_all",
    "requirements",
    "licensing",
    "config",
    "available",
    "features_not_supported",
];

impl Record {
    /// Reads a legacy record of `category`; unknown members are kept.
    pub fn parse(category: Category, value: &Json, origin: Origin) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader::of(category, Unknown::Keep);
        let record = Self::read(category, value, origin, &mut reader);
        reader.conclude(record).map(|(record, _)| record)
    }

    pub(super) fn read(
        category: Category,
        value: &Json,
        origin: Origin,
        reader: &mut Reader,
    ) -> Option<Self> {
        let members = reader.object(value)?;
        let common = Common::read_members(members, reader);
        let (kind, names) = Kind::read(category, members, reader);
        let unknown = reader.others(members, &[Common::NAMES, names], reader.unknown());
        let (common, kind) = common.zip(kind)?;
        let mut record = Self { category, common, kind, unknown };
        record.settle_type(members, origin, reader);
        record.check(value, reader);
        Some(record)
    }

    /// Checks the type where there is a choice to check, and fills in the usual one.
    fn settle_type(&mut self, members: &Object, origin: Origin, reader: &mut Reader) {
        let has_own_shape = !matches!(self.kind, Kind::Plain);
        let allowed = types(self.category);
        if allowed.is_empty() || (origin == Origin::File && !has_own_shape) {
            return;
        }
        match (&self.common.model_type, members.get("type")) {
            (Some(word), _) if allowed.contains(&word.as_str()) => {}
            (None, None) if self.category == Category::Controlnet => {
                reader.within("type", |reader| {
                    let input = Json::Object(members.clone());
                    reader.refuse::<()>("missing", "Field required", &input)
                });
            }
            (None, given) if given.is_none() || origin == Origin::File => {
                self.common.model_type = allowed.first().map(|word| (*word).to_owned());
            }
            (_, given) => {
                let expected = list_of_words(allowed);
                reader.within("type", |reader| {
                    let message = format!("Input should be {expected}");
                    let input = given.cloned().unwrap_or(Json::Null);
                    let facts = [("expected", expected.as_str().into())];
                    reader.refuse_with::<(), _>("literal_error", message, &input, facts)
                });
            }
        }
    }

    fn check(&mut self, input: &Json, reader: &mut Reader) {
        if self.common.config.download.iter().any(|entry| !entry.is_splittable()) {
            reader.within("config", |reader| {
                reader.refuse_value::<()>("an address has an unbalanced bracket", input)
            });
        }
        if let Kind::Image(image) = &mut self.kind {
            image.baseline = baseline::from_legacy(&image.baseline).to_owned();
            let showcases = image.showcases.iter().flatten();
            if showcases.clone().any(|address| address.contains("huggingface")) {
                let input = input.get("showcases").cloned().unwrap_or(Json::Null);
                reader.within("showcases", |reader| {
                    const REASON: &str = "pictures at this host are not wanted: huggingface";
                    reader.refuse_value::<()>(REASON, &input)
                });
            }
        }
    }

    /// The record as JSON, in the order of the category's published file.
    pub fn to_json(&self, print: Print) -> Object {
        let mut out = Object::new();
        self.common.write_members(&mut out, print);
        match &self.kind {
            Kind::Image(image) => return self.image_to_json(out, image, print),
            Kind::Text(text) => text.write_members(&mut out, print),
            Kind::Clip(clip) => clip.write_members(&mut out, print),
            Kind::Plain => {}
        }
        out.extend(self.unknown.clone());
        out
    }

    fn image_to_json(&self, mut members: Object, image: &Image, print: Print) -> Object {
        // Nulls never appear in image records, whatever the caller prints otherwise.
        let print = print.inside();
        image.write_members(&mut members, print);
        members.retain(|_, value| !value.is_null());
        if let Some(spelling) = members.get_mut("baseline") {
            *spelling = baseline::to_legacy(&image.baseline).into();
        }
        let metadata = members.shift_remove("metadata");
        let mut out = Object::with_capacity(members.len());
        for name in IMAGE_ORDER {
            if let Some(value) = members.shift_remove(name) {
                out.insert(name.to_owned(), value);
            }
        }
        out.extend(members);
        out.extend(metadata.map(|metadata| ("metadata".to_owned(), metadata)));
        out.extend(self.unknown.clone());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(category: Category, text: &str, origin: Origin) -> Option<String> {
        let value = Json::parse(text.as_bytes()).unwrap();
        let record = Record::parse(category, &value, origin).ok()?;
        Some(Json::Object(record.to_json(Print::PLAIN)).to_string())
    }

    #[test]
    fn image_records_have_the_order_of_the_published_file() {
        let text = r#"{"zz":1,"metadata":{},"nsfw":true,"min_bridge_version":"9","style":"anime",
            "baseline":"stable_diffusion_1","name":"i"}"#;
        assert_eq!(
            parse(Category::ImageGeneration, text, Origin::Submission).unwrap(),
            r#"{"name":"i","baseline":"stable diffusion 1","type":"ckpt","inpainting":false,"min_bridge_version":9,"style":"anime","nsfw":true,"config":{"files":[],"download":[]},"metadata":{"schema_version":"2.1.0"},"zz":1}"#
        );
    }

    #[test]
    fn only_submissions_must_have_the_type_of_their_category() {
        let odd = r#"{"name":"e","type":"odd"}"#;
        assert_eq!(parse(Category::Esrgan, odd, Origin::Submission), None);
        assert!(parse(Category::Esrgan, odd, Origin::File).is_some());
        let none = r#"{"name":"e"}"#;
        assert!(parse(Category::Esrgan, none, Origin::Submission).unwrap().contains("realesrgan"));
        assert_eq!(parse(Category::Controlnet, none, Origin::Submission), None);
    }

    #[test]
    fn addresses_that_cannot_be_taken_apart_are_refused() {
        for (address, accepted) in [("http://[x/", false), ("http://x/[", true), ("", true)] {
            let text = format!(
                r#"{{"name":"g","config":{{"download":[{{"file_name":"f","file_url":"{address}"}}]}}}}"#
            );
            let found = parse(Category::Gfpgan, &text, Origin::Submission);
            assert_eq!(found.is_some(), accepted, "{address}");
        }
    }
}
