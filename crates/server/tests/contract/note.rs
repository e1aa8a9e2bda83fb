//! What the files about faults say in words, as checks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use horde_model_reference::json::Json;
use testkit::Response;

use crate::compare::json;
use crate::exchange::Exchange;
use crate::value::{Meaning, Rules, differences};

/// Answers by step, counted from 0.
pub type Answers = BTreeMap<usize, Response>;

/// The time that must pass before a step for a clock of whole seconds to move.
pub fn pause_before(file: &str, step: usize) -> Duration {
    let clock_must_move = (file, step) == ("d12-legacy-write-invisible-to-v2-change-detection", 1);
    Duration::from_millis(if clock_must_move { 1100 } else { 0 })
}

/// Checks the note of a step, given all answers so far by step. A note that no check is known for
/// is a difference too, so that none is forgotten.
pub fn check(
    file: &Exchange,
    step: usize,
    answers: &Answers,
    contract: &Path,
    meaning: &Meaning,
) -> Result<Vec<String>> {
    let answer = answers.get(&step).context("there is an answer")?;
    let short = file.name.split('-').next().unwrap_or_default();
    let fits = match (short, step) {
        ("d12", 4) => {
            let moment = |step| json(answers.get(&step)?).ok()?.get("last_updated")?.as_i64();
            moment(4) > moment(0)
        }
        ("d16", 4) => answers.get(&0).is_some_and(|first| first.body == answer.body),
        ("d17", 0) => allows(answer, &["GET", "POST"]),
        ("d17", 1) => allows(answer, &["GET", "PUT", "DELETE"]),
        ("d17", 2) => answer.body.is_empty(),
        ("d22", 0 | 1) => {
            return same_as_a_primary(&file.steps[step].request.target, answer, contract, meaning);
        }
        ("d30", 0) => groups_count_base_models(answer),
        ("d33", 0 | 1) => wildcard_has_no_credentials(file, step, answer),
        ("d43", 3) => is_slow_download(answer),
        _ => return Ok(vec![format!("no check is known for the note of step {step}")]),
    };
    let note = file.steps[step].wanted.as_ref().and_then(|wanted| wanted.get("note"));
    let unfulfilled = || format!("not so: {}", note.and_then(Json::as_str).unwrap_or_default());
    Ok(if fits { Vec::new() } else { vec![unfulfilled()] })
}

fn allows(answer: &Response, methods: &[&str]) -> bool {
    let listed: Vec<_> =
        answer.all("allow").flat_map(|value| value.split(',')).map(str::trim).collect();
    methods.iter().all(|method| listed.contains(method))
}

/// The body that the core exchanges recorded for the same target from a PRIMARY.
fn same_as_a_primary(
    target: &str,
    answer: &Response,
    contract: &Path,
    meaning: &Meaning,
) -> Result<Vec<String>> {
    let files = Exchange::all(&contract.join("core"))?;
    let primaries = files.iter().filter(|file| file.setup == "v2" && file.dataset == "dataset");
    let mut steps = primaries.filter(|file| file.only_reads()).flat_map(|file| &file.steps);
    let step = steps.find(|step| step.request.target == target && step.recorded.status == 200);
    let recorded = &step.context("no PRIMARY was asked for this")?.recorded;
    let parsed = recorded.body_text.as_ref().map(|text| Json::parse(text.as_bytes()));
    let recorded = parsed.transpose()?.or_else(|| recorded.body.clone()).context("no body")?;
    Ok(match json(answer) {
        Ok(body) => differences(&recorded, &body, "body ", Rules::default(), meaning),
        Err(problem) => vec![problem],
    })
}

fn groups_count_base_models(answer: &Response) -> bool {
    let Ok(body) = json(answer) else { return false };
    let mut records = body.as_object().into_iter().flatten();
    let fits = |(_, record): (&String, &Json)| {
        let summary = record.get("text_model_group_summary");
        let count = summary.and_then(|summary| summary.get("member_count")).and_then(Json::as_i64);
        let author = summary.and_then(|summary| summary.get("name_format")?.get("common_author"));
        match record.get("text_model_group").and_then(Json::as_str) {
            Some("Pebble") => count == Some(1),
            Some("Quartz") => {
                count == Some(2) && author.and_then(Json::as_str) == Some("ExampleOrg")
            }
            _ => true,
        }
    };
    body.as_object().is_some_and(|records| !records.is_empty()) && records.all(fits)
}

fn wildcard_has_no_credentials(file: &Exchange, step: usize, answer: &Response) -> bool {
    let sent = file.steps[step].request.headers.iter();
    let mut origins = sent.filter(|(name, _)| name.eq_ignore_ascii_case("origin"));
    let reflected = origins
        .any(|(_, origin)| answer.header("access-control-allow-origin") == Some(origin.as_str()));
    let wildcard = answer.header("access-control-allow-origin") == Some("*");
    let with_credentials = answer.header("access-control-allow-credentials").is_some();
    !(reflected || wildcard && with_credentials)
}

fn is_slow_download(answer: &Response) -> bool {
    let Ok(body) = json(answer) else { return false };
    let downloads = body.get("config").and_then(|config| config.get("download")?.as_array());
    let first = downloads.and_then(|downloads| downloads.first()?.get("known_slow_download"));
    first.and_then(Json::as_bool) == Some(true)
}
