//! The recorded exchanges of the contract, replayed against the real executable.
//!
//! `HMR_CONTRACT=text` runs only the files whose name contains the text, served yet or not;
//! `HMR_SERVER=path` tries another executable than the one just built.

#![expect(clippy::disallowed_methods, reason = "which exchanges to run is said in the environment")]
#![expect(unreachable_pub, reason = "a test executable has no outside")]

mod compare;
mod exchange;
mod note;
mod ready;
mod replay;
mod server;
mod value;
mod wanted;

use replay::Report;

#[test]
fn core_exchanges() {
    run("core");
}

#[test]
fn faults_of_the_reference_are_not_copied() {
    run("core-defects");
}

fn run(part: &str) {
    let Some(shared) = testkit::shared() else { return };
    let report = Report::of(part, &shared.join("contract")).expect("the contract is readable");
    println!("{report}");
    assert!(report.failures.is_empty(), "{report}\n\n{}", report.failures.join("\n\n"));
}
