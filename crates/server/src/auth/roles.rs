//! What a user may do here.

use horde_model_reference::settings::{Licensing, Queue};

use super::User;

/// What users may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Propose changes.
    Requestor,
    /// Decide about proposed changes, and propose.
    Approver,
    /// Edit licence definitions and licensed assets.
    LicenseEditor,
}

/// The roles of one user, by the lists of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// May decide about proposed changes.
    pub approver: bool,
    /// May edit licences and licensed assets; a list of its own.
    pub license_editor: bool,
    /// May propose changes; approvers may, too.
    pub requestor: bool,
}

impl Roles {
    /// The roles of `user`.
    pub fn of(user: &User, queue: &Queue, licensing: &Licensing) -> Self {
        Self {
            approver: queue.is_approver(&user.id),
            license_editor: licensing.is_editor(&user.id),
            requestor: queue.is_requestor(&user.id),
        }
    }

    /// The names of those the user has, sorted.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (self.approver, "approver"),
            (self.license_editor, "license_editor"),
            (self.requestor, "requestor"),
        ];
        all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approvers_may_propose_but_not_edit_licences() {
        let words = |words: &str| words.split(',').collect();
        let queue =
            Queue { requestor_ids: words("1"), approver_ids: words("2"), ..Queue::default() };
        let licensing = Licensing { editor_ids: words("2,3"), ..Licensing::default() };
        let roles = |id: &str| {
            let user = User { id: id.into(), name: format!("a#{id}") };
            Roles::of(&user, &queue, &licensing).names().join(" ")
        };
        assert_eq!(roles("1"), "requestor");
        assert_eq!(roles("2"), "approver license_editor requestor");
        assert_eq!(roles("3"), "license_editor");
        assert_eq!(roles("4") + &roles(""), "");
    }
}
