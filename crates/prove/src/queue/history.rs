//! What the clients write down: one line for each attempt of a call, when it has ended.
//!
//! Whoever repeats a call that was not answered repeats its key, so attempts of one key ask for one
//! thing.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// A change of a record. Its description is `mark`, which no other proposal has.
    Propose {
        /// `create`, `update` or `delete`.
        operation: String,
        /// Name of the category.
        category: String,
        /// Name of the record.
        model: String,
        /// Empty for a `delete`.
        mark: String,
    },
    /// A decision. No other decision has this title.
    Decide {
        /// The batch's.
        title: String,
        /// Changes to approve.
        approved: Vec<i64>,
        /// Changes to reject.
        rejected: Vec<i64>,
    },
    /// Applying one change.
    Apply {
        /// The change.
        id: i64,
        /// Nobody else names this job.
        job: Option<String>,
    },
    /// Applying several changes in this order.
    Bulk {
        /// The changes.
        ids: Vec<i64>,
        /// Nobody else names this job.
        job: Option<String>,
    },
    /// Applying what is left of a batch.
    Batch {
        /// The batch.
        batch: i64,
        /// Nobody else names this job.
        job: Option<String>,
    },
    /// Removing changes.
    Purge {
        /// With one of these; any without.
        statuses: Vec<String>,
        /// Whose name contains this.
        model: String,
    },
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came_of_it", rename_all = "snake_case")]
pub enum Answer {
    /// An answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its body; null if that is no JSON.
        body: Value,
    },
    /// None: what was asked may have been done or not.
    Nothing {
        /// In words.
        reason: String,
    },
}

/// One attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the client.
    pub client: usize,
    /// Number of the server it was sent to.
    pub server: usize,
    /// The same for all attempts of one call.
    pub key: String,
    /// When it was sent, on [`crate::clock::now`].
    pub begun: u64,
    /// When it was over.
    pub ended: u64,
    /// What was asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// What came of it.
    #[serde(flatten)]
    pub answer: Answer,
}

impl Attempt {
    /// The body, if the status is one of success.
    pub fn success(&self) -> Option<&Value> {
        match &self.answer {
            Answer::Answered { status: 200..300, body } => Some(body),
            _ => None,
        }
    }

    /// The body, whatever the status.
    pub fn body(&self) -> Option<&Value> {
        match &self.answer {
            Answer::Answered { body, .. } => Some(body),
            Answer::Nothing { .. } => None,
        }
    }

    /// What the answer says is wrong, if it does.
    pub fn detail(&self) -> &str {
        self.body().and_then(|body| body.get("detail")?.as_str()).unwrap_or_default()
    }

    /// Whether what was asked may have been done although nobody said so. A server that is too busy
    /// says nothing of what was done.
    pub fn is_unknown(&self) -> bool {
        match &self.answer {
            Answer::Answered { status: 500.., .. } => !self.was_refused_by_the_store(),
            Answer::Answered { .. } => false,
            Answer::Nothing { .. } => true,
        }
    }

    /// Whether an apply was refused because of the record: then the change is approved as before.
    pub fn was_refused_by_the_store(&self) -> bool {
        let body = self.body();
        let failed = body.and_then(|body| body.get("failed_error")?.as_str()).unwrap_or_default();
        [self.detail(), failed].iter().any(|text| text.contains("not found in category"))
    }

    /// The changes that the answer says are applied, with their entries.
    pub fn applied(&self) -> Vec<&Value> {
        let Some(body) = self.body() else { return Vec::new() };
        let record = body.get("record").filter(|_| self.success().is_some());
        let list = body.get("applied").and_then(Value::as_array);
        record.into_iter().chain(list.into_iter().flatten()).collect()
    }
}

/// Where attempts are written to.
#[derive(Debug)]
pub struct Recorder(Mutex<File>);

impl Recorder {
    /// A new file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::options().create_new(true).append(true).open(path);
        Ok(Self(Mutex::new(file.with_context(|| path.display().to_string())?)))
    }

    /// Adds one.
    pub fn note(&self, attempt: &Attempt) -> Result<()> {
        let mut line = serde_json::to_vec(attempt)?;
        line.push(b'\n');
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)?)
    }
}

/// Every attempt of a file.
pub fn read(path: &Path) -> Result<Vec<Attempt>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let lines = BufReader::new(file).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attempt(answer: Answer) -> Attempt {
        let ask = Ask::Apply { id: 3, job: None };
        Attempt { client: 1, server: 0, key: "k".into(), begun: 1, ended: 2, ask, answer }
    }

    fn answered(status: u16, body: Value) -> Attempt {
        attempt(Answer::Answered { status, body })
    }

    #[test]
    fn what_is_written_is_read() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("calls.jsonl");
        let recorder = Recorder::create(&path)?;
        let both = [
            answered(200, json!({"record": {"change_id": 3}})),
            attempt(Answer::Nothing { reason: "cut off".into() }),
        ];
        both.iter().try_for_each(|attempt| recorder.note(attempt))?;
        assert_eq!(read(&path)?, both);
        Ok(())
    }

    #[test]
    fn only_an_answer_is_certain() {
        let detail = |status, text: &str| answered(status, json!({"detail": text}));
        assert!(!answered(200, Value::Null).is_unknown());
        assert!(!detail(400, "Change 3 is not approved (status=applied).").is_unknown());
        assert!(!detail(503, "'Model m not found in category clip'").is_unknown());
        assert!(detail(503, "busy").is_unknown());
        assert!(attempt(Answer::Nothing { reason: String::new() }).is_unknown());
        let partly = answered(400, json!({"applied": [{"change_id": 3}], "failed_change_id": 4}));
        assert_eq!(partly.applied().len(), 1);
    }
}
