//! Who is let in to what: the rules of the contract for each role.
//!
//! Where a role is named by lists of users and nobody is on them, nobody is looked up either: every
//! key is as good as an invalid one.

use std::sync::Arc;

use super::{Caller, Refusal, Role, User};
use crate::app::App;
use crate::error::ApiError;

/// A user who was let in.
type Admitted = Result<Arc<User>, ApiError>;

impl App {
    /// Whoever has a valid key.
    pub(crate) async fn reader(&self, caller: &Caller) -> Admitted {
        Ok(self.users.find(caller).await?)
    }

    /// Whoever may propose changes; approvers may, too.
    pub(crate) async fn requestor(&self, caller: &Caller) -> Admitted {
        let nobody = self.queue.refuses_everybody();
        self.admit(caller, nobody, Role::Requestor, |id| self.queue.is_requestor(id)).await
    }

    /// Whoever may decide about changes, and make them where they are not queued. The contract's
    /// reference lets everybody do the latter if nobody is an approver; here nobody may.
    pub(crate) async fn approver(&self, caller: &Caller) -> Admitted {
        let nobody = self.queue.approver_ids.as_slice().is_empty();
        self.admit(caller, nobody, Role::Approver, |id| self.queue.is_approver(id)).await
    }

    /// Whoever may change legacy records: by proposing it, or at once where nothing is queued.
    pub(crate) async fn legacy_writer(&self, caller: &Caller) -> Admitted {
        if self.has_queue() { self.requestor(caller).await } else { self.approver(caller).await }
    }

    /// Whoever may edit licence definitions and licensed assets.
    pub(crate) async fn license_editor(&self, caller: &Caller) -> Admitted {
        let nobody = self.licensing.editor_ids.as_slice().is_empty();
        self.admit(caller, nobody, Role::LicenseEditor, |id| self.licensing.is_editor(id)).await
    }

    async fn admit(
        &self,
        caller: &Caller,
        nobody: bool,
        role: Role,
        has_role: impl Fn(&str) -> bool,
    ) -> Admitted {
        if nobody {
            return Err(Refusal::InvalidKey.into());
        }
        let user = self.users.find(caller).await?;
        if has_role(&user.id) { Ok(user) } else { Err(ApiError::Forbidden(role)) }
    }
}
