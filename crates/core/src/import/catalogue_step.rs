//! The step of a catalogue: checked strictly, then taken as it is.

use crate::Error;
use crate::backend::Backend;
use crate::backend::files::Files;
use crate::check::catalogue_problems;
use crate::diff::Diff;
use crate::json::{Object, Style};

use super::step::digest;
use super::{Content, Incoming, Refusal, Step, Write};

/// Catalogues are written with two blanks and escaped.
const STYLE: Style = Style::INDENT_2_ASCII;

pub(super) fn plan(files: &Files, incoming: Incoming) -> Option<Step> {
    let Content::Catalogue(document, value) = incoming.content else { return None };
    let mut step = Step {
        name: document.to_string(),
        origins: vec![incoming.origin],
        diff: Diff::default(),
        rejected: Vec::new(),
        refusal: None,
        writes: Vec::new(),
    };
    let problems = catalogue_problems(document, &value);
    if !problems.is_empty() {
        let reasons: Vec<String> = problems.iter().map(ToString::to_string).collect();
        step.refusal = Some(Refusal::InvalidCatalogue(reasons.join("; ")));
        return Some(step);
    }
    let path = files.layout().path(document);
    let digest_before = digest(&path);
    let before = match files.load(document) {
        Ok(loaded) => loaded.snapshot.object().cloned(),
        Err(Error::Corrupt { .. }) => None,
        Err(error) => {
            step.refusal = Some(Refusal::Unreadable(error.to_string()));
            return Some(step);
        }
    };
    let (old, empty) = (before.unwrap_or_default(), Object::new());
    step.diff = Diff::between(&old, value.as_object().unwrap_or(&empty));
    if !step.diff.is_empty() {
        let bytes = (value.to_text(STYLE) + "\n").into_bytes();
        step.writes.push(Write { path, bytes, before: digest_before });
    }
    Some(step)
}
