//! Running the files, and telling what came of it.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use testkit::{Request, Response, eventually};

use crate::exchange::{Exchange, Step};
use crate::ready::{Readiness, comparing, readiness, unknown};
use crate::server::Server;
use crate::value::{Rules, shortened};
use crate::{compare, wanted};

/// Most of the time is spent waiting for servers to start.
const SERVERS_AT_ONCE: usize = 4;

/// What comes true by itself takes no longer.
const SOON: Duration = Duration::from_secs(10);

/// What came of all files.
#[derive(Debug, Default)]
pub struct Report {
    files: usize,
    passed: usize,
    steps: usize,
    steps_passed: usize,
    not_yet: Vec<String>,
    /// One text for each file that failed.
    pub failures: Vec<String>,
}

impl Report {
    /// Runs the files of `extended`.
    pub fn of(contract: &Path) -> Result<Self> {
        let files = Exchange::all(&contract.join("extended"))?;
        let mut report = Self { files: files.len(), ..Self::default() };
        let unknown = [unknown(&files), wanted::unknown(&files)].concat();
        anyhow::ensure!(unknown.is_empty(), "listed, but no file: {unknown:?}");
        // Edits that miss their place are found whether the file is served or not.
        files.iter().try_for_each(|file| wanted::steps(file).map(drop))?;
        let mut chosen = Vec::new();
        for file in files {
            report.steps += comparing(&file.steps);
            match chosen_steps(&file) {
                Some(steps) => chosen.push((file, steps)),
                None => report.not_yet.push(file.name),
            }
        }
        let (report, chosen) = (Mutex::new(report), Mutex::new(chosen));
        std::thread::scope(|scope| {
            for _ in 0..SERVERS_AT_ONCE {
                scope.spawn(|| {
                    let next = || chosen.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    while let Some((file, steps)) = next() {
                        let failures = run_file(&file, &steps, contract);
                        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                        report.add(&file, &steps, failures);
                    }
                });
            }
        });
        let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.failures.sort();
        Ok(report)
    }

    fn add(&mut self, file: &Exchange, steps: &[usize], failures: Result<Vec<String>>) {
        let failures = failures.unwrap_or_else(|error| vec![format!("{error:#}")]);
        if failures.is_empty() {
            let run: Vec<_> = steps.iter().map(|step| file.steps[*step].clone()).collect();
            self.steps_passed += comparing(&run);
            self.passed += usize::from(steps.len() == file.steps.len());
            return;
        }
        let title = format!("== {} (setup {})", file.name, file.setup);
        self.failures.push(format!("{title}\n{}", failures.join("\n")));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, passed, steps, steps_passed, not_yet, .. } = self;
        write!(
            f,
            "extended: passed {passed} of {files} files ({steps_passed} of {steps} steps), \
             not yet served: {} ({})",
            not_yet.len(),
            not_yet.join(", ")
        )
    }
}

/// `None` if the file is not expected to pass yet. An explicit wish wins.
fn chosen_steps(file: &Exchange) -> Option<Vec<usize>> {
    let all = (0..file.steps.len()).collect();
    match std::env::var("HMR_CONTRACT") {
        Ok(wish) => file.name.contains(&wish).then_some(all),
        Err(_) => match readiness(file) {
            Readiness::Whole => Some(all),
            Readiness::Steps(steps) => Some(steps.to_vec()),
            Readiness::NotYet => None,
        },
    }
}

/// Everything that was not as it should be, readably.
fn run_file(file: &Exchange, chosen: &[usize], contract: &Path) -> Result<Vec<String>> {
    let steps = wanted::steps(file)?;
    let mut server = Server::start(file, contract)?;
    let null_equals_absent = wanted::NULL_EQUALS_ABSENT.contains(&file.name.as_str());
    let rules = Rules { null_equals_absent, ..Rules::default() };
    let mut failures = Vec::new();
    for &index in chosen {
        let soon = wanted::SOON.contains(&(file.name.as_str(), index));
        let run = if soon { run_until_true } else { run_step };
        match run(&steps[index], rules, &mut server) {
            Ok(None) => {}
            Ok(Some(failure)) => failures.push(format!("step {index}: {failure}")),
            Err(error) => {
                failures.push(format!("step {index}: {error:#}\n{}", server.end_of_log()));
                break;
            }
        }
    }
    Ok(failures)
}

/// The same again until it is as it should be.
fn run_until_true(step: &Step, rules: Rules, server: &mut Server) -> Result<Option<String>> {
    let run = || {
        run_step(step, rules, server).map_or_else(
            |error| Err(Err(error)),
            |failure| match failure {
                Some(failure) => Err(Ok(failure)),
                None => Ok(()),
            },
        )
    };
    match eventually(SOON, run) {
        Ok(()) => Ok(None),
        Err(Ok(failure)) => Ok(Some(failure)),
        Err(Err(error)) => Err(error),
    }
}

/// What was not as it should be; an error if there is no going on.
fn run_step(step: &Step, rules: Rules, server: &mut Server) -> Result<Option<String>> {
    match step {
        Step::Control(control) => server.control(*control).map(|()| None),
        Step::Exchange(request, recorded) => {
            let answer = server.send(request)?;
            let differences = compare::answer(recorded, &answer, rules, &server.meaning());
            Ok(described(request, &answer, &differences, server))
        }
        Step::Parallel(requests, recorded, compared) => {
            let answers = server.send_together(requests)?;
            let differences = compare::answers(recorded, &answers, *compared, &server.meaning());
            Ok((!differences.is_empty())
                .then(|| format!("together\n  {}", differences.join("\n  "))))
        }
        Step::Files(files) => {
            let mut differences = Vec::new();
            for (path, wanted) in files {
                let meaning = server.meaning();
                differences.extend(match server.file(path) {
                    Ok(content) => compare::file(path, wanted, &content, &meaning),
                    Err(error) => vec![format!("{error:#}")],
                });
            }
            Ok((!differences.is_empty()).then(|| format!("files\n  {}", differences.join("\n  "))))
        }
    }
}

fn described(
    request: &Request,
    answer: &Response,
    differences: &[String],
    server: &Server,
) -> Option<String> {
    if differences.is_empty() {
        return None;
    }
    let differences = differences.join("\n  ");
    let mut text = format!("{} {}\n  {differences}", request.method, request.target);
    text.push_str(&format!("\n  answer: {} {}", answer.status, shortened(&answer.text(), 400)));
    if answer.status >= 500 {
        text.push_str(&format!("\n  log:\n{}", server.end_of_log()));
    }
    Some(text)
}
