//! The legacy format beside v2: which of the two a category's records come from.

use crate::json::Object;
use crate::view::Note;
use crate::{Category, Snapshot};

pub(super) fn derive_v2(_: Category, _: &Snapshot, v2: &Snapshot, _: &mut Vec<Note>) -> Object {
    v2.object().cloned().unwrap_or_default()
}
