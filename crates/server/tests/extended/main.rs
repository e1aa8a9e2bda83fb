//! The extended exchanges of the contract, replayed against the real executable: the queue, its
//! history, and what else is asked of more than one route.
//!
//! `HMR_CONTRACT=text` runs only the files whose name contains the text, served yet or not;
//! `HMR_SERVER=path` tries another executable than the one just built.

#![expect(clippy::disallowed_methods, reason = "which exchanges to run is said in the environment")]
#![expect(unreachable_pub, reason = "a test executable has no outside")]

mod compare;
mod exchange;
mod faults;
mod ready;
mod replay;
mod server;
#[path = "../contract/value.rs"]
mod value;
mod wanted;

use replay::Report;

#[test]
fn extended_exchanges() {
    let Some(shared) = testkit::shared() else { return };
    let report = Report::of(&shared.join("contract")).expect("the contract is readable");
    println!("{report}");
    assert!(report.failures.is_empty(), "{report}\n\n{}", report.failures.join("\n\n"));
}
