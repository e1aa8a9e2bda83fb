//! Answers other than success: the server's words, and what to do about them.

use std::fmt;

use horde_model_reference::Json;
use http::StatusCode;

use super::Answer;
use crate::Outcome;
use crate::terminal::shown;

/// Longest text of a server that is shown.
const LONGEST: usize = 2000;

/// Why a server did not do it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    words: String,
    retry_after: Option<u64>,
    advice: Option<String>,
}

/// Tells why a server refused; everything else stays as it is.
pub(crate) fn concluded(done: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    let refusal = match done.map_err(|error| error.downcast::<Refusal>()) {
        Ok(outcome) => return Ok(outcome),
        Err(Err(error)) => return Err(error),
        Err(Ok(refusal)) => refusal,
    };
    eprintln!("error: {refusal}");
    Ok(refusal.outcome())
}

impl Refusal {
    pub(super) fn of(answer: Answer) -> Self {
        let words = match answer.body.get("detail") {
            Some(detail) => words(detail),
            None => format!("{} answers {}", answer.from, answer.status),
        };
        let words = words.lines().map(|line| shown(line, LONGEST)).collect::<Vec<_>>().join("\n");
        let retry_after = answer.retry_after;
        Self { status: answer.status, words, retry_after, advice: None }
    }

    /// Whether the same would be refused for every other record as well.
    pub(crate) fn is_general(&self) -> bool {
        matches!(self.status.as_u16(), 401 | 403 | 429) || self.status.is_server_error()
    }

    /// The server's words alone.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// What this command advises, which knows more than the status says.
    pub(crate) fn advise(&mut self, advice: &str) {
        self.advice = Some(advice.to_owned());
    }

    /// A refusal is an answer; a server that cannot answer leaves it open.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.status.is_client_error() { Outcome::Not } else { Outcome::Unclear }
    }

    fn next(&self) -> Option<String> {
        if let Some(advice) = &self.advice {
            return Some(advice.clone());
        }
        let says = |part: &str| self.words.contains(part);
        let text = match self.status.as_u16() {
            401 if says("Not authenticated") => {
                "set HORDE_MODEL_REFERENCE_API_KEY to your AI-Horde key, or put it into a file and \
                 say --key-file FILE"
            }
            401 => {
                "the AI-Horde does not know this key, so look for a mistake in it; or the server \
                 names nobody who may do this"
            }
            403 => {
                "ask who runs the server for the role: \
                 HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS lists who may propose, and \
                 …__APPROVER_IDS who may decide"
            }
            404 if self.words == "Not Found" => {
                "there is no model reference at this address: check --server"
            }
            404 => "`queue list --all` shows which changes there are",
            400 if says("Change ") => {
                "nothing was done; `queue list --all` shows what became of the changes"
            }
            412 => "somebody changed it meanwhile: say it again to see the difference there is now",
            429 => return self.retry_after.map(|seconds| format!("try again in {seconds} s")),
            503 if says("canonical_format=") => {
                "this server's source of truth is the other format: say --format v1, or v2"
            }
            503 if says("REPLICA") => "ask the PRIMARY that this server copies",
            503 if says("queue is disabled") => {
                "changes are proposed at a server that keeps a queue"
            }
            503 => "try again; `status URL` tells how the server is",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)?;
        match self.next() {
            Some(next) => write!(formatter, "\nhint: {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// Details are a text, or a list of what is wrong where.
fn words(detail: &Json) -> String {
    match detail {
        Json::String(text) => text.clone(),
        Json::Array(issues) => issues.iter().map(issue).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

fn issue(issue: &Json) -> String {
    let message = issue.get("msg").and_then(Json::as_str).unwrap_or("is not as it should be");
    let steps = issue.get("loc").and_then(Json::as_array).unwrap_or_default();
    let steps = steps.iter().map(|step| step.as_str().map_or(step.to_string(), str::to_owned));
    let steps: Vec<String> = steps.filter(|step| step != "body").collect();
    if steps.is_empty() { message.to_owned() } else { format!("{}: {message}", steps.join(".")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::of(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Json::parse(body.as_bytes()).unwrap_or(Json::Null),
            tag: None,
            retry_after: Some(7),
            from: "http://host/api/x".into(),
        })
    }

    #[test]
    fn every_form_of_detail_is_told() {
        for (status, body, expected) in [
            (418, r#"{"detail": "No."}"#, "No."),
            (
                422,
                r#"{"detail": [{"loc": ["body", "a", 0], "msg": "bad"}, {"msg": "worse"}]}"#,
                "a.0: bad\nworse",
            ),
            (500, "<html>", "http://host/api/x answers 500 Internal Server Error"),
            (429, r#"{"detail": "Slow."}"#, "Slow.\nhint: try again in 7 s"),
            (418, "{\"detail\": \"\\u001b[2J\"}", "�[2J"),
        ] {
            assert_eq!(refusal(status, body).to_string(), expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_and_a_breakdown_is_none() {
        assert_eq!(refusal(403, "").outcome(), Outcome::Not);
        assert_eq!(refusal(503, "").outcome(), Outcome::Unclear);
    }
}
