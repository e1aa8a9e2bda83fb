//! What the members of a group of text models have in common, as the v1 text view shows it.
//!
//! Members are base models: the copies that backends serve are the same models again, and would
//! only multiply the numbers.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::json::{Json, Object};

use super::name::{backend_prefix, group_of, split_author};
use super::parts::NameParts;
use super::schema::NameSchema;

/// What the members of a group have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSummary {
    /// How many base models there are.
    pub member_count: usize,
    /// Their sizes, the smallest first.
    pub available_sizes: Vec<String>,
    /// Their quantisations, sorted.
    pub available_quants: Vec<String>,
    /// The baseline, if all that name one agree.
    pub common_baseline: Option<String>,
    /// Whether any of them shows what not everyone should see.
    pub any_nsfw: bool,
    /// Whether any of them is described.
    pub any_has_description: bool,
    /// All their tags, sorted.
    pub merged_tags: Vec<String>,
    /// How their names are composed.
    pub name_format: NameSchema,
}

impl GroupSummary {
    /// The summary of a group's members, given by key without backend prefix.
    pub fn of<'a>(members: &[(&'a str, &'a Json)]) -> Self {
        let parts: Vec<NameParts> =
            members.iter().map(|(name, _)| NameParts::parse(split_author(name).1)).collect();
        let mut sizes = distinct(parts.iter().filter_map(|parts| parts.size.clone()));
        sizes.sort_by(|a, b| size_order(a, b));
        let text = |member: &'static str| {
            members.iter().filter_map(move |(_, record)| record.get(member)?.as_str())
        };
        let baselines = distinct(text("baseline").filter(|baseline| !baseline.is_empty()));
        let tags = members.iter().filter_map(|(_, record)| record.get("tags")?.as_array());
        let is_nsfw = |record: &Json| record.get("nsfw").and_then(Json::as_bool) == Some(true);
        Self {
            member_count: members.len(),
            available_sizes: sizes,
            available_quants: distinct(parts.iter().filter_map(|parts| parts.quant.clone())),
            common_baseline: if let [baseline] = baselines.as_slice() {
                Some(baseline.to_string())
            } else {
                None
            },
            any_nsfw: members.iter().any(|(_, record)| is_nsfw(record)),
            any_has_description: text("description").any(|description| !description.is_empty()),
            merged_tags: distinct(tags.flatten().filter_map(|tag| Some(tag.as_str()?.to_owned()))),
            name_format: NameSchema::infer(members.iter().map(|(name, _)| *name)).with_author(),
        }
    }

    /// The summary as the v1 view shows it.
    pub fn to_json(&self) -> Object {
        let members: [(&str, Json); 8] = [
            ("member_count", Json::Int(i64::try_from(self.member_count).unwrap_or(i64::MAX))),
            ("available_sizes", self.available_sizes.clone().into()),
            ("available_quants", self.available_quants.clone().into()),
            ("common_baseline", self.common_baseline.clone().into()),
            ("any_nsfw", self.any_nsfw.into()),
            ("any_has_description", self.any_has_description.into()),
            ("merged_tags", self.merged_tags.clone().into()),
            ("name_format", self.name_format.to_json().into()),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The v1 text view with every entry's group and that group's summary.
pub fn with_groups(entries: &Object) -> Object {
    let mut groups: IndexMap<String, Vec<(&str, &Json)>> = IndexMap::new();
    for (name, record) in entries {
        let members = groups.entry(group_of(name)).or_default();
        if backend_prefix(name).is_none() {
            members.push((name.as_str(), record));
        }
    }
    let summaries: IndexMap<&str, Json> = groups
        .iter()
        .map(|(group, members)| (group.as_str(), GroupSummary::of(members).to_json().into()))
        .collect();
    let with_group = |(name, record): (&String, &Json)| {
        let mut record = record.as_object().cloned().unwrap_or_default();
        let group = group_of(name);
        let summary = summaries.get(group.as_str()).cloned();
        record.insert("text_model_group".into(), group.into());
        record.insert("text_model_group_summary".into(), summary.unwrap_or(Json::Null));
        (name.clone(), record.into())
    };
    entries.iter().map(with_group).collect()
}

/// Orders size labels by the number of parameters they stand for; unknown labels come last.
pub fn size_order(a: &str, b: &str) -> Ordering {
    match (parameters(a), parameters(b)) {
        (Some(first), Some(second)) => first.total_cmp(&second).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// `8X7B` is eight experts of seven billions.
fn parameters(label: &str) -> Option<f64> {
    let label = label.to_ascii_uppercase();
    let (experts, size) = match label.split_once('X') {
        Some((experts, size)) => (experts.parse::<f64>().ok()?, size),
        None => (1.0, label.as_str()),
    };
    let unit_at = size.find(['K', 'M', 'B', 'T'])?;
    let (whole, rest) = size.split_at(unit_at);
    let scale = match rest.chars().next()? {
        'K' => 1e3,
        'M' => 1e6,
        'B' => 1e9,
        _ => 1e12,
    };
    // `7B1` is 7.1 billions.
    let fraction = &rest[1..];
    let number = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    Some(experts * number.parse::<f64>().ok()? * scale)
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<T>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_sort_by_what_they_mean() {
        let mut sizes = ["70B", "odd", "8X7B", "560M", "13B", "7B1", "7B"];
        sizes.sort_by(|a, b| size_order(a, b));
        assert_eq!(sizes, ["560M", "7B", "7B1", "13B", "8X7B", "70B", "odd"]);
    }

    #[test]
    fn backend_copies_are_no_members() {
        let entries = Json::parse(
            br#"{"owl/Barn-7B": {"tags": ["b", "a"], "baseline": "x", "description": "d"},
                 "aphrodite/owl/Barn-7B": {}, "koboldcpp/Barn-7B": {}, "owl/Barn-70B": {"nsfw": true}}"#,
        )
        .unwrap();
        let entries = with_groups(entries.as_object().unwrap());
        for record in entries.values() {
            assert_eq!(record.get("text_model_group"), Some(&"Barn".into()));
            let summary = record.get("text_model_group_summary").unwrap();
            assert_eq!(summary.get("member_count"), Some(&Json::Int(2)));
            assert_eq!(summary.get("available_sizes"), Some(&vec!["7B", "70B"].into()));
            assert_eq!(summary.get("common_baseline"), Some(&"x".into()));
            assert_eq!(summary.get("any_nsfw"), Some(&true.into()));
            let format = summary.get("name_format").unwrap();
            assert_eq!(format.get("common_author"), Some(&"owl".into()));
        }
    }
}
