//! The records that somebody proposes: read from files, and named.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use horde_model_reference::Json;
use horde_model_reference::json::Object;

/// Larger files are no records.
const LARGEST: u64 = 64 << 20;

/// The records of a file, by name. A file is one record, or an object of records by their names; `-`
/// is standard input.
pub(super) fn of_file(file: &Path) -> anyhow::Result<Vec<(String, Object)>> {
    let place = if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
    read(file).and_then(|bytes| named(&bytes)).with_context(|| place)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match is_stdin(file) {
        true => std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)?,
        false => std::fs::File::open(file)?.take(LARGEST + 1).read_to_end(&mut bytes)?,
    };
    if read as u64 > LARGEST {
        bail!("it has more than {LARGEST} bytes");
    }
    Ok(bytes)
}

fn named(bytes: &[u8]) -> anyhow::Result<Vec<(String, Object)>> {
    let members = match Json::parse(bytes) {
        Ok(Json::Object(members)) => members,
        Ok(other) => bail!("expected a record, or records by name; found {}", other.kind()),
        Err(error) => bail!("not JSON: {error}"),
    };
    if let Some(Json::String(name)) = members.get("name") {
        return Ok(vec![(name.clone(), members)]);
    }
    let record = |(name, value): (String, Json)| match value {
        Json::Object(record) => Ok((name.clone(), under_name(name, record)?)),
        other => {
            bail!("{name:?} is no record ({}); and a record of its own has a `name`", other.kind())
        }
    };
    members.into_iter().map(record).collect()
}

/// The record with the name it stands under.
fn under_name(name: String, mut record: Object) -> anyhow::Result<Object> {
    match record.get("name") {
        Some(Json::String(own)) if *own == name => {}
        None | Some(Json::Null) => {
            record.insert("name".to_owned(), name.into());
        }
        Some(other) => bail!("the record under {name:?} is called {other}"),
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let records = named(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(records.into_iter().map(|(name, record)| format!("{name}={}", record["name"])).collect())
    }

    #[test]
    fn a_file_is_a_record_or_records_by_name() {
        assert_eq!(names(r#"{"name": "a", "x": {}}"#).unwrap(), ["a=\"a\""]);
        let several = r#"{"b/c": {"x": 1}, "name": {"name": "name"}}"#;
        assert_eq!(names(several).unwrap(), ["b/c=\"b/c\"", "name=\"name\""]);
        for (text, reason) in [
            ("[]", "found array"),
            ("{", "not JSON"),
            (r#"{"a": {"name": "b"}}"#, "the record under \"a\" is called \"b\""),
            (r#"{"a": 1}"#, "\"a\" is no record (int"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
