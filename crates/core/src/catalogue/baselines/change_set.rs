//! Changes of the image baselines that are reviewed and applied together.

use std::collections::{HashMap, HashSet};

use super::{Baseline, Baselines};
use crate::catalogue::change_set::{Proposal, read_payload, stored_or};
use crate::catalogue::{RecordMetadata, Refusal, Stamp, States, Stored, Title};
use crate::change::WriteError;
use crate::json::{Json, Object};
use crate::queue::{Draft, ResourceKind};
use crate::shape::{NonEmpty, members, words};
use crate::{Category, Document};

members! {
    /// Changes that are reviewed and applied together.
    pub struct BaselineChangeSet(reject) rule(broken_rule) {
        /// What it is about.
        title: Title => required,
        /// The changes, made one after the other.
        changes: Vec<BaselineChange> => absent,
    }
}

members! {
    /// A change of one baseline.
    pub struct BaselineChange(reject) {
        /// What is done to it.
        operation: BaselineOperation => required,
        /// Its name.
        name: NonEmpty => required,
        /// What it becomes.
        record: Option<Baseline> => absent,
        /// What it was when the change was thought of.
        expected_before: Option<Baseline> => absent,
    }
}

words! {
    /// What is done to a baseline.
    pub enum BaselineOperation as "literal_error" {
        /// It is created or replaced.
        Upsert = "upsert",
        /// It goes.
        Delete = "delete",
    }
}

/// What image models say in their member `baseline`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaselinesInUse(HashSet<String>);

impl BaselinesInUse {
    /// What these records say: stored image models, and those that are proposed.
    pub fn by<'r>(records: impl IntoIterator<Item = &'r Object>) -> Self {
        let named = |record: &'r Object| record.get("baseline").and_then(Json::as_str);
        Self(records.into_iter().filter_map(named).map(str::to_owned).collect())
    }

    /// Whether anybody names it, by any of its names.
    fn names(&self, baseline: &Baseline) -> bool {
        self.0.contains(&*baseline.name)
            || baseline.alternative_names.iter().any(|name| self.0.contains(name))
    }
}

impl BaselineChangeSet {
    fn broken_rule(&self) -> Option<String> {
        self.changes.is_empty().then(|| "a change set has at least one change".into())
    }

    /// The set as the queue keeps it: every member is written out.
    pub fn payload(&self) -> Object {
        self.to_json().as_object().cloned().unwrap_or_default()
    }

    /// The baselines that it changes, in the order of the changes.
    pub fn names(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.name.0.clone()).collect()
    }

    /// What is proposed to the queue, under an id that names the set.
    pub fn draft(&self, id: &str) -> Draft {
        let proposal = Proposal {
            kind: ResourceKind::Baseline,
            category: Category::ImageGeneration,
            label: "baseline",
            route: "submit_image_baseline_change_set",
            affected: "affected_baselines",
            names: self.names(),
            title: &self.title,
            payload: self.payload(),
        };
        proposal.draft(id)
    }

    /// The catalogue with the changes in it, not yet counted as a revision.
    pub fn changed(
        &self,
        catalogue: &Baselines,
        in_use: &BaselinesInUse,
        stamp: Stamp<'_>,
    ) -> Result<Baselines, Refusal> {
        let mut changed = catalogue.clone();
        for change in &self.changes {
            change.make(&mut changed, in_use, stamp)?;
        }
        check_alternatives(&changed)?;
        Ok(changed)
    }

    /// The next revision of the catalogue; the present one if all that is wanted is there already.
    pub fn apply(
        &self,
        catalogue: &Baselines,
        in_use: &BaselinesInUse,
        stamp: Stamp<'_>,
    ) -> Result<Baselines, Refusal> {
        if self.is_in_place(catalogue) {
            return Ok(catalogue.clone());
        }
        let mut changed = self.changed(catalogue, in_use, stamp)?;
        changed.metadata = changed.metadata.written(stamp.at);
        Ok(changed)
    }

    /// What a diff compares: the whole catalogues; if the set does not fit any more, what it expected
    /// and what it wants.
    pub fn states(&self, catalogue: &Baselines, in_use: &BaselinesInUse, at: i64) -> States {
        match self.changed(catalogue, in_use, Stamp { editor: None, at }) {
            Ok(changed) => States { current: catalogue.to_json(), proposed: changed.to_json() },
            Err(_) => self.own_states(),
        }
    }

    fn own_states(&self) -> States {
        let (mut expected, mut wanted) = (Object::new(), Object::new());
        for change in self.changes.iter().rev() {
            let name = || change.name.0.clone();
            if let Some(before) = &change.expected_before {
                expected.insert(name(), before.to_json());
            }
            if let (BaselineOperation::Upsert, Some(record)) = (change.operation, &change.record) {
                wanted.entry(name()).or_insert_with(|| record.to_json());
            }
        }
        let state = |baselines: Object| Json::from([("baselines", Json::Object(baselines))]);
        States { current: state(expected), proposed: state(wanted) }
    }

    /// Whether the catalogue is as the last change of each baseline wants it.
    fn is_in_place(&self, catalogue: &Baselines) -> bool {
        let last: HashMap<&str, &BaselineChange> =
            self.changes.iter().map(|change| (&*change.name, change)).collect();
        last.into_iter().all(|(name, change)| {
            let present = catalogue.get(name);
            match (change.operation, &change.record) {
                (BaselineOperation::Delete, _) => present.is_none(),
                (BaselineOperation::Upsert, Some(record)) => present.is_some_and(|present| {
                    let metadata = present.metadata.clone();
                    *present == Baseline { metadata, ..record.clone() }
                }),
                (BaselineOperation::Upsert, None) => false,
            }
        })
    }
}

impl BaselineChange {
    fn make(
        &self,
        catalogue: &mut Baselines,
        in_use: &BaselinesInUse,
        stamp: Stamp<'_>,
    ) -> Result<(), Refusal> {
        let name = &self.name.0;
        let present = catalogue.get(name);
        if present != self.expected_before.as_ref() {
            return Err(Refusal::BaselineChanged(name.clone()));
        }
        if self.operation == BaselineOperation::Delete {
            let present = present.ok_or_else(|| Refusal::BaselineMissing(name.clone()))?;
            if in_use.names(present) {
                return Err(Refusal::BaselineInUse(name.clone()));
            }
            catalogue.baselines.shift_remove(name);
            return Ok(());
        }
        let record = self.record.as_ref().filter(|record| record.name == self.name);
        let record = record.ok_or_else(|| Refusal::BaselineWithoutRecord(name.clone()))?;
        let metadata = RecordMetadata::reviewed(present.map(|present| &present.metadata), stamp);
        catalogue.baselines.insert(name.clone(), Baseline { metadata, ..record.clone() });
        Ok(())
    }
}

/// No name may stand for two baselines.
fn check_alternatives(catalogue: &Baselines) -> Result<(), Refusal> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for (name, baseline) in catalogue.baselines.iter() {
        for alternative in baseline.alternative_names.iter().filter(|other| *other != name) {
            if catalogue.get(alternative).is_some() {
                return Err(Refusal::AlternativeIsName(alternative.clone()));
            }
            let owner = owners.insert(alternative, name);
            if owner.is_some_and(|owner| owner != name) {
                return Err(Refusal::AlternativeShared(alternative.clone()));
            }
        }
    }
    Ok(())
}

/// The next content of the catalogue's document, from its present one and a change set of the queue.
pub fn apply_change_set(
    stored: &Json,
    payload: &Object,
    in_use: &BaselinesInUse,
    stamp: Stamp<'_>,
) -> Result<Json, WriteError> {
    let set: BaselineChangeSet = read_payload(payload)?;
    let catalogue = stored_or(stored, Document::Baselines, Baselines::packaged)?;
    let next = set.apply(&catalogue, in_use, stamp)?;
    // What is there already stays as it is written.
    Ok(if next == catalogue && !stored.is_null() { stored.clone() } else { next.to_json() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Issue;

    const STAMP: Stamp<'_> = Stamp { editor: Some("7"), at: 50 };

    fn parse(text: &str) -> Result<BaselineChangeSet, Vec<Issue>> {
        BaselineChangeSet::parse(&Json::parse(text.as_bytes()).unwrap())
    }

    fn set(changes: &str) -> BaselineChangeSet {
        parse(&format!(r#"{{"title":"t","changes":[{changes}]}}"#)).unwrap()
    }

    fn upsert(name: &str, more: &str) -> String {
        format!(r#"{{"operation":"upsert","name":"{name}","record":{{"name":"{name}"{more}}}}}"#)
    }

    /// A change of a packaged baseline, expected as it is.
    fn of_packaged(operation: &str, name: &str, more: &str) -> String {
        let before = Baselines::packaged().get(name).unwrap().to_json().to_string();
        format!(r#"{{"operation":"{operation}","name":"{name}","expected_before":{before}{more}}}"#)
    }

    fn nobody() -> BaselinesInUse {
        BaselinesInUse::default()
    }

    fn refusal(changes: &str) -> String {
        let changed = set(changes).changed(&Baselines::packaged(), &nobody(), STAMP);
        changed.map(|_| String::new()).unwrap_or_else(|refusal| refusal.to_string())
    }

    #[test]
    fn bodies_are_checked_with_the_place_of_what_is_wrong() {
        let told = |text: &str| -> Vec<String> {
            let issues = parse(text).unwrap_err();
            issues
                .iter()
                .map(|issue| {
                    let place: Vec<String> = issue.loc.iter().map(ToString::to_string).collect();
                    format!("{} {}", issue.kind, place.join("."))
                })
                .collect()
        };
        assert_eq!(told(r#"{"title":"x","changes":[]}"#), ["value_error "]);
        assert_eq!(told(r#"{"title":"x"}"#), ["value_error "]);
        assert_eq!(told(r#"{"title":"","changes":[]}"#), ["string_too_short title"]);
        let long = format!(r#"{{"title":"{}"}}"#, "é".repeat(161));
        assert_eq!(told(&long), ["string_too_long title"]);
        assert!(
            parse(&format!(r#"{{"title":"{}","changes":[{}]}}"#, "é".repeat(160), upsert("a", "")))
                .is_ok()
        );
        assert_eq!(
            told(r#"{"title":"x","changes":[{"operation":"rename","name":""}],"more":1}"#),
            [
                "literal_error changes.0.operation",
                "string_too_short changes.0.name",
                "extra_forbidden more"
            ]
        );
    }

    #[test]
    fn a_payload_has_every_member_and_reads_back_equal() {
        let one = set(&upsert("a", r#","native_resolution":"64""#));
        let text = Json::Object(one.payload()).to_string();
        assert!(text.starts_with(r#"{"title":"t","changes":[{"operation":"upsert","name":"a","#));
        assert!(text.contains(r#""native_resolution":64,"alternative_names":[]"#), "{text}");
        assert!(text.ends_with(r#""updated_by":null}},"expected_before":null}]}"#), "{text}");
        assert_eq!(read_payload::<BaselineChangeSet>(&one.payload()), Ok(one.clone()));
        let draft = one.draft("5-6");
        assert_eq!(draft.model_name, "baseline:5-6");
        assert_eq!(draft.related_models, Some(one.names()));
        assert_eq!(
            Json::Object(draft.request_metadata).to_string(),
            r#"{"route":"submit_image_baseline_change_set","title":"t","affected_baselines":["a"]}"#
        );
    }

    #[test]
    fn each_rule_has_its_words() {
        for (changes, words) in [
            (upsert("infer", ""), "Baseline 'infer' changed after review."),
            (
                r#"{"operation":"delete","name":"nope"}"#.into(),
                "Cannot delete missing baseline 'nope'.",
            ),
            (
                r#"{"operation":"upsert","name":"a"}"#.into(),
                "Cannot upsert baseline 'a' without a matching record.",
            ),
            (
                r#"{"operation":"upsert","name":"a","record":{"name":"b"}}"#.into(),
                "Cannot upsert baseline 'a' without a matching record.",
            ),
            (
                upsert("a", r#","alternative_names":["a","flux_dev"]"#),
                "Baseline alternative name 'flux_dev' names another baseline.",
            ),
            (
                upsert("a", r#","alternative_names":["SDXL"]"#),
                "Baseline alternative name 'SDXL' is shared by two baselines.",
            ),
            (upsert("a", r#","alternative_names":["a","x","x"]"#), ""),
            (of_packaged("delete", "anima", ""), ""),
        ] {
            assert_eq!(refusal(&changes), words, "{changes}");
        }
    }

    #[test]
    fn a_baseline_that_models_name_stays() {
        let delete = set(&of_packaged("delete", "stable_diffusion_xl", ""));
        for (named, stays) in [("stable_diffusion_xl", true), ("SDXL", true), ("infer", false)] {
            let record = Object::from_iter([("baseline".to_owned(), named.into())]);
            let in_use = BaselinesInUse::by([&record]);
            let changed = delete.changed(&Baselines::packaged(), &in_use, STAMP);
            let in_use = Refusal::BaselineInUse("stable_diffusion_xl".into());
            assert_eq!(changed.err(), stays.then_some(in_use), "{named}");
        }
    }

    #[test]
    fn applying_counts_and_tells_who_and_when() {
        let packaged = Baselines::packaged();
        let changes = [
            of_packaged(
                "upsert",
                "infer",
                r#","record":{"name":"infer","metadata":{"revision":9}}"#,
            ),
            upsert("new", ""),
        ];
        let applied = set(&changes.join(",")).apply(&packaged, &nobody(), STAMP).unwrap();
        assert_eq!((applied.metadata.revision.0, applied.metadata.updated_at), (2, Some(50)));
        let history = |name: &str| applied.get(name).unwrap().metadata.clone();
        let by = || Some("7".to_owned());
        let (created_at, updated_at) = (Some(50), Some(50));
        let first = RecordMetadata {
            created_at,
            created_by: by(),
            updated_at,
            updated_by: by(),
            ..RecordMetadata::default()
        };
        assert_eq!(history("new"), first);
        assert_eq!(history("infer").revision.0, 2);
        assert_eq!(applied.baselines.get_index_of("infer"), Some(0));
        assert_eq!(applied.baselines.get_index_of("new"), Some(13));
        // Somebody else's set that expects what was there before does not fit any more.
        let again = set(&upsert("new", r#","native_resolution":3"#));
        let refused = again.apply(&applied, &nobody(), STAMP);
        assert_eq!(refused, Err(Refusal::BaselineChanged("new".into())));
    }

    #[test]
    fn what_is_there_already_is_not_touched() {
        let set = set(&upsert("new", ""));
        let once = apply_change_set(&Json::Null, &set.payload(), &nobody(), STAMP).unwrap();
        let later = Stamp { editor: Some("8"), at: 60 };
        assert_eq!(apply_change_set(&once, &set.payload(), &nobody(), later), Ok(once));
    }

    #[test]
    fn a_diff_shows_whole_catalogues_or_what_a_stale_set_says() {
        let packaged = Baselines::packaged();
        let set = set(&of_packaged("upsert", "infer", r#","record":{"name":"infer"}"#));
        let States { current, proposed } = set.states(&packaged, &nobody(), 5);
        assert_eq!(current, packaged.to_json());
        let of_new = proposed.get("baselines").and_then(|all| all.get("infer")).unwrap();
        let metadata = of_new.get("metadata").unwrap().to_string();
        assert_eq!(
            metadata,
            r#"{"revision":2,"created_at":5,"created_by":null,"updated_at":5,"updated_by":null}"#
        );
        assert_eq!(proposed.get("metadata"), current.get("metadata"));
        let applied = set.apply(&packaged, &nobody(), STAMP).unwrap();
        let States { current, proposed } = set.states(&applied, &nobody(), 5);
        let name =
            |state: &Json| state.get("baselines")?.get("infer")?.get("display_name").cloned();
        assert_eq!(name(&current), Some("Inferred".into()));
        assert_eq!(name(&proposed), Some(Json::Null));
    }
}
