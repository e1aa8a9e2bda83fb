//! One step of an import: the files of a category, or of a catalogue.

use std::path::{Path, PathBuf};

use crate::diff::Diff;
use crate::disk;
use crate::error::{Error, Result};
use crate::generation::Digest;
use crate::json::Json;
use crate::legacy::Rejected;
use crate::shrink::KEPT_GENERATIONS;

use super::Refusal;

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
    /// Stands for what was there when the plan was made; `None`: nothing that could be read.
    pub before: Option<Digest>,
}

impl Write {
    /// A plan says nothing about what somebody else has written since it was made.
    fn carry_out(&self) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            disk::make_folder(folder)?;
        }
        if disk::put(&self.path, &self.bytes, self.before, KEPT_GENERATIONS)? {
            return Ok(());
        }
        Err(Error::Unavailable {
            action: "replace",
            path: self.path.clone(),
            reason: "it was changed by somebody else since it was compared; import again"
                .to_owned(),
        })
    }
}

/// Stands for what a file holds now. To be asked before a plan reads the file itself, so that no change escapes.
pub(super) fn digest(path: &Path) -> Option<Digest> {
    std::fs::read(path).ok().map(|bytes| Digest::of(&bytes))
}

/// What is to be done about a category or a catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Where the data is from.
    pub origins: Vec<String>,
    /// What changes: records of v2, or members of the catalogue.
    pub diff: Diff,
    /// Records that are not valid.
    pub rejected: Vec<Rejected>,
    /// Why nothing is done.
    pub refusal: Option<Refusal>,
    /// What is written, in that order; nothing where nothing changes.
    pub writes: Vec<Write>,
}

impl Step {
    /// Whether nothing is to be done although something was given.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// One word for what is to be done.
    pub fn word(&self) -> &'static str {
        match (&self.refusal, self.writes.is_empty()) {
            (Some(_), _) => "refused",
            (None, true) => "unchanged",
            (None, false) => "changed",
        }
    }

    /// Writes the files, each in one step. After a failure the later files are as they were. A file
    /// that changed since the plan was made is such a failure.
    pub fn carry_out(&self) -> Result<()> {
        self.writes.iter().try_for_each(Write::carry_out)
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        let rejected: Vec<Json> = self.rejected.iter().map(rejected_to_json).collect();
        let path = |write: &Write| write.path.to_string_lossy().into_owned();
        let files: Vec<String> = self.writes.iter().map(path).collect();
        Json::from([
            ("name", self.name.as_str().into()),
            ("from", self.origins.clone().into()),
            ("outcome", self.word().into()),
            ("reason", self.refusal.as_ref().map(ToString::to_string).into()),
            ("diff", self.diff.to_json()),
            ("invalid", rejected.into()),
            ("files", files.into()),
        ])
    }
}

fn rejected_to_json(rejected: &Rejected) -> Json {
    let issues: Vec<String> = rejected.issues.iter().map(ToString::to_string).collect();
    Json::from([("name", rejected.name.as_str().into()), ("issues", issues.into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::files::layout::Layout;
    use crate::import::{Options, Plan, read};

    #[test]
    fn what_changed_since_the_plan_was_made_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::below(folder.path());
        let file = folder.path().join("esrgan.json");
        let plan = |description: &str| {
            let text = format!(
                r#"{{"a": {{"record_type": "esrgan", "name": "a", "description": "{description}"}}}}"#
            );
            let given = read(Path::new("esrgan.json"), "x".into(), text.into_bytes()).unwrap();
            let (plan, unusable) = Plan::new(&layout, vec![given], Options::default());
            assert_eq!((plan.steps.len(), unusable.len()), (1, 0));
            plan
        };
        let early = plan("early");
        plan("first").steps[0].carry_out().unwrap();
        let text = early.steps[0].carry_out().unwrap_err().to_string();
        assert!(
            text.ends_with("it was changed by somebody else since it was compared; import again")
        );
        let late = plan("late");
        std::fs::write(&file, "{}").unwrap();
        assert!(late.steps[0].carry_out().is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"{}");
        plan("last").steps[0].carry_out().unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().contains("last"));
    }
}
