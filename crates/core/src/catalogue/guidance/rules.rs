//! What must be true of the whole catalogue after a change.

use std::collections::{HashMap, HashSet};

use super::change_set::IsModel;
use super::{Assignment, Guidance, ProfileKind};
use crate::catalogue::Refusal;
use crate::catalogue::case_folding::case_folded;
use crate::text::backend_prefix;

/// Checks profiles and assignments. What nobody touched is left alone if its model was deleted: that
/// must not stand in the way of other changes.
pub(super) fn check(
    guidance: &Guidance,
    touched: &HashSet<&str>,
    is_model: IsModel<'_>,
) -> Result<(), Refusal> {
    check_profiles(guidance)?;
    for (key, assignment) in guidance.assignments.iter() {
        let model = &assignment.model_name.0;
        if key != model {
            return Err(Refusal::AssignmentKey(key.clone()));
        }
        if backend_prefix(model).is_some() {
            return Err(Refusal::BackendModel(model.clone()));
        }
        match (is_model(model), touched.contains(model.as_str())) {
            (true, _) => check_assignment(guidance, assignment)?,
            (false, true) => return Err(Refusal::UnknownModel(model.clone())),
            (false, false) => {}
        }
    }
    Ok(())
}

fn check_profiles(guidance: &Guidance) -> Result<(), Refusal> {
    let mut owners: HashMap<String, &str> = HashMap::new();
    for (key, profile) in guidance.profiles.iter() {
        let id = &profile.common.profile_id.0;
        if key != id {
            return Err(Refusal::ProfileKey(key.clone()));
        }
        for alias in &profile.common.aliases {
            let owner = owners.insert(case_folded(alias), id);
            if owner.is_some_and(|owner| owner != id) {
                return Err(Refusal::AliasShared(alias.clone()));
            }
        }
    }
    Ok(())
}

fn check_assignment(guidance: &Guidance, assignment: &Assignment) -> Result<(), Refusal> {
    let is_active = |id: &str, kind: ProfileKind| {
        let profile = guidance.profile(id).map(|profile| &profile.common);
        profile.is_some_and(|profile| profile.kind == kind && !profile.deprecated)
    };
    if !is_active(&assignment.primary_profile_id, ProfileKind::PromptContract) {
        return Err(Refusal::NoContract(assignment.model_name.0.clone()));
    }
    let mut supplemental = assignment.supplemental_profile_ids.iter();
    match supplemental.find(|id| !is_active(id, ProfileKind::UsageRecipe)) {
        Some(id) => Err(Refusal::NoRecipe(id.clone())),
        None => Ok(()),
    }
}
