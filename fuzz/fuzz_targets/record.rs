//! v2 records: what is accepted prints to JSON that is accepted again as the same record.
#![no_main]

use horde_model_reference::Json;
use horde_model_reference::record::{Options, Record};
use horde_model_reference::shape::{Issue, Print, Unknown};
use horde_model_reference_fuzz::category;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((category, text)) = category(input) else { return };
    let Ok(value) = Json::parse(text) else { return };
    for unknown in [Unknown::Drop, Unknown::Keep, Unknown::Reject] {
        let read = |value: &Json| Record::parse(category, value, Options::from(unknown));
        match read(&value) {
            Ok((record, warnings)) => {
                tells(&warnings);
                reads_back(&record, read);
            }
            Err(issues) => {
                assert!(!issues.is_empty(), "refused without a reason");
                tells(&issues);
            }
        }
    }
});

fn reads_back(record: &Record, read: impl Fn(&Json) -> Result<(Record, Vec<Issue>), Vec<Issue>>) {
    for print in [Print::PLAIN, Print::WITH_NULLS, Print::SPARSE] {
        let printed = Json::Object(record.to_json(print));
        let text = printed.to_string();
        let parsed = Json::parse(text.as_bytes()).unwrap();
        match read(&parsed) {
            Ok((again, _)) => assert_eq!(&again, record, "{print:?}: {text}"),
            Err(issues) => panic!("{print:?}: {text} is refused: {issues:?}"),
        }
    }
}

/// Issues are shown as text and as JSON.
fn tells(issues: &[Issue]) {
    for issue in issues {
        assert!(!issue.to_string().is_empty());
        assert!(Json::parse(issue.to_json().to_string().as_bytes()).is_ok());
    }
}
