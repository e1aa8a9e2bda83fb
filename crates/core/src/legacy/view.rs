//! The v1 view of a category whose source of truth is v2.
//!
//! A legacy record that still says what its v2 record says is shown as it is, so that nothing is lost
//! of what v2 does not carry. The other records are made from v2.

use crate::Category;
use crate::json::{Json, Object};
use crate::record::{Options, Record};
use crate::shape::Print;
use crate::text::backend_prefix;

use super::csv::Table;
use super::from_legacy::{Rejected, SlowRule, convert_record};
use super::row::Row;
use super::to_legacy::to_legacy;

/// The v1 view of a category.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// The legacy records, in the order of the v2 ones.
    pub records: Object,
    /// Whether these are the legacy source's own records, all of them, in its order. The text of a
    /// JSON source can then be served as it is.
    pub is_source: bool,
    /// v2 records that have no legacy form because they are not valid.
    pub rejected: Vec<Rejected>,
}

/// The v1 view of a category other than `text_generation`.
pub fn view(category: Category, legacy: Option<&Object>, v2: &Object) -> View {
    let mut view = View::default();
    let mut all_kept = true;
    for (key, record) in v2 {
        let kept = legacy.and_then(|legacy| legacy.get(key));
        if let Some(kept) = kept.filter(|kept| says_the_same(category, kept, record)) {
            view.records.insert(key.clone(), kept.clone());
            continue;
        }
        all_kept = false;
        match to_legacy(category, record) {
            Ok(made) => {
                view.records.insert(key.clone(), made.into());
            }
            Err(issues) => view.rejected.push(Rejected { name: key.clone(), issues }),
        }
    }
    view.is_source = all_kept && legacy.is_some_and(|legacy| legacy.keys().eq(v2.keys()));
    view
}

/// The v1 view of `text_generation`. A table's text is never served, so it only matters that rows
/// are kept.
pub fn text_view(legacy: Option<&Table>, v2: &Object) -> View {
    let mut view = View::default();
    let mut all_kept = true;
    for (key, record) in v2.iter().filter(|(key, _)| backend_prefix(key).is_none()) {
        let Some(members) = record.as_object() else { continue };
        let row = legacy.and_then(|table| table.row(table.find(key)?).ok());
        let kept = row.filter(|row| {
            let same =
                |made: Object| same_in_legacy(Category::TextGeneration, &made.into(), record);
            row.to_v2().is_ok_and(same)
        });
        all_kept &= kept.is_some();
        kept.unwrap_or_else(|| Row::from_v2(key, members)).write_v1(&mut view.records);
    }
    let names = |table: &Table| {
        let mut names = indexmap::IndexSet::new();
        names.extend((0..table.len()).map(|line| table.name(line).to_owned()));
        names
    };
    view.is_source = all_kept && legacy.is_some_and(|table| names(table).iter().eq(v2.keys()));
    view
}

fn says_the_same(category: Category, legacy: &Json, v2: &Json) -> bool {
    let Ok(made) = convert_record(category, legacy, SlowRule::UrlHost) else { return false };
    same_in_legacy(category, &made.into(), v2)
}

/// Members of v2 records that the legacy format cannot say.
const BEYOND_LEGACY: [&str; 5] = [
    "metadata",
    "finetune_series",
    "model_classification",
    "text_model_group",
    "name_schema_exception",
];

/// Whether the legacy format can say the member. A row of text models has no column for licences;
/// the other legacy records have the member.
fn is_said_in_legacy(category: Category, member: &str) -> bool {
    let no_column = category == Category::TextGeneration && member == "licensing";
    !no_column && !BEYOND_LEGACY.contains(&member)
}

/// Whether two v2 records differ only in what the legacy format cannot say.
pub fn same_in_legacy(category: Category, one: &Json, other: &Json) -> bool {
    // Nearly all records are alike to the letter, and need not be read for that.
    is_alike(category, one, other) || comparable(category, one) == comparable(category, other)
}

fn is_alike(category: Category, one: &Json, other: &Json) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return false };
    let said =
        |record: &Object| record.keys().filter(|name| is_said_in_legacy(category, name)).count();
    let equal = |(name, value): (&String, &Json)| {
        !is_said_in_legacy(category, name) || other.get(name) == Some(value)
    };
    said(one) == said(other) && one.iter().all(equal)
}

/// What of a record the legacy format can say, with all defaults written out.
fn comparable(category: Category, record: &Json) -> Option<Object> {
    let (mut record, _) = Record::parse(category, record, Options::default()).ok()?;
    for file in &mut record.common.config.download {
        (file.known_slow_download, file.size_bytes) = (None, None);
    }
    let mut members = record.to_json(Print::PLAIN);
    members.retain(|name, _| is_said_in_legacy(category, name));
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Licensing;
    use crate::shape::Field;

    fn read(text: &str) -> Object {
        Json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn records_that_v2_did_not_change_are_shown_as_they_were() {
        let legacy = read(
            r#"{"a": {"name": "a", "type": "esrgan", "md5": "kept"},
                "b": {"name": "b", "description": "old"}}"#,
        );
        let mut v2 = read(
            r#"{"a": {"name": "a", "metadata": {"created_at": 1}},
                "b": {"name": "b", "description": "old"}}"#,
        );
        assert!(view(Category::Esrgan, Some(&legacy), &v2).is_source);
        v2["b"].as_object_mut().unwrap()["description"] = "new".into();
        v2.insert("c".into(), read(r#"{"name": "c"}"#).into());
        v2.insert("d".into(), Json::Int(7));
        let view = view(Category::Esrgan, Some(&legacy), &v2);
        assert!(!view.is_source);
        assert_eq!(view.records["a"], legacy["a"]);
        assert_eq!(view.records["b"].get("description"), Some(&"new".into()));
        assert_eq!(view.records["c"].get("type"), Some(&"realesrgan".into()));
        assert_eq!(view.rejected.len(), 1);
    }

    #[test]
    fn a_licence_is_shown_where_the_legacy_format_has_a_place_for_it() {
        let mut licensed = read(r#"{"name": "a"}"#);
        let licensing = Licensing::unknown(None).write(Print::PLAIN);
        licensed.insert("licensing".into(), licensing.clone());
        let bare: Json = read(r#"{"name": "a"}"#).into();
        let licensed = Json::Object(licensed);
        assert!(same_in_legacy(Category::TextGeneration, &licensed, &bare));
        let legacy = read(r#"{"a": {"name": "a", "type": "esrgan"}}"#);
        let v2 = Object::from_iter([("a".to_owned(), licensed)]);
        let view = view(Category::Esrgan, Some(&legacy), &v2);
        assert!(!view.is_source);
        assert_eq!(view.records["a"].get("licensing"), Some(&licensing));
    }

    #[test]
    fn rows_that_v2_did_not_change_are_shown_as_they_were() {
        let table =
            Table::parse(b"name,parameters_bn,settings\nA,1,\"{\"\"odd\"\": [true]}\"\nB,2,\n");
        let table = table.unwrap();
        let mut v2 = super::super::table_to_v2(&table).records;
        let view = text_view(Some(&table), &v2);
        assert!(view.is_source);
        assert!(Json::Object(view.records).to_string().contains("[true]"));
        v2["B"].as_object_mut().unwrap()["nsfw"] = true.into();
        let view = text_view(Some(&table), &v2);
        assert!(!view.is_source);
        assert_eq!(view.records["koboldcpp/B"].get("nsfw"), Some(&true.into()));
    }
}
