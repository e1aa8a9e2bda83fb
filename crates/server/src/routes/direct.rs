//! Changes of legacy records that are made at once, because nothing is queued here.
//!
//! Whether the model is there, and is what the client expects, is decided where the change is made:
//! between looking and writing nobody else's change gets lost.

use horde_model_reference::change::{Operation, Precondition, WriteError, WriteOptions};
use horde_model_reference::generation::Generation;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Format};

use super::v2;
use crate::app::App;
use crate::auth::User;
use crate::conditions::Conditions;
use crate::error::{ApiError, unconvertible};
use crate::request_body::refused;

/// How often it is looked again because somebody changed another model of the category meanwhile.
const ATTEMPTS: usize = 8;

/// A change of one model.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) category: Category,
    pub(super) name: &'a str,
    pub(super) operation: Operation,
    pub(super) user: &'a User,
    pub(super) conditions: &'a Conditions,
    pub(super) route: &'static str,
}

/// Makes the change; `record` is what is stored, of all but deletions.
pub(super) async fn write(
    app: &App,
    write: Write<'_>,
    record: Option<Object>,
) -> Result<(), ApiError> {
    if !write.conditions.are_any() {
        let precondition = match write.operation {
            Operation::Create => Precondition::Absent,
            Operation::Update | Operation::Delete => Precondition::Present,
        };
        return match attempt(app, write, record, precondition).await {
            Err(WriteError::Conflict { .. } | WriteError::NotFound { .. }) => Err(write.mismatch()),
            made => made.map_err(|error| write.told(error)),
        };
    }
    for _ in 0..ATTEMPTS {
        let (expected, otherwise) = write.expected(app).await?;
        let precondition = Precondition::Generation(expected);
        match attempt(app, write, record.clone(), precondition).await {
            Err(WriteError::Conflict { generation, .. }) => match otherwise {
                Some(refused) => return Err(refused),
                // A wait: what the files have is not seen here yet.
                None => drop(app.reference.category_at_least(write.category, generation).await),
            },
            made => return made.map_err(|error| write.told(error)),
        }
    }
    Err(ApiError::Busy)
}

async fn attempt(
    app: &App,
    write: Write<'_>,
    record: Option<Object>,
    precondition: Precondition,
) -> Result<(), WriteError> {
    let Write { category, name, user, conditions, route, .. } = write;
    let Ok(primary) = app.primary() else { return Err(WriteError::Ended) };
    let request_id = conditions.request_by(user, route);
    let options = WriteOptions { request_id, ..WriteOptions::by(&user.id).only_if(precondition) };
    let made = match record {
        Some(record) => primary.update_legacy(category, name, record, options).await,
        None => primary.delete_legacy(category, name, options).await,
    };
    made.map(drop)
}

impl Write<'_> {
    /// The generation at which the model is what the client expects; and where it is not, the
    /// refusal beside a generation that is never there: a request that was answered before is
    /// answered again all the same.
    async fn expected(&self, app: &App) -> Result<(Generation, Option<ApiError>), ApiError> {
        let read = app.reference.category(self.category).await;
        let present = v2::model(&read.view, self.name);
        let is_wanted = self.operation != Operation::Create;
        let checked = self.conditions.check(present.as_ref());
        let checked = checked.and_then(|()| match present.is_some() == is_wanted {
            true => Ok(()),
            false => Err(self.mismatch()),
        });
        match checked {
            Ok(()) => Ok((read.view.generation(), None)),
            Err(refused) if self.conditions.request_on(self.route).is_some() => {
                Ok((Generation::MAX, Some(refused)))
            }
            Err(refused) => Err(refused),
        }
    }

    /// The model is there although it should not, or the other way round.
    fn mismatch(&self) -> ApiError {
        let name = self.name.to_owned();
        match self.operation {
            Operation::Create => ApiError::ModelExists(self.category, name),
            Operation::Update => ApiError::NothingToUpdate(self.category, name, Format::Legacy),
            Operation::Delete => ApiError::ModelNotFound(self.category, name),
        }
    }

    fn told(&self, error: WriteError) -> ApiError {
        let verb = self.operation.name();
        match error {
            WriteError::Invalid(issues) => refused(issues),
            // The record is one that v1 knows, but that v2 has no form for.
            WriteError::Unconvertible { category, .. } => {
                let reason = unconvertible(category);
                tracing::info!(%error, category = %self.category, "a record was refused");
                ApiError::WriteFailed { verb, reason }
            }
            WriteError::Name { .. } => ApiError::UnusableName(error.to_string()),
            other => ApiError::not_written(other, verb),
        }
    }
}
