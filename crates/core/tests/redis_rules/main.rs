//! Each rule about Redis is needed: a trial passes with it, and is failed without it.
//!
//! A rule is left out of a whole process, so this executable calls itself once for each trial with the
//! rule, and once without.

#[path = "../redis/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stage;
mod trials;

use std::process::{Command, ExitCode};

use horde_model_reference::disk::faults::{self, Plan, Rule};

/// What a promise that is not kept ends a process with; a panic ends it with another number.
const BROKEN: u8 = 3;

/// A trial by its name, and the rule it is about. It answers how the promise was broken.
type Trial = (&'static str, Rule, fn() -> Result<(), String>);

const TRIALS: [Trial; 6] = [
    ("a_foreign_copy", Rule::CopyProof, trials::a_foreign_copy),
    ("an_outdated_copy", Rule::CopyProof, trials::an_outdated_copy),
    ("a_late_announcement", Rule::RisingRecord, trials::a_late_announcement),
    ("a_late_copy", Rule::LateFill, trials::a_late_copy),
    ("a_loss_of_everything", Rule::Comparison, trials::a_loss_of_everything),
    ("a_gap", Rule::Gap, trials::a_gap),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["try", name, how] => try_one(name, how == "without"),
        _ if words.contains(&"--list") => {
            // Runners that start a process per test ask for the names first; none is ignored.
            if !words.contains(&"--ignored") {
                println!("redis_rules: test");
            }
            ExitCode::SUCCESS
        }
        _ => try_all(),
    }
}

fn try_one(name: &str, is_left_out: bool) -> ExitCode {
    let (_, rule, trial) = TRIALS.into_iter().find(|(known, ..)| *known == name).unwrap();
    faults::install(Plan { at: Vec::new(), left_out: is_left_out.then_some(rule) });
    match trial() {
        Ok(()) => ExitCode::SUCCESS,
        Err(how) => {
            println!("{how}");
            ExitCode::from(BROKEN)
        }
    }
}

fn try_all() -> ExitCode {
    let mut is_well = true;
    for (name, rule, _) in TRIALS {
        for (how, expected) in [("with", 0), ("without", i32::from(BROKEN))] {
            let mut this = Command::new(std::env::current_exe().unwrap());
            let ran = this.args(["try", name, how]).output().unwrap();
            let is_expected = ran.status.code() == Some(expected);
            let verdict = if is_expected { "ok" } else { "FAILED" };
            let said = String::from_utf8_lossy(&ran.stdout);
            println!("{name}, {how} the rule {rule:?} ... {verdict} {}", said.trim());
            if !is_expected {
                println!("{}: {}", ran.status, String::from_utf8_lossy(&ran.stderr));
            }
            is_well &= is_expected;
        }
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
