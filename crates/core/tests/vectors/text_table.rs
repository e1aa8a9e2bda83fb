//! The table of text models: to v2, to v1, written, published.

use horde_model_reference::json::{Json, Style};
use horde_model_reference::legacy::{
    Row, Table, normalise, publish, table_to_v1, table_to_v2, text_view,
};

use crate::shared::{Vector, document, file, run, run_where, same};

fn table(text: &str) -> Table {
    Table::parse(text.as_bytes()).unwrap()
}

fn member<'j>(records: &'j Json, record: &str, member: &str) -> &'j Json {
    records.get(record).and_then(|record| record.get(member)).unwrap_or(&Json::Null)
}

fn check_table(vector: &Vector) -> Result<(), String> {
    let table = table(vector.text("legacy_csv"));
    let converted = table_to_v2(&table);
    let (v1, v2) = (Json::Object(table_to_v1(&table)), Json::Object(converted.records));
    let rejected = converted.rejected.len();
    let names =
        |records: &Json| -> Vec<String> { records.as_object().unwrap().keys().cloned().collect() };
    match vector.name() {
        // The line is reported; the others are served.
        "parameter count NaN" => {
            assert_eq!((names(&v2), rejected), (vec!["Y".to_owned()], 1));
            assert_eq!(names(&v1), ["Y", "aphrodite/Y", "koboldcpp/Y"]);
        }
        // What a line does not reach is empty.
        "row shorter than the header, tags column missing" => {
            assert_eq!((names(&v2), rejected), (vec!["Acme/Foo-7B".to_owned()], 0));
            assert_eq!(member(&v1, "Acme/Foo-7B", "parameters"), &Json::Int(7_000_000_000));
        }
        // Digits are shifted, not multiplied in binary.
        "parameter count is cut, not rounded" => {
            let expected = [8_200_000_000, 2_300_000_000, 560_000_000, 4_350_000_000, 1];
            for (name, parameters) in ["A", "B", "C", "D", "E"].into_iter().zip(expected) {
                assert_eq!(member(&v1, name, "parameters"), &Json::Int(parameters));
                assert_eq!(member(&v2, name, "parameters"), &Json::Int(parameters));
            }
        }
        // The v1 view shows both columns where they say something.
        "nsfw and version columns" => {
            same(vector.get("v2"), Some(&v2))?;
            let shown = |name| (member(&v1, name, "nsfw"), member(&v1, name, "version"));
            assert_eq!(shown("X"), (&true.into(), &"2.0".into()));
            assert_eq!(shown("Y"), (&false.into(), &"1".into()));
            assert_eq!(shown("Z"), (&true.into(), &"3".into()));
        }
        // The mark is ignored.
        "byte order mark" => {
            assert_eq!(names(&v2), ["X"]);
            assert_eq!(names(&v1), ["X", "aphrodite/X", "koboldcpp/X"]);
        }
        _ => {
            same(vector.get("legacy"), Some(&v1))?;
            match vector.get("v2") {
                _ if vector.fails() => assert!(rejected > 0, "{}", vector.name()),
                expected => same(expected, Some(&v2))?,
            }
        }
    }
    if let Some(text) = vector.get("v2_text") {
        same(Some(text), Some(&(v2.to_text(Style::INDENT_4_ASCII) + "\n").into()))?;
    }
    if let Some(text) = vector.get("legacy_text") {
        same(Some(text), Some(&v1.to_text(Style::INDENT_2).into()))?;
    }
    Ok(())
}

#[test]
fn tables() {
    run("csv_to_v2_and_legacy", check_table);
}

#[test]
fn normal_form() {
    run("text_write_normalise", |vector| {
        let normal = normalise(vector.text("model_name"), vector.0["record"].as_object().unwrap());
        if vector.fails() {
            return normal.map_or(Ok(()), |_| Err("was accepted".into()));
        }
        let found = Json::Object(normal.map_err(|issues| format!("{issues:?}"))?);
        if vector.name() == "stale size tag stays" {
            // It goes.
            return same(Some(&vec!["8B", "chat"].into()), found.get("tags"));
        }
        same(vector.get("result"), Some(&found))
    });
}

/// What the table is after a few writes, where the reference keeps it whole.
fn check_written(vector: &Vector) -> Result<(), String> {
    let mut table = vector
        .get("csv_before")
        .map_or_else(Table::default, |csv| Table::parse(csv.as_str().unwrap().as_bytes()).unwrap());
    let before = table.clone();
    for step in vector.get("steps").unwrap().as_array().unwrap() {
        let name = step.get("model_name").unwrap().as_str().unwrap();
        let done = match step.get("record").and_then(Json::as_object) {
            Some(record) => normalise(name, record)
                .map(|record| table.put(&Row::from_normalised(name, &record)))
                .is_ok(),
            None => table.remove(name),
        };
        assert_eq!(Some(!done), step.get("fails").and_then(Json::as_bool), "{name}");
    }
    let expected = vector.text("csv_after").to_owned();
    let expected = match vector.name() {
        // D29: the columns appear when they are needed.
        "text: nsfw and version have no column" => {
            let with = |line: &str, cells: &str| format!("{line},{cells}\n");
            let mut lines = expected.lines();
            let mut next = || lines.next().unwrap();
            with(next(), "version,nsfw") + &with(next(), ",") + &with(next(), "2,true")
        }
        // They stay where they were.
        "text: rows that did not parse are lost on any write" => {
            let kept = "A/BadParam,abc,,,,,,,,,,,\nA/BadSet-1B,1,,,,,,,,{oops,,,\n";
            expected.replace("B/N-1B", &format!("{kept}B/N-1B"))
        }
        "text: parameter counts drift on rewrites" => expected.replace("8.199999997", "8.2"),
        // The last line of a name is the one that readers see.
        "text: repeated names, only the first row is updated" => {
            expected.replace("new", "first").replace("second", "new")
        }
        // A refused write leaves the table, its header included, as it was.
        "text: refused writes" => {
            assert_eq!(table, before);
            expected
        }
        _ => expected,
    };
    same(Some(&expected.into()), Some(&table.to_text().unwrap().into()))
}

#[test]
fn written_tables() {
    let is_text = |vector: &Vector| vector.text("category") == "text_generation";
    run_where("legacy_file_write", is_text, check_written);
}

#[test]
fn published() {
    run("text_publish", |vector| {
        let existing = vector.get("existing_csv").and_then(Json::as_str).unwrap_or_default();
        let records = vector.0["records"].as_object().unwrap();
        let published = publish(records, &table(existing)).map_err(|error| error.to_string())?;
        let db = Json::Object(published.db);
        match vector.name() {
            // 8.2 billions stay 8.2 billions.
            "number forms" => {
                assert_eq!(member(&db, "B", "parameters"), &Json::Int(8_200_000_000));
                assert_eq!(member(&db, "D", "parameters"), &Json::Int(12_200_000_000));
            }
            // It is published with what is known, as it is served.
            "no parameter count" => {
                assert_eq!(member(&db, "A", "parameters"), &Json::Null);
                assert!(published.csv.ends_with("\nA,,,,,,,,,\n"), "{}", published.csv);
                return Ok(());
            }
            _ => same(vector.get("db"), Some(&db))?,
        }
        same(vector.get("csv"), Some(&published.csv.into()))
    });
}

fn real_table() -> Option<Table> {
    Some(Table::parse(&file("data/legacy/models.csv")?).unwrap())
}

#[test]
fn real_table_to_both_formats() {
    let Some(table) = real_table() else { return };
    let converted = table_to_v2(&table);
    assert_eq!(converted.rejected, []);
    let v2 = Json::Object(converted.records).to_text(Style::INDENT_4_ASCII) + "\n";
    assert!(v2.as_bytes() == file("data/v2/text_generation.json").unwrap(), "v2 differs");
    let v1 = Json::Object(table_to_v1(&table)).to_text(Style::INDENT_2);
    assert!(v1.as_bytes() == file("data/v1/text_generation.json").unwrap(), "v1 differs");
    let written = table.to_text().unwrap();
    assert!(table == Table::parse(written.as_bytes()).unwrap(), "the table differs");
}

#[test]
fn real_text_view() {
    let (Some(table), Some(v2)) = (real_table(), document("data/v2/text_generation.json")) else {
        return;
    };
    let view = text_view(Some(&table), v2.as_object().unwrap());
    assert!(view.is_source);
    let v1 = Json::Object(view.records).to_text(Style::INDENT_2);
    assert!(v1.as_bytes() == file("data/v1/text_generation.json").unwrap(), "v1 differs");
    // Made from v2 alone, the view says the same of every model.
    let view = text_view(None, v2.as_object().unwrap());
    let v1 = Json::Object(view.records).to_text(Style::INDENT_2);
    assert!(v1.as_bytes() == file("data/v1/text_generation.json").unwrap(), "derived v1 differs");
}

/// The published files, made anew from what is published.
#[test]
fn real_publishing() {
    let Some(table) = real_table() else { return };
    let v1 = table_to_v1(&table);
    let published = publish(&v1, &table).unwrap();
    let db = Json::Object(published.db);
    let expected = file("data/legacy/db.json").unwrap();
    let found = db.to_text(Style::INDENT_4_ASCII) + "\n";
    assert!(found.as_bytes() == expected, "db.json differs");
    // And from v2 records alone, as the reference's tool does it.
    let v2 = document("data/v2/text_generation.json").unwrap();
    let published = publish(v2.as_object().unwrap(), &Table::default()).unwrap();
    let expected = file("data/v1-from-v2/models.csv").unwrap();
    assert!(published.csv.as_bytes() == expected, "models.csv differs");
    let found = Json::Object(published.db).to_text(Style::INDENT_4_ASCII) + "\n";
    assert!(found.as_bytes() == file("data/v1-from-v2/db.json").unwrap(), "db.json differs");
}
