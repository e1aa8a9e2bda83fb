//! v2 records: what a model is and where its files are, as types.
//!
//! A record is read leniently (see [`shape`](crate::shape)) and completely: all that is wrong with it
//! is reported at once. It is printed with its members in the declared order. Stored records are
//! mostly passed on as JSON without coming through here; this is for what comes in, and for questions
//! about models.

pub mod baseline;
mod common;
mod image;
mod kind;
pub mod license_expression;
mod licensing;
mod population;
mod text;
mod times;

pub use common::{
    Classification, Common, Config, Download, FinetuneSeries, Metadata, NO_CHECKSUM, SCHEMA_VERSION,
};
pub use image::{Image, SCHEDULERS, STYLES};
pub use kind::{Annotator, Clip, Controlnet, Kind, Media, Patch};
pub use licensing::{Assignment, Evidence, Licensing, Obligation, Permission};
pub use population::{is_populated, populate};
pub use text::{
    Capability, Claim, ContextWindow, GuidanceStatus, GuidanceSummary, InteractionMode, Source,
    Support, Text,
};
pub(crate) use times::stamp_times;

use crate::Category;
use crate::json::{Json, Object};
use crate::shape::field::Members;
use crate::shape::{Issue, Print, Reader, Unknown};

/// A v2 record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The category it was read for.
    pub category: Category,
    /// What records of every category have.
    pub common: Common,
    /// What records of this category have.
    pub kind: Kind,
    /// Other members of the record, where those are kept.
    pub unknown: Object,
}

/// How a record is read.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// What becomes of unknown members.
    pub unknown: Unknown,
    /// Which baselines a served catalogue adds to the built-in ones.
    pub knows_baseline: &'a dyn Fn(&str) -> bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { unknown: Unknown::Drop, knows_baseline: &|_| false }
    }
}

impl From<Unknown> for Options<'_> {
    fn from(unknown: Unknown) -> Self {
        Self { unknown, ..Self::default() }
    }
}

impl Record {
    /// Reads a record of `category`. The issues beside a record are mere warnings; those in place of
    /// one contain an error.
    pub fn parse(
        category: Category,
        value: &Json,
        options: Options<'_>,
    ) -> Result<(Self, Vec<Issue>), Vec<Issue>> {
        let mut reader = Reader::of(category, options.unknown);
        let record = Self::read(category, value, options, &mut reader);
        reader.conclude(record)
    }

    fn read(
        category: Category,
        value: &Json,
        options: Options<'_>,
        reader: &mut Reader,
    ) -> Option<Self> {
        let members = reader.object(value)?;
        let renamed = with_short_names(category, members);
        let members = renamed.as_ref().unwrap_or(members);
        let common = Common::read_members(members, reader);
        let kind = Kind::read(category, members, reader);
        let known = [Common::NAMES, Kind::names(category)];
        let unknown = reader.others(members, &known, options.unknown);
        let (common, kind) = common.zip(kind)?;
        let mut record = Self { category, common, kind, unknown };
        record.check(value, options, reader);
        Some(record)
    }

    /// Applies the rules that concern more than one member.
    pub(crate) fn check(&mut self, input: &Json, options: Options<'_>, reader: &mut Reader) {
        if let Some(licensing) = &self.common.licensing {
            let files = &self.common.config.download;
            let is_file = |name: &str| files.iter().any(|file| file.file_name == name);
            licensing.check_files(is_file, input, reader);
        }
        if let Kind::Image(image) = &mut self.kind {
            image.check(input, reader, options.knows_baseline);
        }
    }

    /// The record as JSON.
    pub fn to_json(&self, print: Print) -> Object {
        let mut out = Object::new();
        self.common.write_members(&mut out, print);
        if !print.defaults {
            self.remove_what_the_category_says(&mut out);
        }
        self.kind.write(&mut out, print);
        out.extend(self.unknown.clone());
        out
    }

    fn remove_what_the_category_says(&self, out: &mut Object) {
        if self.common.record_type == self.category.name() {
            out.shift_remove("record_type");
        }
        if self.common.model_classification == Classification::of(self.category) {
            out.shift_remove("model_classification");
        }
    }

    /// Gives a text record without a group the group of its name.
    pub fn fill_text_model_group(&mut self) {
        if let Kind::Text(text) = &mut self.kind
            && text.text_model_group.is_none()
        {
            text.text_model_group = Some(crate::text::group_of(&self.common.name));
        }
    }
}

/// Text records may say `parameters_count` for `parameters`; the short name wins and is printed.
/// The record with the short names of members that have a longer one, too; `None` if it has them.
pub(crate) fn with_short_names(category: Category, members: &Object) -> Option<Object> {
    const LONG: &str = "parameters_count";
    if category != Category::TextGeneration || !members.contains_key(LONG) {
        return None;
    }
    let mut members = members.clone();
    let count = members.shift_remove(LONG)?;
    members.entry("parameters".into()).or_insert(count);
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::LocItem;

    fn parse(category: Category, text: &str, unknown: Unknown) -> Result<String, Vec<String>> {
        let value = Json::parse(text.as_bytes()).unwrap();
        match Record::parse(category, &value, unknown.into()) {
            Ok((record, _)) => Ok(Json::Object(record.to_json(Print::PLAIN)).to_string()),
            Err(issues) => Err(issues
                .iter()
                .map(|issue| {
                    let loc: Vec<String> = issue.loc.iter().map(LocItem::to_string).collect();
                    format!("{} at {}", issue.kind, loc.join("."))
                })
                .collect()),
        }
    }

    #[test]
    fn defaults_are_written_out_and_nulls_are_not() {
        assert_eq!(
            parse(Category::Lora, r#"{"tags":null,"nsfw":"no","name":"l"}"#, Unknown::Drop),
            Ok(r#"{"record_type":"lora","name":"l","metadata":{"schema_version":"2.1.0"},"config":{"download":[]},"model_classification":{"domain":"image","purpose":"auxiliary_or_patch"},"nsfw":false}"#.into())
        );
    }

    #[test]
    fn unknown_members_are_dropped_kept_or_refused() {
        let text = r#"{"z":1,"name":"b","config":{"y":2}}"#;
        let kept = |unknown| parse(Category::Blip, text, unknown);
        assert!(!kept(Unknown::Drop).unwrap().contains("\"z\""));
        let with_all = kept(Unknown::Keep).unwrap();
        assert!(with_all.contains(r#""config":{"download":[],"y":2}"#), "{with_all}");
        assert!(with_all.ends_with(r#","z":1}"#), "{with_all}");
        let refused = kept(Unknown::Reject).unwrap_err();
        assert_eq!(refused, ["extra_forbidden at config.y", "extra_forbidden at z"]);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text = r#"{"name":5,"nsfw":"perhaps","min_bridge_version":1.5,"tags":["a",1],
            "config":{"download":[{"file_name":"f"}]},"model_classification":{"domain":"smell"}}"#;
        assert_eq!(
            parse(Category::ImageGeneration, text, Unknown::Drop).unwrap_err(),
            [
                "string_type at name",
                "missing at config.download.0.file_url",
                "enum at model_classification.domain",
                "missing at model_classification.purpose",
                "missing at baseline",
                "string_type at tags.1",
                "int_from_float at min_bridge_version",
                "bool_parsing at nsfw",
            ]
        );
        assert_eq!(
            parse(Category::Blip, "[]", Unknown::Drop).unwrap_err(),
            ["model_attributes_type at "]
        );
    }

    #[test]
    fn the_long_name_of_the_parameter_count_is_understood() {
        let text = r#"{"name":"t","parameters_count":"7","guidance":{"status":"published"}}"#;
        let record = parse(Category::TextGeneration, text, Unknown::Reject).unwrap();
        assert!(record.contains(r#""parameters":7,"#) && !record.contains("guidance"), "{record}");
    }

    #[test]
    fn a_baseline_nobody_knows_is_worth_a_look() {
        let value = Json::parse(br#"{"name":"i","baseline":"odd","nsfw":false}"#).unwrap();
        let warnings = |options: Options<'_>| {
            Record::parse(Category::ImageGeneration, &value, options).unwrap().1.len()
        };
        assert_eq!(warnings(Options::default()), 1);
        let knows_baseline = &|name: &str| name == "odd";
        assert_eq!(warnings(Options { knows_baseline, ..Options::default() }), 0);
    }
}
