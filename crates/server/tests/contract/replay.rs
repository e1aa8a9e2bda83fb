//! Running the files of one part of the contract, and telling what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use testkit::Response;

use crate::exchange::{Exchange, Step};
use crate::note::Answers;
use crate::ready::{Readiness, is_refused, readiness};
use crate::server::{Server, Setups};
use crate::value::shortened;
use crate::{compare, note, wanted};

/// Most of the time is spent waiting for servers to start and for slow stand-ins.
const SERVERS_AT_ONCE: usize = 4;

/// What came of a part.
#[derive(Debug, Default)]
pub struct Report {
    part: String,
    files: usize,
    passed: usize,
    steps: usize,
    not_yet: usize,
    /// One text for each file that failed.
    pub failures: Vec<String>,
}

impl Report {
    /// Runs `core` or `core-defects`.
    pub fn of(part: &str, contract: &Path) -> Result<Self> {
        let report = Mutex::new(Self { part: part.to_owned(), ..Self::default() });
        let setups = Setups::read(contract)?;
        let mut chosen = Vec::new();
        for file in Exchange::all(&contract.join(part))? {
            locked(&report).files += 1;
            match chosen_steps(&file) {
                Some(steps) => chosen.push((file, steps)),
                None => locked(&report).not_yet += 1,
            }
        }
        let groups = Mutex::new(by_server(chosen));
        std::thread::scope(|scope| {
            for _ in 0..SERVERS_AT_ONCE {
                scope.spawn(|| {
                    let next = || groups.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    while let Some(group) = next() {
                        run_group(&group, &setups, contract, &report);
                    }
                });
            }
        });
        let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.failures.sort();
        Ok(report)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, files, passed, steps, not_yet, .. } = self;
        write!(
            f,
            "{part}: passed {passed} of {files} files ({steps} steps), not yet served: {not_yet}"
        )
    }
}

/// A file and which of its steps are run.
type Chosen = (Exchange, Vec<usize>);

/// `None` if the file is not expected to pass yet. An explicit wish wins.
fn chosen_steps(file: &Exchange) -> Option<Vec<usize>> {
    let all = (0..file.steps.len()).collect();
    match std::env::var("HMR_CONTRACT") {
        Ok(wish) => file.name.contains(&wish).then_some(all),
        Err(_) => match readiness(file) {
            Readiness::Steps(steps) => Some(steps),
            Readiness::NotYet => None,
        },
    }
}

/// Files that may share a server together, every other alone.
fn by_server(files: Vec<Chosen>) -> Vec<Vec<Chosen>> {
    let mut groups: BTreeMap<String, Vec<Chosen>> = BTreeMap::new();
    for (file, steps) in files {
        let key = if file.shares_server {
            format!("{} {} {:?}", file.setup, file.dataset, file.settings)
        } else {
            file.name.clone()
        };
        groups.entry(key).or_default().push((file, steps));
    }
    groups.into_values().collect()
}

fn run_group(group: &[Chosen], setups: &Setups, contract: &Path, report: &Mutex<Report>) {
    let server = group.first().map(|(file, _)| setups.start(file));
    for (file, steps) in group {
        let failure = match &server {
            Some(Ok(server)) => run_file(file, steps, server, contract),
            Some(Err(error)) => Some(format!("{error:#}")),
            None => None,
        };
        let mut report = locked(report);
        match failure {
            None => {
                report.passed += 1;
                report.steps += steps.iter().filter(|step| !is_refused(file, **step)).count();
            }
            Some(text) => {
                let title = format!("== {}/{} (setup {})", report.part, file.name, file.setup);
                report.failures.push(format!("{title}\n{text}"));
            }
        }
    }
}

/// Everything that was not as it should be, readably.
fn run_file(file: &Exchange, steps: &[usize], server: &Server, contract: &Path) -> Option<String> {
    let mut answers = Answers::new();
    let mut failures = Vec::new();
    for &index in steps {
        let step = &file.steps[index];
        std::thread::sleep(Duration::from_secs_f64(step.wait_seconds));
        std::thread::sleep(note::pause_before(&file.name, index));
        let answer = match server.send(step) {
            Ok(answer) => answer,
            Err(error) => {
                failures.push(format!("step {index}: {error:#}\n{}", server.end_of_log()));
                break;
            }
        };
        answers.insert(index, answer.clone());
        if is_refused(file, index) {
            continue;
        }
        let differences = judge(file, index, &answers, server, contract);
        let differences = differences.unwrap_or_else(|error| vec![format!("{error:#}")]);
        if !differences.is_empty() {
            failures.push(describe(index, step, &answer, &differences, server));
        }
    }
    (!failures.is_empty()).then(|| failures.join("\n"))
}

fn judge(
    file: &Exchange,
    index: usize,
    answers: &Answers,
    server: &Server,
    contract: &Path,
) -> Result<Vec<String>> {
    let (step, answer, meaning) = (&file.steps[index], &answers[&index], server.meaning());
    let Some(wanted) = &step.wanted else {
        return Ok(match file.shows_a_fault {
            true => compare::compare_evidence(step, answer, &meaning),
            false => compare::compare(step, answer, &meaning),
        });
    };
    let mut differences = wanted::compare(wanted, answer, contract, &meaning)?;
    if wanted.get("note").is_some() {
        differences.extend(note::check(file, index, answers, contract, &meaning)?);
    }
    Ok(differences)
}

fn describe(
    index: usize,
    step: &Step,
    answer: &Response,
    differences: &[String],
    server: &Server,
) -> String {
    let request = &step.request;
    let mut text = format!("step {index}: {} {} ({})", request.method, request.target, step.mode);
    for difference in differences {
        text.push_str(&format!("\n  {difference}"));
    }
    text.push_str(&format!("\n  answer: {} {}", answer.status, shortened(&answer.text(), 400)));
    if answer.status >= 500 {
        text.push_str(&format!("\n  log:\n{}", server.end_of_log()));
    }
    text
}

fn locked(report: &Mutex<Report>) -> std::sync::MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
