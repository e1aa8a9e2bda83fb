//! Names of text models, one a line: parts are taken out and nothing is added, backends and authors
//! do not change the group, sizes have an order, and a group's summary counts its base models.
#![no_main]

use std::cmp::Ordering;

use horde_model_reference::Json;
use horde_model_reference::json::Object;
use horde_model_reference::text::{
    BACKEND_PREFIXES, GroupSummary, NameParts, NameSchema, backend_prefix, display_name, group_of,
    related_names, short_name, size_order, split_author, variants, with_groups,
    without_backend_prefix,
};
use libfuzzer_sys::fuzz_target;

/// Everything is compared with everything, so more of them only take time.
const MOST_NAMES: usize = 4;
const SEPARATORS: [char; 4] = ['-', '_', '.', ' '];

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let names: Vec<&str> = text.lines().take(MOST_NAMES).collect();
    for name in &names {
        parts(name);
        group(name);
        has_variants(name);
        shown(name);
    }
    groups(&names);
    sizes(&names);
});

/// Taking a name apart only ever removes characters.
fn parts(name: &str) {
    let parts = NameParts::parse(name);
    assert!(is_within(&parts.base, name));
    assert_eq!(parts.base.is_empty(), name.is_empty());
    let is_bare = !parts.base.starts_with(SEPARATORS) && !parts.base.ends_with(SEPARATORS);
    assert!(is_bare || parts.base == name, "{:?}", parts.base);
    let capitals = name.to_uppercase();
    for part in [&parts.size, &parts.quant].into_iter().flatten() {
        assert!(!part.is_empty() && is_within(part, &capitals), "{part:?}");
    }
    let extras = parts.extras.iter().map(|extra| &extra.value);
    for part in [&parts.variant, &parts.version].into_iter().flatten().chain(extras) {
        assert!(!part.is_empty() && is_within(part, name), "{part:?}");
    }
    let separators = name.matches(SEPARATORS).count();
    assert!(parts.extras.iter().all(|extra| extra.position <= separators));
}

/// Whether `part` is what is left of `whole` when some characters are removed.
fn is_within(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|wanted| rest.any(|character| character == wanted))
}

fn group(name: &str) {
    let group = group_of(name);
    if backend_prefix(name).is_none() {
        for prefix in BACKEND_PREFIXES {
            let served = format!("{prefix}{name}");
            assert_eq!(backend_prefix(&served), Some(prefix));
            assert_eq!(without_backend_prefix(&served), name);
            assert_eq!(group_of(&served), group);
        }
        assert_eq!(NameParts::parse(split_author(name).1).base, group);
    }
    if !name.contains('/') {
        assert_eq!(group_of(&format!("owl/{name}")), group);
        assert_eq!(NameParts::parse(name).base, group);
    }
}

fn has_variants(name: &str) {
    let variants = variants(name);
    assert_eq!(variants[0], name);
    assert!((2..=3).contains(&variants.len()));
    assert!(variants.iter().enumerate().all(|(n, variant)| !variants[..n].contains(variant)));
    assert_eq!(related_names(name), variants[1..]);
    // With more slashes a backend's name drops more than the author.
    if backend_prefix(name).is_none() && name.matches('/').count() <= 1 {
        assert!(variants.iter().all(|variant| group_of(variant) == group_of(name)));
    }
    assert!(name.contains(short_name(name)));
}

fn shown(name: &str) {
    let shown = display_name(name);
    assert!(!shown.contains(['-', '_']) && !shown.contains("  "));
    assert_eq!(display_name(&shown), shown);
}

fn groups(names: &[&str]) {
    let _ = NameSchema::infer(names.iter().copied()).with_author().to_json();
    let entry = |name: &&str| (String::from(*name), Json::Object(Object::new()));
    let entries: Object = names.iter().map(entry).collect();
    let grouped = with_groups(&entries);
    assert!(grouped.keys().eq(entries.keys()));
    for (name, record) in &grouped {
        let group = group_of(name);
        assert_eq!(record.get("text_model_group").and_then(Json::as_str), Some(group.as_str()));
        let is_member =
            |other: &&String| backend_prefix(other).is_none() && group_of(other) == group;
        let members: Vec<(&str, &Json)> = entries
            .iter()
            .filter(|(name, _)| is_member(name))
            .map(|(name, record)| (name.as_str(), record))
            .collect();
        let summary = GroupSummary::of(&members);
        assert_eq!(summary.member_count, members.len());
        assert_eq!(record.get("text_model_group_summary"), Some(&summary.to_json().into()));
    }
}

/// The order of sizes is one: sorting would panic or be unstable otherwise.
fn sizes(labels: &[&str]) {
    for a in labels {
        for b in labels {
            let order = size_order(a, b);
            assert_eq!(order.reverse(), size_order(b, a));
            assert_eq!(order == Ordering::Equal, a == b);
            for c in labels {
                if order.is_le() && size_order(b, c).is_le() {
                    assert!(size_order(a, c).is_le(), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}
